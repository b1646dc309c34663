"""What a run amounts to: plain data, as `fold` makes it of events. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from agents.attempts import Made
from agents.budgets import Budget, Spent
from agents.deliveries import CardDelivered
from agents.events import RunEnded, RunStarted, StepFailed
from agents.history import RunForked
from agents.outside import ChildStarted
from agents.pending import PendingStep, Result
from agents.requests import AttemptId, Fact, GatedCall, PersonId, RequestId, RunId, StepId

RunState = Literal["running", "waiting", "paused", "unknown", "done", "failed", "cancelled"]

NOT_YET = RunId("")
# The answers to "did it happen?"; the cards and the fold must mean the same by them.
IT_HAPPENED, IT_DID_NOT, STOP = "it happened", "it did not happen, ask again", "stop the run"


@dataclass(frozen=True, slots=True)
class Objection:
    """`person` said why they do not want `call`, and whoever chooses the next step reads that."""

    person: PersonId
    call: GatedCall | None


@dataclass(frozen=True, slots=True)
class Run:
    """What a run amounts to after `seq` events. `open` is what people can still answer, whatever its step became.

    `writers` wrote to it; `unheard` of them did after the last step that may have taken account of it. `advisers`
    answered its questions, or those of its children, and `objections` came with denials: where they could approve what
    comes of it, they are requesters of that. `notes` stand beside approvals. `forked` is set where it goes
    on from a copied story, of which it keeps results and facts to read, and nothing that was asked, allowed, begun or
    used up; so many of its first results are `copied`, and may be true no longer.
    """

    id: RunId = NOT_YET
    seq: int = 0
    started: RunStarted | None = None
    facts: tuple[Fact, ...] | None = None
    pending: PendingStep | None = None
    open: RequestId | None = None
    results: tuple[Result, ...] = ()
    copied: int = 0
    orphans: tuple[tuple[AttemptId, StepId], ...] = ()
    made: tuple[Made, ...] = ()
    budget: Budget = field(default_factory=Budget)
    failures: tuple[StepFailed, ...] = ()
    retry_at: datetime | None = None
    is_rehearsal: bool = False
    children: tuple[ChildStarted, ...] = ()
    ended_children: frozenset[str] = frozenset()
    cards: tuple[CardDelivered, ...] = ()
    voters: frozenset[PersonId] = frozenset()
    writers: tuple[PersonId, ...] = ()
    unheard: tuple[PersonId, ...] = ()
    advisers: tuple[PersonId, ...] = ()
    objections: tuple[Objection, ...] = ()
    notes: tuple[tuple[RequestId, PersonId, str], ...] = ()
    is_paused: bool = False
    paused_by: PersonId | None = None
    cancelled_by: PersonId | None = None
    stopped_with: RunId | None = None
    ended: RunEnded | None = None
    forked: RunForked | None = None

    @property
    def is_cancelled(self) -> bool:
        """Whether it is to end: a person said so, or the run that started it."""
        return self.cancelled_by is not None or self.stopped_with is not None

    @property
    def steps(self) -> int:
        """How many steps were chosen."""
        return self.budget.spent.steps

    @property
    def spoken_for(self) -> Spent:
        """What it has used, and what was set aside for its children that have not ended."""
        spent = self.budget.spent
        for child in self.children:
            if child.run_id not in self.ended_children:
                spent = spent.beside(child.max_tokens, child.max_cost_usd)
        return spent

    def has_begun(self, pending: PendingStep) -> bool:
        """Whether the effect of this step was begun, however that went: under its own id it may have happened."""
        return pending.has_begun or pending.unknown is not None or any(step == pending.id for _, step in self.orphans)

    @property
    def text(self) -> str:
        """What was asked for, in the requester's words."""
        return self.started.text if self.started else ""

    @property
    def state(self) -> RunState:
        """The word that people see."""
        if self.ended:
            return self.ended.outcome
        if self.pending and self.pending.unknown:
            return "unknown"
        if self.is_paused:
            return "paused"
        pending = self.pending
        asks = pending is not None and pending.request is not None and pending.decision is None
        return "waiting" if asks or (pending and pending.waits) else "running"
