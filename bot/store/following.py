"""Many watchers of many runs, over one connection per shard: the server tells, nothing polls."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, cast

import structlog

from agents.events import Event, read_event
from bot.ending import ended
from bot.store import Store
from bot.store.changing import Changes, Changing, FollowingEnds
from bot.store.client import LONGEST_BLOCK_MS, StoreError
from bot.store.keys import Keys

log = structlog.stdlib.get_logger()

_CHUNK = 500
_AGAIN_S = 0.5
_CALL_AGAIN_S = 0.005

# An event and its sequence number.
Told = tuple[int, Event]


class Watch:
    """One watcher of one run: what there is after `seq` first, then what comes."""

    def __init__(self, follower: "Follower", run_id: str, seq: int) -> None:
        self.run_id, self.seq = run_id, seq
        self.news: asyncio.Queue[list[Told] | None] = asyncio.Queue()
        self._follower, self._has_caught_up = follower, False

    async def next(self, within_s: float) -> list[Told]:
        """The next events, at least one; none after `within_s`. Raises FollowingEnds and StoreUnavailable."""
        if not self._has_caught_up and (there := await self._catch_up()):
            return there
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                return await self._news()
        return []

    def end(self) -> None:
        """Nothing more is told: `next` raises FollowingEnds."""
        self.news.put_nowait(None)

    async def _catch_up(self) -> list[Told]:
        events = await self._follower.store.events_after(self.run_id, self.seq, _CHUNK)
        there = list(enumerate(events, self.seq + 1))
        self.seq += len(there)
        if not there:  # who says to have heard more than there is would have everybody's reader wait for that
            self.seq = min(self.seq, await self._follower.store.length(self.run_id))
        if len(there) < _CHUNK:
            self._has_caught_up = True
            self._follower.track(self.run_id, self.seq)
        return there

    async def _news(self) -> list[Told]:
        while True:
            found = await self.news.get()
            if found is None:
                raise FollowingEnds
            fresh = [told for told in found if told[0] > self.seq]  # the snapshot may have had some already
            if fresh:
                self.seq = fresh[-1][0]
                return fresh


class Follower:
    """Hands new events of runs to whoever watches them. One per process; `close` ends every watch."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._watches: dict[str, set[Watch]] = {}
        self._readers: dict[int, _Reader] = {}
        self._changing = Changing(store.client, store.shards)
        self._is_closed = False

    def changes(self) -> AbstractAsyncContextManager[Changes]:
        """Hints at which runs change, whichever they are, while the context is open; see `Changing`."""
        return self._changing.watch()

    @asynccontextmanager
    async def watch(self, run_id: str, seq: int) -> AsyncGenerator[Watch]:
        """The events of a run after `seq`, while the context is open."""
        watch = Watch(self, run_id, seq)
        if self._is_closed:
            raise FollowingEnds
        self._watches.setdefault(run_id, set()).add(watch)
        try:
            yield watch
        finally:
            self._forget(watch)

    def track(self, run_id: str, seq: int) -> None:
        """Have the reader of the run's shard ask for what comes after `seq`, unless it does already."""
        shard = Keys.of(run_id).shard
        if shard not in self._readers:
            self._readers[shard] = _Reader(self, shard)
        self._readers[shard].add(run_id, seq)

    def tell(self, run_id: str, told: list[Told]) -> None:
        """Give news to whoever watches the run."""
        for watch in self._watches.get(run_id, ()):
            watch.news.put_nowait(told)

    def end(self, run_id: str) -> None:
        """End every watch of the run."""
        for watch in self._watches.get(run_id, ()):
            watch.end()

    async def close(self) -> None:
        """End every watch, and give back the connections."""
        self._is_closed = True
        for run_id in self._watches:
            self.end(run_id)
        for reader in self._readers.values():
            await reader.close()
        self._readers.clear()
        await self._changing.close()

    def _forget(self, watch: Watch) -> None:
        watches = self._watches.get(watch.run_id, set())
        watches.discard(watch)
        if not watches:
            self._watches.pop(watch.run_id, None)
            reader = self._readers.get(Keys.of(watch.run_id).shard)
            if reader:
                reader.remove(watch.run_id)


class _Reader:
    """Asks for all watched runs of one shard at once, and asks anew when there is one more."""

    def __init__(self, follower: Follower, shard: int) -> None:
        self._follower, self._keys = follower, Keys(shard)
        self._positions: dict[str, int] = {}
        self._waiter = follower.store.client.waiter()
        self._has_some, self._asked = asyncio.Event(), asyncio.Event()
        self._calling: asyncio.Task[None] | None = None
        self._task = asyncio.create_task(self._read(), name=f"follow shard {shard}")

    def add(self, run_id: str, seq: int) -> None:
        if self._positions.get(run_id, seq + 1) <= seq:
            return
        self._positions[run_id] = seq
        self._has_some.set()
        if self._calling is None or self._calling.done():
            self._calling = asyncio.create_task(self._call_back())

    def remove(self, run_id: str) -> None:
        self._positions.pop(run_id, None)
        if not self._positions:
            self._has_some.clear()

    async def close(self) -> None:
        await ended(filter(None, (self._task, self._calling)))
        await self._waiter.close()

    async def _call_back(self) -> None:
        """Until the reader has asked anew: its question may still be on its way when the first call comes."""
        await asyncio.sleep(0)  # whoever comes in the same moment needs no call of their own
        asked = self._asked
        with suppress(StoreError):
            while self._positions and not asked.is_set() and not await self._waiter.call_back():
                await _heard(asked, _CALL_AGAIN_S)

    async def _read(self) -> None:
        while True:
            await self._has_some.wait()
            asked = dict(self._positions)
            try:
                for name, entries in await self._ask(asked):
                    self._tell(name, entries, asked)
            except StoreError as error:
                log.warning("can't follow runs now, tries again", error=str(error))
                await asyncio.sleep(_AGAIN_S)
            except Exception:
                log.exception("a reader of runs failed; who watches them begins anew")
                self._drop(asked)
                await asyncio.sleep(_AGAIN_S)

    async def _ask(self, asked: dict[str, int]) -> list[tuple[str, list[Any]]]:
        self._asked.set()  # whoever was added before now is asked for
        self._asked = asyncio.Event()
        names = {self._keys.run(run_id): run_id for run_id in asked}
        after = [f"0-{seq}" for seq in asked.values()]
        found = await self._waiter.ask("XREAD", "BLOCK", LONGEST_BLOCK_MS, "COUNT", _CHUNK, "STREAMS", *names, *after)
        return [(names[name.decode()], entries) for name, entries in _streams(found)]

    def _tell(self, run_id: str, entries: list[Any], asked: dict[str, int]) -> None:
        if self._positions.get(run_id) != asked[run_id]:
            return  # somebody came meanwhile who wants more than was asked for
        try:
            told = list(_told(entries))
        except ValueError:  # such as an event of a newer release: it must not silence all other runs
            log.exception("can't read the events of a run", run_id=run_id)
            self._drop([run_id])
            return
        self._positions[run_id] = told[-1][0]
        self._follower.tell(run_id, told)

    def _drop(self, run_ids: Iterable[str]) -> None:
        for run_id in run_ids:
            self._follower.end(run_id)
            self.remove(run_id)


async def _heard(event: asyncio.Event, within_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()


def _streams(found: Any) -> Iterable[tuple[bytes, list[Any]]]:
    """What XREAD gave, by stream, in the older and the newer form of the protocol."""
    pairs = cast("dict[bytes, Any]", found).items() if isinstance(found, dict) else found or ()
    for name, stream in pairs:
        yield name, stream[0] if stream and isinstance(stream[0], list) else stream


def _told(entries: list[Any]) -> Iterator[Told]:
    for entry_id, fields in entries:
        yield int(entry_id.partition(b"-")[2]), read_event(fields[b"e"])
