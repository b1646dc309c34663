"""The people who may decide, and how many of them are enough. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import product

from agents.requests import AllOf, AnyOf, Anyone, PersonId, PolicySnapshot, PolicyStep, Rule, people_of
from agents.requests.asked import Asked

_MOST_CHOICES = 64


Needs = PolicySnapshot | PolicyStep | Asked
"""What says who is needed and how many: a policy, a step of it, or who is asked now."""


def can_be_met(asked: Asked, people: Iterable[PersonId], doubles: Collection[tuple[PersonId, PersonId]] = ()) -> bool:
    """Return whether these people can meet what is asked; each step of it with others, where it has steps."""
    if asked.steps:
        return can_fill(asked.steps, people, doubles)
    return any(is_met(asked, humans) for humans in _humans(people, doubles))


def can_fill(
    steps: Iterable[PolicyStep], people: Iterable[PersonId], doubles: Collection[tuple[PersonId, PersonId]] = ()
) -> bool:
    """Return whether these people can meet each of the steps with others; one of two who may be one human counts."""
    seatings = [[seat for seats in one for seat in seats] for one in product(*map(tuple, map(_all_seats, steps)))]
    return any(_seated(seats, there) for there in _humans(people, doubles) for seats in seatings)


def _humans(people: Iterable[PersonId], doubles: Collection[tuple[PersonId, PersonId]]) -> Iterator[list[PersonId]]:
    """Yield every choice among `people` that has nobody in it who may be another one of it.

    Of very many pairs the one that stands first is kept, so that rather too few are found than too many looked at.
    """
    there = list(dict.fromkeys(people))
    chosen, left = [there], [pair for pair in doubles if {*pair} <= {*there}]
    for one, other in left:
        split = [list(filter(out.__ne__, some)) for some in chosen if {one, other} <= {*some} for out in (other, one)]
        kept = [some for some in chosen if not {one, other} <= {*some}]
        chosen = [*kept, *(split if len(chosen) < _MOST_CHOICES else split[::2])]
    yield from chosen


def _all_seats(step: PolicyStep) -> Iterator[tuple[Anyone, ...]]:
    """Every set of seats that would satisfy `step`, with one more for each further person of its quorum.

    Of a quorum that is larger than all of them, one seat that nobody can fill says as much as the rest.
    """
    anybody = Anyone(source=step.name, people=tuple(people_of(step.rule)))
    for seats in _seatings(_with_fewest_seats(step.rule)):
        yield (*seats, *[anybody] * min(step.quorum - len(seats), len(anybody.people) + 1))


def _with_fewest_seats(rule: Rule) -> Rule:
    """Return `rule` with one seat in place of several of which one is enough: each combination of seats is tried."""
    if isinstance(rule, Anyone):
        return rule
    parts = tuple(map(_with_fewest_seats, rule.of))
    if isinstance(rule, AnyOf) and all(isinstance(part, Anyone) for part in parts):
        return Anyone(source="", people=tuple(people_of(rule)))
    return rule.model_copy(update={"of": parts})


def is_met(needs: Needs, voters: Iterable[PersonId]) -> bool:
    """Return whether these people are enough: the quorum as distinct people, each seat filled by a different one."""
    named = set(people_of(needs.rule))
    present = [person for person in dict.fromkeys(voters) if person in named]
    if len(present) < needs.quorum:
        return False
    return any(_seated(seats, present) for seats in _seatings(needs.rule))


def parts_filled(needs: Needs, voters: Iterable[PersonId]) -> dict[PersonId, Anyone]:
    """Return which part of a rule each of these people fills, of as many parts as they can; one part each."""
    present, best = list(dict.fromkeys(voters)), dict[PersonId, Anyone]()
    for seats in _seatings(needs.rule):
        taken: dict[PersonId, int] = {}
        for number in range(len(seats)):
            _give(number, seats, present, taken, set())
        if len(taken) > len(best):
            best = {one: seats[number] for one, number in taken.items()}
    return best


def lacking(needs: Needs, voters: Iterable[PersonId]) -> int:
    """Return the least number of further people that are needed; at least one where nobody can meet the rule."""
    named = set(people_of(needs.rule))
    present = [person for person in dict.fromkeys(voters) if person in named]

    def empty(seats: tuple[Anyone, ...]) -> int:
        taken: dict[PersonId, int] = {}
        return sum(not _give(number, seats, present, taken, set()) for number in range(len(seats)))

    return max(needs.quorum - len(present), min(map(empty, _seatings(needs.rule)), default=1), 0)


def lacking_in_all(asked: Asked, voters: Iterable[PersonId]) -> int:
    """Return how many further people are needed, with those of the steps to come; `voters` counted for this one."""
    return lacking(asked, voters) + sum(lacking(step, step.by) for step in asked.other_steps)


def _seatings(rule: Rule) -> Iterator[tuple[Anyone, ...]]:
    """Every set of seats that would satisfy the rule."""
    match rule:
        case Anyone():
            yield (rule,)
        case AnyOf():
            for part in rule.of:
                yield from _seatings(part)
        case AllOf():
            for parts in product(*(tuple(_seatings(part)) for part in rule.of)):
                yield tuple(seat for part in parts for seat in part)


def _seated(seats: Sequence[Anyone], people: list[PersonId]) -> bool:
    """Return whether every seat can be given to a different person (a bipartite matching by augmenting paths)."""
    taken: dict[PersonId, int] = {}
    return all(_give(number, seats, people, taken, set()) for number in range(len(seats)))


def _give(
    number: int, seats: Sequence[Anyone], people: list[PersonId], taken: dict[PersonId, int], tried: set[PersonId]
) -> bool:
    for person in people:
        if person in tried or person not in seats[number].people:
            continue
        tried.add(person)
        if person not in taken or _give(taken[person], seats, people, taken, tried):
            taken[person] = number
            return True
    return False
