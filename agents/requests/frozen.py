"""The base of all that is pure data."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0, le=100_000_000_000)]
"""A length of time, of 3,168 years at most: settings name less, and a `datetime` of today holds no more than 7,973."""


class Frozen(BaseModel):
    """An immutable fact; unknown fields are refused, so a misspelt one is found."""

    model_config = ConfigDict(frozen=True, extra="forbid")
