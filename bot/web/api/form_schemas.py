"""A JSON Schema of an object as the fields of a form. What no form can show or check is refused, never left out."""

from collections.abc import Callable, Mapping
from typing import Any, cast

# What only describes, and keeps no answer out.
_SAID = {"$schema", "$id", "$comment", "title", "description", "default", "examples", "type"}
_KINDS = {"string": "text", "integer": "integer", "number": "number", "boolean": "yes_no"}
_LIMITS: dict[str, set[str]] = {
    "string": {"minLength", "maxLength", "pattern", "enum", "format"},
    "integer": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "number": {"minimum", "maximum"},
    "boolean": set[str](),
}
_DEFS = "#/$defs/"
POSSIBLE = (
    "A form asks for an object with up to 25 properties, each of the type string (with minLength, maxLength, pattern, "
    "enum, or the format date), integer, number (with minimum, maximum) or boolean; title, description, default and "
    "examples are shown to people"
)


class NoFormError(ValueError):
    """People can't be asked for it: `what` it is, and what they can be asked for."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}. {POSSIBLE}")


def fields_of(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the fields that ask for what `schema` describes, as the API takes them. Raises NoFormError."""
    beyond = set(schema) - _SAID - {"properties", "required", "additionalProperties", "$defs"}
    properties, required = schema.get("properties"), schema.get("required", [])
    if schema.get("type", "object") != "object" or not isinstance(properties, dict):
        raise NoFormError("The form is no JSON Schema of an object with properties")
    if beyond or not isinstance(schema.get("additionalProperties", False), bool):
        raise NoFormError(f"The form says {', '.join(sorted(beyond)) or 'additionalProperties'}, which none can show")
    named = cast("dict[str, Any]", properties)
    if not isinstance(required, list) or not all(one in list(named) for one in cast("list[Any]", required)):
        raise NoFormError("`required` of the form lists what is none of its properties")
    defs = schema.get("$defs")
    return [_field(name, *_bare(told, defs), name in cast("list[Any]", required)) for name, told in named.items()]


def said_of(schema: Mapping[str, Any]) -> list[str]:
    """Return what `schema` says of the form as a whole, for people. Raises NoFormError."""
    return [_text("The form", schema[key]) for key in ("title", "description") if key in schema]


def _bare(told: Any, defs: Any) -> tuple[Any, bool]:
    """Return what a property is, as pydantic writes it by reference or beside null, and whether it may be null."""
    either = _object(told).get("anyOf")
    rest = [one for one in cast("list[Any]", either) if one != {"type": "null"}] if isinstance(either, list) else []
    may_be_null = len(rest) == 1 and rest != either
    if may_be_null:
        told = _object(rest[0]) | _without("anyOf", told)
    reference = str(_object(told).get("$ref", ""))
    if found := _object(_object(defs).get(reference.removeprefix(_DEFS))) if reference.startswith(_DEFS) else None:
        told = _without("title", found) | _without("$ref", told)
    return told, may_be_null


def _object(told: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", told) if isinstance(told, dict) else {}


def _without(key: str, told: Any) -> dict[str, Any]:
    return {name: one for name, one in _object(told).items() if name != key}


def _field(name: str, told: Any, may_be_null: bool, is_required: bool) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise NoFormError(f"{name} is no JSON Schema of an object")
    schema = cast("dict[str, Any]", told)
    kind = schema.get("type", "string" if "enum" in schema else None)
    if not isinstance(kind, str) or kind not in _KINDS:
        raise NoFormError(f"{name} is of the type {kind!r}, which no form can ask for")
    if beyond := set(schema) - _SAID - _LIMITS[kind]:
        raise NoFormError(f"{name} says {', '.join(sorted(beyond))}, which no form can show")
    for limit in ("Minimum", "Maximum"):
        if {limit.lower(), f"exclusive{limit}"} <= set(schema):
            raise NoFormError(f"{name} says {limit.lower()} and exclusive{limit}, of which a form shows one")
    field: dict[str, Any] = {"name": name, "kind": _KINDS[kind], "required": is_required and not may_be_null}
    for key, (target, read) in _MORE.items():
        if key in schema:
            field[target] = read(name, schema[key])
    if "enum" in schema:
        field["kind"] = "choice"
    if "format" in schema:
        if schema["format"] != "date":
            raise NoFormError(f"{name} has the format {schema['format']!r}; only date is checked. Say it as a pattern")
        field["kind"] = "date"
    return field


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise NoFormError(f"{name} has a title, description or pattern that is no text")
    return value


def _number(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NoFormError(f"{name} has a minimum or maximum that is no number")
    return str(value)


def _next(step: int) -> Callable[[str, Any], str]:
    def read(name: str, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int):
            raise NoFormError(f"{name} has an exclusive limit that is no whole number")
        return str(value + step)

    return read


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise NoFormError(f"{name} has a length that is no whole number")
    return value


def _options(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in cast("list[Any]", value)):
        raise NoFormError(f"{name} has an enum that is not all text")
    return cast("list[str]", value)


def _example(name: str, value: Any) -> str:
    if not isinstance(value, list):
        raise NoFormError(f"{name} has examples that are no list")
    examples = cast("list[Any]", value)
    return examples[0] if examples and isinstance(examples[0], str) else ""


def _as_it_is(_: str, value: Any) -> Any:
    return value


_MORE: dict[str, tuple[str, Callable[[str, Any], Any]]] = {
    "title": ("label", _text),
    "description": ("description", _text),
    "minLength": ("min_length", _count),
    "maxLength": ("max_length", _count),
    "pattern": ("pattern", _text),
    "minimum": ("minimum", _number),
    "maximum": ("maximum", _number),
    "exclusiveMinimum": ("minimum", _next(1)),
    "exclusiveMaximum": ("maximum", _next(-1)),
    "enum": ("options", _options),
    "examples": ("example", _example),
    "default": ("default", _as_it_is),
}
