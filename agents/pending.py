"""What becomes of a step between its choice and its end."""

from dataclasses import dataclass
from typing import Literal

from agents.attempts import Attempt
from agents.requests import Decision, PersonId, Request, StepId
from agents.steps import Step


@dataclass(frozen=True, slots=True)
class PendingStep:
    """The chosen step that is not closed yet.

    `request` is the newest one; `decision` is set once it is approved. `replaced` is a request that was superseded,
    with the reason. `attempt` runs now, as far as the events say; `unknown` is an attempt of which nobody knows
    whether its effect happened.
    """

    id: StepId
    step: Step
    gate: str | None
    request: Request | None = None
    decision: Decision | None = None
    replaced: tuple[Request, str] | None = None
    attempt: Attempt | None = None
    unknown: Attempt | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """How a step was closed. `kind` `ok` and `answered` are good ends; `text` is for the next step to read."""

    step: Step
    kind: Literal["ok", "error", "answered", "denied", "revoked", "expired", "withdrawn", "refused"]
    text: str
    by: tuple[PersonId, ...] = ()
