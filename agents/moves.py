"""Who is asked after a move, by who was before and the fact alone: nothing is looked up. Pure and total."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from itertools import count
from typing import Literal

from agents.events.requests import RequestReassigned
from agents.requests import AllOf, AnyOf, Anyone, PersonId, Rule, parts_of, people_of
from agents.requests.asked import Asked, AskedAs, Away, HandedOn
from agents.requests.moves import Move, RuleReplaced, SeatId, SeatsFilled, SeatsPassed, StepBegan


def reassigned(asked: Asked, event: RequestReassigned) -> Asked:
    """Return who is asked after `event`, with the reason why each is asked who was not before."""
    for move in event.moves:
        asked = _after(asked, move, event)
    # By a step's seats, and by whose seats went to whom, it says why by itself.
    return asked if event.why in {"next_step", "delegated", "absent"} else _saying_why(asked, event)


def _after(asked: Asked, move: Move, event: RequestReassigned) -> Asked:
    match move:
        case StepBegan():
            return begun(asked, move.number, move.filled, event.at)
        case SeatsPassed(into=None):
            kept = tuple(one for one in asked.away if one.person != move.out)
            if move.until and move.until <= event.at:  # they are back
                return asked.model_copy(update={"away": kept})
            away = Away(person=move.out, until=move.until, to=move.asked)
            return asked.model_copy(update={"away": (*kept, away)})
        case SeatsPassed():
            return handed_on(asked, move, "absent" if event.why == "absent" else "delegated", event.reason)
        case SeatsFilled():
            return filled(asked, move, event.at)
        case RuleReplaced():
            return _replaced(asked, move)


def begun(asked: Asked, number: int, voters: Iterable[PersonId], at: datetime) -> Asked:
    """Return `asked` with the step of this `number` in force, after `voters` approved in the one before.

    One person fills one step: whoever counted for another one approves no more, and may deny as before.
    """
    if asked.step is None or number not in range(len(asked.steps)):
        return asked
    steps = list(asked.steps)
    # Who filled another step was left out of this one: should all votes become void, they are asked in it as before.
    elsewhere = {person for other in asked.other_steps for person in other.by}
    kept = _with_back(asked.rule, asked.step.rule, elsewhere)
    steps[asked.in_step] = asked.step.model_copy(update={"rule": kept, "by": tuple(voters)})
    step = steps[number]
    taken = {person for other, one in enumerate(steps) if other != number for person in one.by}
    changed = {
        "steps": tuple(steps),
        "in_step": number,
        "rule": without(step.rule, taken),
        "quorum": step.quorum,
        "escalate_after_s": step.escalate_after_s,
        "escalate_to": step.escalate_to,
        "escalated_at": None,
        "began_at": at,
        "may_deny": tuple(dict.fromkeys((*asked.may_deny, *people_of(asked.rule)))),
    }
    return asked.model_copy(update=changed)


def restarted(asked: Asked, at: datetime) -> Asked:
    """Return `asked` as it is after all votes have become void: its first step is in force again."""
    if not asked.steps:
        return asked
    again = begun(asked, 0, (), at)
    steps = tuple(step.model_copy(update={"by": ()}) for step in again.steps)
    return again.model_copy(update={"steps": steps, "rule": steps[0].rule})


def filled(asked: Asked, move: SeatsFilled, at: datetime) -> Asked:
    """Return `asked` with the seats of the step in force, and of the others, as `move` fills them `at` then.

    One person fills one step: whoever counted for another one is in no seat of the one in force. Where they lost theirs
    in that, they do not come back to this one either, should all votes become void.
    """
    taken = {person for step in asked.other_steps for person in step.by}
    others = [(number, step.rule) for number, step in enumerate(asked.steps) if number != asked.in_step]
    seats = {seat_id: seat.people for number, rule in others for seat_id, seat in seats_in(rule, number)}
    lost = {person for one, now in move.seats.items() for person in seats.get(one, ()) if person not in now}

    def seated(seat_id: SeatId, seat: Anyone) -> Anyone:
        if seat_id not in move.seats:
            return seat
        # A duty has an end only as long as whoever had it sits there.
        until = seat.until if move.escalates else None
        return seat.model_copy(update={"people": move.seats[seat_id], "until": until})

    def refilled(number: int, rule: Rule) -> Rule:
        return without(rule, lost & taken) if number == asked.in_step else _each_seat(rule, number, seated)

    steps = tuple(
        step.model_copy(update={"rule": refilled(number, step.rule)}) for number, step in enumerate(asked.steps)
    )
    rule = without(_each_seat(asked.rule, asked.in_step, seated), taken)
    return asked.model_copy(update={"rule": rule, "steps": steps} | ({"escalated_at": at} if move.escalates else {}))


def handed_on(
    asked: Asked,
    move: SeatsPassed,
    why: Literal["delegated", "absent"] = "delegated",
    reason: str = "",
) -> Asked:
    """Return `asked` with the seats of one person held by another; whoever gave them up may still deny."""
    if move.into is None:
        return asked
    given = HandedOn(person=move.out, to=move.into, why=why, reason=reason, until=move.until)

    def swapped(seat_id: SeatId, seat: Anyone) -> Anyone:
        to = (given.to,) if seat_id in move.seats else ()
        kept = (one for person in seat.people for one in (to if person == given.person else (person,)))
        return seat.model_copy(update={"people": tuple(dict.fromkeys(kept))}) if given.person in seat.people else seat

    steps = (
        step.model_copy(update={"rule": _each_seat(step.rule, number, swapped)})
        for number, step in enumerate(asked.steps)
    )
    changed = {
        "rule": _each_seat(asked.rule, asked.in_step, swapped),
        "steps": tuple(steps),
        "handed_on": (*asked.handed_on, given),
        "may_deny": tuple(dict.fromkeys((*asked.may_deny, given.person))),
        "away": tuple(one for one in asked.away if one.person != given.person),
    }
    return asked.model_copy(update=changed)


def _replaced(asked: Asked, move: RuleReplaced) -> Asked:
    """Return `asked` with another rule in force; of what it asks nobody denies anything."""
    changed = {
        "rule": move.rule,
        "quorum": move.quorum,
        "requester_may_approve": asked.requester_may_approve or move.requesters_may,
        "handed_on": (),
    }
    return asked.model_copy(update=changed)


def _saying_why(asked: Asked, event: RequestReassigned) -> Asked:
    """Return `asked` with the reason why each of those is asked whom `event` brought to it."""
    on_call = {seat.source: seat for move in event.moves if isinstance(move, SeatsFilled) for seat in move.on_call}
    escalated = asked.escalate_to if event.why == "escalated" else ()
    seats = [on_call.get(seat.source, seat) for seat in escalated]

    def reason(one: PersonId) -> AskedAs:
        seat = next((seat for seat in seats if one in seat.people), None)
        source, until = (seat.source, seat.until) if seat else ("", None)
        return AskedAs(why=event.why, in_step=asked.in_step, person=event.person, source=source, until=until)

    return asked.model_copy(update={"asked_as": {**asked.asked_as, **{one: reason(one) for one in event.to}}})


def seats_in(rule: Rule, number: int) -> Iterator[tuple[SeatId, Anyone]]:
    """Yield the seats of the rule of the step with this `number`; without steps that is 0."""
    seats = (part for part in parts_of(rule) if isinstance(part, Anyone))
    yield from ((SeatId(f"{number}.{place}"), seat) for place, seat in enumerate(seats))


def named_by(move: Move) -> Iterator[PersonId]:
    """Yield those whom a move may bring to a request."""
    match move:
        case StepBegan():
            pass
        case SeatsPassed():
            yield from filter(None, [move.into])
        case SeatsFilled():
            yield from (person for people in move.seats.values() for person in people)
        case RuleReplaced():
            yield from people_of(move.rule)


def bringing_nobody_of(people: Collection[PersonId], move: Move) -> Move:
    """Return `move` without these people in any seat that it fills."""
    if not isinstance(move, SeatsFilled):
        return move
    seats = {one: tuple(each for each in sit if each not in people) for one, sit in move.seats.items()}
    return move.model_copy(update={"seats": seats})


def without(rule: Rule, people: Collection[PersonId]) -> Rule:
    """Return `rule` without these people in any seat."""

    def kept(_: SeatId, seat: Anyone) -> Anyone:
        return seat.model_copy(update={"people": tuple(one for one in seat.people if one not in people)})

    return _each_seat(rule, 0, kept)


def _each_seat(rule: Rule, number: int, change: Callable[[SeatId, Anyone], Anyone]) -> Rule:
    """Return the rule of the step with this `number`, each seat changed; a seat's id is as in `seats_in`."""
    places = count()

    def changed(part: Rule) -> Rule:
        match part:
            case Anyone():
                return change(SeatId(f"{number}.{next(places)}"), part)
            case AllOf() | AnyOf():
                return part.model_copy(update={"of": tuple(map(changed, part.of))})

    return changed(rule)


def _with_back(rule: Rule, was: Rule, people: Collection[PersonId]) -> Rule:
    """Return `rule` with those of `people` that had a seat in `was` in it again; what made it wider or less stays."""
    match rule, was:
        case Anyone(), Anyone():
            stay = [one for one in was.people if one in rule.people or one in people]
            return rule.model_copy(update={"people": tuple(dict.fromkeys((*stay, *rule.people)))})
        case (AllOf(), AllOf()) | (AnyOf(), AnyOf()) if len(rule.of) == len(was.of):
            parts = zip(rule.of, was.of, strict=True)
            return rule.model_copy(update={"of": tuple(_with_back(part, before, people) for part, before in parts)})
        case _:
            return rule
