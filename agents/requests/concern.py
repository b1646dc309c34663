"""Whom an event makes a run concern: who asks for it or writes to it, and whom it asks. Pure."""

from collections.abc import Iterable, Iterator
from itertools import chain

from agents.events import (
    CardReplaced,
    Event,
    OutsideReported,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestReassigned,
    RequestRevised,
    RunStarted,
)
from agents.moves import named_by
from agents.requests import Holder, PersonId, PolicySnapshot, people_of


def wrote_in(event: Event) -> tuple[PersonId, ...]:
    """Return who asks for a run by `event`, or writes to it."""
    match event:
        case RunStarted():
            return (event.requester, *filter(None, [event.submitter]), *event.holders, *event.inherits)
        case PersonSaid():
            return (event.person,)
        case OutsideReported():
            return tuple(one.person for one in event.by if one.asks)
        case _:
            return ()


def asked_in(event: Event) -> tuple[PersonId, ...]:
    """Return whom `event` asks; whoever granted what it uses is told of each use."""
    match event:
        case RequestOpened():
            return (*named_in(event.request.policy), *holding(event.holders))
        case RequestRevised():
            return tuple(holding(event.holders))
        case RequestReassigned():
            return (*chain.from_iterable(map(named_by, event.moves)), *event.to, *holding(event.holders))
        case RequestDecided() if event.decision.standing:
            return event.decision.by
        case CardReplaced() if event.holder:
            return tuple(holding([event.holder]))
        case _:
            return ()


def named_in(policy: PolicySnapshot) -> tuple[PersonId, ...]:
    """Return who decides, in whichever step, or may break the glass: who is asked later may look at it before."""
    rules = (policy.rule, *(step.rule for step in policy.steps), *policy.break_glass)
    return tuple(one for rule in rules for one in people_of(rule))


def holding(holders: Iterable[Holder]) -> Iterator[PersonId]:
    """Yield those of `holders` who are people, and no places."""
    return (holder.person for holder in holders if holder.person)
