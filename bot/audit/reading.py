"""Reads the log: checks all of it, and finds records by person, policy, time and run."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from bot.audit.chain import Checker, Finding, Head, Sealed
from bot.audit.privacy import Kept, Row, joined, wrong_parts
from bot.audit.sealer import head_of, rows_of
from bot.errors import Invalid
from bot.store import Keys, Store
from bot.store.ids import shard_of

_AT_ONCE = 1_000
# Of each shard: whoever changed more has changed all.
FINDINGS_AT_MOST = 100


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of the whole log found. `waiting` facts are not sealed yet; nothing is audited before `since`.

    `heads` are the newest records; `known` is how many heads from outside were compared with.
    """

    records: int
    findings: Sequence[Finding]
    heads: Sequence[Head]
    forgotten: int
    waiting: int
    since: datetime | None
    known: int


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; what is not set is not asked. `since` and `until` bound the time, `until` excluded."""

    person: str = ""
    policy: str = ""
    run: str = ""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass
class _Shard:
    """What was found in one shard."""

    records: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
    gone: set[str] = field(default_factory=set[str])
    since: str = ""


class AuditReader:
    """The log as it stands in the store. All methods raise StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def verify(self, keys: Sequence[bytes], known: Sequence[Head] = (), only: int | None = None) -> Checked:
        """Check every record, or those of shard `only`; `known` are heads that were noted outside."""
        shards = range(self._store.shards) if only is None else [only]
        found = [await self._verified(shard, keys, known) for shard in shards]
        findings = [finding for one in found for finding in one.findings[:FINDINGS_AT_MOST]]
        firsts = sorted(datetime.fromisoformat(one.since) for one in found if one.since)
        waiting = [await self._store.client.do("XLEN", Keys(shard).audit_new) for shard in shards]
        return Checked(
            records=sum(one.records for one in found),
            findings=findings,
            heads=[head for shard in shards if (head := await head_of(self._store, shard)).n],
            forgotten=sum(len(one.gone) for one in found),
            waiting=sum(waiting),
            since=firsts[0] if firsts else None,
            known=sum(head.shard in shards for head in known),
        )

    async def _verified(self, shard: int, keys: Sequence[bytes], known: Sequence[Head]) -> _Shard:
        found, checker = _Shard(), Checker(shard, keys)
        seals = {head.n: head for head in known if head.shard == shard}
        noted = await head_of(self._store, shard)
        rows = await rows_of(self._store, shard)
        # Who was forgotten is known at the end: what is missing is looked at again then.
        again = list[tuple[int, dict[str, Any], Kept]]()
        async for records, beside in self._chunks(shard):
            for one in records:
                body, wrong = checker.check(one)
                found.findings += wrong
                found.records += 1
                found.since = found.since or str(body.get("at", ""))
                if body.get("kind") == "forgotten":
                    found.gone |= set(body.get("people", ()))
                kept = beside.get(one.place, {})
                if wrong_parts(body, kept, rows, frozenset()):
                    again.append((one.place, body, kept))
                outside = seals.pop(one.place, None)
                if outside and outside.seal != one.seal:
                    found.findings.append(Finding(shard, one.place, "not the record whose head was noted outside"))
            await asyncio.sleep(0)
        for place, body, kept in again:
            found.findings += [
                Finding(shard, place, each) for each in wrong_parts(body, kept, rows, frozenset(found.gone))
            ]
        found.findings += _of_end(checker.head, noted, seals)
        found.findings += [
            Finding(shard, 0, f"the pseudonym {name} was given to somebody else")
            for name, row in rows.items()
            if row.pseudonym != name
        ]
        return found

    async def _chunks(
        self, shard: int, after: int = 0, *, newest_first: bool = False
    ) -> AsyncIterator[tuple[list[Sealed], Mapping[int, Kept]]]:
        """The records after (or, newest first, before) a number, some at a time, with what is kept of them."""
        keys, place = Keys(shard), after
        while True:
            command = ["XREVRANGE", keys.audit_chain, f"(0-{place}" if place else "+", "-"]
            if not newest_first:
                command = ["XRANGE", keys.audit_chain, f"(0-{place}" if place else "-", "+"]
            entries = await self._store.client.do(*command, "COUNT", _AT_ONCE)
            if not entries:
                return
            records = [
                Sealed(int(name.decode().partition("-")[2]), fields.get(b"b", b""), fields.get(b"s", b"").decode())
                for name, fields in entries
            ]
            place = records[-1].place
            yield records, await self._beside(keys, records)

    async def _beside(self, keys: Keys, records: Sequence[Sealed]) -> dict[int, Kept]:
        found = await self._store.client.do("HMGET", keys.audit_kept, *(one.place for one in records))
        return {one.place: _kept(text) for one, text in zip(records, found, strict=True) if text}

    async def search(
        self, query: Query, cursor: str = "", limit: int = 200, *, newest_first: bool = False
    ) -> tuple[list[dict[str, JsonValue]], str]:
        """At most `limit` records in the order of time over all shards, and a cursor for those that follow.

        Raises Invalid for what is no cursor, and NotFound for what is no run.
        """
        shards = [shard_of(query.run)] if query.run else list(range(self._store.shards))
        places = _places(cursor)
        heads = dict[int, dict[str, JsonValue]]()
        found, streams = list[dict[str, JsonValue]](), dict[int, AsyncIterator[dict[str, JsonValue]]]()
        for shard in shards:
            streams[shard] = self._matching(shard, query, places.get(shard, 0), newest_first=newest_first)
            if (first := await anext(streams[shard], None)) is not None:
                heads[shard] = first
        pick = max if newest_first else min
        while heads and len(found) < limit:
            shard = pick(heads, key=lambda one: (datetime.fromisoformat(str(heads[one]["at"])), one))
            record = heads.pop(shard)
            found.append(record)
            places[shard] = int(str(record["n"]))
            if (following := await anext(streams[shard], None)) is not None:
                heads[shard] = following
        more = "-".join(f"{shard}.{n}" for shard, n in sorted(places.items())) if heads else ""
        return found, more

    async def _matching(
        self, shard: int, query: Query, after: int, *, newest_first: bool
    ) -> AsyncIterator[dict[str, JsonValue]]:
        rows = await rows_of(self._store, shard)
        people = {name for name, row in rows.items() if row.id == query.person}
        if query.person and not people:
            return
        async for records, beside in self._chunks(shard, after, newest_first=newest_first):
            for one in records:
                body: dict[str, Any] = json.loads(one.body)
                if _fits(body, query, people):
                    yield joined(body, beside.get(one.place, {}), rows) | {"seal": one.seal}

    async def since(self) -> datetime | None:
        """When the first record was made; nothing before it is audited."""
        commands = [["XRANGE", Keys(shard).audit_chain, "-", "+", "COUNT", 1] for shard in range(self._store.shards)]
        found = await self._store.client.read(*commands)
        bodies = [json.loads(entries[0][1][b"b"]) for entries in found if entries]
        return min((datetime.fromisoformat(body["at"]) for body in bodies), default=None)


def _of_end(end: Head, noted: Head, outside: Mapping[int, Head]) -> list[Finding]:
    """Return what is missing at the end: what the store itself has noted as the newest, and what was noted outside."""
    last = max([noted.n, *outside])
    if last > end.n:
        return [Finding(end.shard, end.n + 1, f"removed: the log ends at record {end.n}, and there were {last}")]
    if end.n and noted != end:
        return [Finding(end.shard, end.n, f"the store notes record {noted.n} as the newest one, with another seal")]
    return [Finding(end.shard, n, "removed: its head was noted outside") for n in outside]


def _kept(text: bytes) -> Kept:
    try:
        found: dict[str, Any] = json.loads(text)
        return {part: (str(salt), str(value)) for part, (salt, value) in found.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _fits(body: Mapping[str, Any], query: Query, people: set[str]) -> bool:
    if people and people.isdisjoint({body.get("who"), *body.get("people", ())}):
        return False
    if any(wanted and body.get(name) != wanted for name, wanted in _wanted(query)):
        return False
    at = datetime.fromisoformat(body["at"])
    return (query.since is None or at >= query.since) and (query.until is None or at < query.until)


def _wanted(query: Query) -> tuple[tuple[str, str], ...]:
    return ("policy_name", query.policy), ("run_id", query.run), ("kind", query.kind)


def _places(cursor: str) -> dict[int, int]:
    try:
        pairs = [part.split(".") for part in cursor.split("-")] if cursor else []
        return {int(shard): int(n) for shard, n in pairs}
    except ValueError:
        raise Invalid(f"{cursor[:60]!r} is no cursor", "Take the one that came with the records before") from None


def row_of(rows: Mapping[str, Row], person: str) -> set[str]:
    """Return the pseudonyms of a person."""
    return {name for name, row in rows.items() if row.id == person}
