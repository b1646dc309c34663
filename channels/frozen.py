"""What all plain data of this package is made from."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Plain data that crosses the border of a channel."""

    model_config = ConfigDict(frozen=True, extra="forbid")
