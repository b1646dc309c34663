"""Hints at which runs changed. One subscription per process, however many watch; none while nobody does."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import structlog

from bot.store.client import Client, StoreError
from bot.store.keys import Keys

log = structlog.stdlib.get_logger()

# No run has this id: whoever gets it looks at everything anew.
EVERYTHING = frozenset({"*"})

# Reading everything anew costs less than reading so many runs one by one.
_IDS_AT_MOST = 1_000
_SUBSCRIBED_WITHIN_S = 1.0
_AGAIN_S = 0.5
_CANCEL_AGAIN_S = 0.1


class FollowingEnds(Exception):
    """The process leaves; nobody is told anything more."""


class Changes:
    """What one watcher has not been told yet."""

    def __init__(self) -> None:
        self._ids, self._has_missed, self._is_over = set[str](), False, False
        self._has_news = asyncio.Event()

    async def next(self, within_s: float) -> frozenset[str]:
        """The ids of runs that changed since the last call; none when none did `within_s`.

        `EVERYTHING` when there were too many, or when some may have been missed. Raises FollowingEnds.
        """
        await _set(self._has_news, within_s)
        if self._is_over:
            raise FollowingEnds
        found = EVERYTHING if self._has_missed else frozenset(self._ids)
        self.forget()
        return found

    def tell(self, run_id: str) -> None:
        """This run changed."""
        self._has_missed = self._has_missed or len(self._ids) >= _IDS_AT_MOST
        if not self._has_missed:
            self._ids.add(run_id)
        self._has_news.set()

    def miss(self) -> None:
        """Anything may have changed."""
        self._has_missed = True
        self._has_news.set()

    def end(self) -> None:
        """Nothing more is told."""
        self._is_over = True
        self._has_news.set()

    def forget(self) -> None:
        """Begin anew: whoever watches looks at everything after this."""
        self._ids, self._has_missed = set[str](), False
        if not self._is_over:
            self._has_news.clear()


class Changing:
    """Hands hints to whoever watches. `close` ends every watch.

    In a Redis Cluster PUBLISH goes to every node, whichever runs the script, so one connection hears all shards there,
    too; each change then costs every node a message.
    """

    def __init__(self, client: Client, shards: int) -> None:
        self._client, self._channels = client, [Keys(shard).changed for shard in range(shards)]
        self._watches = set[Changes]()
        self._ear: _Ear | None = None
        self._leaving = set[asyncio.Task[None]]()
        self._is_closed = False

    @asynccontextmanager
    async def watch(self) -> AsyncGenerator[Changes]:
        """What changes while the context is open. Raises FollowingEnds.

        When Redis is away at its beginning, `EVERYTHING` comes once it is there.
        """
        if self._is_closed:
            raise FollowingEnds
        changes = Changes()
        self._watches.add(changes)
        try:
            self._ear = self._ear or _Ear(self._client, self._channels, self._watches)
            if await _set(self._ear.hears, _SUBSCRIBED_WITHIN_S):
                changes.forget()
            yield changes
        finally:
            self._watches.discard(changes)
            if not self._watches:
                self._stop_listening()

    async def close(self) -> None:
        """End every watch, and give back the connection."""
        self._is_closed = True
        for changes in self._watches:
            changes.end()
        self._stop_listening()
        await asyncio.gather(*self._leaving)

    def _stop_listening(self) -> None:
        ear, self._ear = self._ear, None
        if ear:
            leaving = asyncio.create_task(ear.close())
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)


class _Ear:
    """Listens on all channels, and says when it may have missed something."""

    def __init__(self, client: Client, channels: list[str], watches: set[Changes]) -> None:
        self.hears = asyncio.Event()
        self._client, self._channels, self._watches = client, channels, watches
        self._task = asyncio.create_task(self._listen(), name="listen for changes")

    async def close(self) -> None:
        while not self._task.done():  # a cancellation that meets the client while it connects is swallowed
            self._task.cancel()
            await asyncio.wait([self._task], timeout=_CANCEL_AGAIN_S)

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except StoreError as error:
                self.hears.clear()
                log.warning("can't hear of changes now, tries again", error=str(error))
                await asyncio.sleep(_AGAIN_S)
            except Exception:
                self.hears.clear()
                log.exception("hearing of changes failed, tries again")
                await asyncio.sleep(_AGAIN_S)

    async def _hear(self) -> None:
        """Until the connection is lost. Raises StoreError."""
        async with self._client.listening(self._channels) as listener:
            for changes in self._watches:
                changes.miss()
            self.hears.set()
            while True:
                run_id = (await listener.hear()).decode()
                for changes in self._watches:
                    changes.tell(run_id)


async def _set(event: asyncio.Event, within_s: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()
    return event.is_set()
