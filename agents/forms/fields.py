"""The fields of a form: what is asked, of which kind and within which limits. Pure data."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from agents.text import labelled

Kind = Literal["text", "integer", "number", "date", "choice", "yes_no"]
FormValue = str | int | float | bool | None
"""The answer to one field: text, a number, `2026-12-24`, an option, yes or no; None for one that was left out."""

MOST_FIELDS = 25
MOST_OPTIONS, OPTION_CHARS = 100, 75
MOST_CHARS = 1_000
"""Longest text of one field."""

MOST_DIGITS = 15
"""Digits of a number: so many survive as the double that JSON programs take them for (IEEE 754, DBL_DIG)."""

_LIKE_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")


class FormField(BaseModel):
    """One field of a form.

    `label` and `description` are for people; where there is no label they see the name. `options` belong to a choice.
    `minimum` and `maximum` bound numbers and dates, and are written as those are: `3`, `0.5`, `2026-12-24`. Lengths are
    in characters, `pattern` is a regular expression of Rust's, found anywhere in the text
    (https://docs.rs/regex/latest/regex/#syntax); `example` shows people what fits it. Unless it is `required`,
    `default` is the answer of who leaves it out.

    In JSON a field that is nothing but a name is that name; of others, what is as usual is left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    label: str = ""
    description: str = ""
    kind: Kind = "text"
    required: bool = True
    options: tuple[str, ...] = ()
    minimum: str = ""
    maximum: str = ""
    min_length: int = 0
    max_length: int | None = None
    pattern: str = ""
    example: str = ""
    default: FormValue = None

    @property
    def title(self) -> str:
        """What people see it called."""
        return self.label or self.name

    @property
    def is_plain(self) -> bool:
        """True if nothing but its name is known: any text answers it."""
        return self == FormField(name=self.name)

    @property
    def longest(self) -> int | None:
        """Most characters of a text; None where there may be as many as the channel takes."""
        is_free = self.kind != "text" or self.is_plain
        return None if is_free else self.max_length or MOST_CHARS

    @model_validator(mode="before")
    @classmethod
    def _of_name(cls, told: Any) -> Any:
        return {"name": told} if isinstance(told, str) else told

    @model_serializer(mode="wrap")
    def _stored(self, write: SerializerFunctionWrapHandler) -> Any:
        if self.is_plain:
            return self.name
        usual = {name: field.default for name, field in type(self).model_fields.items() if name != "name"}
        return {name: value for name, value in write(self).items() if getattr(self, name) != usual.get(name, ...)}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        whole = {name: value for name, value in core_schema.items() if name != "serialization"}
        schema = handler.resolve_ref_schema(handler(cast("CoreSchema", whole)))
        name = {"type": "string", "description": "A field that takes any text: its name alone."}
        return {"anyOf": [name, schema | {"required": ["name"]}]}


def text_of(value: FormValue) -> str:
    """Return `value` as text, in one way only: `yes`, `12.5`, `2026-12-24`; empty for nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{Decimal(repr(value)):f}"
        case _:
            return str(value)


def written(value: FormValue) -> str:
    """Return `value` as a line by hand has it, which has no number that might hold a separator of thousands."""
    text = text_of(value)
    is_doubtful = isinstance(value, float) and _LIKE_THOUSANDS.fullmatch(text)
    return f"{text}0" if is_doubtful else text


def lines_of(fields: Sequence[FormField], values: dict[str, FormValue]) -> str:
    """The answer to a form as lines of `title: value`."""
    return "\n".join(labelled(field.title, text_of(values.get(field.name))).rstrip() for field in fields)
