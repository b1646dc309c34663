"""Nobody answers: people are reminded on the card that they hold, others are asked as well, and then it expires."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.events import RequestReassigned, RequestReminded
from bot.policy.judgements import ClosedOtherwise
from bot.policy.record import RequestRecord, records
from bot.queries.rebuild import rebuild
from channels import Card
from channels.email.local.letters import Letter
from tests.fakes.slack.driver import Workspace
from tests.fakes.wall import Wall
from tests.kit.office import TOML
from tests.kit.slack_world import a_slack_world
from tests.kit.world import World, a_world

_WHEN = 'remind_after = ["30m", "2h"]\nescalate_after = "1h"\nescalate_to = ["person:dan"]\n'
HURRY = TOML.replace("[policies.production]\n", f"[policies.production]\n{_WHEN}").replace(
    "[policies.pair]\n", f"[policies.pair]\n{_WHEN}"
)
MINUTE = 60.0


@pytest.fixture
async def hurried(redis: str, tmp_path: Path) -> AsyncIterator[World]:
    """A sayso that reminds after half an hour and after two, and escalates to Dan after one; by mail."""
    async with a_world(redis, tmp_path / "data", HURRY) as world:
        yield world


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
async def office(redis: str, tmp_path: Path, wall: Wall) -> AsyncIterator[World]:
    """The same where cards can be changed."""

    def change(world: World) -> None:
        world.beside, world.reach = (wall,), ("slack", "email")

    async with a_world(redis, tmp_path / "data", HURRY, change=change) as world:
        yield world


async def asked(world: World) -> RequestRecord:
    record = await world.opened(await world.trigger("press bell"))
    await world.quiet()
    return record


async def after(world: World, minutes: float) -> None:
    """So many minutes later, once all that is due has been done."""
    await world.move_time(minutes * MINUTE)
    await world.quiet()


async def facts(world: World, record: RequestRecord) -> list[RequestReminded | RequestReassigned]:
    return [
        event
        for event in await world.events(record.request.run_id)
        if isinstance(event, RequestReminded | RequestReassigned)
    ]


def cards_of(world: World, person: str) -> list[Letter]:
    return [mail for mail in world.mails(person) if "Press bell" in mail.text]


async def test_a_reminder_by_mail_brings_the_same_card_once_more_and_both_can_be_answered(hurried: World) -> None:
    record = await asked(hurried)
    first = await hurried.next_mail("bo")

    await after(hurried, 31)
    again = await hurried.next_mail("bo", about="Reminder: nobody has decided this yet")
    await hurried.reply("bo", again, "approve")

    assert again.reply_to != first.reply_to
    assert again.references == first.references
    assert record.request.digest in again.text
    assert await hurried.summary(record.request.run_id) == "done: ok: press bell: done"


async def test_the_card_from_before_the_reminder_works_as_well(hurried: World) -> None:
    record = await asked(hurried)
    first = await hurried.next_mail("bo")
    await after(hurried, 31)
    await hurried.next_mail("bo", about="Reminder")

    await hurried.reply("bo", first, "approve")

    assert await hurried.summary(record.request.run_id) == "done: ok: press bell: done"


async def test_when_nobody_answers_others_are_asked_as_well_and_their_approval_counts(hurried: World) -> None:
    record = await asked(hurried)
    assert cards_of(hurried, "dan") == []

    await after(hurried, 31)
    await after(hurried, 30)
    card = await hurried.next_mail("dan", about="Press bell")
    await hurried.reply("dan", card, "approve")

    assert await hurried.summary(record.request.run_id) == "done: ok: press bell: done"
    stands = await hurried.request(record.request.id)
    assert stands.decision
    assert stands.decision.by == ("dan",)
    assert (stands.request.policy.quorum, stands.request.digest) == (1, record.request.digest)
    [reminded, escalated] = await facts(hurried, record)
    assert (reminded.type, escalated.type) == ("request_reminded", "request_reassigned")
    assert isinstance(escalated, RequestReassigned)
    assert (escalated.why, escalated.to) == ("escalated", ("dan",))


async def test_one_message_in_the_thread_of_a_card_calls_those_who_share_it_and_have_not_answered(
    office: World, wall: Wall
) -> None:
    office.workshop.policy_of["bell"] = "pair"
    record = await asked(office)
    before = len(wall.pinned)

    await office.decide("bo", record, "approve", channel="slack")
    await after(office, 31)

    [(to, card)] = list(wall.pinned.values())[before:]
    assert (card.title, card.mentions, card.form) == ("Reminder: Press bell?", ("cy",), None)
    assert to.thread
    shown = asks(wall, "cy")
    assert shown.form
    assert [line.text.split(",")[0] for line in shown.decides if line.label == "Reminded"] == ["Cy Cole"]


@pytest.mark.long
async def test_in_slack_a_reminder_stands_below_the_card_that_is_there_and_is_no_second_one(
    redis: str, tmp_path: Path, slack_address: str
) -> None:
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, HURRY) as room:
        await room.world.start()
        await slack.connected()
        await room.anna.says("#ops", "@sayso press bell")
        card = await room.card("#ops", "Approve")
        await room.world.quiet()

        await room.world.move_time(31 * MINUTE)
        reminder = await room.says(card, "Reminder: Press bell?")
        await room.becomes(card, "Reminded")
        await room.world.quiet()

        assert reminder.thread == card.thread
        assert reminder.buttons == []
        assert [name for name in ("U0ANNA", "U0BO", "U0CY") if name in json.dumps(reminder.blocks)] == ["U0BO", "U0CY"]
        places = [await slack.messages(where) for where in (card, "@bo", "@cy")]
        assert [one.ts for there in places for one in there if "Approve" in one.buttons] == [card.ts]
        await room.bo.presses("Approve", in_=card)
        assert await room.world.summary(await room.only_run()) == "done: ok: press bell: done"
        assert await slack.violations() == []


async def test_a_card_that_can_be_changed_says_when_it_escalates_and_that_it_has(office: World, wall: Wall) -> None:
    await asked(office)
    before = lines_of(asks(wall, "bo"))

    await after(office, 61)

    assert before["If undecided"].endswith("Dan Dorn may decide as well")
    now = lines_of(asks(wall, "bo"))
    assert now["Who decides"] == "you, Cy Cole or Dan Dorn"
    assert now["Escalated"].endswith("more people may decide from then on")
    assert "If undecided" not in now
    assert asks(wall, "dan")


def asks(wall: Wall, person: str) -> Card:
    """The card that asks `person`, as it looks now."""
    return next(
        looks[-1]
        for key, looks in wall.looks.items()
        if wall.pinned[key][0].person == person and looks[0].title == "Press bell?"
    )


def lines_of(card: Card) -> dict[str, str]:
    return {line.label: line.text for line in card.decides}


async def test_all_of_it_survives_restarts_of_everything_and_comes_once(hurried: World) -> None:
    record = await asked(hurried)

    for minutes in (31, 31, 60, 121):
        async with hurried.stopped():
            await hurried.move_time(minutes * MINUTE)
        await hurried.quiet()

    told = [getattr(event, "number", "escalated") for event in await facts(hurried, record)]
    assert told == [1, "escalated", 2]
    assert (await hurried.request(record.request.id)).state == "expired"
    assert len([mail for mail in hurried.mails("bo") if "Reminder:" in mail.text]) == 2


async def test_after_a_decision_nothing_comes_any_more(hurried: World) -> None:
    record = await asked(hurried)
    await hurried.decide("bo", record, "deny")
    await hurried.ended(record.request.run_id)
    await hurried.quiet()
    sent = len(hurried.mails("cy")), len(hurried.mails("dan"))

    await after(hurried, 300)

    assert (len(hurried.mails("cy")), len(hurried.mails("dan"))) == sent
    assert await facts(hurried, record) == []


async def test_a_rebuilt_schedule_brings_what_is_still_to_come(hurried: World) -> None:
    record = await asked(hurried)
    await after(hurried, 31)

    await rebuild(hurried.app.store)
    await after(hurried, 31)

    assert [event.type for event in await facts(hurried, record)] == ["request_reminded", "request_reassigned"]
    assert records(await hurried.events(record.request.run_id))[record.request.id] == await hurried.request(
        record.request.id
    )


async def test_a_vote_one_second_after_expiry_does_not_count(hurried: World) -> None:
    """An attack: nobody has looked at the expiry yet, and the vote is quick."""
    record = await asked(hurried)

    await hurried.move_time(4 * 3600 + 1)
    judged = await hurried.decide("bo", record, "approve")

    assert judged == ClosedOtherwise(state="expired")
    assert await hurried.summary(record.request.run_id) == "failed: expired"
    assert hurried.workshop.effects == []


async def test_a_clock_that_is_moved_back_sends_nothing_twice_and_reopens_nothing(hurried: World) -> None:
    """An attack: whoever can move the clock asks for what is over."""
    record = await asked(hurried)
    await after(hurried, 31)
    await after(hurried, 30)
    sent = len(hurried.mails("bo"))

    await after(hurried, -59)
    await hurried.app.requests.decisions.look(record.request.id)
    await after(hurried, 59)

    assert [event.type for event in await facts(hurried, record)] == ["request_reminded", "request_reassigned"]
    assert len(hurried.mails("bo")) == sent

    await after(hurried, 300)
    assert (await hurried.request(record.request.id)).state == "expired"
    await hurried.move_time(-300 * MINUTE)
    await hurried.app.requests.decisions.look(record.request.id)
    judged = await hurried.decide("bo", record, "approve")

    assert judged == ClosedOtherwise(state="expired")
    assert (await hurried.request(record.request.id)).state == "expired"
    assert hurried.workshop.effects == []
