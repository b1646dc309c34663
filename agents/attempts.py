"""Attempts at a tool's effect, and what became of each. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from agents.events import ToolFinished, ToolOrphaned, ToolStarted
from agents.requests import AttemptId, Effect, PersonId, RequestId


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a tool's effect."""

    id: AttemptId
    started_at: datetime
    host: str
    idempotent: bool
    effect: Effect


@dataclass(frozen=True, slots=True)
class Made:
    """What became of an attempt that `request_id` allowed, None where nobody had to be asked.

    `left`: its owner went away, and another attempt is harmless. `unknown`: nobody knows whether its effect happened.
    `not_done`: people say that it did not. `text` is its output or its error; `by` are those who said what it was.
    """

    id: AttemptId
    request_id: RequestId | None
    started_at: datetime
    idempotent: bool
    state: Literal["running", "ok", "error", "left", "unknown", "not_done"] = "running"
    text: str = ""
    ended_at: datetime | None = None
    by: tuple[PersonId, ...] = ()


def made_after(made: tuple[Made, ...], event: ToolStarted | ToolFinished | ToolOrphaned) -> tuple[Made, ...]:
    """`made` after what happened to one of them. A result counts whenever it comes."""
    match event:
        case ToolStarted() if all(one.id != event.attempt_id for one in made):
            return (*made, Made(event.attempt_id, event.request_id, event.at, event.idempotent))
        case ToolStarted():
            return made
        case ToolFinished():
            text = event.error or event.output
            return tuple(
                replace(one, state="error" if event.error else "ok", text=text, ended_at=event.at, by=())
                if one.id == event.attempt_id
                else one
                for one in made
            )
        case ToolOrphaned():
            return tuple(_left(one, event) if one.id == event.attempt_id else one for one in made)


def _left(one: Made, event: ToolOrphaned) -> Made:
    if one.state != "running":
        return one
    return replace(one, state="unknown" if event.may_have_started and not one.idempotent else "left")


def told_by_people(
    made: tuple[Made, ...],
    attempt_id: AttemptId,
    state: Literal["ok", "not_done"],
    by: tuple[PersonId, ...],
    at: datetime,
) -> tuple[Made, ...]:
    """`made` once people have said what became of an attempt that nobody knew of."""
    return tuple(replace(one, state=state, by=by, ended_at=at) if one.id == attempt_id else one for one in made)


def made_for(made: Sequence[Made], request_id: RequestId) -> Made | None:
    """What became of what a request allowed: how it ended if one attempt did, else the last attempt."""
    own = [one for one in made if one.request_id == request_id]
    ended = [one for one in own if one.state in {"ok", "error"}]
    return (ended or own)[-1] if own else None
