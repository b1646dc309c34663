"""The people whom a run concerns: who asked for it, and who may decide something in it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from agents.events import (
    AnswerNoted,
    CardReplaced,
    Event,
    PersonSaid,
    RequestReassigned,
    RequestRevised,
    own,
)
from agents.requests import PersonId
from agents.requests.concern import asked_in, holding, wrote_in
from agents.requests.record import RequestRecord
from agents.review import REVIEW
from agents.run import Run
from bot.policy.approvers.who import who_of


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


def concern_of(run: Run) -> Concern:
    """Return the people whom `run` concerns. Whom a copied story asked is no concern of its copy."""
    begun = wrote_in(run.started) if run.started else ()
    is_review = run.started is not None and run.started.agent == REVIEW
    return Concern(frozenset((*begun, *run.writers)), run.asked, is_review)


def people_in(events: Sequence[Event]) -> frozenset[PersonId]:
    """Return whom these events, of one commit, add to those whom their run concerns."""
    named = ((*wrote_in(event), *asked_in(event)) for event in (*events[:1], *own(events)))
    return frozenset(chain.from_iterable(named))


def people_of_record(record: RequestRecord) -> frozenset[PersonId]:
    """Return everybody whom a request concerns: who asked, decides, may break its glass, handed it on, holds a card."""
    people = who_of(record)
    granted = record.decision.by if record.decision and record.decision.standing else ()
    named = (*people.seated_ever, *people.seated_for_glass, *people.givers, *granted)
    return frozenset((*record.requesters, *named, *holding(record.holders)))


def widens(event: Event) -> bool:
    """Return whether `event` may add people to those whom an open request concerns."""
    return isinstance(event, RequestRevised | RequestReassigned | PersonSaid | CardReplaced | AnswerNoted)
