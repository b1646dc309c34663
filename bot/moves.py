"""What a run does next, as a pure function of the run and the time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agents.requests import RequestId
from agents.run import PendingStep, Run
from agents.steps import CallTool

# The run stops by itself before the store would refuse its events.
_ROOM_FOR_EVENTS = 9_900
# The same call, three times in a row, will give the same a fourth time.
_SAME_CALLS = 3


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
class Close:
    """Take back a request whose answer nobody needs any more."""

    request_id: RequestId
    why: str


@dataclass(frozen=True, slots=True)
class End:
    """Nothing more is to be done."""

    outcome: Literal["done", "failed", "cancelled"]
    summary: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until`, or before something comes in."""

    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """The run has ended."""


Move = Think | Execute | Check | Ask | Close | End | Wait | Stop


def next_move(run: Run, now: datetime) -> Move:
    """The next move of `run`. Total; `now` only matters while a run waits to try its model, or to look, again."""
    pending = run.pending
    if run.started is None or (run.ended and run.open is None):
        return Stop()
    if pending and pending.attempt:
        return Execute(pending)
    if run.open and (pending is None or pending.request is None or pending.request.id != run.open):
        return Close(run.open, "the run went on without it")
    if run.seq >= _ROOM_FOR_EVENTS:
        why = f"stopped after {run.seq} events: a run may have 10,000"
        return Close(run.open, why) if run.open else End("failed", why)
    if run.cancelled_by:
        return Close(run.open, "the run was cancelled") if run.open else End("cancelled", _cancelled(run))
    if run.is_paused:
        return Wait()
    return _about_step(pending, run.open, now) if pending else _about_thinking(run, now)


def _cancelled(run: Run) -> str:
    last = run.results[-1].text if run.results and run.results[-1].kind == "error" else ""
    return f"cancelled by {run.cancelled_by}" + (f": {last}" if last else "")


def _about_step(pending: PendingStep, open_request: RequestId | None, now: datetime) -> Move:
    request = pending.request
    if pending.waits:
        return (
            Check(pending) if pending.waits.is_news or now >= pending.waits.check_at else Wait(pending.waits.check_at)
        )
    if pending.unknown:
        is_asked = request is not None and request.purpose == "unknown" and request.id == open_request
        return Wait() if is_asked else Ask(pending, "unknown")
    if not isinstance(pending.step, CallTool):
        return Wait() if request else Ask(pending, "question")
    if pending.gate is None or pending.decision:
        return Execute(pending)
    return Wait() if request else Ask(pending, "gate")


def _about_thinking(run: Run, now: datetime) -> Move:
    if run.retry_at and now < run.retry_at:
        return Wait(run.retry_at)
    if run.started and run.steps >= run.started.max_steps:
        return End("failed", f"stopped after {run.steps} steps without an end: the limit is agents.*.max_steps")
    last = run.results[-_SAME_CALLS:]
    if len(last) == _SAME_CALLS and all(result.step == last[0].step and result.text == last[0].text for result in last):
        return End("failed", f"stopped in a loop: the same step gave the same result {_SAME_CALLS} times")
    return Think()
