"""Nobody answers: people are reminded on the card that they hold, others are asked as well, and then it expires."""

import pytest

from agents.events import RequestReassigned, RequestReminded
from agents.requests.record import RequestRecord
from agents.run import fold
from bot.policy.judgements import ClosedOtherwise
from bot.queries.rebuild import rebuild
from bot.render.due import timing_lines
from channels import Card
from channels.email.local.letters import Letter
from tests.fakes.wall import Wall
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World

_WHEN = 'remind_after = ["30m", "2h"]\nescalate_after = "1h"\nescalate_to = ["person:dan"]\n'
HURRY = TOML.replace("[policies.production]\n", f"[policies.production]\n{_WHEN}").replace(
    "[policies.pair]\n", f"[policies.pair]\n{_WHEN}"
)
MINUTE = 60.0
_NOT_YET = '\n[oncall.ops]\nrotation = ["person:dan"]\nshift = "7d"\nstarts = "2099-01-01T09:00"\n'
_TO_ON_CALL = HURRY.replace('escalate_to = ["person:dan"]', 'escalate_to = ["oncall:ops"]') + _NOT_YET
_IS_ASKED = _TO_ON_CALL.replace('rotation = ["person:dan"]', 'rotation = ["person:bo"]').replace("2099", "2020")


pytestmark = opens(HURRY)
"""A sayso that reminds after half an hour and after two, and escalates to Dan after one; by mail."""


@pytest.fixture
def wall() -> Wall:
    return Wall()


in_slack = opens(HURRY, beside=("wall",), reach=("slack", "email"))
"""The same where cards can be changed."""


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


async def test_a_reminder_by_mail_brings_the_same_card_once_more_and_both_can_be_answered(world: World) -> None:
    asked_twice = [await asked(world), await asked(world)]
    cards = [await world.next_mail("bo", about=one.request.id) for one in asked_twice]

    await after(world, 31)
    again = await world.next_mail("bo", about="Reminder: nobody has decided this yet")
    is_second = asked_twice[1].request.digest in again.text
    await world.reply("bo", again, "approve")
    await world.reply("bo", cards[not is_second], "approve")

    assert again.subject.startswith("Reminder: Press bell? [")
    assert again.reply_to != cards[is_second].reply_to
    assert again.references == cards[is_second].references
    assert asked_twice[is_second].request.digest in again.text
    for one in asked_twice:
        assert await world.summary(one.request.run_id) == "done: ok: press bell: done"


async def test_when_nobody_answers_others_are_asked_as_well_and_their_approval_counts(world: World) -> None:
    record = await asked(world)
    assert cards_of(world, "dan") == []

    await after(world, 31)
    await after(world, 30)
    card = await world.next_mail("dan", about="Press bell")
    await world.reply("dan", card, "approve")

    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"
    stands = await world.request(record.request.id)
    assert stands.decision
    assert stands.decision.by == ("dan",)
    assert (stands.asked.quorum, stands.request.digest) == (1, record.request.digest)
    [reminded, escalated] = await facts(world, record)
    assert (reminded.type, escalated.type) == ("request_reminded", "request_reassigned")
    assert isinstance(escalated, RequestReassigned)
    assert (escalated.why, escalated.to) == ("escalated", ("dan",))


@in_slack
async def test_one_message_in_the_thread_of_a_card_calls_those_who_share_it_and_have_not_answered(
    world: World, wall: Wall
) -> None:
    world.workshop.policy_of["bell"] = "pair"
    record = await asked(world)
    before = len(wall.pinned)

    await world.decide("bo", record, "approve", channel="slack")
    await after(world, 31)

    [(to, card)] = list(wall.pinned.values())[before:]
    assert (card.title, card.mentions, card.form) == ("Reminder: Press bell?", ("cy",), None)
    assert to.thread
    shown = asks(wall, "cy")
    assert shown.form
    assert [line.text.split(",")[0] for line in shown.decides if line.label == "Reminded"] == ["Cy Cole"]


@in_slack
async def test_a_card_that_can_be_changed_says_when_it_escalates_and_that_it_has(world: World, wall: Wall) -> None:
    await asked(world)
    before = lines_of(asks(wall, "bo"))

    await after(world, 61)

    assert before["If undecided"].endswith("Dan Dorn may decide as well")
    now = lines_of(asks(wall, "bo"))
    assert now["Who decides"] == "you, Cy Cole or Dan Dorn"
    assert now["Escalated"].endswith("more people may decide from then on")
    assert "If undecided" not in now
    assert asks(wall, "dan")


@opens(_IS_ASKED)
async def test_attack_it_escalates_to_nobody_but_one_who_is_asked_already_and_no_operator_hears_of_it(
    world: World,
) -> None:
    record = await asked(world)
    assert "If undecided" not in {line.label for line in timing_lines(record, world.people)}

    await after(world, 61)

    told = await world.next_mail("dan", "Nobody was there to decide as well")
    assert "was not asked before. It does so once. Still asked: Bo Berg and Cy Cole." in " ".join(told.text.split())


@opens(_TO_ON_CALL)
async def test_operators_hear_that_nobody_was_there_to_whom_it_escalates_and_no_card_says_that_more_may_decide(
    world: World,
) -> None:
    record = await asked(world)
    assert "If undecided" not in {line.label for line in timing_lines(record, world.people)}

    await after(world, 61)

    told = await world.next_mail("dan", "Nobody was there to decide as well")
    assert "It does so once. Still asked: Bo Berg and Cy Cole." in " ".join(told.text.split())
    now = await world.request(record.request.id)
    lines = {line.label: line.text for line in timing_lines(now, world.people)}
    assert lines["Escalated"].endswith("nobody else was there to decide")


def asks(wall: Wall, person: str) -> Card:
    """The card that asks `person`, as it looks now."""
    return next(
        looks[-1]
        for key, looks in wall.looks.items()
        if wall.pinned[key][0].person == person and looks[0].title == "Press bell?"
    )


def lines_of(card: Card) -> dict[str, str]:
    return {line.label: line.text for line in card.decides}


async def test_all_of_it_survives_restarts_of_everything_and_a_rebuild_and_comes_once(world: World) -> None:
    record = await asked(world)

    for minutes in (31, 31, 60, 121):
        async with world.stopped():
            await world.move_time(minutes * MINUTE)
        await world.quiet()
        await rebuild(world.app.store)
        events = await world.events(record.request.run_id)
        assert fold(events).requests[record.request.id] == await world.request(record.request.id)

    told = [getattr(event, "number", "escalated") for event in await facts(world, record)]
    assert told == [1, "escalated", 2]
    assert (await world.request(record.request.id)).state == "expired"
    assert len([mail for mail in world.mails("bo") if "Reminder:" in mail.text]) == 2


async def test_a_vote_one_second_after_expiry_does_not_count(world: World) -> None:
    """An attack: nobody has looked at the expiry yet, and the vote is quick."""
    record = await asked(world)

    await world.move_time(4 * 3600 + 1)
    judged = await world.decide("bo", record, "approve")

    assert judged == ClosedOtherwise(state="expired")
    assert await world.summary(record.request.run_id) == "failed: expired"
    assert world.workshop.effects == []


async def test_a_clock_that_is_moved_back_sends_nothing_twice_and_reopens_nothing(world: World) -> None:
    """An attack: whoever can move the clock asks for what is over."""
    record = await asked(world)
    await after(world, 31)
    await after(world, 30)
    sent = len(world.mails("bo"))

    await after(world, -59)
    await world.app.requests.decisions.look(record.request.id)
    await after(world, 59)

    assert [event.type for event in await facts(world, record)] == ["request_reminded", "request_reassigned"]
    assert len(world.mails("bo")) == sent

    await after(world, 300)
    assert (await world.request(record.request.id)).state == "expired"
    await world.move_time(-300 * MINUTE)
    await world.app.requests.decisions.look(record.request.id)
    judged = await world.decide("bo", record, "approve")

    assert judged == ClosedOtherwise(state="expired")
    assert (await world.request(record.request.id)).state == "expired"
    assert world.workshop.effects == []
