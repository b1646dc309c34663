"""Lets the oldest sealed records leave Redis for the archive, a segment of a shard's chain at a time.

A segment leaves in three steps: its file, which can be read, is written and read back, and one script takes its
records out of Redis and notes up to where the log is in the archive. Whoever dies in between, or does it twice, has
only written a file more.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from bot.audit.chain import Head, Sealed, record_in
from bot.audit.privacy import Kept
from bot.audit.sealer import rows_of
from bot.audit.segments import Piece, pack, unpack
from bot.audit.stored import Archived, Chunk, Records, Shelf
from bot.store import Keys, Store, scripts

log = structlog.stdlib.get_logger()

SEGMENT = 5_000
"""So many records are one file."""
AT_MOST = 20_000
"""Of each shard; of more, whole segments leave before their time."""
# Less than a segment leaves alone only where it would have waited for so long.
_PATIENCE = timedelta(days=7)
_AT_ONCE = 1_000


class AuditLeaving:
    """Lets records leave that were made more than `after` ago. `at_most` stay in each shard, give or take a segment."""

    def __init__(
        self, store: Store, shelf: Shelf, after: timedelta, at_most: int = AT_MOST, segment: int = SEGMENT
    ) -> None:
        self._store, self._shelf, self._after, self._at_most, self._segment = store, shelf, after, at_most, segment
        self._records = Records(store, shelf)

    async def look(self, shard: int) -> int:
        """Have the records of a shard leave whose time has come; return how many did.

        Raises StoreUnavailable, Unavailable while the archive can't be written, and Invalid for what it can't hold.
        """
        left, now = 0, await self._store.now(f"s{shard}r-aaaaaaaaaaaaa")
        while True:
            archived = await self._records.archived(shard)
            leaving = await self._next(shard, archived.head.n, now)
            if not leaving.records or not await self._leave(shard, archived, leaving):
                return left  # there are no more, or another worker is at it
            left += len(leaving.records)

    async def _next(self, shard: int, end: int, now: datetime) -> Chunk:
        """Return the records of the next segment, which begins after `end`; none while there is nothing to do."""
        chain, before = Keys(shard).audit_chain, now - self._after
        oldest, last, count = await self._store.client.read(
            ["XRANGE", chain, "-", "+", "COUNT", 1],
            ["XRANGE", chain, f"0-{end + self._segment}", "+", "COUNT", 1],
            ["XLEN", chain],
        )
        is_much = count > self._at_most
        if last and (is_much or _is_before(last, before)):
            return await self._first(shard, end)
        if not oldest or not _is_before(oldest, before - _PATIENCE):
            return Chunk()
        chunk = await self._first(shard, end)
        young = (place for place, one in enumerate(chunk.records) if not _is_old(one.body, before))
        return Chunk(chunk.records[: next(young, len(chunk.records))], chunk.kept)

    async def _first(self, shard: int, end: int) -> Chunk:
        """Return the records of the store after `end`, as many as a segment has; none where some left meanwhile.

        Of those the texts may be gone already, and a file without them would take the place of the one that has them.
        """
        records, kept, last = list[Sealed](), dict[int, Kept](), f"0-{end + self._segment}"
        while True:
            begins = f"(0-{records[-1].place}" if records else "-"
            command = ["XRANGE", Keys(shard).audit_chain, begins, last, "COUNT", _AT_ONCE]
            chunk, noted = await self._records.here(shard, command)
            if noted.n != end:
                return Chunk()
            if not chunk.records:
                return Chunk(records, kept)
            records += chunk.records
            kept |= chunk.kept

    async def _leave(self, shard: int, archived: Archived, leaving: Chunk) -> bool:
        """Write a segment and take it out of the store; False where somebody else has meanwhile.

        Raises Invalid for one that nobody could read there.
        """
        keys, records, rows = Keys(shard), leaving.records, await rows_of(self._store, shard)
        body = await asyncio.to_thread(pack, shard, records, leaving.kept, rows)
        await asyncio.to_thread(unpack, body, rows)
        end = Head(shard, records[-1].place, records[-1].seal)
        piece = Piece.between(archived.head, end)
        await self._shelf.keep_segment(shard, piece.name, body)
        after = Archived(end, archived.since or str(record_in(records[0].body).get("at", "")))
        call = scripts.trim_audit(keys, str(archived), str(after), piece.first, piece.last)
        is_ours = await self._store.client.run(call)
        if is_ours:
            log.info("audit records archived", shard=shard, records=len(records), last=end.n, bytes=len(body))
        return is_ours


def _is_before(entries: Sequence[tuple[bytes, dict[bytes, bytes]]], moment: datetime) -> bool:
    return _is_old(entries[0][1].get(b"b", b""), moment)


def _is_old(body: bytes, before: datetime) -> bool:
    """Return whether a record was made before that; what can't be read holds up none."""
    record = record_in(body)
    return not record or datetime.fromisoformat(record["at"]) < before
