"""The records of a shard wherever they stand: the newest in the store, those before in segments in the archive."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bot.audit.chain import Finding, Head, Sealed, record_in
from bot.audit.privacy import Kept, kept_in
from bot.audit.sealer import rows_of
from bot.audit.segments import Piece, pieces, unpack
from bot.errors import Invalid
from bot.store import Keys, Store

_AT_ONCE = 1_000
LAST = f"0-{2**64 - 1}"
"""The last place that a record may have in its stream; nobody who seals puts anything after it."""


class Shelf(Protocol):
    """The part of the archive that holds segments. All methods raise Unavailable."""

    async def segments(self, shard: int) -> Sequence[str]:
        """The names of all segments of a shard."""
        ...

    async def segment(self, shard: int, name: str) -> bytes | None:
        """A segment's file; None where it is not there."""
        ...

    async def keep_segment(self, shard: int, name: str, body: bytes) -> None:
        """Keep a file; when it returns, it is durable and was read back unchanged."""
        ...


@dataclass(frozen=True, slots=True)
class Archived:
    """Up to which record a shard's log is in the archive, and when its first one was made."""

    head: Head
    since: str = ""

    def __str__(self) -> str:
        return json.dumps({"n": self.head.n, "seal": self.head.seal, "since": self.since}) if self.head.n else ""

    @classmethod
    def parse(cls, shard: int, text: bytes | None) -> "Archived":
        """What is noted in the store; nothing is in the archive where nothing is noted. Raises Invalid."""
        if not text:
            return cls(Head(shard))
        try:
            found: dict[str, Any] = json.loads(text)
            _ = found["since"] and datetime.fromisoformat(found["since"])
            return cls(Head(shard, int(found["n"]), str(found["seal"])), found["since"])
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            what = f"What shard {shard} notes of its audit log in the archive can't be read"
            raise Invalid(what, "Somebody changed it in Redis: restore it from a backup") from error


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records in a row with what is kept of them; where a file is not as it was, `broken` says so."""

    records: Sequence[Sealed] = ()
    kept: Mapping[int, Kept] = field(default_factory=dict[int, Kept])
    broken: Finding | None = None


class Records:
    """Reads records. All methods raise StoreUnavailable, and Unavailable while the archive can't be read."""

    def __init__(self, store: Store, shelf: Shelf) -> None:
        self._store, self._shelf = store, shelf

    async def archived(self, shard: int) -> Archived:
        """What is in the archive of a shard."""
        return Archived.parse(shard, await self._store.client.do("GET", Keys(shard).audit_archived))

    async def oldest_first(self, shard: int, after: int = 0) -> AsyncIterator[Chunk]:
        """The records after a number."""
        place = after
        while True:
            begins = f"(0-{place}" if place else "-"
            chunk, end = await self.here(shard, ["XRANGE", Keys(shard).audit_chain, begins, LAST, "COUNT", _AT_ONCE])
            # Noted last: what left while it was read is read from the archive.
            if end.n > place:
                async for archived in self._from_archive(shard, place, end):
                    yield archived
                place = end.n
            elif chunk.records:
                place = chunk.records[-1].place
                yield chunk
            else:
                return

    async def _from_archive(self, shard: int, after: int, end: Head) -> AsyncIterator[Chunk]:
        place = after
        for piece in await self._pieces(shard, end):
            if piece.last <= place:
                continue
            if piece.first > place + 1:
                yield Chunk(broken=_missing(shard, place + 1, piece.first - 1))
            yield await self._there(shard, piece, place + 1, piece.last)
            place = piece.last
        if place < end.n:
            yield Chunk(broken=_missing(shard, place + 1, end.n))

    async def newest_first(self, shard: int, before: int = 0) -> AsyncIterator[Chunk]:
        """The records before a number, all without one."""
        place, chain = before, Keys(shard).audit_chain
        while True:
            begins = f"(0-{place}" if place else LAST
            chunk, end = await self.here(shard, ["XREVRANGE", chain, begins, "-", "COUNT", _AT_ONCE])
            left = [one for one in chunk.records if one.place > end.n]
            if not left:
                break
            place = left[-1].place
            yield Chunk(left, chunk.kept)
        last = min(end.n, place - 1) if place else end.n
        for piece in reversed(await self._pieces(shard, end) if last > 0 else []):
            if piece.last < last:
                yield Chunk(broken=_missing(shard, piece.last + 1, last))
            if piece.first <= last:
                found = await self._there(shard, piece, piece.first, last)
                yield Chunk(found.records[::-1], found.kept, found.broken)
                last = piece.first - 1
        if last > 0:
            yield Chunk(broken=_missing(shard, 1, last))

    async def since(self, shard: int) -> datetime | None:
        """When the first record of a shard was made."""
        chain = Keys(shard).audit_chain
        first, noted = await self._store.client.read(
            ["XRANGE", chain, "-", "+", "COUNT", 1], ["GET", Keys(shard).audit_archived]
        )
        since = Archived.parse(shard, noted).since or (record_in(first[0][1].get(b"b", b"")).get("at") if first else "")
        return datetime.fromisoformat(since) if since else None

    async def here(self, shard: int, command: Sequence[str | int]) -> tuple[Chunk, Head]:
        """What the store answers, and up to which record all was in the archive after that."""
        keys = Keys(shard)
        records = [
            Sealed(int(name.decode().partition("-")[2]), fields.get(b"b", b""), _text(fields.get(b"s")))
            for name, fields in await self._store.client.do(*command)
        ]
        kept: list[bytes | None] = []
        if records:
            kept = await self._store.client.do("HMGET", keys.audit_kept, *(one.place for one in records))
        found = {one.place: kept_or_none(text) for one, text in zip(records, kept, strict=True) if text}
        return Chunk(records, found), (await self.archived(shard)).head

    async def strays(self, shard: int, most: int) -> list[Finding]:
        """What stands behind all numbers, where nothing does that was sealed."""
        found = await self._store.client.do("XRANGE", Keys(shard).audit_chain, "1-0", "+", "COUNT", most)
        words = "no record: it stands at {}, where none has its number"
        return [Finding(shard, 0, words.format(name.decode())) for name, _ in found]

    async def _pieces(self, shard: int, end: Head) -> list[Piece]:
        return pieces(await self._shelf.segments(shard), end)

    async def _there(self, shard: int, piece: Piece, first: int, last: int) -> Chunk:
        """The records of a segment from `first` to `last`, oldest first."""
        body = await self._shelf.segment(shard, piece.name)
        if body is None:
            return Chunk(broken=_missing(shard, piece.first, piece.last))
        try:
            records, kept = await asyncio.to_thread(unpack, body, await rows_of(self._store, shard))
        except Invalid as error:
            what = f"{error.what}: file audit/s{shard}/{piece.name} of the archive, up to record {piece.last}"
            return Chunk(broken=Finding(shard, piece.first, what))
        return Chunk([one for one in records if first <= one.place <= last], kept)


def _missing(shard: int, first: int, last: int) -> Finding:
    return Finding(shard, first, f"missing in the archive: the file of records {first} to {last}")


def _text(found: bytes | None) -> str:
    return (found or b"").decode(errors="replace")


def kept_or_none(text: bytes) -> Kept:
    """What is kept beside the chain; nothing where it can't be read."""
    try:
        return kept_in(json.loads(text))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}
