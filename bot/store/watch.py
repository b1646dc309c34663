"""Hints at which runs changed, and following a run by them.

One subscription per process, however many watch; none while nobody does.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from itertools import chain
from typing import Any

import structlog

from agents.events import Event
from bot.store import Store
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
    """The changes that one watcher has not been told yet."""

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

    def notify(self, run_id: str) -> None:
        """Note that this run changed."""
        self._has_missed = self._has_missed or len(self._ids) >= _IDS_AT_MOST
        if not self._has_missed:
            self._ids.add(run_id)
        self._has_news.set()

    def miss(self) -> None:
        """Note that anything may have changed."""
        self._has_missed = True
        self._has_news.set()

    def end(self) -> None:
        """End the watch: nothing more is told."""
        self._is_over = True
        self._has_news.set()

    def forget(self) -> None:
        """Begin anew: whoever watches looks at everything after this."""
        self._ids, self._has_missed = set[str](), False
        if not self._is_over:
            self._has_news.clear()


# By the run that is watched; None is for any.
_Watches = dict[str | None, set[Changes]]


class Changing:
    """Hands hints to whoever watches. `close` ends every watch.

    In a Redis Cluster PUBLISH goes to every node, whichever runs the script, so one connection hears all shards there,
    too; each change then costs every node a message.
    """

    def __init__(self, client: Client, shards: int) -> None:
        self._client, self._channels = client, [Keys(shard).changed for shard in range(shards)]
        self._watches: _Watches = {}
        self._ear: _Ear | None = None
        self._leaving = set[asyncio.Task[None]]()
        self._is_closed = False

    @asynccontextmanager
    async def watch(self, run_id: str | None = None) -> AsyncGenerator[Changes]:
        """Watch changes while the context is open, of one run or of any. Raises FollowingEnds.

        When Redis is away at its beginning, `EVERYTHING` comes once it is there.
        """
        if self._is_closed:
            raise FollowingEnds
        changes = Changes()
        self._watches.setdefault(run_id, set()).add(changes)
        try:
            self._ear = self._ear or _Ear(self._client, self._channels, self._watches)
            if await _set(self._ear.hears, _SUBSCRIBED_WITHIN_S):
                changes.forget()
            yield changes
        finally:
            self._watches[run_id].discard(changes)
            if not self._watches[run_id]:
                del self._watches[run_id]
            if not self._watches:
                self._stop_listening()

    async def close(self) -> None:
        """End every watch, and give back the connection."""
        self._is_closed = True
        for changes in chain(*self._watches.values()):
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

    def __init__(self, client: Client, channels: list[str], watches: _Watches) -> None:
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
        """Forward changes until the connection is lost. Raises StoreError."""
        async with self._client.listening(self._channels) as listener:
            for changes in chain(*self._watches.values()):
                changes.miss()
            self.hears.set()
            while True:
                run_id = (await listener.receive()).decode()
                for changes in chain(self._watches.get(run_id, ()), self._watches.get(None, ())):
                    changes.notify(run_id)


async def _set(event: asyncio.Event, within_s: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()
    return event.is_set()


_CHUNK = 500
# A server that forbids PUBLISH gives no hints, and a run is to be followed all the same.
_LOOK_AGAIN_S = 5.0

# An event and its sequence number.
RunNews = tuple[int, Event]


class Watch:
    """One watcher of one run: what there is after `seq` first, then what comes.

    It is subscribed to hints before it reads, and each hint has it read from where it stands: nothing is lost, and
    nothing comes twice.
    """

    def __init__(self, store: Store, changes: Changes, run_id: str, seq: int, again_s: float) -> None:
        self.run_id, self.seq = run_id, seq
        self._store, self._changes, self._again_s = store, changes, again_s
        self._look_at, self._has_read = 0.0, False

    async def next(self, within_s: float) -> list[RunNews]:
        """The next events, at least one; none after `within_s`. Raises FollowingEnds.

        Raises StoreUnavailable where Redis is away at the beginning; later it waits until Redis is back.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + within_s
        while True:
            if self._look_at <= clock() and (there := await self._look(clock())):
                return there
            if await self._changes.next(max(0.0, min(until, self._look_at) - clock())):
                self._look_at = 0.0
            elif clock() >= until:
                return []

    def end(self) -> None:
        """End the watch: `next` raises FollowingEnds."""
        self._changes.end()

    async def _look(self, now: float) -> list[RunNews]:
        self._look_at = now + self._again_s
        try:
            events = await self._store.events_after(self.run_id, self.seq, _CHUNK)
            if not events and not self._has_read:  # who says to have heard more than there is has heard all there is
                self.seq = min(self.seq, await self._store.length(self.run_id))
        except StoreError as error:
            if not self._has_read:
                raise
            log.warning("can't read a run now, tries again", run_id=self.run_id, error=str(error))
            self._look_at = now + _AGAIN_S
            return []
        except ValueError as error:  # such as an event that can't be read
            log.exception("can't read the events of a run", run_id=self.run_id)
            raise FollowingEnds from error
        self._has_read = True
        if len(events) == _CHUNK:
            self._look_at = 0.0
        there = list(enumerate(events, self.seq + 1))
        self.seq += len(there)
        return there


class Follower:
    """Hands new events of runs to whoever watches them. One per process; `close` ends every watch.

    A run that no hint came for is looked at after `again_s`.
    """

    def __init__(self, store: Store, again_s: float = _LOOK_AGAIN_S) -> None:
        self._store, self._changing, self._again_s = store, Changing(store.client, store.shards), again_s

    def changes(self) -> AbstractAsyncContextManager[Changes]:
        """Hints at which runs change, whichever they are, while the context is open; see `Changing`."""
        return self._changing.watch()

    @asynccontextmanager
    async def watch(self, run_id: str, seq: int) -> AsyncGenerator[Watch]:
        """The events of a run after `seq`, while the context is open."""
        async with self._changing.watch(run_id) as changes:
            yield Watch(self._store, changes, run_id, seq, self._again_s)

    async def close(self) -> None:
        """End every watch, and give back the connection."""
        await self._changing.close()


# Who cleans up has this long before it is disturbed.
_DISTURBED_AFTER_S = 0.5


async def ended(
    tasks: Iterable[asyncio.Task[Any]], within_s: float | None = None, again_s: float = _DISTURBED_AFTER_S
) -> set[asyncio.Task[Any]]:
    """Cancel `tasks`, every `again_s` until they are done or `within_s` is over; those that are not. Their errors are
    theirs.

    Once is not enough: libraries lose a cancellation that comes in the same moment as what they waited for
    (`asyncio.wait_for` did before Python 3.12) and go on, or say goodbye to a server that does not answer.
    """
    loop = asyncio.get_running_loop()
    until = None if within_s is None else loop.time() + within_s
    left = {task for task in tasks if not task.done()}
    while left and (until is None or loop.time() < until):
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=again_s if until is None else min(again_s, until - loop.time()))
    return left
