"""The people who may decide, and how many of them are enough. Pure."""

from collections.abc import Iterable, Iterator
from itertools import product

from agents.requests import AllOf, AnyOf, Anyone, PersonId, PolicySnapshot, Rule, people_of


def eligible(policy: PolicySnapshot, requesters: Iterable[PersonId]) -> tuple[PersonId, ...]:
    """Return the people who may decide, each once, in the policy's order; nobody approves an edit of their own."""
    out = (*policy.editors, *(() if policy.requester_may_approve else requesters))
    return tuple(person for person in dict.fromkeys(people_of(policy.rule)) if person not in out)


def is_met(policy: PolicySnapshot, voters: Iterable[PersonId]) -> bool:
    """Return whether these people are enough: the quorum as distinct people, each seat filled by a different one."""
    named = set(people_of(policy.rule))
    present = [person for person in dict.fromkeys(voters) if person in named]
    if len(present) < policy.quorum:
        return False
    return any(_seated(seats, present) for seats in _seatings(policy.rule))


def lacking(policy: PolicySnapshot, voters: Iterable[PersonId]) -> int:
    """Return the least number of further people that are needed; at least one where nobody can meet the rule."""
    named = set(people_of(policy.rule))
    present = [person for person in dict.fromkeys(voters) if person in named]

    def empty(seats: tuple[Anyone, ...]) -> int:
        taken: dict[PersonId, int] = {}
        return sum(not _give(number, seats, present, taken, set()) for number in range(len(seats)))

    return max(policy.quorum - len(present), min(map(empty, _seatings(policy.rule)), default=1), 0)


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


def _seated(seats: tuple[Anyone, ...], people: list[PersonId]) -> bool:
    """Return whether every seat can be given to a different person (a bipartite matching by augmenting paths)."""
    taken: dict[PersonId, int] = {}
    return all(_give(number, seats, people, taken, set()) for number in range(len(seats)))


def _give(
    number: int, seats: tuple[Anyone, ...], people: list[PersonId], taken: dict[PersonId, int], tried: set[PersonId]
) -> bool:
    for person in people:
        if person in tried or person not in seats[number].people:
            continue
        tried.add(person)
        if person not in taken or _give(taken[person], seats, people, taken, tried):
            taken[person] = number
            return True
    return False
