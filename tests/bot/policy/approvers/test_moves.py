"""Who is asked after any course of moves: what each was made with stands in it, and the fold looks nothing up."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.events import RequestReassigned, read_event, write_event
from agents.events.requests import ReassignedWhy
from agents.moves import named_by, reassigned, restarted, seats_in
from agents.requests import AllOf, AnyOf, Anyone, PersonId, PolicySnapshot, PolicyStep, Rule, people_of
from agents.requests.asked import Asked, asked_at_first
from agents.requests.moves import Move, RuleReplaced, SeatsFilled, SeatsPassed, StepBegan
from bot.policy.approvers.delegation import passed
from bot.policy.approvers.steps import escalated, refilled, wider
from bot.policy.approvers.who import who_at_first
from tests.agents.worlds import NOON
from tests.bot.examples import REQUEST, policy
from tests.kit.long import examples

NAMES = ("anna", "bo", "cy", "dan", "eve", "fay", "gus")
SOURCES = ("group:release", "group:ops", "oncall:ops")
AT_ONCE: dict[str, ReassignedWhy] = {"step_began": "next_step", "seats_passed": "delegated", "rule_replaced": "left"}

_one = st.sampled_from(NAMES).map(PersonId)
_some = st.lists(_one, max_size=4, unique=True).map(tuple)
_seat = st.builds(Anyone, source=st.sampled_from(SOURCES), people=_some, until=st.none() | st.just(NOON))


def _combined(inner: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    parts = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return parts.map(lambda of: AllOf(of=of)) | parts.map(lambda of: AnyOf(of=of))


_rule: st.SearchStrategy[Rule] = st.recursive(_seat, _combined, max_leaves=4)
_reserve = st.lists(_seat, max_size=2).map(tuple)
_step = st.builds(PolicyStep, name=st.just("step"), rule=_rule, quorum=st.integers(1, 2), escalate_to=_reserve)


@st.composite
def policies(draw: st.DrawFn) -> PolicySnapshot:
    steps = tuple(draw(st.lists(_step, max_size=3)))
    first = steps[0] if steps else draw(_step)
    return policy(rule=first.rule, quorum=first.quorum, escalate_to=first.escalate_to, steps=steps)


def approve(now: Asked) -> tuple[PersonId, ...]:
    """Those who may approve, where nobody asked."""
    return replace(who_at_first(policy(), ()), asked=now).approve


@st.composite
def made(draw: st.DrawFn, now: Asked) -> Move:
    """A move as it is made for `now`, with whatever the directory and a rotation say at that moment."""
    there = {source: draw(_some) for source in SOURCES}
    numbers = draw(st.sets(st.integers(0, max(0, len(now.steps) - 1))))
    may = approve(now)
    ways = ["escalated", "refilled", "wider", *(["passed"] if may else []), *(["began"] if now.steps else [])]
    match draw(st.sampled_from(ways if now.steps else [*ways, "replaced"])):
        case "began":
            step = draw(st.integers(0, len(now.steps) - 1).filter(lambda number: number != now.in_step))
            voters = draw(st.lists(st.sampled_from(may or (PersonId("bo"),)), unique=True))
            return StepBegan(number=step, filled=tuple(voters))
        case "passed":
            sat = {*may, *(one for step in now.steps for one in step.by), *now.givers}
            free = [PersonId(one) for one in NAMES if one not in sat]
            to = draw(st.sampled_from(free or [PersonId("zoe")]))
            return passed(now, draw(st.sampled_from(may)), to, lambda seat: there[seat.source])
        case "escalated":
            return escalated(now, [one for seat in now.escalate_to for one in there[seat.source]])
        case "refilled":
            return refilled(now, numbers, lambda seat: [one for one in there[seat.source] if one not in now.givers])
        case "wider":
            return wider(now, numbers, lambda seats: [one for seat in seats for one in there[seat.source]])
        case _:
            return RuleReplaced(rule=draw(_rule), quorum=draw(st.integers(1, 2)))


def written(move: Move, number: int) -> RequestReassigned:
    """The fact of a move, as it is read after it was written."""
    why = AT_ONCE.get(move.type, "escalated" if isinstance(move, SeatsFilled) and move.escalates else "left")
    fact = RequestReassigned(at=NOON + timedelta(hours=number), request_id=REQUEST, why=why, moves=(move,))
    event = read_event(write_event(fact))
    assert event == fact
    assert isinstance(event, RequestReassigned)
    return event


def _courses(first: PolicySnapshot, data: st.DataObject) -> Iterator[tuple[Asked, Move, Asked]]:
    """Yield some moves one after the other: who is asked before each, and after it."""
    now = asked_at_first(first)
    for number in range(data.draw(st.integers(1, 6))):
        move = data.draw(made(now))
        then = reassigned(now, written(move, number))
        yield now, move, then
        now = then


def _shape(rule: Rule) -> object:
    return rule.source if isinstance(rule, Anyone) else (rule.type, *map(_shape, rule.of))


@settings(max_examples=examples(800), deadline=None)
@given(policies(), st.data())
def test_whoever_is_asked_was_named_and_fills_one_step_and_keeps_the_right_to_deny(
    first: PolicySnapshot, data: st.DataObject
) -> None:
    named = {one for rule in asked_at_first(first).rules for one in people_of(rule)}
    for now, move, then in _courses(first, data):
        named |= {*named_by(move)}
        asked, before = {*people_of(then.rule)}, {*people_of(now.rule)}

        assert asked <= named, "nobody comes to it whom neither the settings nor a move names"
        assert asked.isdisjoint(one for step in then.other_steps for one in step.by), "one person fills one step"
        assert {*then.may_deny} >= {*now.may_deny}
        if not isinstance(move, SeatsFilled | RuleReplaced):
            assert before <= {*asked, *then.may_deny}, "who could decide may still deny"
        if isinstance(move, SeatsFilled) and move.escalates:
            assert before <= asked, "nobody loses a seat where others get one as well"


@settings(max_examples=examples(800), deadline=None)
@given(policies(), st.data())
def test_as_many_approvals_are_needed_as_before_in_the_same_seats(first: PolicySnapshot, data: st.DataObject) -> None:
    for now, move, then in _courses(first, data):
        if isinstance(move, RuleReplaced):
            assert (then.rule, then.quorum) == (move.rule, move.quorum)
            continue
        holds = now.steps[then.in_step] if isinstance(move, StepBegan) else now
        assert (_shape(then.rule), then.quorum) == (_shape(holds.rule), holds.quorum)
        assert [(_shape(one.rule), one.quorum) for one in then.steps] == [
            (_shape(one.rule), one.quorum) for one in now.steps
        ]
        assert then.escalated_at is None or not isinstance(move, StepBegan), "a step that begins escalates by itself"


@settings(max_examples=examples(800), deadline=None)
@given(policies(), st.data())
def test_who_gave_a_seat_up_is_in_none_and_whoever_took_it_is_in_those_that_they_may_take(
    first: PolicySnapshot, data: st.DataObject
) -> None:
    for now, move, then in _courses(first, data):
        assert {*then.givers}.isdisjoint(approve(then))
        if not isinstance(move, SeatsPassed):
            continue
        rules = [(then.in_step, now.rule, then.rule), *_pairs(now, then)]
        for number, old, new in rules:
            for (seat_id, was), (_, seat) in zip(seats_in(old, number), seats_in(new, number), strict=True):
                took = {move.into} if seat_id in move.seats and move.out in was.people else set[PersonId | None]()
                assert {*seat.people} == ({*was.people} - {move.out}) | took
        assert move.out in then.givers
        assert move.out in then.may_deny


def _pairs(now: Asked, then: Asked) -> Iterator[tuple[int, Rule, Rule]]:
    for number, (old, new) in enumerate(zip(now.steps, then.steps, strict=True)):
        yield number, old.rule, new.rule


@settings(max_examples=examples(400), deadline=None)
@given(policies(), st.data())
def test_after_all_votes_are_void_the_first_step_is_asked_and_nobody_has_filled_any(
    first: PolicySnapshot, data: st.DataObject
) -> None:
    *_, (_, _, then) = _courses(first, data)

    again = restarted(then, NOON)

    if not then.steps:
        assert again == then
        return
    assert (again.in_step, again.rule) == (0, again.steps[0].rule)
    assert [*again.steps[0].by, *(one for step in again.steps for one in step.by)] == []
    assert {*people_of(then.rule)} <= {*again.may_deny}


_any_move = st.builds(StepBegan, number=st.integers(-1, 4), filled=_some)
_any_move |= st.builds(SeatsPassed, out=_one, into=st.none() | _one, seats=st.just(("0.0", "7.7")))
_any_move |= st.builds(SeatsFilled, seats=st.dictionaries(st.sampled_from(["0.0", "1.0", "9.9", "x"]), _some))


@settings(max_examples=examples(500), deadline=None)
@given(policies(), st.lists(_any_move, max_size=5).map(tuple), st.sampled_from(["left", "delegated", "escalated"]))
def test_after_any_moves_whoever_is_asked_can_be_written_and_read(
    first: PolicySnapshot, moves: tuple[Move, ...], why: ReassignedWhy
) -> None:
    event = RequestReassigned(at=NOON, request_id=REQUEST, why=why, moves=moves, to=(PersonId("bo"),))

    then = reassigned(asked_at_first(first), event)

    assert Asked.model_validate_json(then.model_dump_json()) == then
