"""The address of somebody in Slack: the run's own thread if they see it there, else their DM."""

import asyncio

import pytest

from channels import Address, ChannelUnavailable, Contact
from tests.channels.slack.outgoing import a_sender, contact, direct
from tests.fakes.slack.driver import Person, Workspace


async def test_who_is_in_the_slack_channel_of_a_thread_shares_the_card_there(
    slack: Workspace, anna: Person, bo: Person, ops: str
) -> None:
    thread = f"{ops}/{(await anna.says('#ops', 'deploy')).ts}"

    found = await a_sender(slack, bo).address(contact(bo), thread)

    assert found == Address(channel="slack", person="bo", to=ops, thread=thread, is_shared=True)
    assert await slack.violations() == []


async def test_a_thread_that_does_not_exist_yet_is_shared_too(slack: Workspace, bo: Person, ops: str) -> None:
    found = await a_sender(slack, bo).address(contact(bo), f"{ops}/~s0r-abc")

    assert found
    assert found.is_shared


async def test_a_private_channel_is_like_any_other_for_its_members(slack: Workspace, anna: Person, bo: Person) -> None:
    secret = await slack.channel("secret", anna, slack.bot, private=True)
    sender = a_sender(slack, anna, bo)

    inside, outside = [await sender.address(contact(each), f"{secret}/1.000001") for each in (anna, bo)]

    assert inside
    assert inside.to == secret
    assert outside == direct(bo)


async def test_who_is_not_in_the_slack_channel_has_a_dm(slack: Workspace, anna: Person, bo: Person) -> None:
    quiet = await slack.channel("quiet", anna, slack.bot)

    assert await a_sender(slack, bo).address(contact(bo), f"{quiet}/1.000001") == direct(bo)


@pytest.mark.parametrize("how", ["we are not in it", "it is archived", "it does not exist"])
async def test_where_nothing_can_be_shown_everybody_has_a_dm(slack: Workspace, bo: Person, how: str) -> None:
    away = await slack.channel("away", bo, archived=True) if "archived" in how else await slack.channel("away", bo)
    if "archived" in how:
        await slack.tell("member", channel="away", user=slack.bot, is_in=True)
    channel = "C0NOWHERE" if "exist" in how else away

    assert await a_sender(slack, bo).address(contact(bo), f"{channel}/1.000001") == direct(bo)


async def test_a_thread_in_their_own_dm_is_theirs_alone(slack: Workspace, bo: Person) -> None:
    thread = f"{bo.dm}/{(await bo.says('@sayso', 'deploy')).ts}"

    assert await a_sender(slack, bo).address(contact(bo), thread) == direct(bo, thread)


async def test_a_thread_in_the_dm_of_somebody_else_is_nobody_elses(slack: Workspace, anna: Person, bo: Person) -> None:
    thread = f"{anna.dm}/{(await anna.says('@sayso', 'deploy')).ts}"

    assert await a_sender(slack, bo).address(contact(bo), thread) == direct(bo)


@pytest.mark.parametrize("thread", ["", "s0r-abc", "<abc@mail.example>", "C0OPS", "C0OPS/", "C0OPS/now", "c0ops/1.0"])
async def test_a_thread_from_elsewhere_leads_to_the_dm_without_a_call(
    slack: Workspace, bo: Person, thread: str
) -> None:
    assert await a_sender(slack, bo).address(contact(bo), thread) == direct(bo)
    assert await slack.calls("conversations.members") == []


async def test_who_has_no_slack_id_is_not_reached(slack: Workspace) -> None:
    nobody = Contact(id="cy", name="Cy")

    assert await a_sender(slack).address(nobody, "") is None


async def test_while_slack_is_away_nothing_is_guessed(slack: Workspace, bo: Person, ops: str) -> None:
    await slack.tell("network", down=True)

    with pytest.raises(ChannelUnavailable):
        await a_sender(slack, bo).address(contact(bo), f"{ops}/1.000001")


@pytest.mark.parametrize("how", ["they left", "they were deactivated", "we were removed", "it was archived"])
async def test_who_asks_anew_hears_what_has_changed_since(slack: Workspace, bo: Person, ops: str, how: str) -> None:
    sender, thread = a_sender(slack, bo), f"{ops}/1.000001"
    before = await sender.address(contact(bo), thread, anew=True)
    match how:
        case "they left":
            await bo.leaves("#ops")
        case "they were deactivated":
            await slack.person("bo", deleted=True)
        case "we were removed":
            await slack.tell("member", channel="ops", user=slack.bot, is_in=False)
        case _:
            await slack.channel("ops", archived=True)

    drawn, asked = [await sender.address(contact(bo), thread, anew=anew) for anew in (False, True)]

    assert (drawn, asked) == (before, direct(bo))


async def test_many_who_ask_anew_at_once_share_a_question(slack: Workspace, bo: Person, ops: str) -> None:
    sender, thread = a_sender(slack, bo), f"{ops}/1.000001"

    found = await asyncio.gather(*(sender.address(contact(bo), thread, anew=True) for _ in range(50)))

    assert found == [found[0]] * 50
    assert len(await slack.calls("conversations.members")) <= 2
    assert len(await slack.calls("conversations.info")) <= 2
