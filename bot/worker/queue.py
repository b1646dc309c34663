"""The queue: a worker does what it causes, and whichever worker takes it does what others cause.

Nothing here is the truth. What must be looked at stands in the shard's schedule, written with the change itself; what
can be taken now is the fast path, and the sweeper brings what nobody took and what is due now.
"""

import asyncio
import contextvars
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

import structlog

from bot.errors import NotFound
from bot.store import Keys, Store, StoreError, WorkItem
from bot.store.watch import ended

log = structlog.stdlib.get_logger()

Look = Callable[[WorkItem], Coroutine[Any, Any, None]]
# Whether anything more may begin here.
HasRoom = Callable[[], Awaitable[bool]]
# What else is due in a shard, by the store's clock; asked with each sweep.
Due = Callable[[int], Awaitable[None]]

# More than this at once, and other workers should have their part. What people write finds room beside it, and answers
# beside that: however long models take, people are heard.
AT_ONCE, _AT_ONCE_WITH_MESSAGES, _AT_ONCE_WITH_ANSWERS = 200, 225, 250
# From so much on, new work is taken only while the store answers in this time: whatever is begun takes its turns in
# computing and writing with what has begun, and with answers. Where work waits for models, the store answers at once.
_CALM, _ANSWERED_S, _LOOK_AGAIN_S = 32, 0.05, 0.1
# So many messages are read at once all the same.
_READ_AT_ONCE = 8
# What tools take is memory, too: so many of them, and no more new work is taken.
_TOOLS_AT_ONCE = 1_000
_WAIT_S = 2.0
_AGAIN_S = 0.5
_LEAVE_WITHIN_S = 3.0
# All workers sweep; this part of the interval after one of them did, none need do it again.
_ENOUGH = 0.9
# Longer than a mail takes that is hard to read.
_HEARD_WITHIN_S, _LOOKED_AGAIN_S = 60.0, 0.1
# Looking for messages takes this part of the time of whoever waits for them, at most.
_LESS_OFTEN = 5
# Longer than anybody waits.
_STOP_KEPT_MS = 60_000


Takes = Literal["answers", "messages", "work"]
"""What is taken: answers and what they cause; beside them whatever else people wrote, or all other work."""


class Taker:
    """Takes from the ready work of shards, all of them by default, what it `takes`.

    One call of `take` at a time.

    A call that is cancelled may lose what it took, until the sweeper brings it again: `stop` ends it without a loss.
    """

    def __init__(self, store: Store, shards: Sequence[int] = (), takes: Takes = "work") -> None:
        self._client, self._shards, self._first = store.client, list(shards) or list(range(store.shards)), 0
        self._takes: Takes = takes
        self._stop = Keys(self._shards[0]).stop(secrets.token_hex(8))

    async def take(self, wait_s: float) -> WorkItem | None:
        """Take what a worker can do now, answers first; None when there is nothing for `wait_s`, which is below 4.

        Each shard has its turn to be first, or one that is never empty would keep the others waiting. What was taken
        stays in the schedule until it is done. Raises StoreError at once.
        """
        shards = [Keys(shard) for shard in (*self._shards[self._first :], *self._shards[: self._first])]
        self._first = (self._first + 1) % len(self._shards)
        messages, work = [keys.messages for keys in shards], [keys.ready for keys in shards]
        beside: Mapping[Takes, list[str]] = {"answers": [], "messages": messages, "work": work}
        names = [self._stop, *(keys.answers for keys in shards), *beside[self._takes]]
        found = await self._client.wait_for("BZPOPMIN", *names, wait_s)
        if not found or found[0].decode() == self._stop:
            return None
        try:
            return WorkItem.parse(found[1].decode(errors="replace"))
        except NotFound as error:
            log.warning("no work of ours", error=str(error))
            return None

    async def stop(self) -> None:
        """Have a call that waits return. Where the store can't be reached it ends by itself."""
        try:
            await self._client.read(["ZADD", self._stop, 0, "stop"], ["PEXPIRE", self._stop, _STOP_KEPT_MS])
        except StoreError as error:
            log.warning("the queue is left without a word", error=str(error))


@dataclass(frozen=True)
class _Look:
    """A look for messages that wait: when it began, since when the oldest waits, and how long the look took."""

    at: float = 0.0
    since: float | None = None
    took_s: float = 0.0


class Queue:
    """What is to be done soon. Whoever caused the work goes on with it, and what is too much other workers take."""

    def __init__(self, store: Store, sweep_s: float) -> None:
        self._store, self._sweep_s = store, sweep_s
        self._look: Look | None = None
        self._tasks: dict[asyncio.Task[None], WorkItem] = {}
        self._ended = asyncio.Event()
        # How many wait for words, what was seen of these last; one at a time looks.
        self._hearing, self._looked, self._one_looks = 0, _Look(), asyncio.Lock()

    @property
    def is_here(self) -> bool:
        """Whether this process does what it causes itself: it serves, and is not too busy."""
        return self._look is not None and self._busy() < AT_ONCE

    @property
    def is_worker(self) -> bool:
        """Whether this process serves."""
        return self._look is not None

    async def notify(self, item: WorkItem) -> None:
        """Have `item` done soon, here or by another worker. That the store can't be reached is no error."""
        if self._look and self.is_here:
            return self._begin(self._look, item)
        try:
            await self._store.push(item)
        except StoreError as error:
            log.warning("not handed over, the sweeper will", item=str(item), error=str(error))

    async def hear_first(self) -> bool:
        """Wait until what people have written by now is read, here or by others; return whether there was any.

        After a restart a stop and the approval that came after it are taken together, and a stop takes longer to read.
        """
        loop = asyncio.get_running_loop()
        began = seen = loop.time()
        words = [task for task, item in self._tasks.items() if item.kind == "in"]
        has_waited = bool(words)
        self._hearing += 1
        try:
            if words:
                await asyncio.wait(words, timeout=_HEARD_WITHIN_S)
                seen = loop.time()
            while loop.time() < began + _HEARD_WITHIN_S:
                look = await self._unread(seen)
                if look.since is None or look.since > began:
                    break
                has_waited, seen = True, look.at
                await asyncio.sleep(max(_LOOKED_AGAIN_S, _LESS_OFTEN * look.took_s))
        finally:
            self._hearing -= 1
        return has_waited

    async def _unread(self, seen: float) -> _Look:
        """Look for messages that wait, or share what others saw whose look began after `seen`."""
        async with self._one_looks:
            if self._looked.at <= seen:
                loop = asyncio.get_running_loop()
                at = loop.time()
                for_s = await self._store.unread_for_s()
                now = loop.time()
                self._looked = _Look(at, None if for_s is None else now - for_s, now - at)
            return self._looked

    def _begin(self, look: Look, item: WorkItem) -> None:
        task = asyncio.create_task(_looking(look, item), name=str(item), context=contextvars.Context())
        self._tasks[task] = item
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        self._ended.set()

    @asynccontextmanager
    async def serving(self, look: Look, due: Due | None = None, tools: Callable[[], int] = int) -> AsyncGenerator[None]:
        """Does work while the context is open; leaving it lets what runs end, within 3 s.

        `tools` says how many are executed here.
        """
        self._look, leaves = look, asyncio.Event()
        groups = self._store.client.groups(self._store.shards)
        rooms: dict[Takes, HasRoom] = {
            "work": lambda: self._has_room(tools()),
            "messages": self._has_room_for_messages,
            "answers": self._has_room_for_answers,
        }
        what = [(Taker(self._store, shards, takes), has_room) for shards in groups for takes, has_room in rooms.items()]
        takers = [taker for taker, _ in what]
        taking = (self._take(look, taker, has_room, leaves) for taker, has_room in what)
        tasks = [asyncio.create_task(each) for each in (*taking, self._sweep(due, leaves))]
        try:
            yield
        finally:
            self._look = None
            leaves.set()
            self._ended.set()
            await asyncio.gather(*(taker.stop() for taker in takers))
            _, late = await asyncio.wait(tasks, timeout=_LEAVE_WITHIN_S)
            await ended(late)
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_LEAVE_WITHIN_S)

    async def calm(self, within_s: float) -> None:
        """Return once nothing is done here, or this time is over."""
        loop = asyncio.get_running_loop()
        until = loop.time() + within_s
        while self._tasks and (left_s := until - loop.time()) > 0:
            self._ended.clear()
            await _passes(self._ended, left_s)

    async def _take(self, look: Look, taker: Taker, has_room: HasRoom, leaves: asyncio.Event) -> None:
        while not leaves.is_set():
            try:
                if not await has_room():
                    self._ended.clear()
                    await _passes(self._ended, _LOOK_AGAIN_S)
                    continue
                item = await taker.take(_WAIT_S)
            except StoreError as error:
                log.warning("nothing can be taken now", error=str(error))
                await _passes(leaves, _AGAIN_S)
            else:
                if item:
                    self._begin(look, item)

    async def _has_room(self, tools: int) -> bool:
        """Return whether new work may begin here. Raises StoreError."""
        if self._busy() >= AT_ONCE or tools >= _TOOLS_AT_ONCE:
            return False
        return await self._is_calm()

    async def _has_room_for_messages(self) -> bool:
        """Return whether something may be read that is no answer: a few at once also where the store is slow, or a
        freeze waited while others approve what it stops. Raises StoreError.
        """
        if self._busy() >= _AT_ONCE_WITH_MESSAGES:
            return False
        return sum(item.kind == "in" for item in self._tasks.values()) < _READ_AT_ONCE or await self._is_calm()

    async def _has_room_for_answers(self) -> bool:
        return self._busy() < _AT_ONCE_WITH_ANSWERS

    def _busy(self) -> int:
        """Return how much is done here, but for what waits for words: it must not keep them from being read."""
        return len(self._tasks) - min(self._hearing, AT_ONCE)

    async def _is_calm(self) -> bool:
        """Return whether little is done here, or the store answers soon, over the line and through the event loop that
        all work here shares.
        """
        if self._busy() < _CALM:
            return True
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self._store.client.do("EXISTS", Keys(0).clock_seen)
        return loop.time() - began < _ANSWERED_S

    async def _sweep(self, due: Due | None, leaves: asyncio.Event) -> None:
        while not leaves.is_set():
            await asyncio.gather(*(self.sweep(shard, due) for shard in range(self._store.shards)))
            await _passes(leaves, self._sweep_s)

    async def sweep(self, shard: int, due: Due | None = None) -> None:
        """Have taken what nobody took and what is due now, unless another worker has just seen to it."""
        try:
            if await self._store.is_to_sweep(shard, self._sweep_s * _ENOUGH):
                await self._store.sweep(shard)
                if due:
                    await due(shard)
        except StoreError as error:
            log.warning("sweep put off", shard=shard, error=str(error))
        except Exception:
            log.exception("sweep failed, comes again", shard=shard)


async def _passes(sooner: asyncio.Event, within_s: float) -> None:
    """Return when this time is over, or `sooner`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await sooner.wait()


async def _looking(look: Look, item: WorkItem) -> None:
    try:
        await look(item)
    except StoreError as error:
        log.warning("put off, the sweeper brings it again", item=str(item), error=str(error))
    except Exception:
        log.exception("failed", item=str(item))
