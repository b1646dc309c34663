"""The base of data that is stored as JSON: its JSON leaves out each field that holds its default.

So a default never changes: what was stored without it would mean something else.
"""

import operator
from collections.abc import Callable
from functools import partial
from typing import ClassVar, Literal, get_args, get_origin

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema


class Stored(BaseModel):
    """Plain data without its defaults in JSON. A field that can only hold its default stays: it says what this is.

    So do the fields in `TOLD`, which programs read as well, and those whose default follows from other fields.
    """

    TOLD: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler, /) -> CoreSchema:
        """Build the schema with `exclude_if` for each such field."""
        for name, field in cls.__pydantic_fields__.items():
            if field.is_required() or _is_constant(field) or field.default_factory_takes_validated_data:
                continue
            if name not in cls.TOLD:
                field.exclude_if = _is(field.get_default(call_default_factory=True))
        return handler(source)


def _is_constant(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1


def _is(default: object) -> Callable[[object], bool]:
    return partial(operator.is_ if default is None else operator.eq, default)
