"""What the store gives back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agents.events import Event


@dataclass(frozen=True, slots=True)
class Loaded:
    """A run's events as they stand, and the time it was read at."""

    events: tuple[Event, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """A request's record: opaque `body`, and the version that the next change must name."""

    version: int
    body: bytes
    now: datetime


@dataclass(frozen=True, slots=True)
class Start:
    """Whether an attempt may go ahead; `late` when the approval has become too old."""

    state: Literal["started", "conflict", "late"]
