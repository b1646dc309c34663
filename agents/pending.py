"""What becomes of a step between its choice and its end."""

from dataclasses import dataclass, replace
from typing import Literal

from agents.attempts import Attempt
from agents.events import RequestRevised
from agents.raised import GO_ON, STOP_HERE, QuestionRaised
from agents.requests import Decision, Given, PersonId, Request, RequestId, StepId
from agents.steps import CallTool, RequestHumanInput, Step


@dataclass(frozen=True, slots=True)
class PendingStep:
    """The chosen step that is not closed yet.

    `request` is the newest one; `decision` is set once it is approved. `replaced` is a request that was superseded,
    with the reason. `attempt` runs now, as far as the events say; `unknown` is an attempt of which nobody knows
    whether its effect happened. `raised` is set where code asks, and no agent chose it: whether to go on. `held` is the
    chosen step that waits for that answer; `again`: people let it go once more, though it gave the same twice.
    """

    id: StepId
    step: Step
    gate: str | None
    request: Request | None = None
    decision: Decision | None = None
    replaced: tuple[Request, str] | None = None
    attempt: Attempt | None = None
    unknown: Attempt | None = None
    raised: QuestionRaised | None = None
    held: "PendingStep | None" = None
    again: bool = False


def raised_over(pending: PendingStep | None, event: QuestionRaised) -> PendingStep | None:
    """The question that code raised, holding `pending`; what people were asked about, or what runs, is not held."""
    if pending and (pending.raised or pending.request or pending.attempt or pending.unknown):
        return pending
    asked = RequestHumanInput(question=event.question, format="choice", options=(GO_ON, STOP_HERE))
    return PendingStep(event.step_id, asked, None, raised=event, held=pending)


@dataclass(frozen=True, slots=True)
class Result:
    """How a step was closed. `kind` `ok` and `answered` are good ends; `text` is for the next step to read."""

    step: Step
    kind: Literal["ok", "error", "answered", "denied", "revoked", "expired", "withdrawn", "refused"]
    text: str
    by: tuple[PersonId, ...] = ()


def gated(pending: PendingStep, gate: str) -> PendingStep:
    """Under another gate an earlier approval is worth nothing."""
    replaced = (pending.request, f"the policy is now {gate!r}") if pending.request else pending.replaced
    return replace(pending, gate=gate, request=None, decision=None, replaced=replaced)


def amended(chosen: Step, event: RequestRevised) -> Step:
    """What people decide on is what is executed, not what was first proposed."""
    call = event.request.call
    if call is None or not isinstance(chosen, CallTool):
        return chosen
    return chosen.model_copy(update={"arguments": dict(call.arguments)})


def is_current(pending: PendingStep, request_id: RequestId) -> bool:
    """Whether that request is the newest one about the step."""
    return pending.request is not None and pending.request.id == request_id


def meaning_of(given: Given | None) -> str:
    """What was answered, in the question's format: the labels of a choice that was answered by its number."""
    if given is None:
        return ""
    lines = given.picks or tuple(f"{field}: {text}" for field, text in given.form.items())
    return "\n".join(lines) or given.text
