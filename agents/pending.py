"""What becomes of a step between its choice and its end."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from agents.attempts import Attempt
from agents.events import RequestRevised
from agents.outside import OutsideReported, ToolWaits
from agents.raised import GO_ON, STOP_HERE, QuestionRaised
from agents.requests import Decision, Given, PersonId, Request, RequestId, RunId, StepId
from agents.steps import CallTool, RequestHumanInput, Step

# A step has so many children at most.
_EARLY = 50


@dataclass(frozen=True, slots=True)
class Waiting:
    """The effect of `attempt` is under way outside, where it is called `handle`; see `ToolWaits`.

    `looks` found no result so far. `report` is what the newest report said; with `is_news` nobody has looked since.
    """

    attempt: Attempt
    handle: str
    check_at: datetime
    until: datetime
    note: str = ""
    looks: int = 0
    report_id: str = ""
    report: str = ""
    is_news: bool = False


@dataclass(frozen=True, slots=True)
class PendingStep:
    """The chosen step that is not closed yet.

    `request` is the newest one; `decision` is set once it is approved. `replaced` is a request that was superseded,
    with the reason. `attempt` runs now, as far as the events say; `waits` is for the result of one that ended;
    `unknown` is an attempt of which nobody knows whether its effect happened. `early` are reports that came before it
    was known what they are about. `raised` is set where code asks, and no agent chose it: whether to go
    on. `held` is the chosen step that waits for that answer; `again`: people let it go once more, though it gave the
    same twice.
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
    early: tuple[OutsideReported, ...] = ()
    waits: Waiting | None = None

    @property
    def has_begun(self) -> bool:
        """Whether its effect is under way: too late to take anything back, and not to be forgotten."""
        return self.attempt is not None or self.waits is not None


def raised_over(pending: PendingStep | None, event: QuestionRaised) -> PendingStep | None:
    """The question that code raised, holding `pending`; what people were asked about, or what runs, is not held."""
    if pending and (pending.raised or pending.request or pending.has_begun or pending.unknown):
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


def after_news(pending: PendingStep, children: Collection[RunId], event: ToolWaits | OutsideReported) -> PendingStep:
    """`pending` after an attempt went on outside, or after news of it: of its handle, or of this step's child run."""
    waits, held = pending.waits, pending.attempt or pending.unknown
    match event:
        case ToolWaits() if held and held.id == event.attempt_id:
            # Of an unknown attempt the owner was only slow: that it goes on is better known than asked for.
            left = pending if pending.attempt else replace(pending, unknown=None, request=None, decision=None)
            begun = Waiting(held, event.handle, event.check_at, event.until, event.note)
            for report in pending.early:
                begun = _told(begun, children, report)
            return replace(left, attempt=None, early=(), waits=begun)
        case ToolWaits() if waits and waits.attempt.id == event.attempt_id:
            again = replace(waits, handle=event.handle, check_at=event.check_at, until=event.until, note=event.note)
            return replace(pending, waits=replace(again, looks=waits.looks + 1, is_news=False))
        case OutsideReported() if waits:
            return replace(pending, waits=_told(waits, children, event))
        case OutsideReported():
            return replace(pending, early=(*pending.early, event)[-_EARLY:])
        case _:
            return pending


def _told(waits: Waiting, children: Collection[RunId], event: OutsideReported) -> Waiting:
    if event.report_id == waits.report_id or (event.handle != waits.handle and event.handle not in children):
        return waits
    return replace(waits, report_id=event.report_id, report=event.text, is_news=True)


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
