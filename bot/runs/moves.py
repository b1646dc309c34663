"""The next move of a run, as a pure function of the run and the time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agents.budgets import Day
from agents.events import Why
from agents.model.failures import IN_A_ROW, after, is_too_long
from agents.requests import RequestId
from agents.run import PendingStep, Run
from agents.steps import CallTool, Step

# The run stops by itself before the store would refuse its events.
_ROOM_FOR_EVENTS = 9_900
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
    why: Literal["went_on", "full", "cancelled"]


@dataclass(frozen=True, slots=True)
class End:
    """The move of a run with nothing more to do."""

    outcome: Literal["failed", "cancelled"]
    why: Literal["full", "cancelled", "over", "no_agent"]


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
        return Close(run.open, "went_on")
    if (left_over := run.left_over) is not None:
        return Close(left_over, "went_on")
    if run.seq >= _ROOM_FOR_EVENTS:
        return Close(run.open, "full") if run.open is not None else End("failed", "full")
    if run.is_cancelled:
        return Close(run.open, "cancelled") if run.open is not None else End("cancelled", "cancelled")
    if run.budget.over:
        return End("failed", "over")
    if run.is_paused:
        # Nothing begins by what comes of an effect that may have happened; after a restore an operator looks first.
        has_begun = pending is not None and bool(pending.unknown or pending.waits)
        return _about_step(run, pending, now) if pending and has_begun and not run.restored_from else Wait()
    return _about_step(run, pending, now) if pending else _about_thinking(run, now, day)


def _about_step(run: Run, pending: PendingStep, now: datetime) -> Move:
    request = pending.request
    if pending.waits:
        return (
            Check(pending) if pending.waits.is_news or now >= pending.waits.check_at else Wait(pending.waits.check_at)
        )
    if pending.unknown:
        return _about_unknown(run, pending)
    if request is None and not pending.again and _gave_the_same(run, pending.step):
        return Raise("repeated")
    if not isinstance(pending.step, CallTool):
        return Wait() if request else Ask(pending, "question")
    if pending.gate is None or pending.decision:
        return Execute(pending)
    return Wait() if request else Ask(pending, "gate")


def _about_unknown(run: Run, pending: PendingStep) -> Move:
    request = pending.request
    is_asked = request is not None and request.purpose == "unknown" and request.id == run.open
    return Wait() if is_asked else Ask(pending, "unknown")


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
