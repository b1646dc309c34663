"""How much of what arrived may wait to be read: a flood then stays where it came from, and does not fill the store.

A mailbox keeps what is not fetched. Redis keeps everything in memory, and takes no answer of anybody any more once
that is full.
"""

import asyncio
from collections import OrderedDict

import structlog

from bot.store import Store

log = structlog.stdlib.get_logger()

MOST_BYTES = 64_000_000
"""Of one channel: some thirty of the largest mails, and thousands of usual ones."""

_LOOK_EVERY_S = 0.2
_LOOKED_AT = 100


class Backlog:
    """What this process took in and nobody has handled, of one channel."""

    def __init__(self, store: Store, channel: str, most_bytes: int = MOST_BYTES) -> None:
        self._store, self._channel, self._most_bytes = store, channel, most_bytes
        self._waiting = OrderedDict[str, int]()
        self._bytes = 0

    def add(self, inbound_id: str, size_bytes: int) -> None:
        """It waits from now on."""
        self._waiting[inbound_id] = size_bytes
        self._bytes += size_bytes

    async def room(self) -> None:
        """Returns when no more waits than may. Raises StoreUnavailable."""
        is_told = False
        while self._bytes > self._most_bytes:
            await self._look()
            if self._bytes > self._most_bytes:
                if not is_told:
                    log.warning("too much waits to be read; no more is fetched meanwhile", channel=self._channel)
                is_told = True
                await asyncio.sleep(_LOOK_EVERY_S)

    async def _look(self) -> None:
        """Forget what was handled, of those that were looked at longest ago."""
        ids = list(self._waiting)[:_LOOKED_AT]
        waits = await asyncio.gather(*(self._store.lists.is_unread(inbound_id) for inbound_id in ids))
        for inbound_id, still in zip(ids, waits, strict=True):
            # Somebody else may have looked at the same moment.
            size_bytes = self._waiting.pop(inbound_id, None)
            if size_bytes is not None and still:
                self._waiting[inbound_id] = size_bytes
            elif size_bytes is not None:
                self._bytes -= size_bytes
