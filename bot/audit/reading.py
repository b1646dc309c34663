"""Reads the log: checks all of it, and finds records by person, policy, time and run."""

import re
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from bot.audit.chain import Checker, Finding, Head, Sealed, record_in
from bot.audit.privacy import Kept, Row, joined, wrong_parts
from bot.audit.sealer import head_of, rows_of
from bot.audit.stored import Records, Shelf
from bot.errors import Invalid, Unavailable
from bot.store import Keys, Store, StoreError, StoreUnavailable
from bot.store.ids import shard_of

# Of each shard: whoever changed more has changed all.
FINDINGS_AT_MOST = 100
NEWEST = 1_000
"""So many records of each shard are checked once an hour."""

_ERROR_CHARS = 300
_CURSOR = re.compile(r"[0-9]{1,2}\.[0-9]{1,15}(?:-[0-9]{1,2}\.[0-9]{1,15}){0,63}")


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of the whole log found. `waiting` facts are not sealed yet; nothing is audited before `since`.

    `heads` are the newest records; `known` is how many heads from outside were compared with, and `weaker` how many
    records have a key that is only made of another secret.
    """

    records: int
    findings: Sequence[Finding]
    heads: Sequence[Head]
    forgotten: int
    waiting: int
    since: datetime | None
    known: int
    weaker: int


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
    weaker: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
    gone: set[str] = field(default_factory=set[str])
    since: str = ""
    waiting: int = 0
    noted: Head | None = None


class AuditReader:
    """The log, in the store and in the archive. `ids_of` gives all ids of somebody who is looked for by one of them.

    All methods raise StoreUnavailable, and Unavailable while the archive can't be read.
    """

    def __init__(
        self, store: Store, shelf: Shelf, ids_of: Callable[[str], Collection[str]] = lambda person: (person,)
    ) -> None:
        self._store, self._records, self._ids_of = store, Records(store, shelf), ids_of

    async def verify(
        self,
        keys: Sequence[bytes],
        known: Sequence[Head] = (),
        only: int | None = None,
        *,
        derived: Collection[bytes] = (),
    ) -> Checked:
        """Check every record, or those of shard `only`; `known` are heads that were noted outside.

        Keys that are `derived` from another secret seal nothing after one that is not.
        """
        shards = range(self._store.shards) if only is None else [only]
        found = [await self._looked_at(Checker(shard, keys, derived=derived), known) for shard in shards]
        findings = [finding for one in found for finding in one.findings[:FINDINGS_AT_MOST]]
        beyond = [head for head in known if head.shard >= self._store.shards]
        findings += [Finding(head.shard, head.n, "removed: the store has no such shard") for head in beyond]
        firsts = sorted(datetime.fromisoformat(one.since) for one in found if one.since)
        return Checked(
            records=sum(one.records for one in found),
            findings=findings,
            heads=[one.noted for one in found if one.noted and one.noted.n],
            forgotten=sum(len(one.gone) for one in found),
            waiting=sum(one.waiting for one in found),
            since=firsts[0] if firsts else None,
            known=sum(head.shard in shards for head in known),
            weaker=sum(one.weaker for one in found),
        )

    async def verify_newest(self, keys: Sequence[bytes], most: int = NEWEST) -> list[Finding]:
        """Check the newest records of each shard in the store, `most` of them, and that the log ends with its head.

        Those that an earlier key sealed are left to `verify`, which knows when each key was in use.
        """
        found = list[Finding]()
        for shard in range(self._store.shards):
            try:
                after = await self._before_newest(shard, most)
            except (StoreError, Invalid) as error:
                found.append(_unread(shard, error))
                continue
            found += (await self._looked_at(Checker(shard, keys, after), ())).findings[:FINDINGS_AT_MOST]
        return found

    async def _before_newest(self, shard: int, most: int) -> Head:
        """Return the record after which the newest ones begin; what is in the archive is not among them."""
        archived = (await self._records.archived(shard)).head
        place = (await head_of(self._store, shard)).n - most
        if place <= archived.n:
            return archived
        chunk, _ = await self._records.here(shard, ["XRANGE", Keys(shard).audit_chain, f"0-{place}", f"0-{place}"])
        # Without it, its seal is unknown, and the next one is found to be wrong: as it is.
        return Head(shard, place, chunk.records[0].seal if chunk.records else "")

    async def _looked_at(self, checker: Checker, known: Sequence[Head]) -> _Shard:
        """Check a shard to its end; what of it can't be read is something that is wrong with it."""
        found, shard = _Shard(), checker.head.shard
        try:
            await self._verify(checker, known, found)
            found.noted = await head_of(self._store, shard)
            found.waiting = await self._store.client.do("XLEN", Keys(shard).audit_new)
        except (StoreError, Invalid, ValueError, TypeError, LookupError) as error:
            found.findings.insert(0, _unread(shard, error))
        return found

    async def _verify(self, checker: Checker, known: Sequence[Head], found: _Shard) -> None:
        shard, after = checker.head.shard, checker.head.n
        # Of one number there are several where the log was cut and has grown again.
        seals = dict[int, set[str]]()
        for head in known:
            if head.shard == shard:
                seals.setdefault(head.n, set()).add(head.seal)
        noted = await head_of(self._store, shard)
        rows = await rows_of(self._store, shard)
        # Who was forgotten is known at the end: what is missing is looked at again then.
        again = list[tuple[int, dict[str, Any], Kept]]()
        async for chunk in self._records.oldest_first(shard, after):
            found.findings += [chunk.broken] if chunk.broken else []
            for one in chunk.records:
                body, wrong = checker.check(one)
                found.findings += wrong
                found.records += 1
                found.since = found.since or str(body.get("at", ""))
                found.gone |= _forgotten_by(body)
                kept = chunk.kept.get(one.place, {})
                if wrong_parts(body, kept, rows, frozenset()):
                    again.append((one.place, body, kept))
                if one.place == noted.n and one.seal != noted.seal:
                    found.findings.append(Finding(shard, one.place, "the store notes it as a head with another seal"))
                if seals.pop(one.place, {one.seal}) != {one.seal}:
                    found.findings.append(Finding(shard, one.place, "not the record whose head was noted outside"))
        found.weaker = checker.weaker
        rows = await rows_of(self._store, shard)

        def missing() -> list[Finding]:
            gone = frozenset(found.gone)
            every = ((place, each) for place, body, kept in again for each in wrong_parts(body, kept, rows, gone))
            return [Finding(shard, place, each) for place, each in every]

        if after and missing():
            # What is sealed of somebody while they are forgotten stands after the record that says so.
            with suppress(Unavailable):  # what is wrong here is told while the archive is away
                async for chunk in self._records.newest_first(shard, after + 1):
                    found.gone.update(*map(_forgotten_by, (record_in(one.body) for one in chunk.records)))
        found.findings += missing()
        found.findings += _of_end(checker.head, noted, await head_of(self._store, shard), seals)
        found.findings += await self._records.strays(shard, FINDINGS_AT_MOST)
        found.findings += [
            Finding(shard, 0, f"the pseudonym {name} was given to somebody else")
            for name, row in rows.items()
            if row.pseudonym != name
        ]

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
        records = self._records.newest_first if newest_first else self._records.oldest_first
        ids = self._ids_of(query.person) if query.person else ()
        async for chunk in records(shard, after):
            if chunk.broken:
                raise Unavailable(str(chunk.broken), "sayso audit verify names all that is wrong")
            rows = await rows_of(self._store, shard)  # after the chunk: whoever is new in it is among them
            people = {name for name, row in rows.items() if row.id in ids}
            if query.person and not people:
                return
            for one in chunk.records:
                body = record_in(one.body)
                if body.get("n") != one.place:
                    raise _damaged(shard, one.place)
                if _fits(body, query, people):
                    yield _read(shard, one, body, chunk.kept.get(one.place, {}), rows)

    async def since(self) -> datetime | None:
        """When the first record was made; nothing before it is audited."""
        found = [await self._records.since(shard) for shard in range(self._store.shards)]
        return min(filter(None, found), default=None)


def _forgotten_by(record: Mapping[str, Any]) -> set[str]:
    """Return whom a record says to be forgotten."""
    return set(record.get("people", ())) if record.get("kind") == "forgotten" else set()


def _of_end(end: Head, before: Head, after: Head, outside: Collection[int]) -> list[Finding]:
    """Return what is missing at the end: what was noted outside, and what the store itself has noted as the newest one
    `before` and `after` all were read.
    """
    last = max([before.n, *outside])
    if last > end.n:
        return [Finding(end.shard, end.n + 1, f"removed: the log ends at record {end.n}, and there were {last}")]
    if after.n < end.n:
        return [Finding(end.shard, end.n, f"the store notes record {after.n} as the newest one")]
    return [Finding(end.shard, n, "removed: its head was noted outside") for n in outside]


def _unread(shard: int, error: Exception) -> Finding:
    """Return what is wrong where a shard's log can't be read. Raises StoreUnavailable again, which passes by itself."""
    if isinstance(error, StoreUnavailable):
        raise error
    return Finding(shard, 0, f"its log can't be read to the end: {ascii(str(error))[1:-1][:_ERROR_CHARS]}", of="unread")


def _damaged(shard: int, place: int) -> Unavailable:
    finding = Finding(shard, place, "what stands there can't be read")
    return Unavailable(str(finding), "sayso audit verify names all that is wrong")


def _read(
    shard: int, one: Sealed, body: Mapping[str, Any], kept: Kept, rows: Mapping[str, Row]
) -> dict[str, JsonValue]:
    """Return a record as people read it. Raises Unavailable where somebody changed what is kept of it."""
    try:
        return joined(body, kept, rows) | {"seal": one.seal}
    except (ValueError, RecursionError) as error:
        raise _damaged(shard, one.place) from error


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
    if cursor and not _CURSOR.fullmatch(cursor):
        raise Invalid(f"{cursor[:60]!r} is no cursor", "Take the one that came with the records before")
    pairs = [part.split(".") for part in cursor.split("-")] if cursor else []
    return {int(shard): int(n) for shard, n in pairs}


def row_of(rows: Mapping[str, Row], person: str) -> set[str]:
    """Return the pseudonyms of a person."""
    return {name for name, row in rows.items() if row.id == person}
