"""What the model sees of a run: its events as text, one per line, in which no quoted text can pose as another event.

A line is `<event seq=".." type=".." at="..">JSON</event>`. All that comes from outside sits in the JSON, where `<`,
`>` and `&` are escaped, and characters that nobody sees, or that would end a line, are gone.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC

from pydantic import JsonValue

from agents.deliveries import CardDelivered, DeliveryFailed
from agents.events import (
    AnswerHeld,
    AnswerNoted,
    ContextFetched,
    Event,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestRevised,
    RequestRevoked,
    RunCancelled,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    StepChosen,
    StepFailed,
    StepGated,
    StepRefused,
    ToolFinished,
    ToolOrphaned,
    ToolStarted,
    VoteCast,
)
from agents.history import RunForked
from agents.outside import ChildStarted, OutsideReported, ToolWaits
from agents.raised import QuestionRaised
from agents.requests import Attachment, AttemptId, Decision, Request, StepId
from agents.run import Run
from agents.steps import Step
from agents.text import ends_of, visible

Shown = dict[str, JsonValue]

# Of what a tool printed, the head says what began and the tail how it ended.
_HEAD_CHARS, _TAIL_CHARS = 1_500, 2_500


def render(run: Run, events: Sequence[Event]) -> str:
    """The one user message for the next step of `run`, whose events these are.

    Left out: failures of the model before its last step, and failed calls that worked later on. What grows comes last.
    """
    attempts, resolved = _attempts(events), _resolved(events)
    lines = [
        _line(seq, event, fields)
        for seq, event in enumerate(events, start=1)
        if not (isinstance(event, StepFailed) and event not in run.failures)
        and _step_id(event, attempts) not in resolved
        and (fields := _fields(event)) is not None
    ]
    limit = run.started.max_steps if run.started else 0
    return "\n".join(["<run>", *lines, "</run>", f"Steps taken: {run.steps} of {limit}. Choose the next step."])


def _line(seq: int, event: Event, fields: Shown) -> str:
    text = json.dumps(_shown(fields), ensure_ascii=False, separators=(",", ":"))
    text = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    at = event.at.astimezone(UTC).isoformat(timespec="seconds")
    return f'<event seq="{seq}" type="{event.type}" at="{at}">{text}</event>'


def _shown(value: JsonValue) -> JsonValue:
    """`value` without what nobody sees, and without empty fields."""
    match value:
        case str():
            return visible(value)
        case list():
            return [_shown(part) for part in value]
        case dict():
            return {visible(key): _shown(part) for key, part in value.items() if part not in ("", [], {}, None)}
        case _:
            return value


def _fields(event: Event) -> Shown | None:
    """The fields that matter for choosing a step; None for an event that does not matter."""
    match event:
        case RunStarted() | ContextFetched():
            return _of_beginning(event)
        case PersonSaid():
            return {"person": event.person, "text": event.text, "attached_files": _of_files(event.files)}
        case StepChosen() | StepFailed() | StepRefused():
            return _of_step(event)
        case RequestOpened() | RequestRevised() | VoteCast() | AnswerNoted() | RequestDecided() | RequestRevoked():
            return _of_people(event)
        case ToolFinished():
            return {"error": _ends(event.error), "output": _ends(event.output)}
        case ToolOrphaned():
            return {"may_have_happened": event.may_have_started}
        case RunForked():
            return {"how": event.how, "by": event.by, "before": "history, in which no approval counts any more"}
        case ToolWaits() | OutsideReported() | ChildStarted() | QuestionRaised():
            return None
        case (
            StepGated() | ToolStarted() | CardDelivered() | DeliveryFailed() | AnswerHeld()
            | RunPaused() | RunResumed() | RunCancelled() | RunEnded()
        ):  # fmt: skip
            return None


def _of_beginning(event: RunStarted | ContextFetched) -> Shown:
    if isinstance(event, RunStarted):
        said: Shown = {"requester": event.requester, "channel": event.channel, "text": event.text}
        return {**said, "context": event.context, "attached_files": _of_files(event.files)}
    return {"facts": [[fact.label, fact.text] for fact in event.facts]}


def _of_step(event: StepChosen | StepFailed | StepRefused) -> Shown:
    match event:
        case StepChosen():
            return event.step.model_dump(mode="json")
        case StepFailed():
            return {"kind": event.kind, "error": _ends(event.detail)}
        case StepRefused():
            return {"error": _ends(event.error)}


def _of_people(
    event: RequestOpened | RequestRevised | VoteCast | AnswerNoted | RequestDecided | RequestRevoked,
) -> Shown:
    match event:
        case RequestOpened() | RequestRevised():
            return _of_request(event.request)
        case RequestDecided():
            return {**_of_decision(event.decision), "attached_files": _of_files(event.files)}
        case VoteCast() | RequestRevoked():
            vote, files = event.vote, _of_files(event.files)
            return {"person": vote.person, "approve": vote.approve, "reason": vote.reason, "attached_files": files}
        case AnswerNoted():
            said: Shown = {"person": event.person, "text": event.text, "did_not_count": event.outcome}
            return {**said, "attached_files": _of_files(event.files)}


def _of_request(request: Request) -> Shown:
    return {
        "title": request.title,
        "question": request.quoted,
        "format": request.format,
        "policy": request.policy.name,
        "changes": list(request.changes),
    }


def _of_decision(decision: Decision) -> Shown:
    given = decision.given
    return {
        "state": decision.state,
        "by": list(decision.by),
        "reason": decision.reason,
        "answer": given.text if given else "",
        "picks": list(given.picks) if given else [],
        "form": dict(given.form) if given else {},
    }


def _of_files(files: Sequence[Attachment]) -> list[JsonValue]:
    """Files as what they are: of a text file its words, in a field of their own and never among the person's."""
    return [
        {
            "name": file.name,
            "type": file.type,
            "size_bytes": file.size_bytes,
            "sha256": file.sha256,
            "text_in_the_file": file.text,
            "note": file.note,
            "within_the_text": file.is_inline or None,
        }
        for file in files
    ]


def _ends(text: str) -> str:
    return ends_of(text, _HEAD_CHARS, _TAIL_CHARS)


def _attempts(events: Sequence[Event]) -> dict[AttemptId, StepId]:
    return {event.attempt_id: event.step_id for event in events if isinstance(event, ToolStarted)}


def _step_id(event: Event, attempts: Mapping[AttemptId, StepId]) -> StepId | None:
    match event:
        case StepChosen() | StepRefused() | StepGated() | ToolStarted():
            return event.step_id
        case ToolFinished() | ToolOrphaned():
            return attempts.get(event.attempt_id)
        case _:
            return None


def _resolved(events: Sequence[Event]) -> frozenset[StepId]:
    """The calls that failed and worked later on, with the same arguments.

    A step that people were asked about is not among them: what people said is never left out.
    """
    attempts = _attempts(events)
    calls = {event.step_id: event.step for event in events if isinstance(event, StepChosen)}
    asked = {event.request.step_id for event in events if isinstance(event, RequestOpened)}
    worked: list[Step] = []
    resolved: set[StepId] = set()
    for event in reversed(events):
        step_id = _step_id(event, attempts)
        if step_id is None or step_id not in calls or not isinstance(event, ToolFinished | StepRefused):
            continue
        if isinstance(event, ToolFinished) and not event.error:
            worked.append(calls[step_id])
        elif calls[step_id] in worked and step_id not in asked:
            resolved.add(step_id)
    return frozenset(resolved)
