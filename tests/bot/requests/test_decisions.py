"""Answers become votes and decisions: once, by whoever was first, and in the record exactly as in the events."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from agents.requests import PersonId, RequestId, bound_to
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from agents.run import fold
from bot.errors import NotFound
from bot.policy.answers import Statement
from bot.policy.judgements import (
    AlreadyDecided,
    AlreadyVoted,
    ClosedOtherwise,
    Counted,
    Decided,
    NotEntitled,
    Revoked,
    TooLate,
)
from bot.requests.decisions import Decisions
from bot.requests.reassignment.delegation import HandOn
from bot.store import Commit, Written
from bot.store.journal import Journal
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.world import World, heading

BO = PersonId("bo")


async def asked(world: World, what: str = "bell", policy: str = "production") -> RequestRecord:
    """The open request of a run that wants to press something."""
    world.workshop.policy_of[what] = policy
    return await world.opened(await world.trigger(f"press {what}"))


async def kinds(world: World, record: RequestRecord) -> list[str]:
    return [event.type for event in await world.events(record.request.run_id)]


@pytest.mark.parametrize("is_first", [True, False])
async def test_when_an_approval_and_a_denial_race_what_is_said_is_what_happens(world: World, *, is_first: bool) -> None:
    record = await asked(world)
    answers = [world.decide("bo", record, "approve"), world.decide("cy", record, "deny", "no")]

    judgements = [type(one) for one in await asyncio.gather(*(answers if is_first else answers[::-1]))]

    await world.ended(record.request.run_id)
    after = await world.request(record.request.id)
    if after.started_at:
        assert set(judgements) == {Decided, TooLate}
        assert (after.state, world.workshop.effects) == ("approved", ["press bell"])
    else:
        assert set(judgements) in ({Decided, Revoked}, {Decided, AlreadyDecided})
        assert after.state in {"denied", "revoked"}
        assert world.workshop.effects == []


@pytest.mark.parametrize("number", [0, 5])
async def test_a_revocation_that_races_the_start_wins_or_comes_too_late(world: World, number: int) -> None:
    record = await asked(world)

    await world.decide("bo", record, "approve")
    for _ in range(number):
        await world.now()
    judgement = await world.decide("bo", record, "deny", "wait")

    await world.ended(record.request.run_id)
    after = await world.request(record.request.id)
    assert isinstance(judgement, Revoked | TooLate)
    # Too late for an answer that counts, it still stops what has not begun.
    assert after.state == "revoked" or isinstance(judgement, TooLate)
    assert world.workshop.effects == ([] if after.state == "revoked" else ["press bell"])


async def test_one_reply_that_is_handled_by_many_at_once_or_again_later_has_one_effect_and_one_outcome(
    world: World,
) -> None:
    record = await asked(world, policy="pair")
    first, *others = await asyncio.gather(*(world.decide("bo", record, "approve", reply_id="m1") for _ in range(32)))
    assert isinstance(first, Counted)
    assert {type(one) for one in others} == {Counted}
    assert (await kinds(world, record)).count("vote_cast") == 1

    await world.decide("cy", record, "approve")
    await world.ended(record.request.run_id)
    await world.quiet()
    before = await world.run(record.request.run_id)

    assert await world.decide("bo", record, "approve", reply_id="m1") == first
    assert (await world.run(record.request.run_id)).seq == before.seq
    assert world.workshop.effects == ["press bell"]


async def test_what_somebody_says_who_may_not_decide_is_kept_and_not_counted(world: World) -> None:
    record = await asked(world)

    judgement = await world.decide("dan", record, "approve", "I am the boss")
    unknown = record.request.model_copy(update={"id": RequestId("s0q-zzzzzzzzzzzzz")})
    with pytest.raises(NotFound, match="There is no request s0q-zzzzzzzzzzzzz"):
        await world.decide("bo", record.model_copy(update={"request": unknown}), "approve")

    assert isinstance(judgement, NotEntitled)
    noted = [event for event in await world.events(record.request.run_id) if event.type == "answer_noted"]
    assert [(one.person, one.text, one.outcome) for one in noted] == [("dan", "I am the boss", "not_entitled")]
    assert (await world.request(record.request.id)).state == "open"


class SlowJournal(Journal):
    """Time passes before each write: `wait` is called."""

    def __init__(self, world: World, wait: Callable[[], Awaitable[None]]) -> None:
        super().__init__(world.app.store, world.app.work.queue)
        self._wait = wait

    async def write(self, commit: Commit) -> Written:
        await self._wait()
        return await super().write(commit)


@opens(TOML.replace("[policies.production]\n", '[policies.production]\nstand_ins = ["person:dan"]\n', 1))
async def test_what_is_read_or_judged_before_the_expiry_and_written_after_it_does_not_count(world: World) -> None:
    record = await asked(world)
    await world.steer(record.request.run_id, "pause")
    read = await world.app.requests.decisions.request(record.request.id)
    slow = Decisions(SlowJournal(world, lambda: world.move_time(4 * 3600)), world.app.people)
    statement = Statement("m1", BO, as_by("cli"), bound_to(record.request, "digest"), "approve", "")

    judged = await slow.decide(record.request.id, statement)
    late = await world.app.requests.decisions.decide(record.request.id, replace(statement, reply_id="m2"), read)

    assert judged == late == ClosedOtherwise(state="expired")
    assert (await world.request(record.request.id)).votes == ()

    other = await asked(world, "gong")
    wish = replace(statement, binding=bound_to(other.request, "digest"), said="free_text", reply_id="m3")
    given = await slow.answer(other.request.id, wish, change=HandOn(PersonId("dan"), ""))

    assert given.judgement == ClosedOtherwise(state="expired")
    assert (await world.request(other.request.id)).asked.handed_on == ()


async def test_an_answer_to_what_was_read_before_another_s_vote_is_judged_by_what_stands(world: World) -> None:
    record = await asked(world, policy="pair")
    await world.steer(record.request.run_id, "pause")
    decisions = world.app.requests.decisions
    read = await decisions.request(record.request.id)
    await world.decide("bo", record, "approve")
    again = Statement("m1", BO, as_by("cli"), bound_to(record.request, "digest"), "approve", "")

    voted = await decisions.answer(record.request.id, again, read)
    decided = await decisions.answer(record.request.id, replace(again, reply_id="m2", person=PersonId("cy")), read)

    assert isinstance(voted.judgement, AlreadyVoted)
    assert isinstance(decided.judgement, Decided)
    stands = await world.request(record.request.id)
    assert [vote.person for vote in stands.votes] == ["bo", "cy"]
    assert decided.record == stands
    assert (await decisions.answer(record.request.id, again, read)).record == stands


async def test_a_request_that_nobody_answers_expires_by_itself_and_no_answer_counts_from_then_on(world: World) -> None:
    record = await asked(world)

    await world.move_time(4 * 3600 - 60)
    await world.app.requests.decisions.look(record.request.id)
    assert (await world.request(record.request.id)).state == "open"
    await world.move_time(61)

    assert await world.decide("bo", record, "approve") == ClosedOtherwise(state="expired")
    assert await world.summary(record.request.run_id) == "failed: expired"
    letter = await world.next_mail("bo", about="Not decided in time")
    assert letter.subject.startswith("Re: Press bell? [")
    assert heading(letter) == "Closed: Press bell"


async def test_every_record_says_what_the_events_of_its_run_say(world: World) -> None:
    approved, denied = await asked(world), await asked(world, "horn", "pair")
    await world.decide("dan", approved, "approve")
    await world.decide("bo", approved, "approve")
    await world.decide("bo", denied, "approve")
    await world.decide("cy", denied, "deny", "no")
    revised = await asked(world, "gong")
    await world.edit(revised.request.requesters[0], await world.request(revised.request.id), what="drum")
    for record in (approved, denied):
        await world.ended(record.request.run_id)
    await world.quiet()

    for record in await world.requests():
        told = fold(await world.events(record.request.run_id)).requests
        assert told[record.request.id] == record
