"""The people whom a run concerns, as its events say: who asked for it, and who may decide something in it. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from agents.events import (
    AnswerNoted,
    CardReplaced,
    Event,
    OutsideReported,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestReassigned,
    RequestRevised,
    RunStarted,
    own,
)
from agents.requests import Holder, PersonId, PolicySnapshot, people_of
from agents.review import REVIEW
from bot.policy.approvers.quorum import may_break_glass
from bot.policy.approvers.who import who_of
from bot.policy.record import RequestRecord


@dataclass(frozen=True, slots=True)
class Concern:
    """Who asked for a run or wrote to it, and whom it ever asked. Nobody of them is forgotten while it goes on.

    `is_review`: it asks whether it was right to break the glass, and nobody steers it.
    """

    requesters: frozenset[PersonId] = frozenset()
    approvers: frozenset[PersonId] = frozenset()
    is_review: bool = False

    @property
    def everybody(self) -> frozenset[PersonId]:
        """Both."""
        return self.requesters | self.approvers


def concern_of(events: Sequence[Event]) -> Concern:
    """Return the people whom these events of a run name. Whom a copied story asked is no concern of its copy."""
    requesters, approvers = {*_begun(events[:1])}, set[PersonId]()
    for event in own(events):
        match event:
            case PersonSaid():
                requesters.add(event.person)
            case OutsideReported():
                requesters |= {*event.writers}
            case RequestOpened() | RequestRevised():
                policy = event.request.policy
                approvers |= {*_in_any_step(policy), *may_break_glass(policy), *_holding(event.holders)}
            case RequestReassigned():
                approvers |= {*_in_any_step(event.policy), *event.to, *_holding(event.holders)}
            case RequestDecided() if event.decision.standing:  # they are told of each use of what they granted
                approvers |= {*event.decision.by}
            case CardReplaced() if event.holder:
                approvers |= {*_holding([event.holder])}
            case _:
                pass
    is_review = any(event.agent == REVIEW for event in events[:1] if isinstance(event, RunStarted))
    return Concern(frozenset(requesters), frozenset(approvers), is_review)


def people_of_record(record: RequestRecord) -> frozenset[PersonId]:
    """Return everybody whom a request concerns: who asked, decides, may break its glass, handed it on, holds a card."""
    who = who_of(record)
    named = (*who.seated_ever, *who.glass_named, *who.givers)
    granted = record.decision.by if record.decision and record.decision.standing else ()
    return frozenset((*record.requesters, *named, *_holding(record.holders), *granted))


def _in_any_step(policy: PolicySnapshot) -> tuple[PersonId, ...]:
    """Return who decides, now or in another step: who is asked later may look at it before."""
    return tuple(one for rule in (policy.rule, *(step.rule for step in policy.steps)) for one in people_of(rule))


def widens(event: Event) -> bool:
    """Return whether `event` may add people to those whom an open request concerns."""
    return isinstance(event, RequestRevised | RequestReassigned | PersonSaid | CardReplaced | AnswerNoted)


def _begun(events: Iterable[Event]) -> Iterator[PersonId]:
    for event in events:
        if isinstance(event, RunStarted):
            yield from (event.requester, *filter(None, [event.submitter]), *event.holders, *event.inherits)


def _holding(holders: Iterable[Holder]) -> Iterator[PersonId]:
    return (holder.person for holder in holders if holder.person)
