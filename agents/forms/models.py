"""A pydantic model as the fields of a form, and which fields can't be asked of people. Pure."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from agents.forms.fields import (
    MOST_CHARS,
    MOST_FIELDS,
    MOST_OPTIONS,
    OPTION_CHARS,
    FormField,
    FormValue,
    Kind,
    text_of,
)
from agents.forms.reading import PATTERN_CHARS, Misfit, bound, compiled, folded, value_of
from agents.forms.words import misread
from agents.text import as_seen

NAME_CHARS, LABEL_CHARS, DESCRIPTION_CHARS = 200, 100, 500
FORM_BYTES = 16_384

_KINDS: dict[object, Kind] = {
    str: "text", int: "integer", float: "number", Decimal: "number", date: "date", bool: "yes_no",
}  # fmt: skip
_POSSIBLE = "str, int, float, Decimal, date, bool, a Literal of strings or an Enum of strings, each perhaps `| None`"
_UNSHOWN = ("multiple_of", "max_digits", "decimal_places")
_LINE = re.compile(r"[^\r\n\v\f\x1c-\x1e\x85\u2028\u2029]*")


def form_of(model: type[BaseModel]) -> tuple[FormField, ...]:
    """Return the fields that ask for what `model` holds; titles, descriptions and first examples are for people.

    Ranges and lengths become limits of the field. Validators of the model's own can't be shown: they are for whoever
    reads the answer. Raises ValueError, which says what can be asked, for a field that can't.
    """
    fields = tuple(_field(f"{model.__name__}.{name}", name, info) for name, info in model.model_fields.items())
    if why := unaskable(fields):
        raise ValueError(f"{model.__name__} is no form: {why}")
    return fields


def unaskable(fields: Sequence[FormField]) -> str:
    """Return why nobody can be asked for these fields; empty where people can."""
    return next(_faults(fields), "")


def _field(called: str, name: str, info: FieldInfo) -> FormField:
    kind, more, is_nullable = _bare(info.annotation)
    limits = _limits(called, [*info.metadata, *more], kind)
    default = _default(called, info)
    examples = [text_of(_plain(each)) for each in info.examples or ()]
    return FormField(
        name=name,
        label=info.title or name.replace("_", " ").strip().capitalize(),
        description=info.description or "",
        kind=_kind(called, kind),
        required=info.is_required() and not is_nullable,
        options=_options(kind),
        example=examples[0] if examples else "",
        default=default,
        **limits,
    )


def _bare(annotation: Any) -> tuple[Any, list[Any], bool]:
    """The type itself, what is said beside it, and whether None is one of its values."""
    more, is_nullable = list[Any](), False
    while True:
        parts = get_args(annotation)
        if get_origin(annotation) is Annotated:
            annotation, more = parts[0], [*more, *parts[1:]]
        elif get_origin(annotation) in {Union, UnionType} and type(None) in parts and len(parts) == 2:
            annotation, is_nullable = next(part for part in parts if part is not type(None)), True
        else:
            return annotation, more, is_nullable


def _kind(called: str, kind: Any) -> Kind:
    if isinstance(kind, type) and kind in _KINDS:
        return _KINDS[kind]
    if _options(kind):
        return "choice"
    raise ValueError(f"{called} is {getattr(kind, '__name__', kind)}, which no form can ask for; it may be {_POSSIBLE}")


def _options(kind: Any) -> tuple[str, ...]:
    values: list[object] = []
    if get_origin(kind) is Literal:
        values = list(get_args(kind))
    elif isinstance(kind, type) and issubclass(kind, Enum):
        values = [each.value for each in kind]
    return tuple(each for each in values if isinstance(each, str)) if all(isinstance(v, str) for v in values) else ()


def _limits(called: str, said: Sequence[Any], kind: Any) -> dict[str, Any]:
    """Ranges, lengths and the pattern, by the attributes that every way to say them has."""
    found = dict[str, Any]()
    for each in _flat(said):
        if any(getattr(each, name, None) is not None for name in _UNSHOWN):
            raise ValueError(f"{called} has a limit that no form can show; possible are ge, le, lengths and a pattern")
        for name in ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern"):
            found |= {} if (value := getattr(each, name, None)) is None else {name: value}
    if {"gt", "lt"} & set(found):
        found |= _closed(called, found, kind)
    pattern = found.get("pattern", "")
    return {
        "minimum": text_of(_plain(found.get("ge"))),
        "maximum": text_of(_plain(found.get("le"))),
        "min_length": found.get("min_length", 0),
        "max_length": found.get("max_length"),
        "pattern": pattern if isinstance(pattern, str) else pattern.pattern,
    }


def _closed(called: str, found: dict[str, Any], kind: Any) -> dict[str, Any]:
    """What `gt` and `lt` mean where the next number is known."""
    if kind not in {int, date}:
        raise ValueError(f"{called} has a limit that no form can show: say ge and le instead of gt and lt")
    one: Any = 1 if kind is int else timedelta(days=1)
    above = {"ge": found["gt"] + one} if "gt" in found else {}
    return above | ({"le": found["lt"] - one} if "lt" in found else {})


def _flat(said: Sequence[Any]) -> Iterator[Any]:
    for each in said:
        if isinstance(each, FieldInfo):
            yield from _flat(each.metadata)
        else:
            yield each


def _default(called: str, info: FieldInfo) -> FormValue:
    if info.is_required():
        return None
    if info.default_factory_takes_validated_data:
        raise ValueError(f"{called} has a default that is made of other answers; ask for it by itself")
    value = _plain(info.get_default(call_default_factory=True))
    if isinstance(value, str | int | float | bool | None):
        return value
    raise ValueError(f"{called} has a default that no form can show")


def _plain(value: Any) -> Any:
    """`value` as JSON has it."""
    match value:
        case Enum():
            return value.value
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case date():
            return value.isoformat()
        case _:
            return value


def _faults(fields: Sequence[FormField]) -> Iterator[str]:
    if not 1 <= len(fields) <= MOST_FIELDS:
        yield f"a form has 1 to {MOST_FIELDS} fields, and not {len(fields)}"
    for each in fields:
        yield from (f"the field {each.name[:60]!r} {why}" for why in _faults_of(each))
    keys = [key for each in fields for key in {as_seen(each.name), as_seen(each.title)}]
    if len(set(keys)) < len(keys):
        yield "two fields have the same name or title, where letter case does not count"
    elif _are_mistakable(fields):
        yield "two fields could be taken for one another in a line, by a number or a colon in a name or title"
    if len(json.dumps([each.model_dump(mode="json") for each in fields])) > FORM_BYTES:
        yield f"all that is said of the fields has more than {FORM_BYTES} bytes"


def _are_mistakable(fields: Sequence[FormField]) -> bool:
    """Return whether a line about one field may begin as one about another: `1 Team` and `Team` in the first place,
    or `Team: first` and `Team`.
    """
    ways = [
        {folded(each.name), folded(each.title), folded(f"{number} {each.title}")}
        for number, each in enumerate(fields, 1)
    ]
    pairs = ((one, other) for mine in ways for others in ways if mine is not others for one in mine for other in others)
    return any(one == other or one.startswith(f"{other}:") for one, other in pairs)


def _faults_of(asked: FormField) -> Iterator[str]:
    said = ((asked.name, NAME_CHARS), (asked.label, LABEL_CHARS), (asked.description, DESCRIPTION_CHARS))
    if not asked.name.strip() or any(len(text) > most or not _LINE.fullmatch(text) for text, most in said):
        yield f"needs a name of at most {NAME_CHARS} characters, a label of {LABEL_CHARS}, a line each"
    if "|" in asked.title[:1] or asked.title[:1] == ">":
        yield "begins as a quote does in a mail"
    yield from _faults_in_options(asked)
    yield from _faults_in_text(asked)
    yield from _faults_in_range(asked)
    if asked.default not in {None, ""} and isinstance(value_of(asked, asked.default), Misfit):
        yield "has a default that is no answer to it"
    if asked.example and isinstance(value_of(asked, asked.example), Misfit):
        yield "has an example that is no answer to it"


def _faults_in_options(asked: FormField) -> Iterator[str]:
    if bool(asked.options) != (asked.kind == "choice"):
        yield "has options and is no choice, or is one and has none"
    if len(asked.options) > MOST_OPTIONS or any(len(one) > OPTION_CHARS or not one.strip() for one in asked.options):
        yield f"has more than {MOST_OPTIONS} options, or one that is blank or has more than {OPTION_CHARS} characters"
    if not all(map(_LINE.fullmatch, asked.options)):
        yield "has an option of more than one line"
    if (at := misread(asked.options)) is not None:
        yield f"has option {at} that may be read as another one, or as its number; add a word to it"


def _faults_in_text(asked: FormField) -> Iterator[str]:
    if asked.kind != "text" and (asked.min_length or asked.max_length is not None or asked.pattern):
        yield "has a length or a pattern, and is no text"
    if asked.min_length < 0 or asked.min_length > (MOST_CHARS if asked.max_length is None else asked.max_length):
        yield "has a least length above the greatest"
    if asked.max_length is not None and not 1 <= asked.max_length <= MOST_CHARS:
        yield f"has a greatest length that is not from 1 to {MOST_CHARS}"
    if asked.pattern and (len(asked.pattern) > PATTERN_CHARS or compiled(asked.pattern) is None):
        yield (
            f"has a pattern that is too long ({PATTERN_CHARS}, with its repetitions written out), or no regular "
            "expression as pydantic has them"
        )


def _faults_in_range(asked: FormField) -> Iterator[str]:
    ends = [end for end in (asked.minimum, asked.maximum) if end]
    if ends and asked.kind not in {"integer", "number", "date"}:
        yield "has a range, and is neither a number nor a date"
        return
    free = asked.model_copy(update={"minimum": "", "maximum": ""})
    if any(isinstance(value_of(free, end), Misfit) for end in ends):
        yield "has a range that does not begin or end with an answer to it"
    elif len(ends) == 2 and (
        ends[0] > ends[1] if asked.kind == "date" else (bound(ends[0]) or 0) > (bound(ends[1]) or 0)
    ):
        yield "has a range that ends before it begins"
