"""What tracing and metrics are told of runs: turns, waits for people, calls of models, executions of tools.

Nothing is sent here, and none of it holds what people, models or tools wrote. `bot/wiring/otlp.py` sends it where an
operator wants it.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Literal, Protocol

from agents.events import (
    Event,
    RequestDecided,
    RequestOpened,
    RunEnded,
    RunStarted,
    StepChosen,
    StepFailed,
    StepRefused,
    ToolFinished,
    ToolStarted,
)
from agents.run import Run
from agents.steps import ModelCall

Signal = Literal["traces", "metrics"]
_SIGNALS: tuple[Signal, ...] = ("traces", "metrics")


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A call of a model that has just ended. `provider` and `model` are what was asked for, `call` is what came of it.

    `error` is the kind of the failure; empty where a step was chosen. `step` is the number of the step, from 1.
    """

    run_id: str
    step: int
    agent: str
    provider: str
    model: str
    call: ModelCall
    error: str = ""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """An execution of a tool that has just ended, `seconds` after it began; `error` is its kind, not its words."""

    run_id: str
    step: int
    agent: str
    tool: str
    seconds: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class PeopleWait:
    """The time from when a request was opened until it was decided, whichever processes did that; `state` is how."""

    run_id: str
    request_id: str
    opened_at: datetime
    decided_at: datetime
    state: str


def waits_that_ended(run: Run, events: Sequence[Event]) -> list[PeopleWait]:
    """Return the waits that ended since `run`, of these events, moved on: those that its next turn goes on from."""
    decided = {event.request_id: event for event in takewhile(_is_from_outside, reversed(events))
               if isinstance(event, RequestDecided)}  # fmt: skip
    return [
        PeopleWait(run.id, name, run.requests[name].request.opened_at, event.at, event.decision.state)
        for name, event in decided.items()
        if name in run.requests
    ]


def _is_from_outside(event: Event) -> bool:
    return not isinstance(
        event,
        RunStarted | StepChosen | StepFailed | StepRefused | RequestOpened | ToolStarted | ToolFinished | RunEnded,
    )


class Telemetry(Protocol):
    """Whoever follows runs as they go. Nothing of it raises, waits or fails a run."""

    def turn(self, run_id: str) -> AbstractContextManager[None]:
        """Surround one turn of a run, to which what begins in it belongs."""
        ...

    def asked(self, run_id: str, request_id: str) -> None:
        """Note that the turn that goes on opens a request: what comes next may be in another process."""
        ...

    def went_on(self, wait: PeopleWait) -> None:
        """Note that the turn that goes on follows from what people decided."""
        ...

    def model_used(self, use: ModelUse) -> None:
        """Note a call of a model."""
        ...

    def tool_used(self, use: ToolUse) -> None:
        """Note an execution of a tool."""
        ...

    async def close(self) -> None:
        """Send what is left, or give it up soon."""
        ...


class Off:
    """Nobody follows."""

    def turn(self, run_id: str) -> AbstractContextManager[None]:
        """See `Telemetry`."""
        return nullcontext()

    def asked(self, run_id: str, request_id: str) -> None:
        """See `Telemetry`."""

    def went_on(self, wait: PeopleWait) -> None:
        """See `Telemetry`."""

    def model_used(self, use: ModelUse) -> None:
        """See `Telemetry`."""

    def tool_used(self, use: ToolUse) -> None:
        """See `Telemetry`."""

    async def close(self) -> None:
        """See `Telemetry`."""


OFF: Telemetry = Off()


def wanted(environ: Mapping[str, str]) -> frozenset[Signal]:
    """Return what the environment wants to be sent: nothing, unless it names an endpoint for it.

    The names are those of https://opentelemetry.io/docs/specs/otel/protocol/exporter/.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return frozenset()
    return frozenset(signal for signal in _SIGNALS if _is_wanted(signal.upper(), environ))


def _is_wanted(signal: str, environ: Mapping[str, str]) -> bool:
    endpoint = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return bool(endpoint) and environ.get(f"OTEL_{signal}_EXPORTER", "").strip().lower() != "none"
