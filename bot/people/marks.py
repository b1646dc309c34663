"""Marks: how a human is known, whatever their id is. Pure.

Nothing else compares people. Both comparisons fail closed: who is not surely the same neither decides nor is shown what
another may see, and who is maybe the same is kept from what that one must not do.
"""

import hashlib
from collections.abc import Iterable

from agents.requests import Frozen
from bot.config.errors import theirs_alone
from bot.config.tables import PersonConfig

_CHARS = 16


class Mark(Frozen):
    """What the directory knows a human by, at one time: hashes, each empty where it says nothing.

    `uid` is a number that never changes (SCIM id, OIDC issuer and subject, staff number) and wins over addresses.
    """

    uid: str = ""
    slack: str = ""
    email: str = ""

    def __bool__(self) -> bool:
        return any((self.uid, self.slack, self.email))

    @property
    def parts(self) -> frozenset[tuple[str, str]]:
        """Each known part with its kind."""
        return frozenset((kind, value) for kind, value in self if value)

    def followed_by(self, now: "Mark") -> "Mark":
        """Return what is known once the directory says `now` of the same human: a uid is not forgotten."""
        return now.model_copy(update={"uid": now.uid or self.uid})


def mark_of(person: PersonConfig) -> Mark:
    """Return the mark of somebody in the directory."""
    return Mark(**{kind: hashed(kind, getattr(person, kind) or "") for kind in Mark.model_fields})


def hashed(kind: str, value: str) -> str:
    """Return a `uid`, a Slack id or an address as marks hold it; empty for none."""
    if not value:
        return ""
    return hashlib.sha256(f"{kind} {theirs_alone(kind, value)}".encode()).hexdigest()[:_CHARS]


def surely_same(before: Mark, now: Mark) -> bool:
    """Return whether whom the directory knows by `now` is whom it knew as `before`: for seats and votes.

    The uid says so where both have one; else no address that was known has changed. One that was added changes nothing.
    """
    if before.uid and now.uid:
        return before.uid == now.uid
    known = [(was, its) for was, its in ((before.slack, now.slack), (before.email, now.email)) if was]
    return bool(known) and all(was == its for was, its in known)


def maybe_same(one: Iterable[Mark], other: Iterable[Mark]) -> bool:
    """Return whether two who were ever known by these marks may be one human: for whom something is kept from."""
    mine, theirs = (frozenset(part for mark in marks for part in mark.parts) for marks in (one, other))
    return not mine.isdisjoint(theirs)
