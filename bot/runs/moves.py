"""The next move of a run, as a pure function of the run and the time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agents.budgets import Day
from agents.events import Why
from agents.model.failures import IN_A_ROW, after, is_too_long
from agents.requests import RequestId
from agents.run import PendingStep, Run
from agents.steps import CallTool, Step
from agents.text import one_line

# The run stops by itself before the store would refuse its events.
_ROOM_FOR_EVENTS = 9_900
# Of what goes on after the end, so many are named.
_GOES_ON, _GOES_ON_CHARS = 3, 300
# What gave the same twice will give it a third time.
_SAME_RESULTS = 2

# People said no, or nobody answered: that is no failure of the run.
_WENT_WRONG = {"error", "refused"}


@dataclass(frozen=True, slots=True)
class Think:
    """Choose the next step."""


@dataclass(frozen=True, slots=True)
class Execute:
    """Make the effect of the pending step, or look after the attempt that is under way."""

    pending: PendingStep


@dataclass(frozen=True, slots=True)
class Check:
    """Look whether the result of an effect that goes on outside is there."""

    pending: PendingStep


@dataclass(frozen=True, slots=True)
class Ask:
    """Open a request: the gate of a tool call, a question of the model, or about an attempt nobody knows of."""

    pending: PendingStep
    purpose: Literal["gate", "question", "unknown"]


@dataclass(frozen=True, slots=True)
class Raise:
    """Ask people whether to go on: something is used up, or the run gets nowhere."""

    why: Why


@dataclass(frozen=True, slots=True)
class Close:
    """Take back a request whose answer nobody needs any more."""

    request_id: RequestId
    why: str


@dataclass(frozen=True, slots=True)
class End:
    """The move of a run with nothing more to do."""

    outcome: Literal["done", "failed", "cancelled"]
    summary: str


@dataclass(frozen=True, slots=True)
class Wait:
    """The move of a run with nothing to do before `until`, or before something comes in."""

    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """The run has ended."""


Move = Think | Execute | Check | Ask | Raise | Close | End | Wait | Stop


def next_move(run: Run, now: datetime, day: Day | None = None) -> Move:
    """The next move of `run`. Total; `now` only matters while a run waits to try its model, or to look, again.

    `day` is what the agent has used today, where it has a budget of the day.
    """
    pending = run.pending
    if run.started is None or (run.ended and run.open is None):
        return Stop()
    if pending and pending.attempt:
        return Execute(pending)
    if run.open is not None and (pending is None or pending.request is None or pending.request.id != run.open):
        return Close(run.open, "the run went on without it")
    if run.seq >= _ROOM_FOR_EVENTS:
        why = f"stopped after {run.seq} events: a run may have 10,000"
        return Close(run.open, why) if run.open is not None else End("failed", why)
    if run.is_cancelled:
        return Close(run.open, "the run was cancelled") if run.open is not None else End("cancelled", _cancelled(run))
    if run.is_paused:
        return Wait()
    if run.budget.over:
        return End("failed", run.budget.over)
    return _about_step(run, pending, now) if pending else _about_thinking(run, now, day)


def _cancelled(run: Run) -> str:
    last = run.results[-1].text if run.results and run.results[-1].kind == "error" else ""
    why = run.budget.over or last
    said = f"cancelled by {run.cancelled_by}"
    if run.stopped_with:
        said = f"stopped by {run.stopped_with}, which started it" + (f": {said}" if run.cancelled_by else "")
    return said + (f": {why}" if why else "")


def goes_on(run: Run) -> str:
    """Return what outlasts the end of `run`: an effect that its step has begun; "" for none, and for child runs."""
    pending = run.pending
    if pending is None or not isinstance(pending.step, CallTool):
        return ""
    if pending.attempt:
        return f"{pending.step.tool}, which runs now and is finished first"
    if pending.unknown:
        return f"{pending.step.tool}, of which it is not known whether it happened"
    waits = pending.waits
    if waits is None or any(child.step_id == pending.id for child in run.children):
        return ""
    said = waits.note if waits.handle in waits.note else f"{waits.note} ({waits.handle})"
    return one_line(said if waits.note else waits.handle, _GOES_ON_CHARS)


def with_what_goes_on(summary: str, left: Sequence[str]) -> str:
    """`summary` of a run that ends, and in the same line what may go on in spite of that."""
    if not left:
        return summary
    more = f", and {len(left) - _GOES_ON} more" if len(left) > _GOES_ON else ""
    return f"{summary}. It had begun, and may go on: {'; '.join(left[:_GOES_ON])}{more}"


def _about_step(run: Run, pending: PendingStep, now: datetime) -> Move:
    request = pending.request
    if pending.waits:
        return (
            Check(pending) if pending.waits.is_news or now >= pending.waits.check_at else Wait(pending.waits.check_at)
        )
    if pending.unknown:
        is_asked = request is not None and request.purpose == "unknown" and request.id == run.open
        return Wait() if is_asked else Ask(pending, "unknown")
    if request is None and not pending.again and _gave_the_same(run, pending.step):
        return Raise("repeated")
    if not isinstance(pending.step, CallTool):
        return Wait() if request else Ask(pending, "question")
    if pending.gate is None or pending.decision:
        return Execute(pending)
    return Wait() if request else Ask(pending, "gate")


def _gave_the_same(run: Run, step: Step) -> bool:
    """Return whether the last results of this very step were the same: nothing suggests that another would differ."""
    last = [(result.kind, result.text) for result in run.results if result.step == step][-_SAME_RESULTS:]
    return len(last) == _SAME_RESULTS and len(set(last)) == 1


def _about_thinking(run: Run, now: datetime, day: Day | None) -> Move:
    if run.retry_at and now < run.retry_at:
        return Wait(run.retry_at)
    if why := _why_to_ask(run, day):
        return Raise(why)
    return Think()


def _why_to_ask(run: Run, day: Day | None) -> Why | None:
    """Return why people must say whether the run goes on, before it is thought about."""
    budget = run.budget
    last = run.results[budget.heard :][-IN_A_ROW:]
    gets_nowhere = len(last) == IN_A_ROW and all(result.kind in _WENT_WRONG for result in last)
    kinds = [failure.kind for failure in run.failures]
    if gets_nowhere or after(kinds) == "people":
        return "too_long" if is_too_long(kinds) else "failures"
    if budget.reached:
        return budget.reached[0]
    return "day" if day and day.is_over else None
