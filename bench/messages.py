"""A run as the usual list of messages: what an assistant said, what its tools gave, turn by turn.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview
"""

from collections.abc import Callable, Sequence
from typing import Any

from agents.events import (
    ContextFetched,
    Event,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RunStarted,
    StepChosen,
    StepRefused,
    ToolFinished,
    ToolStarted,
)
from agents.requests import Decision
from agents.steps import CallTool, RequestHumanInput

Message = dict[str, Any]


def messages_of(events: Sequence[Event], cut: Callable[[str], str] = str) -> list[Message]:
    """The messages of a run: each step a call, each end of a step its result, what people said a turn of theirs.

    `cut` is what becomes of each result.
    """
    steps = {event.attempt_id: event.step_id for event in events if isinstance(event, ToolStarted)}
    asked = {event.request.id: event.request for event in events if isinstance(event, RequestOpened)}
    told = list[Message]()
    for event in events:
        match event:
            case RunStarted():
                told.append(_user({"type": "text", "text": f"{event.requester} ({event.channel}): {event.text}"}))
            case ContextFetched():
                text = "\n".join(f"{fact.label}: {fact.text}" for fact in event.facts)
                told.append(_user({"type": "text", "text": text}))
            case PersonSaid():
                told.append(_user({"type": "text", "text": f"{event.person} ({event.channel}): {event.text}"}))
            case StepChosen():
                told.append({"role": "assistant", "content": [_use(event)]})
            case ToolFinished():
                told.append(_result(steps[event.attempt_id], cut(event.error or event.output), bool(event.error)))
            case StepRefused():
                told.append(_result(event.step_id, cut(event.error), True))
            case RequestDecided() if asked[event.request_id].purpose == "question":
                told.append(_result(asked[event.request_id].step_id, _answer(event.decision), False))
            case _:
                pass
    return told


def _use(event: StepChosen) -> Message:
    step = event.step
    name = step.tool if isinstance(step, CallTool) else step.type
    given = step.arguments if isinstance(step, CallTool) else step.model_dump(mode="json", exclude={"type"})
    if isinstance(step, RequestHumanInput):
        given = {key: value for key, value in given.items() if value}
    return {"type": "tool_use", "id": _id(event.step_id), "name": name, "input": given}


def _result(step_id: str, content: str, is_error: bool) -> Message:
    result: Message = {"type": "tool_result", "tool_use_id": _id(step_id), "content": content}
    return _user(result | {"is_error": True} if is_error else result)


def _user(block: Message) -> Message:
    return {"role": "user", "content": [block]}


def _answer(decision: Decision) -> str:
    given = decision.given
    return f"{', '.join(decision.by)}: {', '.join(given.picks) or given.text if given else decision.state}"


def _id(step_id: str) -> str:
    """As long as the API's own ids are."""
    return f"toolu_01{step_id.removeprefix('s4s-'):0>22}"
