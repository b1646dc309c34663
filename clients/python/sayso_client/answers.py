"""Python types as questions, and what people answered as values of these types."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

_POSSIBLE = (
    "str, bool, an Enum or a Literal of strings, a list of one of these, a dataclass, or a pydantic model; the fields "
    "of both are str, int, float, bool, date, or an Enum or a Literal of strings, each perhaps `| None`"
)
_SCHEMAS: dict[Any, dict[str, str]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    date: {"type": "string", "format": "date"},
}


def question_of(answer: Any, options: Sequence[str]) -> dict[str, Any]:
    """Return what a question says so that its answer is an `answer`, one of `options` if there are any."""
    is_list = get_origin(answer) in {list, tuple}
    one = get_args(answer)[0] if is_list and get_args(answer) else answer
    if choices := tuple(options) or _choices(one):
        return {"format": "choices" if is_list else "choice", "options": choices}
    if is_list:
        raise _unaskable(answer)
    if answer is bool:
        return {"format": "yes_no"}
    if answer is str:
        return {}
    if hasattr(answer, "model_json_schema"):
        return {"form": answer.model_json_schema()}
    if dataclasses.is_dataclass(answer) and isinstance(answer, type):
        return {"form": _schema(answer)}
    raise _unaskable(answer)


def value_of(answer: Any, told: Any) -> Any:
    """Return what was `told` as an `answer`. Raises what a pydantic model's own validators do."""
    if (origin := get_origin(answer)) in {list, tuple}:
        values = [value_of(get_args(answer)[0], each) for each in told]
        return values if origin is list else tuple(values)
    if isinstance(answer, type):
        return _of_class(answer, told)
    return told


def _of_class(answer: Any, told: Any) -> Any:
    if issubclass(answer, Enum):
        return answer(told)
    if hasattr(answer, "model_validate"):
        # People may leave empty what may be None, also where the model has no default for it.
        empty = dict.fromkeys(answer.model_json_schema().get("required", ()))
        return answer.model_validate({**empty, **told})
    return answer(**_values(answer, told)) if hasattr(answer, "__dataclass_fields__") else told


def _unaskable(answer: Any) -> TypeError:
    return TypeError(
        f"{getattr(answer, '__name__', answer)} is nothing that people can be asked for; it may be {_POSSIBLE}"
    )


def _choices(kind: Any) -> tuple[str, ...]:
    if get_origin(kind) is Literal:
        values = get_args(kind)
    elif isinstance(kind, type) and issubclass(kind, Enum):
        values = tuple(each.value for each in kind)
    else:
        return ()
    if not all(isinstance(value, str) for value in values):
        raise _unaskable(kind)
    return values


def _schema(form: type) -> dict[str, Any]:
    """Return a dataclass as a JSON Schema; `metadata` of its fields may have a title and a description."""
    properties, required = dict[str, Any](), list[str]()
    for each, (kind, is_nullable) in _kinds(form).items():
        if not (schema := {"enum": list(options)} if (options := _choices(kind)) else dict(_SCHEMAS.get(kind, {}))):
            raise _unaskable(kind)
        schema |= {name: each.metadata[name] for name in ("title", "description") if name in each.metadata}
        if _has_default(each):
            default = each.default.value if isinstance(each.default, Enum) else each.default
            if isinstance(default, date):
                default = default.isoformat()
            schema |= {"default": default} if isinstance(default, str | int | float) else {}
        elif not is_nullable:
            required.append(each.name)
        properties[each.name] = schema
    return {"type": "object", "properties": properties, "required": required}


def _values(form: type, told: Mapping[str, Any]) -> dict[str, Any]:
    values = dict[str, Any]()
    for each, (kind, _) in _kinds(form).items():
        value = told.get(each.name)
        if value is None:
            values |= {} if _has_default(each) else {each.name: None}
        elif kind is date:
            values[each.name] = date.fromisoformat(value)
        else:
            values[each.name] = float(value) if kind is float else value_of(kind, value)
    return values


def _has_default(each: dataclasses.Field[Any]) -> bool:
    return each.default is not dataclasses.MISSING or each.default_factory is not dataclasses.MISSING


def _kinds(form: Any) -> dict[dataclasses.Field[Any], tuple[Any, bool]]:
    """Return the type of each field, and whether it may be None."""
    hints = get_type_hints(form)
    return {each: _without_none(hints[each.name]) for each in dataclasses.fields(form)}


def _without_none(kind: Any) -> tuple[Any, bool]:
    parts = get_args(kind)
    if get_origin(kind) in {Union, UnionType} and type(None) in parts and len(parts) == 2:
        return next(part for part in parts if part is not type(None)), True
    return kind, False
