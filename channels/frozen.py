"""The base of all plain data of this package."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Plain data that crosses the border of a channel."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
