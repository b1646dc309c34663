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


async def test_a_private_channel_is_like_any_other_for_its_members_alone(
    slack: Workspace, anna: Person, bo: Person, ops: str
) -> None:
    secret = await slack.channel("secret", anna, slack.bot, private=True)
    sender = a_sender(slack, anna, bo)

    inside, outside = [await sender.address(contact(each), f"{secret}/1.000001") for each in (anna, bo)]
    unborn = await sender.address(contact(bo), f"{ops}/~s0r-abc")

    assert inside
    assert inside.to == secret
    assert outside == direct(bo)
    assert unborn
    assert unborn.is_shared, "so is a thread that does not exist yet"


async def test_where_nothing_can_be_shown_everybody_has_a_dm(slack: Workspace, bo: Person) -> None:
    away = await slack.channel("away", bo)
    archived = await slack.channel("old", bo, archived=True)
    await slack.tell("member", channel="old", user=slack.bot, is_in=True)

    for channel in (away, archived, "C0NOWHERE"):
        assert await a_sender(slack, bo).address(contact(bo), f"{channel}/1.000001") == direct(bo)


async def test_a_thread_in_a_dm_is_its_owners_alone(slack: Workspace, anna: Person, bo: Person) -> None:
    own, others = [f"{each.dm}/{(await each.says('@sayso', 'deploy')).ts}" for each in (bo, anna)]

    assert await a_sender(slack, bo).address(contact(bo), own) == direct(bo, own)
    assert await a_sender(slack, bo).address(contact(bo), others) == direct(bo)


async def test_a_thread_from_elsewhere_leads_to_the_dm_without_a_call(slack: Workspace, bo: Person) -> None:
    for thread in ("", "s0r-abc", "<abc@mail.example>", "C0OPS", "C0OPS/", "C0OPS/now", "c0ops/1.0"):
        assert await a_sender(slack, bo).address(contact(bo), thread) == direct(bo)
    assert await slack.calls("conversations.members") == []


async def test_who_has_no_slack_id_is_not_reached(slack: Workspace) -> None:
    nobody = Contact(id="cy", name="Cy")

    assert await a_sender(slack).address(nobody, "") is None


async def test_while_slack_is_away_nothing_is_guessed(slack: Workspace, bo: Person, ops: str) -> None:
    await slack.tell("network", down=True)

    with pytest.raises(ChannelUnavailable):
        await a_sender(slack, bo).address(contact(bo), f"{ops}/1.000001")


@pytest.mark.parametrize("how", ["they were deactivated", "it was archived"])
async def test_who_asks_anew_hears_what_has_changed_since(slack: Workspace, bo: Person, ops: str, how: str) -> None:
    sender, thread = a_sender(slack, bo), f"{ops}/1.000001"
    before = await sender.address(contact(bo), thread, anew=True)
    match how:
        case "they were deactivated":
            await slack.person("bo", deleted=True)
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
