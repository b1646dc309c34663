"""The chain of a shard's records: each seal is an HMAC over the seal before it and the record. Pure.

So a record can't be changed, taken out, put in or moved without the key, and each has its number. Only the end can be
cut off unseen, by whoever knows no head that was noted elsewhere.
"""

import hmac
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from bot.errors import Invalid

# While SAYSO_AUDIT_KEY is set in one worker after another, those without it still seal.
_ROLLING = timedelta(days=1)
_WEAKER = (
    "sealed with a key that is only made of SAYSO_SECRET_KEY, after records that have one of their own: changed, or "
    "sealed where SAYSO_AUDIT_KEY is not set"
)
# Nobody who seals writes longer numbers.
_SHOWN = 20
_HEAD = re.compile(r"s(\d{1,2}):(\d{1,15}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest record of a shard's chain: its number, from 1, and its seal. 0: there is none yet."""

    shard: int
    n: int = 0
    seal: str = ""

    def __str__(self) -> str:
        return f"s{self.shard}:{self.n}:{self.seal}" if self.n else ""

    @classmethod
    def parse(cls, text: str) -> "Head":
        """The head in `text`, such as `s3:1042:9f…`. Raises Invalid."""
        found = _HEAD.fullmatch(text.strip())
        if not found:
            raise Invalid(f"{text[:90]!r} is no head", "Heads look like s3:1042:9f…, as the worker's log shows them")
        return cls(int(found[1]), int(found[2]), found[3])


@dataclass(frozen=True, slots=True)
class Sealed:
    """A record as it stands in the chain: the place it was found at, its bytes, and its seal."""

    place: int
    body: bytes
    seal: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was sealed: `n` is the record, `what` happened to it, in words.

    `of` says what it is about where these change as the log grows.
    """

    shard: int
    n: int
    what: str
    of: str = field(default="", compare=False)

    @property
    def fact(self) -> str:
        """A name that stays the same while it is so."""
        return f"shard {self.shard}: {self.of}" if self.of else str(self)

    def __str__(self) -> str:
        return f"shard {self.shard}, record {self.n}: {self.what}"


def key_id(key: bytes) -> str:
    """The name of a key, which tells nothing about it."""
    return hmac.digest(key, b"sayso audit key", "sha256").hex()[:8]


def seal_of(key: bytes, before: str, body: bytes) -> str:
    """The seal of a record that comes after the one with the seal `before`."""
    return hmac.digest(key, b"%s\n%s" % (before.encode(), body), "sha256").hex()


def sealed(key: bytes, head: Head, record: Mapping[str, Any]) -> tuple[Sealed, Head]:
    """`record` as the next one after `head`, and the head that it is."""
    n = head.n + 1
    body = json.dumps({"n": n, "shard": head.shard, "key": key_id(key), **record}, ensure_ascii=False).encode()
    seal = seal_of(key, head.seal, body)
    return Sealed(n, body, seal), Head(head.shard, n, seal)


class Checker:
    """Checks the records of one shard, which it is given in the order in which they stand.

    Some of the `keys` may be `derived`: made of another secret, and so known to more than the others are. They are for
    records from before the first one that has a better key. `weaker` is how many have one of them.
    """

    def __init__(
        self, shard: int, keys: Sequence[bytes], after: Head | None = None, derived: Collection[bytes] = ()
    ) -> None:
        self._keys = {key_id(key): key for key in keys}
        self._derived = set(map(key_id, derived))
        # Between the first record with a better key and the last one: nobody with a derived one can have written these.
        self._better: tuple[datetime, datetime] | None = None
        self.weaker = 0
        self.head = after or Head(shard)
        self._first = self.head.n + 1
        # Where a seal was changed, the next record follows the one that stood there.
        self._or_seal = self.head.seal

    def check(self, one: Sealed) -> tuple[dict[str, Any], list[Finding]]:
        """Return the record, empty where it can't be read, and what is wrong with it."""
        shard, expected = self.head.shard, self.head.n + 1
        findings = list[Finding]()
        if one.place > expected:
            many = f"{expected}" if one.place == expected + 1 else f"{expected} to {one.place - 1}"
            what = f"removed: no record {many}, so {one.place} can't be checked"
            # Where it begins moves with what is looked at, if that begins within it.
            of = f"none before {one.place}" if expected == self._first else ""
            findings.append(Finding(shard, expected, what, of))
        if one.place < expected:
            findings.append(Finding(shard, one.place, f"moved: it stands after record {expected - 1}"))
        record = record_in(one.body)
        if record.get("n") != one.place or record.get("shard") != shard:
            n, of = (ascii(record.get(name))[:_SHOWN] for name in ("n", "shard"))
            stands = f"record {n} of shard {of} stands there" if record else "no record"
            findings.append(Finding(shard, one.place, f"moved or replaced: {stands}"))
        key = self._keys.get(str(record.get("key")), b"")
        expected_seal = seal_of(key, self.head.seal, one.body)
        if not findings:
            findings += self._of_seal(key, one, expected_seal) or self._of_key(one.place, record)
        self.head, self._or_seal = Head(shard, one.place, one.seal), expected_seal
        return record, findings

    def _of_seal(self, key: bytes, one: Sealed, expected: str) -> list[Finding]:
        if not key:
            return [Finding(self.head.shard, one.place, "sealed with another key than SAYSO_AUDIT_KEY, or changed")]
        if _is_same(expected, one.seal):
            return []
        if self._or_seal != self.head.seal and _is_same(seal_of(key, self._or_seal, one.body), one.seal):
            return []
        return [Finding(self.head.shard, one.place, "changed: its seal does not fit it")]

    def _of_key(self, place: int, record: Mapping[str, Any]) -> list[Finding]:
        at = datetime.fromisoformat(record["at"])
        first, last = self._better or (at, at)
        if record["key"] not in self._derived:
            self._better = first, max(last, at)
            return []
        self.weaker += 1
        is_late = self._better is not None and max(last, at) - first > _ROLLING
        return [Finding(self.head.shard, place, _WEAKER)] if is_late else []


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def record_in(body: bytes) -> dict[str, Any]:
    """The record with this body; empty where it can't be read as one, as nobody wrote it who seals."""
    try:
        found: Any = json.loads(body)
        at = datetime.fromisoformat(found["at"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return {}
    record = cast("dict[str, Any]", found)
    return record if at.tzinfo and _has_its_form(record) else {}


def _has_its_form(record: Mapping[str, Any]) -> bool:
    names, parts = [record.get("who", ""), *_list(record.get("people", []))], record.get("parts", {})
    people = [*names, *_list(record.get("of", []))]
    return isinstance(parts, dict) and all(isinstance(one, str) for one in (*people, *cast("Any", parts).values()))


def _list(found: object) -> list[object]:
    """`found` as a list: of something that is no text where it is none."""
    return cast("list[object]", found) if isinstance(found, list) else [None]
