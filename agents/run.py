"""What a run is: the fold of its events. Pure and total; no clock, no ids, no I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from agents.attempts import Attempt, Made, made_after, told_by_people
from agents.deliveries import CardDelivered, DeliveryFailed
from agents.events import (
    AnswerHeld,
    AnswerNoted,
    ContextFetched,
    Event,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestRevised,
    RequestRevoked,
    RunCancelled,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    StepChosen,
    StepFailed,
    StepGated,
    StepRefused,
    ToolFinished,
    ToolOrphaned,
    ToolStarted,
    VoteCast,
)
from agents.history import RunForked
from agents.outside import ChildStarted, OutsideReported, ToolWaits
from agents.pending import PendingStep, Result
from agents.raised import QuestionRaised
from agents.requests import AttemptId, Decision, Fact, Given, PersonId, RequestId, RunId, StepId
from agents.steps import CallTool, Done, Step

__all__ = ["IT_DID_NOT", "IT_HAPPENED", "NOT_YET", "STOP", "PendingStep", "Result", "Run", "RunState", "fold", "step"]

RunState = Literal["running", "waiting", "paused", "unknown", "done", "failed", "cancelled"]

NOT_YET = RunId("")
# The answers to "did it happen?"; the cards and the fold must mean the same by them.
IT_HAPPENED, IT_DID_NOT, STOP = "it happened", "it did not happen, ask again", "stop the run"


@dataclass(frozen=True, slots=True)
class Run:
    """What a run amounts to after `seq` events. `open` is what people can still answer, whatever its step became.

    `writers` wrote to it since people last decided something; `unheard` of them did after its last step was chosen,
    which makes them writers still when people decide on that step. `forked` is set where it goes on from a copied
    story, of which it keeps results and facts to read, and nothing that was asked, allowed, begun or used up.
    """

    id: RunId = NOT_YET
    seq: int = 0
    started: RunStarted | None = None
    facts: tuple[Fact, ...] | None = None
    pending: PendingStep | None = None
    open: RequestId | None = None
    results: tuple[Result, ...] = ()
    orphans: tuple[tuple[AttemptId, StepId], ...] = ()
    made: tuple[Made, ...] = ()
    steps: int = 0
    failures: tuple[StepFailed, ...] = ()
    retry_at: datetime | None = None
    is_rehearsal: bool = False
    cards: tuple[CardDelivered, ...] = ()
    voters: frozenset[PersonId] = frozenset()
    writers: tuple[PersonId, ...] = ()
    unheard: tuple[PersonId, ...] = ()
    is_paused: bool = False
    paused_by: PersonId | None = None
    cancelled_by: PersonId | None = None
    ended: RunEnded | None = None
    forked: RunForked | None = None

    @property
    def state(self) -> RunState:
        """The word that people see."""
        if self.ended:
            return self.ended.outcome
        if self.pending and self.pending.unknown:
            return "unknown"
        if self.is_paused:
            return "paused"
        is_waiting = self.pending is not None and self.pending.request is not None and self.pending.decision is None
        return "waiting" if is_waiting else "running"


def fold(events: Iterable[Event], run: Run | None = None) -> Run:
    """The run after `events`, on top of `run`. Any list of events folds; what makes no sense changes nothing."""
    run, count = run or Run(), 0
    start = run.seq
    for event in events:
        run, count = step(run, event), count + 1
    return replace(run, seq=start + count)


def step(run: Run, event: Event) -> Run:  # noqa: C901 - one case per kind of event reads best together
    """The run after `event`, its sequence number aside."""
    match event:
        case RunStarted() if run.started is None:
            return replace(run, id=event.run_id, started=event)
        case ContextFetched():
            return replace(run, facts=event.facts)
        case StepChosen() if run.pending is None and run.ended is None:
            return _chosen(run, event)
        case StepFailed():
            return replace(run, failures=(*run.failures, event), retry_at=event.retry_at)
        case StepRefused() | StepGated() if run.pending and run.pending.id == event.step_id:
            return _judged(run, run.pending, event)
        case RequestOpened() | RequestRevised() | RequestDecided() | RequestRevoked():
            return _asked(run, event)
        case ToolStarted() | ToolFinished() | ToolOrphaned():
            return replace(_executed(run, event), made=made_after(run.made, event))
        case CardDelivered():
            return replace(run, cards=(*run.cards, event))
        case VoteCast():
            return replace(run, voters=run.voters | {event.vote.person})
        case PersonSaid():
            return replace(run, writers=_with(run.writers, event.person), unheard=_with(run.unheard, event.person))
        case RunPaused() | RunResumed():
            is_paused = isinstance(event, RunPaused)
            return replace(run, is_paused=is_paused, paused_by=event.by if is_paused else None)
        case RunCancelled():
            return replace(run, cancelled_by=event.by)
        case RunForked():
            return _forked(run, event)
        case RunEnded() if run.ended is None:
            return replace(run, ended=event, pending=None)
        case (
            RunStarted() | StepChosen() | StepRefused() | StepGated() | RunEnded()
            | AnswerNoted() | AnswerHeld() | DeliveryFailed()
            | ToolWaits() | OutsideReported() | ChildStarted() | QuestionRaised()
        ):  # fmt: skip
            return run


def _forked(run: Run, event: RunForked) -> Run:
    """A run that has only read the copied story. What is not named here begins anew, so that nothing of it counts.

    The open step is not taken over, for under its id its effect may have been made; a file's facts are looked up again.
    """
    pending, results = run.pending, run.results
    if pending and (pending.attempt or pending.unknown):
        text = f"this had begun in {event.source}, and it is not known here whether it happened"
        results = (*results, Result(pending.step, "error", text))
    return Run(
        id=run.id,
        started=run.started,
        facts=None if event.how == "import" else run.facts,
        results=results,
        is_rehearsal=run.is_rehearsal,
        writers=_with(run.writers, event.by),
        forked=event,
    )


def _chosen(run: Run, event: StepChosen) -> Run:
    """A chosen step is pending until it is closed; `Done` only waits for `RunEnded`."""
    is_rehearsal = run.is_rehearsal or event.call.rehearsal
    chosen = replace(run, steps=run.steps + 1, failures=(), retry_at=None, is_rehearsal=is_rehearsal, unheard=())
    if isinstance(event.step, Done):
        return chosen
    return replace(chosen, pending=PendingStep(event.step_id, event.step, event.gate))


def _judged(run: Run, pending: PendingStep, event: StepRefused | StepGated) -> Run:
    if pending.attempt:  # what is being executed must not be forgotten
        return run
    if isinstance(event, StepGated):
        return replace(run, pending=_gated(pending, event.gate))
    return _close(run, Result(pending.step, "refused", event.error))


def _gated(pending: PendingStep, gate: str) -> PendingStep:
    """Under another gate an earlier approval is worth nothing."""
    replaced = (pending.request, f"the policy is now {gate!r}") if pending.request else pending.replaced
    return replace(pending, gate=gate, request=None, decision=None, replaced=replaced)


def _with(people: tuple[PersonId, ...], person: PersonId) -> tuple[PersonId, ...]:
    return people if person in people else (*people, person)


def _close(run: Run, result: Result) -> Run:
    return replace(run, pending=None, results=(*run.results, result))


def _asked(run: Run, event: RequestOpened | RequestRevised | RequestDecided | RequestRevoked) -> Run:
    if isinstance(event, RequestOpened):
        run = replace(run, open=event.request.id)
    if isinstance(event, RequestDecided) and run.open == event.request_id:
        is_by_people = event.decision.by and event.decision.state in {"approved", "denied", "answered"}
        run = replace(run, open=None, writers=run.unheard if is_by_people else run.writers)
    pending = run.pending
    if pending is None:
        return run
    match event:
        case RequestOpened() if event.request.step_id == pending.id:
            return replace(run, pending=replace(pending, request=event.request, decision=None))
        case RequestRevised() if _is_current(pending, event.request.id):
            # An approval of an older revision is none of this one: the arguments may be others.
            revised = replace(pending, request=event.request, decision=None, step=_amended(pending.step, event))
            return replace(run, pending=revised)
        case RequestDecided() if _is_current(pending, event.request_id):
            return _decided(run, pending, event.decision)
        case RequestRevoked() if _is_current(pending, event.request_id) and pending.attempt is None:
            return _close(run, Result(pending.step, "revoked", event.vote.reason, (event.vote.person,)))
        case _:
            return run


def _amended(chosen: Step, event: RequestRevised) -> Step:
    """What people decide on is what is executed, not what was first proposed."""
    call = event.request.call
    if call is None or not isinstance(chosen, CallTool):
        return chosen
    return chosen.model_copy(update={"arguments": dict(call.arguments)})


def _is_current(pending: PendingStep, request_id: RequestId) -> bool:
    return pending.request is not None and pending.request.id == request_id


def _decided(run: Run, pending: PendingStep, decision: Decision) -> Run:
    if pending.unknown and pending.request and pending.request.purpose == "unknown":
        return _settled(run, pending, decision)
    match decision.state:
        case "approved":
            return replace(run, pending=replace(pending, decision=decision))
        case "superseded":
            replaced = (pending.request, decision.reason) if pending.request else None
            return replace(run, pending=replace(pending, request=None, decision=None, replaced=replaced))
        case "answered":
            return _close(run, Result(pending.step, "answered", meaning_of(decision.given), decision.by))
        case "denied" | "expired" | "withdrawn":
            return _close(run, Result(pending.step, decision.state, decision.reason, decision.by))


def meaning_of(given: Given | None) -> str:
    """What was answered, in the question's format: the labels of a choice that was answered by its number."""
    if given is None:
        return ""
    lines = given.picks or tuple(f"{field}: {text}" for field, text in given.form.items())
    return "\n".join(lines) or given.text


def _settled(run: Run, pending: PendingStep, decision: Decision) -> Run:
    """What people said of an attempt that may or may not have had its effect; no answer leaves it unknown."""
    picks = decision.given.picks if decision.given else ()
    if pending.unknown and picks in {(IT_HAPPENED,), (IT_DID_NOT,)}:
        state = "ok" if picks == (IT_HAPPENED,) else "not_done"
        run = replace(run, made=told_by_people(run.made, pending.unknown.id, state, decision.by, decision.at))
    match picks:
        case (pick,) if pick == IT_HAPPENED:
            return _close(run, Result(pending.step, "ok", "a person confirmed that it happened", decision.by))
        case (pick,) if pick == IT_DID_NOT:
            again = replace(pending, request=None, decision=None, unknown=None, attempt=None)
            return replace(run, pending=again)
        case (pick,) if pick == STOP and decision.by:
            text = "it is not known whether this happened, and a person stopped the run"
            return _close(replace(run, cancelled_by=decision.by[0]), Result(pending.step, "error", text, decision.by))
        case _:
            return run  # still unknown: the same people are asked again, about the same call


def _executed(run: Run, event: ToolStarted | ToolFinished | ToolOrphaned) -> Run:
    pending = run.pending
    if pending is None:
        return run
    match event:
        case ToolStarted() if event.step_id == pending.id and pending.attempt is None:
            attempt = Attempt(event.attempt_id, event.at, event.host, event.idempotent, event.effect)
            return replace(run, pending=replace(pending, attempt=attempt))
        case ToolFinished() if _may_finish(run, pending, event.attempt_id):
            kind = "error" if event.error else "ok"
            return _close(run, Result(pending.step, kind, event.error or event.output))
        case ToolOrphaned() if pending.attempt and pending.attempt.id == event.attempt_id:
            return _orphaned(run, pending, pending.attempt, event.may_have_started)
        case _:
            return run


def _may_finish(run: Run, pending: PendingStep, attempt_id: AttemptId) -> bool:
    """The result of the step's own attempts counts, late ones too: a result known is better than a question."""
    is_live = pending.attempt is not None and pending.attempt.id == attempt_id
    return is_live or (attempt_id, pending.id) in run.orphans


def _orphaned(run: Run, pending: PendingStep, attempt: Attempt, may_have_started: bool) -> Run:
    is_unknown = may_have_started and not attempt.idempotent
    left = replace(pending, attempt=None, unknown=attempt if is_unknown else None)
    return replace(run, pending=left, orphans=(*run.orphans, (attempt.id, pending.id)))
