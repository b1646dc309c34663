"""Offer the model what it may choose from, and read its answer as a step. Pure.

A `Reply` has the shape of an answer of `POST /v1/messages` (https://platform.claude.com/docs/en/api/messages); makers
with another API bring their answers into it.
"""

import hashlib
import inspect
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

import prompts
from agents import Agent, Tool
from agents.forms import FormField, unaskable
from agents.model.failures import FailureKind
from agents.steps import CallTool, Done, RequestHumanInput, Step
from agents.text import one_line

# The steps that every agent has beside its tools; what the model fills in is the step itself.
_OWN_STEPS: Mapping[str, type[RequestHumanInput | Done]] = {"request_human_input": RequestHumanInput, "done": Done}
# A reason is for the next prompt and the console: the first few words of each mistake are enough.
_REASON_CHARS = 300
# Beside a tool's own arguments a model may say how sure it is; that is for the record, and decides nothing.
_CONFIDENCE = "confidence"
_CONFIDENCE_SCHEMA: dict[str, Any] = {
    "type": "number",
    "description": "how sure you are that this is the right next step, from 0 to 1",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One tool as it is offered. `schema` is pydantic's JSON schema of its arguments, with `confidence` beside them."""

    name: str
    description: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NoStep:
    """The answer is not a step: of what kind the mistake is, and one line about it."""

    kind: FailureKind
    detail: str


class _Wire(BaseModel):
    """A part of the answer; fields that we do not know are no mistake."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Block(_Wire):
    """A content block; `name` and `input` belong to `tool_use`, `text` to `text`."""

    type: str
    text: JsonValue = ""
    name: str = ""
    input: JsonValue = None


# A number below or above these would lift a budget, or be too large to be added up.
_Tokens = Annotated[int, Field(ge=0, le=1_000_000_000)]


class Usage(_Wire):
    """Tokens paid for."""

    input_tokens: _Tokens = 0
    output_tokens: _Tokens = 0
    cache_creation_input_tokens: _Tokens | None = None
    cache_read_input_tokens: _Tokens | None = None

    @property
    def all_input_tokens(self) -> int:
        """Tokens that went in, cached ones too."""
        return self.input_tokens + (self.cache_creation_input_tokens or 0) + (self.cache_read_input_tokens or 0)


class StopDetails(_Wire):
    """Why a model declined, as far as its maker says so."""

    category: str | None = None
    explanation: str | None = None


class Reply(_Wire):
    """A message. `request_id` comes from the header of that name."""

    type: Literal["message"]
    model: str
    content: tuple[Block, ...]
    stop_reason: str | None = None
    stop_details: StopDetails | None = None
    usage: Usage
    request_id: str = ""


def offers(agent: Agent, *, asks_confidence: bool = True) -> Iterator[Offer]:
    """The agent's own tools, then the two steps that every agent has."""
    for offer in _offers(agent):
        yield replace(offer, schema=_with_confidence(offer.schema)) if asks_confidence else offer


def _offers(agent: Agent) -> Iterator[Offer]:
    for tool in agent.tools:
        yield Offer(tool.name, tool.description, _with_names(_schema(tool.args), tool))
    for name, step in _OWN_STEPS.items():
        schema = _schema(step)
        properties = {key: each for key, each in schema["properties"].items() if key not in {"type", "to"}}
        if step is RequestHumanInput and agent.asks:
            properties["to"] = {**schema["properties"]["to"], "items": {"type": "string", "enum": list(agent.asks)}}
        yield Offer(name, inspect.getdoc(step) or name, schema | {"properties": properties})


def system_text(prompt: prompts.Prompt, agent: Agent) -> str:
    """Return what a model is told for all runs of `agent`. Raises PromptError: prompts may use only these inputs."""
    given = {
        "description": agent.description,
        "tools": ", ".join(offer.name for offer in offers(agent)),
    }
    return prompt.render({name: given[name] for name in prompt.inputs if name in given})


def tools_hash(agent: Agent) -> str:
    """Hex SHA-256 of all that a model is told of the tools, and of their versions: it changes with any of it."""
    versions = {tool.name: tool.schema_version for tool in agent.tools}
    told = [[offer.name, offer.description, offer.schema, versions.get(offer.name)] for offer in offers(agent)]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@cache
def _schema(arguments: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a class. Made once, as that takes milliseconds; nobody changes it."""
    return arguments.model_json_schema()


def _with_names(schema: dict[str, Any], tool: Tool[Any]) -> dict[str, Any]:
    """`schema` with the names that its arguments may be, where those are known."""
    own: dict[str, Any] = schema.get("properties", {})
    named = {argument: {**own[argument], "enum": [*names]} for argument, names in tool.known.items() if names}
    return schema | {"properties": {**own, **named}} if named else schema


def _with_confidence(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` with one more property that may be left out; a tool that has one of that name keeps its own."""
    own: dict[str, Any] = schema.get("properties", {})
    return schema | {"properties": own if _CONFIDENCE in own else {**own, _CONFIDENCE: _CONFIDENCE_SCHEMA}}


def read(agent: Agent, reply: Reply) -> Step | NoStep:
    """The step that `reply` is. Checked in this order: why it stopped, one tool, a known one, its arguments."""
    match reply.stop_reason:
        case "refusal":
            return NoStep("refused", _declined(reply.stop_details or StopDetails()))
        case "model_context_window_exceeded":
            return NoStep("too_long", "the run no longer fits into the model's context")
        case "max_tokens":
            return NoStep("bad_arguments", "the answer was cut off at its token limit: answer in fewer words")
        case _:
            pass
    uses = _uses(reply)
    if not uses:
        return NoStep("no_tool", "the answer called no tool: call exactly one")
    if reply.stop_reason != "tool_use":
        # What broke off in the middle of a call may hold half of its arguments.
        return NoStep("bad_body", f"the answer calls a tool, but stopped for {one_line(reply.stop_reason or '?', 60)}")
    if len(uses) > 1:
        return NoStep("many_tools", f"the answer called {len(uses)} tools: call exactly one")
    return _step(agent, uses[0])


def _declined(details: StopDetails) -> str:
    why = [one_line(part, _REASON_CHARS) for part in (details.category, details.explanation) if part]
    return ": ".join(["the model declined to answer this run", *why])


def confidence_of(agent: Agent, reply: Reply) -> float | None:
    """Return how sure the model says it is, 0 to 1; None when it did not say so in a number. It decides nothing."""
    uses = _uses(reply)
    said = uses[0].input if len(uses) == 1 else None
    if not isinstance(said, dict) or _has_its_own(agent, uses[0].name):
        return None
    value = said.get(_CONFIDENCE)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value <= 1 else None


def _uses(reply: Reply) -> list[Block]:
    return [block for block in reply.content if block.type == "tool_use"]


def _has_its_own(agent: Agent, name: str) -> bool:
    """Return whether `confidence` is an argument of the tool itself."""
    tool = agent.tool(name)
    return tool is not None and _CONFIDENCE in _schema(tool.args).get("properties", {})


def _arguments(agent: Agent, use: Block) -> JsonValue:
    """Return what the model filled in, without what it says of itself."""
    if not isinstance(use.input, dict) or _has_its_own(agent, use.name):
        return use.input
    return {name: value for name, value in use.input.items() if name != _CONFIDENCE}


def _step(agent: Agent, use: Block) -> Step | NoStep:
    given = _arguments(agent, use)
    if not _is_finite(given):
        return NoStep("bad_arguments", f"{use.name}: a number is larger than any that can be kept")
    try:
        if own := _OWN_STEPS.get(use.name):
            return _complete(agent, own.model_validate(given))
        if tool := agent.tool(use.name):
            arguments = tool.args.model_validate(given).model_dump(mode="json")
            if why := _misnamed(agent, tool, arguments):
                return NoStep("bad_arguments", why)
            return CallTool(tool=tool.name, arguments=arguments)
    except ValidationError as error:
        return NoStep("bad_arguments", f"{use.name}: {_reasons(error)}")
    except Exception as error:  # noqa: BLE001 - what else a tool's own check of its arguments raises
        return NoStep("bad_arguments", f"{use.name}: {one_line(f'{type(error).__name__}: {error}', 300)}")
    known = ", ".join(offer.name for offer in offers(agent))
    return NoStep("unknown_tool", f"there is no tool {one_line(use.name, 60)!r}; there are {known}")


def _misnamed(agent: Agent, tool: Tool[Any], arguments: Mapping[str, JsonValue]) -> str:
    """Return what there is in place of a name that is not there, or whose tool it is; empty where all are."""
    for argument, names in tool.known.items():
        said = arguments[argument]
        if said in names:
            continue
        name = repr(one_line(str(said), 60))
        if others := [one.name for one in agent.tools if said in one.known.get(argument, ())]:
            return f"{tool.name}: {argument} {name} is for {', '.join(others)}"
        return f"{tool.name}: there is no {argument} {name}; there are {', '.join(names) or 'none'}"
    return ""


def _is_finite(value: JsonValue) -> bool:
    """Return whether all numbers in `value` can be kept: `1e999` is read as infinity, which no JSON can hold."""
    match value:
        case float():
            return math.isfinite(value)
        case list():
            return all(map(_is_finite, value))
        case dict():
            return all(map(_is_finite, value.values()))
        case _:
            return True


def _complete(agent: Agent, step: RequestHumanInput | Done) -> Step | NoStep:
    """`step`, unless it is a question that nobody could answer in its format, or nobody may be asked."""
    match step:
        case RequestHumanInput(to=to) if others := [one for one in to if one not in agent.asks]:
            said = ", ".join(agent.asks) or "nobody but the requester: leave it out"
            return NoStep("bad_arguments", f"request_human_input: to {others[0]!r}; you may ask {said}")
        case RequestHumanInput(format="choice" | "choices", options=()):
            return NoStep("bad_arguments", f"request_human_input: format {step.format} needs options")
        case RequestHumanInput(format="form") if why := _unaskable(step.fields):
            return NoStep("bad_arguments", f"request_human_input: {why}")
        case _:
            return step


def _unaskable(fields: Sequence[FormField]) -> str:
    if not fields:
        return "format form needs fields"
    return unaskable(fields) if all(field.is_plain for field in fields) else "fields are named, and no more"


def _reasons(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    reasons = (f"{'.'.join(str(part) for part in one['loc']) or 'arguments'}: {one['msg']}" for one in found)
    return one_line("; ".join(reasons), _REASON_CHARS)
