"""The schemas of what a model may choose, as makers take them, and what fits into a request. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pydantic import JsonValue
from pydantic_core import from_json as read_json

import prompts
from agents.model.reply import Block, Offer, Reply

Schema = dict[str, Any]

_STEP = "step"
_FENCE = "```"
_OPENED = re.compile(r'\s*\{\s*"step"\s*:\s*')
# Every server that takes schemas knows these; what else a schema says, pydantic checks.
_KNOWN = frozenset({"type", "required", "additionalProperties", "enum", "const"})
_SAYS_WHAT = frozenset({"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"})
# A title repeats a name.
_TOLD_ELSEWHERE = frozenset({"title", "description", "properties", "items", "anyOf", "oneOf", "$defs"})


@dataclass(frozen=True, slots=True)
class Room:
    """What all strict schemas of one request may hold together."""

    tools: int
    optional: int
    unions: int


# https://platform.claude.com/docs/en/build-with-claude/structured-outputs, "Schema complexity limits". A request above
# one of them is refused as a whole.
CLAUDES_ROOM = Room(tools=20, optional=24, unions=16)


def can_be_strict(schemas: Sequence[Schema]) -> bool:
    """Return whether strict schemas can say the same: none holds any value there is, or properties of any name."""
    parts = [part for schema in schemas for part in _parts(schema)]
    return not any(part.get("additionalProperties") or not part.keys() & _SAYS_WHAT for part in parts)


def fits(schemas: Sequence[Schema], room: Room) -> bool:
    """Return whether strict tools with these schemas fit into one request."""
    parts = [part for schema in schemas for part in _parts(schema)]
    optional = sum(len(part.get("properties", {}).keys() - {*part.get("required", ())}) for part in parts)
    unions = sum(_is_union(part) for part in parts)
    return len(schemas) <= room.tools and optional <= room.optional and unions <= room.unions


def plain(schema: Schema) -> Schema:
    """Return `schema` in the words that every server knows; what else it says is told in its description.

    A grammar made of it must not fail on a pattern or on a length of thousands, as llama.cpp's would.
    """
    return _reduced(schema, is_closed=False)


def closed(schema: Schema) -> Schema:
    """Return `schema` as OpenAI's strict mode wants it: every property is there, one that may be left out as null.

    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    return _reduced(schema, is_closed=True)


def _reduced(schema: Schema, *, is_closed: bool) -> Schema:
    def reduced(part: Schema) -> Schema:
        return _reduced(part, is_closed=is_closed)

    found: Schema = (
        {"$defs": {name: reduced(one) for name, one in schema["$defs"].items()}} if "$defs" in schema else {}
    )
    if "$ref" in schema:
        return found | {"$ref": schema["$ref"]}  # nothing may stand beside it
    found |= {key: value for key, value in schema.items() if key in _KNOWN}
    for key in ("anyOf", "oneOf"):
        if key in schema:
            found["anyOf"] = [reduced(one) for one in schema[key]]
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            found[key] = reduced(schema[key])
    if "properties" in schema:
        found["properties"] = {name: reduced(one) for name, one in schema["properties"].items()}
    if is_closed and schema.get("type") == "object":
        required, properties = {*schema.get("required", ())}, found.get("properties", {})
        found["properties"] = {name: one if name in required else _or_null(one) for name, one in properties.items()}
        found |= {"required": [*properties], "additionalProperties": False}
    return found | _described(schema)


def _described(schema: Schema) -> Schema:
    """Return the description of a schema, with what it says in words that not every server knows."""
    rest = ", ".join(f"{key}: {value}" for key, value in schema.items() if key not in _KNOWN | _TOLD_ELSEWHERE)
    parts = [part for part in (schema.get("description", ""), f"{{{rest}}}" if rest else "") if part]
    return {"description": " ".join(parts)} if parts else {}


def without_nulls(given: JsonValue, schema: Schema, within: Schema | None = None) -> JsonValue:
    """Return arguments without each null that only says that a property of a `closed` schema is left out."""
    root = schema if within is None else within
    schema = _resolved(schema, root)
    match given:
        case dict():
            required, properties = (
                {*schema.get("required", ())},
                cast("dict[str, Schema]", schema.get("properties", {})),
            )
            return {
                name: without_nulls(value, properties.get(name, {}), root)
                for name, value in given.items()
                if value is not None or name in required or name not in properties
            }
        case list():
            return [without_nulls(value, schema.get("items", {}), root) for value in given]
        case _:
            return given


def as_json(offers: Iterable[Offer]) -> Schema:
    """Return the schema of a step as JSON output: one object, with the name of a tool and its arguments in it.

    It is an object at its root, as OpenAI wants it, and each tool's definitions stand at its root under a name of
    their own.
    """
    steps, definitions = list[Schema](), dict[str, Schema]()
    for offer in offers:
        schema = _renamed(offer.schema, offer.name)
        definitions |= {f"{offer.name}.{name}": one for name, one in schema.pop("$defs", {}).items()}
        tool = {"type": "string", "enum": [offer.name]}
        steps.append(_object({"tool": tool, "arguments": schema}))
    found = _object({_STEP: {"anyOf": steps}})
    return found | ({"$defs": definitions} if definitions else {})


def told_as_json(offers: Iterable[Offer]) -> str:
    """Return what a model is told that answers in JSON: its request holds no tools. Raises PromptError."""
    tools = (f"- {offer.name}: {offer.description}\n  {json.dumps(offer.schema)}" for offer in offers)
    return prompts.load("step-as-json").render({"tools": "\n".join(tools)})


def from_json(reply: Reply) -> Reply:
    """Return a reply whose text is a step as JSON as one that calls the tool; any other as it is."""
    texts = (block.text for block in reply.content if block.type == "text")
    step = _step_in("".join(text for text in texts if isinstance(text, str)))
    if reply.stop_reason != "end_turn" or not isinstance(step, dict):
        return reply
    named = cast("Mapping[str, JsonValue]", step)
    use = Block(type="tool_use", name=str(named.get("tool", "")), input=named.get("arguments", {}))
    return reply.model_copy(update={"content": (use,), "stop_reason": "tool_use"})


def _step_in(text: str) -> object:
    """Return the step that `text` is; None where it is none.

    Not every server holds a model to the schema, and then some wrap the JSON in a fence, leave the outer object away
    or forget its last brace. The step itself is whole in each of these; half of one is none.
    """
    opening, _, fenced = text.strip().partition("\n")
    if opening.rstrip() in {_FENCE, f"{_FENCE}json"} and fenced.endswith(_FENCE):
        text = fenced.removesuffix(_FENCE)
    try:
        found: object = read_json(text)
    except ValueError:
        return _unclosed(text)
    if not isinstance(found, dict):
        return None
    named = cast("Mapping[str, object]", found)
    return named.get(_STEP, named if {*named} == {"tool", "arguments"} else None)


def _unclosed(text: str) -> object:
    opened = _OPENED.match(text)
    if not opened:
        return None
    try:
        _, end = json.JSONDecoder().raw_decode(text, opened.end())
        found: object = read_json(text[opened.end() : end])  # which knows no half character: none can be written down
    except (ValueError, RecursionError):
        return None
    return None if text[end:].strip() else found


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def _or_null(schema: Schema) -> Schema:
    if any(one.get("type") == "null" for one in schema.get("anyOf", ())):
        return schema
    return {"anyOf": [schema, {"type": "null"}]}


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Return the schema that `schema` refers to, and of one that may be null the other part."""
    for _ in range(len(root.get("$defs", ())) + 2):
        others = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
        if "$ref" in schema:
            schema = root.get("$defs", {}).get(schema["$ref"].removeprefix("#/$defs/"), {})
        elif len(others) == 1:
            schema = others[0]
        else:
            break
    return schema


def _renamed(schema: Schema, tool: str) -> Schema:
    """Return a copy of `schema` whose references have the tool's name before theirs."""

    def renamed(value: Any) -> Any:
        match value:
            case dict():
                node = cast("Schema", value)
                return {key: _ref(one, tool) if key == "$ref" else renamed(one) for key, one in node.items()}
            case list():
                return [renamed(one) for one in cast("list[Any]", value)]
            case _:
                return value

    return renamed(schema)


def _ref(ref: Any, tool: str) -> Any:
    return ref.replace("#/$defs/", f"#/$defs/{tool}.") if isinstance(ref, str) else ref


def _parts(schema: Schema) -> Iterator[Schema]:
    """Yield a schema and all schemas within it."""
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    for key in ("anyOf", "oneOf", "allOf"):
        inner += schema.get(key, [])
    inner += [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]
    for part in inner:
        yield from _parts(part)


def _is_union(schema: Schema) -> bool:
    return "anyOf" in schema or "oneOf" in schema or isinstance(schema.get("type"), list)
