"""A copy of one moment of the store while everybody works.

Key by key it is copied beside the work, while the server tells which keys change; those are copied again, until few are
left. For these the writes of all wait for some milliseconds (`CLIENT PAUSE … WRITE`), so what the copy holds stood in
the store at one moment: no half of a change, and in no two shards what belongs to different times. A pause ends by
itself, also when whoever asked for it dies.
https://redis.io/docs/latest/commands/client-pause https://redis.io/docs/latest/commands/dump
"""

import re
import time
from collections.abc import AsyncGenerator, Callable, Collection, Iterable
from datetime import datetime

from bot.backup.file import NEVER, Entry, Sink
from bot.errors import Unavailable
from bot.store import Keys
from bot.store.client import Changes, Client, adjusted, asked

# So many at a time keep the server from nobody for long.
_BATCH = 100
# Fewer than these are copied while writes wait; where the rounds before don't get there, as many as there are.
_FEW = 200
_ROUNDS = 20
# Everybody's patience with Redis is longer than this.
PAUSE_MS = 2_000
_PAUSES = 3
FLEETING = re.compile(r"\{s\d+\}:(ready|swept)(:.*)?")
"""What the schedule brings back by itself, or nobody misses."""

Tell = Callable[[int], None]


async def copy(
    client: Client, sink: Sink, tell: Tell = lambda _: None, pause_ms: int = PAUSE_MS
) -> tuple[datetime, int]:
    """Write every key of the store as it stands at one moment; return that moment, and the number of keys.

    `tell` hears how many are copied, now and then. Raises Unavailable where more changes than can be copied.
    """
    async with client.changes("{s") as changes:
        copying = _Copying(client, sink, tell)
        batch = list[str]()
        async for key in client.scan("{s*"):
            batch.append(key)
            if len(batch) >= _BATCH:
                copying.changed |= await changes.heard()
                await copying.take(batch)
                batch = []
        await copying.take(batch)
        for _ in range(_ROUNDS):
            copying.changed |= await changes.heard()
            if len(copying.changed) <= _FEW:
                break
            await copying.again()
        for _ in range(_PAUSES):
            if at := await _last_part(client, copying, changes, pause_ms):
                return at, len(copying.there)
    raise Unavailable(
        f"More changes in this Redis than can be copied in {pause_ms} ms", "Try again when there is less to do"
    )


async def _last_part(client: Client, copying: "_Copying", changes: Changes, pause_ms: int) -> datetime | None:
    """Copy what changed last, while nothing is written; None if that took longer than the pause.

    It is written to the file after the pause: compressing takes ten times as long as reading.
    """
    began, found = time.clock_gettime(time.CLOCK_MONOTONIC), list[Entry]()

    def is_over() -> bool:
        return (time.clock_gettime(time.CLOCK_MONOTONIC) - began) * 1000 >= pause_ms

    await client.do("CLIENT", "PAUSE", pause_ms, "WRITE")
    try:
        copying.changed |= await changes.heard()
        async for some in copying.read_changed():
            found += some
            if is_over():
                break
        at, _ = adjusted(*await client.read(*asked(Keys(0))))
        copying.changed |= await changes.heard()
        is_whole = not (is_over() or copying.changed)
    finally:
        await client.do("CLIENT", "UNPAUSE")
    copying.add(found)
    return at if is_whole else None


class _Copying:
    """What was copied so far, and which keys `changed` since."""

    def __init__(self, client: Client, sink: Sink, tell: Tell) -> None:
        self._client, self._sink, self._tell = client, sink, tell
        self.there, self.changed = set[str](), set[str]()

    async def again(self) -> None:
        """Copy once more what changed."""
        async for some in self.read_changed():
            self.add(some)

    async def read_changed(self) -> AsyncGenerator[list[Entry]]:
        """What changed as it is now, some at a time; what is not read yet stays among what changed."""
        for start in range(0, len(keys := sorted(self.changed)), _BATCH):
            batch = keys[start : start + _BATCH]
            self.changed.difference_update(batch)
            yield await self._read(batch)

    async def take(self, keys: Collection[str]) -> None:
        """Copy these keys as they are now."""
        self.add(await self._read(keys))

    async def _read(self, keys: Collection[str]) -> list[Entry]:
        kept = [key for key in keys if not FLEETING.fullmatch(key)]
        if not kept:
            return []
        commands = [command for key in kept for command in (("DUMP", key), ("PTTL", key))]
        *found, (seconds, micros) = await self._client.read(*commands, ("TIME",))
        now_ms = seconds * 1000 + micros // 1000
        return [
            Entry(key, content, now_ms + left_ms if left_ms >= 0 else NEVER)
            for key, content, left_ms in zip(kept, found[::2], found[1::2], strict=True)
        ]

    def add(self, entries: Iterable[Entry]) -> None:
        """Write what was read, and what is gone of what was written."""
        for entry in entries:
            if entry.content is not None:
                self.there.add(entry.key)
            elif entry.key in self.there:
                self.there.discard(entry.key)
            else:
                continue
            self._sink.add(entry)
        self._tell(len(self.there))
