"""The base of all that is pure data."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable fact; unknown fields are refused, so a misspelt one is found."""

    model_config = ConfigDict(frozen=True, extra="forbid")
