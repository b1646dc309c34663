"""Fold the events of a run into what it is. Pure and total; no clock, no ids, no I/O."""

from collections.abc import Iterable
from typing import TypeVar

from agents.budgets import Budget, Over
from agents.events import (
    MOST_CHILDREN,
    AnswerHeld,
    AnswerNoted,
    CardDelivered,
    CardReplaced,
    Change,
    ChildStarted,
    ContextFetched,
    ContinuationAsked,
    DeliveryFailed,
    Event,
    OutsideReported,
    PersonSaid,
    RequestDecided,
    RequestFrozen,
    RequestOpened,
    RequestReassigned,
    RequestReminded,
    RequestRevised,
    RequestRevoked,
    RunCancelled,
    RunEnded,
    RunForked,
    RunPaused,
    RunResumed,
    RunStarted,
    StepChosen,
    StepFailed,
    StepGated,
    StepRefused,
    ThoughtDropped,
    ToolFinished,
    ToolOrphaned,
    ToolQueued,
    ToolStarted,
    ToolWaits,
    VoteCast,
)
from agents.model.failures import is_too_long, status_of
from agents.requests import AttemptId, Author, Decision, PersonId, Remark, Request, RunId, StandIn
from agents.requests.concern import asked_in
from agents.requests.record import MOST_REMARKS, approval_before, remarks_of, step_requests
from agents.state import (
    GO_ON,
    IT_DID_NOT,
    IT_HAPPENED,
    NOT_YET,
    STOP,
    USE_RULES,
    Attempt,
    PendingStep,
    Result,
    Run,
    RunState,
    after_news,
    amended,
    edits_after,
    gated,
    is_current,
    left_to_next,
    made_after,
    meaning_of,
    proof_after,
    raised_over,
    replace,
    settled_by_people,
)
from agents.steps import CallTool, Done, RequestHumanInput, is_by_model

__all__ = [
    "GO_ON",
    "IT_DID_NOT",
    "IT_HAPPENED",
    "NOT_YET",
    "STOP",
    "USE_RULES",
    "PendingStep",
    "Result",
    "Run",
    "RunState",
    "fold",
    "meaning_of",
    "step",
]

Named = TypeVar("Named", PersonId, Author)
_STOPPED_UNKNOWN = "it is not known whether this happened, and a person stopped the run"


def fold(events: Iterable[Event], run: Run | None = None) -> Run:
    """The run after `events`, on top of `run`. Any list of events folds; what makes no sense changes nothing."""
    run, count = run or Run(), 0
    start = run.seq
    for event in events:
        run, count = step(run, event), count + 1
    return replace(run, seq=start + count)


def step(run: Run, event: Event) -> Run:
    """The run after `event`, its sequence number aside."""
    run = _beside(run, event)
    match event:
        case RunStarted() if run.started is None:
            budget = run.budget.given(event)
            return replace(run, id=event.run_id, started=event, budget=budget)
        case ContextFetched():
            return replace(run, facts=event.facts, looked_at_end=run.ending is not None)
        case StepChosen() if run.pending is None and run.ended is None:
            return chosen(run, event)
        case StepFailed() | ThoughtDropped():
            return without_step(run, event)
        case ContinuationAsked() if run.ended is None:
            return replace(run, pending=raised_over(run.pending, event))
        case StepRefused() | StepGated():
            return _judged(run, event)
        case (
            RequestOpened() | RequestRevised() | RequestReassigned() | RequestFrozen() | RequestDecided()
            | RequestRevoked()
        ):  # fmt: skip
            return _asked(run, event)
        case ToolStarted() | ToolFinished() | ToolOrphaned():
            return _executed(run, event)
        case ToolWaits() | ToolQueued() | OutsideReported() | ChildStarted():
            return _outside(run, event)
        case CardDelivered():
            return replace(run, cards=(*run.cards, event))
        case AnswerNoted():
            return _noted(run, event)
        case PersonSaid():
            return _said_beside(_wrote(run, (event.person,)), event)
        case RunPaused() | RunResumed():
            paused = event if isinstance(event, RunPaused) else None
            return replace(
                run,
                is_paused=paused is not None,
                paused_at=paused and paused.at,
                paused_by=paused and paused.by,
                paused_with=paused and paused.parent,
                restored_from=paused and paused.restored_from,
                at_pause=(run.at_pause or run) if paused else None,
            )
        case RunCancelled():
            # The run that started it may end while a person cancels it: neither undoes the other.
            by, parent = event.by or run.cancelled_by, event.parent or run.stopped_with
            return replace(run, cancelled_by=by, stopped_with=parent)
        case RunForked():
            return _forked(run, event)
        case RunEnded() if run.ended is None:
            return replace(run, ended=event, pending=None)
        case (
            RunStarted() | StepChosen() | RunEnded()
            | VoteCast() | AnswerHeld() | CardReplaced() | DeliveryFailed() | RequestReminded()
            | ContinuationAsked()
        ):  # fmt: skip
            return run


def _beside(run: Run, event: Event) -> Run:
    """Fold what hangs on no step: its requests, whom it asked, its attempts, and whose word it goes by."""
    changes = dict[str, object]()
    requests, asked, proof = step_requests(run.requests, event), asked_in(event), proof_after(run, event)
    if requests is not run.requests:
        changes["requests"] = requests
    if not run.asked.issuperset(asked):
        changes["asked"] = run.asked.union(asked)
    if proof != (run.ways, run.weakness):
        changes["ways"], changes["weakness"] = proof
    match event:
        case ToolStarted() | ToolFinished() | ToolOrphaned():
            changes["made"] = made_after(run.made, event)
            ends = run.pending is not None and _may_finish(run, run.pending, event.attempt_id)
            # A file may tell of any number that nobody began.
            if isinstance(event, ToolFinished) and not ends and any(one.id == event.attempt_id for one in run.made):
                changes |= _heard_late(run, event.attempt_id)
            if isinstance(event, ToolFinished) and run.ended:
                after = replace(run, made=made_after(run.made, event))
                was, now = _came_to(run, event.attempt_id), _came_to(after, event.attempt_id)
                if was and now:
                    changes["ended"] = _as_it_turned_out(after, was, now)
        case VoteCast():
            changes["voters"] = run.voters | {event.vote.person}
        case _:
            pass
    return replace(run, **changes) if changes else run


def _heard_late(run: Run, what: AttemptId | RunId) -> dict[str, tuple[AttemptId | RunId, ...]]:
    """Return what changes as it is heard late what came of an attempt, or of a run below."""
    late = (*dict.fromkeys((*run.heard_late, what)),)
    after = (*dict.fromkeys((*run.heard_after, what)),) if run.ended else ()
    return {"heard_late": late, "heard_after": after}


def _came_to(run: Run, attempt_id: AttemptId) -> Change | None:
    return next((one.came_to for one in run.made if one.id == attempt_id and one.changes), None)


def _as_it_turned_out(run: Run, was: Change, now: Change) -> RunEnded | None:
    """Return the end of `run` once it is heard that something it did came to `now`, where it had ended as if to `was`:
    nobody knew, or people who said it were wrong.
    """
    ended, found = run.ended, {*run.child_changes, *(one.came_to for one in run.made if one.changes)}
    if ended is None or was == now:
        return ended
    is_known = "unknown" not in found and all(child.run_id in run.ended_children for child in run.children)
    is_stopped = any(one.stopped for one in run.results[run.copied :])
    is_part = is_stopped or ended.change == "failed" or not found.isdisjoint({"failed", "partly"})
    has_changed = not found.isdisjoint({"changed", "partly"})
    done, change = "partly" if is_part else "changed", ended.change
    match now, change:
        case "failed", "changed" | "partly" if was in {"changed", "partly"}:
            change = "partly" if has_changed else "failed"
        case ("changed" | "partly", "nothing" | "not_wanted" | "failed") | ("partly", "changed"):
            change = done
        case "changed" | "partly" | "failed", "unknown" if is_known:
            change = done if has_changed else "failed"
        case _:
            pass
    return ended.model_copy(update={"change": change})


def _forked(run: Run, event: RunForked) -> Run:
    """A run that has only read the copied story. What is not named here begins anew, so that nothing of it counts.

    The open step is not taken over, for under its id its effect may have been made; a file's facts are looked up again.
    """
    pending, results = run.pending, run.results
    if pending and run.has_begun(pending):
        text = f"this had begun in {event.source}, and it is not known here whether it happened"
        results = (*results, Result(pending.step, "error", text))
    # It is chosen anew as people had changed it, under another id.
    open_id = (pending.held or pending).id if pending else None
    budget = Budget(heard=len(results), is_free=run.budget.is_free)  # whoever had it copied knows them
    return Run(
        id=run.id,
        started=run.started,
        budget=budget.given(run.started) if run.started else budget,
        facts=None if event.how == "import" else run.facts,
        results=results,
        copied=len(results),
        before=run,
        is_rehearsal=run.is_rehearsal,
        stand_in=run.stand_in,
        writers=_with(run.writers, event.by),
        unheard=run.unheard,
        read_by=run.read_by,
        ways=run.ways,
        weakness=run.weakness,
        edits=tuple(replace(one, step_id=None) if one.step_id == open_id else one for one in run.edits),
        forked=event,
        beside=_beside_open(run) if event.how == "fork" else (),
    )


def _beside_open(run: Run) -> tuple[Remark, ...]:
    """Return what people wrote, asked and answered beside the approval of the open step, as far as nothing of it has
    begun, and what was written to the run since it was chosen; in a fork that has asked for none yet, what stood beside
    it in its source.
    """
    pending = run.pending.held or run.pending if run.pending else None
    if pending is None or run.has_begun(pending):
        return ()
    before = approval_before(run.requests, pending.id)
    if before is None:
        return run.beside
    said = (one for one in before.comments if one.kind != "comment")
    plain = (Remark(person=one.person, text=one.text, at=one.at) for one in said)
    return remarks_of(*before.request.remarks, *plain, *run.beside)


def _said_beside(run: Run, event: PersonSaid) -> Run:
    """Note what is written to the run once its next call is chosen: whoever is asked for that later, or asked anew,
    reads the newest of it. All of it is in the run's story.
    """
    pending = run.pending.held or run.pending if run.pending else None
    if pending is None or not isinstance(pending.step, CallTool):
        return run
    beside = remarks_of(*run.beside, Remark(person=event.person, text=event.text, at=event.at))
    return replace(run, beside=beside[-MOST_REMARKS:])


def _judged(run: Run, event: StepRefused | StepGated) -> Run:
    pending = run.pending
    if isinstance(event, StepRefused) and run.ending == event.step_id and run.ended is None:
        return replace(run, ending=None, end_refused=True)
    if pending is None or pending.id != event.step_id or pending.has_begun:  # what is executed must not be forgotten
        return run
    if isinstance(event, StepGated):
        return run if pending.raised else replace(run, pending=gated(pending, event.gate))
    if pending.raised:
        over = Over(pending.raised.why, "nobody", detail=event.error)
        return replace(run, pending=None, budget=replace(run.budget, over=over))
    return _close(run, Result(pending.step, "refused", event.error, unapproved=event.unapproved))


def _outside(run: Run, event: ToolWaits | ToolQueued | OutsideReported | ChildStarted) -> Run:
    if isinstance(event, ToolQueued):
        return _queued(run, event)
    if isinstance(event, ChildStarted):
        is_known = any(child.run_id == event.run_id for child in run.children)
        # A file may tell of any number, each of which would be compared with all before it.
        is_one_more = not is_known and len(run.children) < MOST_CHILDREN
        return replace(run, children=(*run.children, event)) if is_one_more else run
    if isinstance(event, OutsideReported):
        run = _reported(run, event)
    if run.pending is None:
        return run
    started_here = {child.run_id for child in run.children if child.step_id == run.pending.id}
    return replace(run, pending=after_news(run.pending, started_here, event))


def _reported(run: Run, event: OutsideReported) -> Run:
    """Add a child that ended: who wrote to it wrote to this run, and its use, once, is used of this run's budget.

    It is reported again where it is heard after its end what it has changed.
    """
    run = _read(_wrote(run, [one.person for one in event.by if one.asks]), event.by)
    child = next((one for one in run.children if one.run_id == event.report_id), None)
    if child is None or run.ended_children.get(child.run_id) == event.change:
        return run
    was = run.ended_children.get(child.run_id)
    run = replace(run, ended_children={**run.ended_children, child.run_id: event.change})
    run = replace(run, child_changes=(*run.ended_children.values(),))
    if was or run.ended:  # it is heard by now what became of it
        told = (replace(one, child=event) if _is_of(one, child) else one for one in run.results)
        run = replace(run, results=(*told,))
        ended = _as_it_turned_out(run, was or "unknown", event.change)
        is_news = ended is None or ended != run.ended
        return replace(run, ended=ended, **(_heard_late(run, child.run_id) if is_news else {}))
    if run.pending and run.pending.id == child.step_id:
        run = replace(run, pending=replace(run.pending, child=event))
    spent = run.budget.spent.beside(event.tokens, event.cost_usd)
    # What did not work may have changed what another one saw.
    is_clear = event.change in {"changed", "nothing", "not_wanted"}
    live = {where: (what, event.ended_at or event.at) for where, what in event.live.items()}
    live = {**run.child_live, **live} if is_clear else live
    return replace(run, child_live=live, budget=replace(run.budget, spent=spent))


def _is_of(result: Result, child: ChildStarted) -> bool:
    return result.child is not None and result.child.report_id == child.run_id


def _wrote(run: Run, people: Iterable[PersonId]) -> Run:
    return replace(run, writers=_with(run.writers, *people), unheard=_with(run.unheard, *people))


def _read(run: Run, authors: Iterable[Author]) -> Run:
    return replace(run, read_by=_with(run.read_by, *authors))


def _with(known: tuple[Named, ...], *more: Named) -> tuple[Named, ...]:
    """Each once, in one go: a file may name any number."""
    return tuple(dict.fromkeys((*known, *more)))


def _close(run: Run, result: Result) -> Run:
    if pending := run.pending:
        where = pending.effect.environment if pending.effect else None
        asked = pending.request.call if pending.request else None
        result = replace(result, environment=where, step_id=pending.id, call=asked)
    return replace(run, pending=None, results=(*run.results, result))


def _asked(
    run: Run,
    event: RequestOpened | RequestRevised | RequestReassigned | RequestFrozen | RequestDecided | RequestRevoked,
) -> Run:
    if isinstance(event, RequestRevised):
        run = replace(run, edits=edits_after(run, event))
    if isinstance(event, RequestOpened):  # whoever changes it has read this as well
        run = _read(run, (one for change in event.request.changes for one in change.by))
    pending = run.pending
    if pending is None:
        return run
    match event:
        case RequestOpened() if event.request.step_id == pending.id and event.request.id in run.requests:
            asks = replace(pending, request=event.request, decision=None, replaced=None, frozen=None, revoked=None)
            return replace(run, pending=asks)
        case RequestRevised() if is_current(pending, event.request.id):
            # An approval of an older revision is none of this one: the arguments may be others.
            asked = run.requests[event.request.id].request
            changed = replace(pending, request=asked, decision=None, step=amended(pending.step, event))
            return replace(run, pending=changed)
        case RequestFrozen() if is_current(pending, event.request_id) and not pending.has_begun:
            return replace(run, pending=replace(pending, frozen=event.freeze))
        case RequestDecided() if is_current(pending, event.request_id):
            return _decided(run, pending, event.decision)
        case RequestRevoked() if is_current(pending, event.request_id) and pending.may_be_stopped:
            return _revoked(run, replace(pending, revoked=event.vote))
        case _:
            return run


def _revoked(run: Run, pending: PendingStep) -> Run:
    """Close the step, unless it waits for its turn: whoever waits hears of it before."""
    vote = pending.revoked
    if vote is None or pending.has_begun:
        return replace(run, pending=pending)
    return _close(run, Result(pending.step, "revoked", vote.reason, (vote.person,)))


def _decided(run: Run, pending: PendingStep, decision: Decision) -> Run:
    if pending.raised and decision.state != "superseded":
        return _said_whether_to_go_on(run, pending, pending.raised, decision)
    if pending.unknown and pending.request and pending.request.purpose == "unknown":
        return _settled(run, pending, decision)
    match decision.state:
        case "approved":
            return replace(run, pending=replace(pending, decision=decision))
        case "superseded" if decision.newer_run:
            return _close(run, Result(pending.step, "withdrawn", decision.reason))
        case "superseded":
            replaced = (pending.request, decision.reason) if pending.request else None
            return replace(run, pending=replace(pending, request=None, decision=None, replaced=replaced, frozen=None))
        case "answered":
            form = decision.given.form if decision.given else {}
            return _close(run, Result(pending.step, "answered", meaning_of(decision.given), decision.by, form))
        case "denied" | "expired" | "withdrawn":
            return _close(run, Result(pending.step, decision.state, decision.reason, decision.by))


def _said_whether_to_go_on(run: Run, pending: PendingStep, raised: ContinuationAsked, decision: Decision) -> Run:
    """Apply what people said about going on: only the clear word lets the run go on; a held step may go once more.

    With another word it goes on without its model from then on.
    """
    picked = _picked(pending.request, decision)
    if over := _over_by(raised, decision, picked):
        stopped_by = decision.by[0] if picked == STOP else run.cancelled_by
        return replace(run, pending=None, budget=replace(run.budget, over=over), cancelled_by=stopped_by)
    held = replace(pending.held, again=True) if pending.held else None
    run = replace(run, pending=held, budget=run.budget.let_go_on(raised, len(run.results)))
    if picked == USE_RULES:
        run = replace(run, rules_only=True, stand_in=_stand_in(run))
    return run if raised.why == "day" else replace(run, failures=(), retry_at=None, fallback="")


def _settled(run: Run, pending: PendingStep, decision: Decision) -> Run:
    """Settle an attempt that may or may not have had its effect, by what people said; no answer leaves it unknown."""
    meant = _picked(pending.request, decision)
    if pending.unknown and meant in {IT_HAPPENED, IT_DID_NOT}:
        state = "ok" if meant == IT_HAPPENED else "not_done"
        run = replace(run, made=settled_by_people(run.made, pending.unknown.id, state, decision.by, decision.at))
    match meant:
        case key if key == IT_HAPPENED:
            return _close(run, Result(pending.step, "ok", "a person confirmed that it happened", decision.by))
        case key if key == IT_DID_NOT:
            again = replace(pending, request=None, decision=None, unknown=None, attempt=None, earlier_attempt=None)
            return replace(run, pending=again)
        case key if key == STOP and decision.by:
            result = Result(pending.step, "error", _STOPPED_UNKNOWN, decision.by)
            return _close(replace(run, cancelled_by=decision.by[0]), result)
        case _:
            return run  # still unknown: the same people are asked again, about the same call


def _executed(run: Run, event: ToolStarted | ToolFinished | ToolOrphaned) -> Run:
    pending = run.pending
    if pending is None:
        return run
    match event:
        case ToolStarted() if event.step_id == pending.id and not pending.has_begun and event.unreported:
            return _close(run, Result(pending.step, "ok", ""))
        case ToolStarted() if event.step_id == pending.id and not pending.has_begun:
            attempt = Attempt(event.attempt_id, event.at, event.host, event.idempotent, event.effect)
            return replace(run, pending=replace(pending, attempt=attempt, frozen=None))
        case ToolFinished() if _may_finish(run, pending, event.attempt_id):
            kind = "error" if event.error else "ok"
            return _close(run, Result(pending.step, kind, event.error or event.output, child=pending.child))
        case ToolOrphaned() if pending.attempt and pending.attempt.id == event.attempt_id:
            return _orphaned(run, pending, pending.attempt, event.may_have_started)
        case ToolOrphaned() if event.may_have_started and left_to_next(pending) == event.attempt_id:
            return replace(run, pending=replace(pending, unknown=pending.earlier_attempt, frozen=None))
        case _:
            return run


def _queued(run: Run, event: ToolQueued) -> Run:
    pending = run.pending
    attempt = pending.attempt if pending else None
    if pending is None or attempt is None or attempt.id != event.attempt_id:
        return run
    attempt = replace(attempt, queued=event) if event.behind else replace(attempt, queued=None, started_at=event.at)
    return replace(run, pending=replace(pending, attempt=attempt))


def _noted(run: Run, event: AnswerNoted) -> Run:
    """Note a denial that came after a start was recorded; other answers that do not count change nothing."""
    pending = run.pending
    if pending is None or pending.attempt is None or event.outcome != "too_late":
        return run
    if not is_current(pending, event.request_id):
        return run
    return replace(run, pending=replace(pending, attempt=replace(pending.attempt, is_stopped=True)))


def _may_finish(run: Run, pending: PendingStep, attempt_id: AttemptId) -> bool:
    """The result of the step's own attempts counts, late ones too: a result known is better than a question.

    What is late says nothing of a later attempt that has begun: that one ends the step.
    """
    current = pending.attempt or (pending.waits.attempt if pending.waits else None)
    return current.id == attempt_id if current else (attempt_id, pending.id) in run.orphans


def _orphaned(run: Run, pending: PendingStep, attempt: Attempt, may_have_started: bool) -> Run:
    is_unknown = may_have_started and not attempt.idempotent
    earlier_attempt = attempt if may_have_started else pending.earlier_attempt
    unknown = attempt if is_unknown else None
    left = replace(pending, attempt=None, unknown=unknown, earlier_attempt=earlier_attempt)
    run = replace(run, orphans=(*run.orphans, (attempt.id, pending.id)))
    return replace(run, pending=left) if is_unknown else _revoked(run, left)


def chosen(run: Run, event: StepChosen) -> Run:
    """A chosen step is pending until it is closed; `Done` only waits for `RunEnded`, or for its refusal."""
    known = run.stand_in
    stand_in = known and known.model_copy(update={"some": True}) if is_by_model(event.call) else _stand_in(run)
    is_rehearsal = run.is_rehearsal or (event.call.rehearsal and stand_in is None)
    is_end = isinstance(event.step, Done)
    pending = PendingStep(event.step_id, event.step, event.gate, by_model=is_by_model(event.call))
    return replace(
        run,
        budget=replace(run.budget, is_last_try=False).after(event),
        failures=(),
        retry_at=None,
        fallback="",
        is_rehearsal=is_rehearsal,
        stand_in=stand_in,
        unheard=run.unheard if _leaves_unheard(event) else (),
        ending=event.step_id if is_end else None,
        looked_at_end=False,
        read_by=_with(run.read_by, *event.read_by),
        pending=None if is_end else pending,
        beside=run.beside if run.steps == 0 else (),
    )


def _stand_in(run: Run) -> StandIn | None:
    """Return why fixed rules choose the next step of `run` in place of its model; None where it has none."""
    known = run.stand_in
    if not run.failures:
        return known
    last, some = run.failures[-1], known.some if known else run.steps > 0 and not run.is_rehearsal
    return StandIn(kind=last.kind, status=status_of(last.detail), some=some)


def without_step(run: Run, event: StepFailed | ThoughtDropped) -> Run:
    """Drop a step: a failure counts among the failures in a row; what came too late was none, and is only paid."""
    run = _paid(run, event)
    if isinstance(event, ThoughtDropped):
        return run
    if event.fallback:  # another model is asked, which has failed at nothing yet
        return replace(run, failures=(), retry_at=None, fallback=event.fallback)
    run = replace(run, failures=(*run.failures, event), retry_at=event.retry_at)
    if run.budget.is_last_try and is_too_long([failure.kind for failure in run.failures]):
        over = Over("too_long", "again", detail=event.detail)
        return replace(run, budget=replace(run.budget, over=over))
    return run


def _leaves_unheard(event: StepChosen) -> bool:
    """Return whether the step ignores what people wrote: plain rules that only ask for what is missing.

    They read none of it, and ask for a yes or no once they are to do something in spite of it.
    """
    return not is_by_model(event.call) and isinstance(event.step, RequestHumanInput) and event.step.format != "yes_no"


def _paid(run: Run, event: StepChosen | StepFailed | ThoughtDropped) -> Run:
    return replace(run, budget=run.budget.after(event))


def _over_by(raised: ContinuationAsked, decision: Decision, picked: str) -> Over | None:
    """Return why the run may not go on after that answer; None where it may: only a clear word to go on lets it."""
    if picked == GO_ON or (picked == USE_RULES and raised.rules):
        return None
    if picked == STOP:
        return Over(raised.why, "stop")
    return Over(raised.why, "unanswered", decision.state, decision.reason)


def _picked(request: Request | None, decision: Decision) -> str:
    """Return which answer to a question of code somebody gave; empty where nobody gave a clear one."""
    if request is None or decision.state != "answered" or not decision.by or decision.given is None:
        return ""
    picks = decision.given.picks
    return request.key_of(picks[0]) if len(picks) == 1 else ""
