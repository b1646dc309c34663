"""A policy that goes on: the step that comes next, the people whom it escalates to. Pure."""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache

from agents.moves import seats_in, without
from agents.requests import AnyOf, Anyone, PersonId, PolicySnapshot, PolicyStep, Rule, parts_of
from agents.requests.asked import Asked
from agents.requests.moves import SeatId, SeatsFilled
from bot.policy.approvers.quorum import can_fill, is_met
from bot.policy.approvers.who import Who

Fill = Callable[[Anyone], Iterable[PersonId]]
"""Who sits in a seat by now."""


def next_step(asked: Asked, voters: Iterable[PersonId], out: Collection[PersonId]) -> int | None:
    """Return the first step that these approvals leave open; None when every step is met, or there are none.

    `voters` are those that count for the step in force. Whoever is `out` by now, as a requester or as somebody who has
    left, counts for none.
    """
    return min(open_steps(asked, voters, out), default=None) if asked.steps else None


def open_steps(asked: Asked, voters: Iterable[PersonId], out: Collection[PersonId]) -> dict[int, PolicyStep]:
    """Return the steps that these approvals leave open, by number, as `next_step` has them; without steps, the asked.

    One person fills one step: whoever counted for another one is in no seat.
    """
    counted = {number: tuple(one for one in step.by if one not in out) for number, step in enumerate(asked.steps)}
    counted[asked.in_step] = tuple(voters)
    found = dict[int, PolicyStep]()
    for number, step in enumerate(asked.steps or (PolicyStep(name="", rule=asked.rule),)):
        holds = asked if number == asked.in_step else step
        if not is_met(holds, counted[number]):
            taken = {person for other, by in counted.items() if other != number for person in by}
            changed = {"rule": without(holds.rule, taken), "quorum": holds.quorum}
            found[number] = step.model_copy(update=changed)
    return found


def still_open(people: Who, voters: Iterable[PersonId], here: Collection[PersonId]) -> dict[int, PolicyStep]:
    """Return the steps that are still to be met, by number, once nobody counts who may not decide or is not `here`.

    `voters` approved in the step in force.
    """
    gone = {one for one in people.asked.filled if one not in here}
    counted = [one for one in voters if one in people.approve and one in here]
    return open_steps(people.asked, counted, {*gone, *people.out})


def may_come_to_approve(people: Who, here: Collection[PersonId]) -> list[PersonId]:
    """Return all who are `here` and may approve it or break its glass: now, in another step, or escalated."""
    return [one for one in people.named if one in here and one not in people.out]


def can_go_on(people: Who, voters: Iterable[PersonId], here: Collection[PersonId]) -> bool:
    """Return whether those who are `here` can meet all that is still open, with the votes that were given.

    Nobody counts for this whom it may escalate to and has not yet.
    """
    voted = tuple(voters)
    left, sat = still_open(people, voted, here), _sat_out(people, voted, here)
    there = (one for one in may_come_to_approve(people, here) if one not in sat)
    return can_fill(left.values(), there, people.doubles)


def _sat_out(people: Who, voters: Iterable[PersonId], here: Collection[PersonId]) -> set[PersonId]:
    """Return who may be somebody that has voted: of several who may be one human the first vote counts."""
    out = set[PersonId]()
    for one in (*people.asked.filled, *voters):
        out |= people.doubles_of(one) if one in here and one not in out else frozenset[PersonId]()
    return out


def needed_elsewhere(people: Who, voters: Iterable[PersonId], here: Collection[PersonId]) -> frozenset[PersonId]:
    """Return who may approve the step in force and must not: too few would be left for another step or seat.

    One person fills one step, and one human one seat, where two may be one. Where it could not be met before either,
    that is a matter of who has left, and no matter of their approval.
    """
    voted, there, asked = tuple(voters), frozenset(here), people.asked
    if not asked.steps and not people.doubles:
        return frozenset()
    seats = (part.people for rule in asked.rules for part in parts_of(rule) if isinstance(part, Anyone))
    sets = [*map(frozenset, seats), *(frozenset(step.by) for step in asked.steps), frozenset(voted), there]
    doubles = {one for pair in people.doubles for one in pair}
    first = dict[tuple[bool, ...], PersonId]()

    def like(person: PersonId) -> PersonId:
        """Return the first person of whom the rules say the same: each card asks about everybody in a group."""
        return person if person in doubles else first.setdefault(tuple(person in some for some in sets), person)

    @cache
    def is_missed(person: PersonId) -> bool:
        others = tuple(one for one in voted if one != person)
        return can_go_on(people, others, there) and not can_go_on(people, (*others, person), there)

    return frozenset(one for one in people.approve if is_missed(like(one)))


def could_approve(people: Who, together: Collection[PersonId]) -> bool:
    """Return whether these could approve all of it together, by the seats as they are filled now.

    To whom a step escalates fills any seat of it; to whom it may be handed on, any seat at all.
    """
    asked = people.asked
    one = PolicyStep(name="", rule=asked.rule, quorum=asked.quorum, escalate_to=asked.escalate_to)

    def wide(step: PolicyStep) -> PolicyStep:
        anywhere = {*people.stand_ins}.union(*(seat.people for seat in step.escalate_to))
        rule = _open_to(step.rule, [person for person in together if person in anywhere])
        return step.model_copy(update={"rule": rule})

    return can_fill(map(wide, asked.steps or (one,)), together)


def _open_to(rule: Rule, people: Sequence[PersonId]) -> Rule:
    if isinstance(rule, Anyone):
        return rule.model_copy(update={"people": (*rule.people, *people)})
    return rule.model_copy(update={"of": tuple(_open_to(part, people) for part in rule.of)})


def escalated(asked: Asked, to: Iterable[PersonId]) -> SeatsFilled:
    """Return what opens each seat to these people as well; as many approvals are needed as before."""
    added = [person for person in to if person not in asked.givers]
    return SeatsFilled(seats=_wider(asked.rule, asked.in_step, added), escalates=True)


def refilled(asked: Asked, numbers: Collection[int], fill: Fill) -> SeatsFilled:
    """Return what has the people of these steps looked up anew by `fill`; 0 where there are no steps."""
    others = [(number, step.rule) for number, step in enumerate(asked.steps) if number != asked.in_step]
    held = (rule for rule in ((asked.in_step, asked.rule), *others) if rule[0] in numbers)
    seats = (one for number, rule in held for one in seats_in(rule, number))
    return SeatsFilled(seats={seat_id: tuple(fill(seat)) for seat_id, seat in seats})


def wider(
    asked: Asked, numbers: Collection[int], there: Callable[[Iterable[Anyone]], Sequence[PersonId]]
) -> SeatsFilled:
    """Return what opens these steps to those as well to whom they escalate, as far as they are `there`."""
    reserve = there(asked.escalate_to) if asked.in_step in numbers else ()
    move = escalated(asked, reserve) if reserve else SeatsFilled()
    seats = dict(move.seats)
    for number, step in enumerate(asked.steps):
        if number in numbers and number != asked.in_step:
            seats |= _wider(step.rule, number, there(step.escalate_to))
    return move.model_copy(update={"seats": seats})


def _wider(rule: Rule, number: int, people: Sequence[PersonId]) -> dict[SeatId, tuple[PersonId, ...]]:
    """Return the seats that get somebody new where each is open to `people` as well."""
    held = {seat_id: seat.people for seat_id, seat in seats_in(rule, number) if not {*people} <= {*seat.people}}
    return {seat_id: tuple(dict.fromkeys((*sit, *people))) for seat_id, sit in held.items()}


def by_any_of(people: Who) -> PolicySnapshot:
    """Return their policy for what is found out and not decided: anybody who could decide, in whichever step, says it.

    Nobody does who handed it on, or asked and took the seat of somebody else.
    """
    rules = (parts_of(rule) for rule in people.asked.rules)
    seats = tuple(dict.fromkeys(part for parts in rules for part in parts if isinstance(part, Anyone)))
    rule = without(seats[0] if len(seats) == 1 else AnyOf(of=seats), people.lost_seat)
    may = people.asked.requester_may_approve
    changed = {"rule": rule, "quorum": 1, "steps": (), "requester_may_approve": may}
    return people.policy.model_copy(update=changed)
