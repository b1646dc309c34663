"""Look-ups of people in Slack, as often as need be and not more."""

import asyncio

import pytest

from channels import ChannelUnavailable
from channels.slack.api import Refused, Unauthorized
from channels.slack.members import Members, Remembered
from tests.channels.slack.outgoing import Clock, paced
from tests.fakes.slack.driver import Person, Workspace
from tests.kit.waiting import patience, until


@pytest.fixture
def clock(slack: Workspace) -> Clock:
    return Clock(slack)


@pytest.fixture
def members(slack: Workspace, clock: Clock) -> Members:
    return Members(paced(slack, clock), clock.passing)


async def test_we_know_our_workspace_our_bot_our_app_and_what_it_may(slack: Workspace, members: Members) -> None:
    us = await members.ourselves()

    assert (us.team, us.bot_user, us.bot_id, us.app) == ("T0TEAM", "U0BOT", "B0BOT", "A0APP")
    assert {"chat:write", "im:write"} <= us.scopes
    assert await slack.violations() == []


async def test_a_token_that_slack_does_not_take_is_told_and_nobody_is_refused_by_that_word(
    slack: Workspace, members: Members
) -> None:
    with pytest.raises(Refused) as refused:
        await members.who("U0NOBODY")
    assert refused.value.error == "user_not_found"

    await slack.settings(revoked=True)
    with pytest.raises(Unauthorized, match="taken back"):
        await members.ourselves()


async def test_a_member_a_guest_a_bot_and_one_who_left_are_told_apart(slack: Workspace, members: Members) -> None:
    anna = await slack.person("anna")
    guest = await slack.person("gus", guest=True)
    single = await slack.person("sid", single_channel_guest=True)
    gone = await slack.person("eve", deleted=True)
    other = await slack.person("ola", team="T0OTHER")
    bot = await slack.person("robo", bot=True)

    found = {person.name: await members.who(person.id) for person in (anna, guest, single, gone, other, bot)}

    assert [name for name, who in found.items() if who.is_guest] == ["gus", "sid"]
    assert [name for name, who in found.items() if who.is_deleted] == ["eve"]
    assert [name for name, who in found.items() if who.is_bot] == ["robo"]
    assert [name for name, who in found.items() if who.team != "T0TEAM"] == ["ola"]
    assert (found["anna"].real_name, found["anna"].email) == ("Anna", "anna@corp.example")
    assert await slack.violations() == []


async def test_many_questions_at_once_are_one_call_and_a_change_is_seen_soon(
    slack: Workspace, members: Members, clock: Clock, anna: Person
) -> None:
    await asyncio.gather(*(members.who(anna.id) for _ in range(20)))
    await slack.person("anna", deleted=True)

    assert not (await members.who(anna.id)).is_deleted
    assert len(await slack.calls("users.info")) == 1

    await clock.moves(6)
    await slack.breaks("users.info", "http_500")
    with pytest.raises(ChannelUnavailable):
        await members.who(anna.id)
    assert (await members.who(anna.id)).is_deleted, "an error is not remembered"
    assert len(await slack.calls("users.info")) == 3


@pytest.mark.long
async def test_all_are_inside_however_many_pages_they_take(slack: Workspace, members: Members) -> None:
    many = [await slack.person(f"p{number}", id=f"U0{number:04d}") for number in range(1_001)]
    channel = await slack.channel("all", *many, slack.bot)

    inside = await members.inside(channel)

    assert len(inside) == 1_002
    assert many[-1].id in inside
    assert len(await slack.calls("conversations.members")) == 2


async def test_attack_a_list_that_never_ends_is_given_up(slack: Workspace, members: Members, ops: str) -> None:
    await slack.breaks("conversations.members", "no_end", times=1_000_000)

    async with patience():
        with pytest.raises(ChannelUnavailable, match="no end"):
            await members.inside(ops)


async def test_who_joins_is_inside_at_once_when_told_to_ask_again(slack: Workspace, members: Members, ops: str) -> None:
    assert "U0CY" not in await members.inside(ops)
    cy = await slack.person("cy", id="U0CY")
    await cy.joins("#ops")
    assert cy.id not in await members.inside(ops)

    members.forget(ops)

    assert cy.id in await members.inside(ops)


@pytest.mark.parametrize("anew", [False, True])
async def test_attack_while_slack_hangs_each_card_waits_for_each_before_it_and_fills_a_worker(*, anew: bool) -> None:
    remembered, asked, waiting, ends = Remembered[str](lambda: 0.0, 60.0), list[str](), list[int](), asyncio.Event()

    async def hangs() -> str:
        asked.append("C0OPS")
        await ends.wait()
        raise ChannelUnavailable("Slack does not answer", "It is tried again")

    async def waits(card: int) -> str:
        waiting.append(card)
        return await remembered.get("C0OPS", hangs, anew=anew)

    cards = asyncio.gather(*map(waits, range(20)), return_exceptions=True)
    await until(lambda: len(waiting) == 20, what="all cards wait")
    ends.set()
    found = await cards
    together = len(asked)
    with pytest.raises(ChannelUnavailable):
        await remembered.get("C0OPS", hangs, anew=anew)

    assert {type(one) for one in found} == {ChannelUnavailable}
    assert (together, len(asked)) == (1, 2), "whoever comes later asks again"
