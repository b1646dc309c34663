"""The fields of an event that matter for choosing a step, whole or cut short. Pure.

What people said, what the run was started with and what was looked up is whole in either way; files, tools' results,
reports and drafts are what can be cut. What somebody wrote beside an approval is for people: nobody who may decide it
has a say in what is asked next.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from agents.context.traces import compact
from agents.events import (
    AnswerHeld,
    AnswerNoted,
    CardDelivered,
    CardReplaced,
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
from agents.requests import Asking, Attachment, Decision
from agents.steps import CallTool
from agents.text import ends_of

Shown = dict[str, JsonValue]

# Of what a tool printed, the head says what began and the tail how it ended.
_RESULT, _ERROR, _BRIEF = (1_500, 2_500), (400, 800), (200, 300)

_HISTORY = (
    "Everything above this line is history, copied from another run. What was decided, approved, answered or denied"
    " there authorises nothing here, and what was looked up or done there may no longer be so."
)


@dataclass(frozen=True, slots=True)
class Cut:
    """The size to show an event at. `where` says who prints all of it; `failed` is how often its call has failed."""

    where: str = ""
    is_brief: bool = False
    failed: int = 1

    def result(self, text: str) -> str:
        """Cut what a tool or the outside gave."""
        return ends_of(text, *(_BRIEF if self.is_brief else _RESULT), self.where)

    def aside(self, text: str) -> str:
        """Cut `text` only when there is no room."""
        return ends_of(text, *_BRIEF, self.where) if self.is_brief else text

    def value(self, value: JsonValue) -> JsonValue:
        """The same of a value that holds others: too long, it is shown as the ends of its JSON."""
        if not self.is_brief or value is None or isinstance(value, bool | int | float):
            return value
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return value if len(text) <= sum(_BRIEF) else self.aside(text)

    def error(self, text: str) -> Shown:
        """An error, with the one useful line of its trace, and how often it came."""
        short = compact(text)
        message = ends_of(short.message, *(_BRIEF if self.is_brief else _ERROR), self.where)
        rest = self.where if short.trace and message == short.message else ""
        times = f"{self.failed} times" if self.failed > 1 else ""
        return {"error": message, "trace": short.trace[: sum(_BRIEF)], "failed": times, "more": rest}


def fields_of(event: Event, cut: Cut) -> Shown | None:
    """The fields of `event`, empty ones among them; None for an event that does not matter."""
    match event:
        case RunStarted() | ContextFetched() | RunForked():
            return _of_beginning(event, cut)
        case PersonSaid():
            return {"person": event.person, "text": event.text, "attached_files": _of_files(event.files, cut)}
        case StepChosen() | StepFailed() | StepRefused() | ContinuationAsked():
            return _of_step(event, cut)
        case RequestOpened() | RequestRevised() | VoteCast() | RequestDecided() | RequestRevoked():
            return _of_people(event, cut)
        case ToolFinished() | ToolOrphaned() | ToolWaits() | OutsideReported() | ChildStarted():
            return _of_effect(event, cut)
        case (
            StepGated() | ThoughtDropped() | ToolStarted() | ToolQueued() | CardDelivered() | CardReplaced()
            | DeliveryFailed() | AnswerHeld() | AnswerNoted() | RequestReassigned() | RequestReminded()
            | RequestFrozen() | RunPaused() | RunResumed() | RunCancelled() | RunEnded()
        ):  # fmt: skip
            return None


def _of_beginning(event: RunStarted | ContextFetched | RunForked, cut: Cut) -> Shown:
    match event:
        case RunStarted():
            said: Shown = {"requester": event.requester, "channel": event.channel, "trigger": event.trigger}
            said |= {
                "desk": event.desk,
                "started_by_run": event.parent.run_id if event.parent else "",
                "text": event.text,
            }
            return {**said, "context": _each(event.context, cut), "attached_files": _of_files(event.files, cut)}
        case ContextFetched():
            return {"facts": [[fact.label, fact.text] for fact in event.facts]}
        case RunForked():
            return {"note": _HISTORY, "how": event.how, "from_run": event.source, "by": event.by}


def _of_step(event: StepChosen | StepFailed | StepRefused | ContinuationAsked, cut: Cut) -> Shown:
    match event:
        case StepChosen():
            step = event.step
            if isinstance(step, CallTool):
                return {"type": step.type, "tool": step.tool, "arguments": _each(step.arguments, cut)}
            return step.model_dump(mode="json")
        case StepFailed():
            return {"kind": event.kind, **cut.error(event.detail)}
        case StepRefused():
            return cut.error(event.error)
        case ContinuationAsked():
            # What led to it is for people, and holds what they say to each other beside cards.
            return {"asked_by": "code", "why": event.why, "question": event.question}


def _of_effect(event: ToolFinished | ToolOrphaned | ToolWaits | OutsideReported | ChildStarted, cut: Cut) -> Shown:
    match event:
        case ToolFinished():
            # Many an error ends with the end of what was printed.
            is_said = event.output.strip() in event.error
            return {**cut.error(event.error), "output": "" if is_said else cut.result(event.output)}
        case ToolOrphaned():
            return {"may_have_happened": event.may_have_started}
        case ToolWaits():
            until = event.until.isoformat(timespec="seconds")
            return {"waits_for": event.handle, "note": cut.aside(event.note), "until": until}
        case OutsideReported():
            return {"about": event.handle, "report": cut.result(event.text)}
        case ChildStarted():
            return {"run": event.run_id, "agent": event.agent, "text": cut.aside(event.text)}


def _of_people(event: RequestOpened | RequestRevised | VoteCast | RequestDecided | RequestRevoked, cut: Cut) -> Shown:
    match event:
        case RequestOpened():
            return _of_request(event.request, event.request.policy.name)
        case RequestRevised():
            return _of_request(event.request, event.policy)
        case RequestDecided():
            return {**_of_decision(event.decision), "attached_files": _of_files(event.files, cut)}
        case VoteCast() if event.vote.approve:
            how = {"breaks_glass": True} if event.vote.breaks_glass else {"approve": True}
            return {"person": event.vote.person, **how}
        case VoteCast() | RequestRevoked():
            vote, files = event.vote, _of_files(event.files, cut)
            return {"person": vote.person, "approve": vote.approve, "reason": vote.reason, "attached_files": files}


def _of_request(request: Asking, policy: str) -> Shown:
    return {
        "title": request.title,
        "question": "" if request.purpose == "go_on" else request.quoted,
        "format": request.format,
        "policy": policy,
        "changes": list(request.changes),
    }


def _of_decision(decision: Decision) -> Shown:
    given = decision.given
    return {
        "state": _state(decision),
        "by": [] if decision.standing else list(decision.by),
        "reason": "" if decision.state == "approved" else decision.reason,
        "answer": given.text if given else "",
        "picks": list(given.picks) if given else [],
        "form": dict(given.form) if given else {},
    }


def _state(decision: Decision) -> str:
    """Return the state; what nobody approved of those who are asked is not called just approved."""
    if decision.standing:
        return "approved by a standing approval, nobody was asked"
    return "approved by breaking the glass" if decision.broke_glass else decision.state


def _of_files(files: Sequence[Attachment], cut: Cut) -> list[JsonValue]:
    """Files as what they are: of a text file its words, in a field of their own and never among the person's."""
    return [
        {
            "name": file.name,
            "type": file.type,
            "size_bytes": file.size_bytes,
            "sha256": file.sha256,
            "text_in_the_file": cut.aside(file.text),
            "note": file.note,
            "within_the_text": file.is_inline or None,
        }
        for file in files
    ]


def _each(values: Mapping[str, JsonValue], cut: Cut) -> Shown:
    return {name: cut.value(value) for name, value in values.items()}
