"""Hints at which runs changed. One subscription per process, however many watch; none while nobody does."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, cast

import structlog

from agents.events import Event, read_event
from bot.store import Store
from bot.store.client import LONGEST_BLOCK_MS, Client, StoreError
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
                run_id = (await listener.receive()).decode()
                for changes in self._watches:
                    changes.tell(run_id)


async def _set(event: asyncio.Event, within_s: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()
    return event.is_set()


_CHUNK = 500
_CALL_AGAIN_S = 0.005

# An event and its sequence number.
RunNews = tuple[int, Event]


class Watch:
    """One watcher of one run: what there is after `seq` first, then what comes."""

    def __init__(self, follower: "Follower", run_id: str, seq: int) -> None:
        self.run_id, self.seq = run_id, seq
        self.news: asyncio.Queue[list[RunNews] | None] = asyncio.Queue()
        self._follower, self._has_caught_up = follower, False

    async def next(self, within_s: float) -> list[RunNews]:
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

    async def _catch_up(self) -> list[RunNews]:
        events = await self._follower.store.events_after(self.run_id, self.seq, _CHUNK)
        there = list(enumerate(events, self.seq + 1))
        self.seq += len(there)
        if not there:  # who says to have heard more than there is would have everybody's reader wait for that
            self.seq = min(self.seq, await self._follower.store.length(self.run_id))
        if len(there) < _CHUNK:
            self._has_caught_up = True
            self._follower.track(self.run_id, self.seq)
        return there

    async def _news(self) -> list[RunNews]:
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

    def tell(self, run_id: str, told: list[RunNews]) -> None:
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


def _told(entries: list[Any]) -> Iterator[RunNews]:
    for entry_id, fields in entries:
        yield int(entry_id.partition(b"-")[2]), read_event(fields[b"e"])


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
