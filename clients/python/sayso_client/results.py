"""What may come of asking people. Only `Approved` allows what was asked for, and a time-out is none of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class File:
    """A file that came with an answer; `text` is that of a text file, in its sender's words."""

    name: str
    text: str


@dataclass(frozen=True)
class CameOf:
    """What whoever began it said came of it."""

    ok: bool
    summary: str
    at: datetime


@dataclass(frozen=True)
class Answered(Generic[T]):
    """An answer. It approves nothing but what was asked."""

    id: str
    answer: T
    by: tuple[str, ...]
    at: datetime | None
    files: tuple[File, ...] = ()


@dataclass(frozen=True)
class Pending:
    """Nobody has decided yet, after `wait_s`. It is no denial: the same call with this `key` waits on."""

    id: str
    key: str
    asked: tuple[str, ...]
    expires_at: datetime | None

    def __str__(self) -> str:
        """Return it as a sentence."""
        return f"{self.id}: nobody has answered yet, which is no denial"


@dataclass(frozen=True)
class Closed:
    """An end that allows nothing: who made it, when, and why in their words."""

    id: str
    by: tuple[str, ...]
    at: datetime | None
    reason: str

    def __str__(self) -> str:
        """Return it as a sentence."""
        by = f" by {' and '.join(self.by)}" if self.by else ""
        why = f": {self.reason}" if self.reason else ""
        return f"{self.id}: {type(self).__name__.lower()}{by}{why}"


class Denied(Closed):
    """Somebody who may decide said no."""


class Revoked(Closed):
    """It was approved, and somebody took that back before anything began."""


class Expired(Closed):
    """Nobody decided in time, or nobody was left who may. It is no denial: it may be asked again."""


class Withdrawn(Closed):
    """It was taken back before anybody decided."""


class Superseded(Closed):
    """It does not hold any more: it was not used in time, or something changed."""


CLOSED: Mapping[str, type[Closed]] = {
    "denied": Denied,
    "revoked": Revoked,
    "expired": Expired,
    "withdrawn": Withdrawn,
    "superseded": Superseded,
}


def closed_of(outcome: Mapping[str, Any], wanted: str) -> Closed | Pending | None:
    """Return the end that `outcome` of the API is; None for what is `wanted`: `approved` or `answered`."""
    word = outcome["decision"]
    if word == "pending":
        return Pending(
            outcome["id"], outcome["key"], tuple(outcome.get("asked", ())), moment(outcome.get("expires_at"))
        )
    if word in CLOSED:
        at = moment(outcome.get("at"))
        return CLOSED[word](outcome["id"], tuple(outcome.get("by", ())), at, outcome.get("reason", ""))
    if word == wanted:
        return None
    raise ValueError(
        f"This sayso says {word!r} of what was to be {wanted}, which this client does not know; install a newer one"
    )


def came_of(told: Mapping[str, Any] | None) -> CameOf | None:
    """Return what was said of an attempt, if anything was."""
    return CameOf(told["ok"], told["summary"], _moment(told["at"])) if told else None


def moment(text: str | None) -> datetime | None:
    """Return a time of the API; Python 3.10 reads no `Z`."""
    return _moment(text) if text else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith("Z") else text)
