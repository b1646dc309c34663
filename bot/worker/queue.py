"""The wake-up queue and its sweeper: docket, one per shard, and one for answers so that they overtake new work.

Nothing here is the truth. What must be looked at stands in the shard's schedule, written with the change itself;
ringing is the fast path, and the sweeper rings for what nobody took and for what is due now.
"""

import asyncio
import contextvars
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from bot.store import Store, StoreError, WorkItem
from bot.store.ids import shard_of
from bot.store.watch import ended

if TYPE_CHECKING:
    from docket import Docket, Worker

log = structlog.stdlib.get_logger()

Look = Callable[[WorkItem], Coroutine[Any, Any, None]]
# What else is due in a shard, by the store's clock; asked with each sweep.
Due = Callable[[int], Awaitable[None]]

# docket's own limits, as measured: more slots only run out of connections, and adds in flight hold one each.
_SLOTS = 50
_ADDS_AT_ONCE = 32
_CHECK_EVERY = timedelta(milliseconds=20)
_SCHEDULE_EVERY = timedelta(milliseconds=250)
_LEAVE_WITHIN_S = 3.0
# More than this at once, and other workers should have their part.
_NEARBY = 200
_ANSWERS = "answers"
_NO_CHECKS = "PY_KEY_VALUE_DISABLE_BEARTYPE"


class Queue:
    """The queue that every worker takes from. `redelivery_s` is how long a dead worker keeps what it took."""

    def __init__(self, store: Store, redelivery_s: float, sweep_s: float) -> None:
        self._store, self._redelivery_s, self._sweep_s = store, redelivery_s, sweep_s
        self._dockets: dict[str, Docket] = {}
        self._stack = AsyncExitStack()
        self._opening, self._adds = asyncio.Lock(), asyncio.Semaphore(_ADDS_AT_ONCE)

    async def close(self) -> None:
        """Give back every connection."""
        await self._stack.aclose()

    async def notify(self, item: WorkItem, turn: str | int, *, is_answer: bool = False) -> None:
        """Have `item` done by some worker soon. `turn` tells two wake-ups of one item apart.

        The same item with the same turn is dropped while it is queued or done. A queue that
        can't be reached is no error: the schedule remembers.
        """
        for is_last in (False, True):  # after a restart of Redis the first use finds that the connection is gone
            try:
                await self._add(item, turn, is_answer=is_answer)
                break
            except Exception as error:  # noqa: BLE001 - docket's and redis-py's trees both surface here
                if is_last:
                    log.warning("not handed over, the sweeper will", item=str(item), error=str(error))

    async def _add(self, item: WorkItem, turn: str | int, *, is_answer: bool) -> None:
        name = _ANSWERS if is_answer else f"s{shard_of(item.id)}"
        async with self._adds:
            docket = await self._docket(name)
            await docket.add("look", key=f"{item}:{turn}")(str(item))

    @asynccontextmanager
    async def serving(self, look: Look, due: Due | None = None) -> AsyncGenerator[None]:
        """Does work while the context is open; leaving it lets what runs end, within 3 s."""
        names = [*(f"s{shard}" for shard in range(self._store.shards)), _ANSWERS]
        async with AsyncExitStack() as stack:
            for name in names:
                docket = await self._docket(name)
                docket.register(_read(look), names=["look"])
            workers = [await stack.enter_async_context(self._worker(self._dockets[name])) for name in names]
            tasks = [asyncio.create_task(worker.run_forever()) for worker in workers]
            sweeps = [asyncio.create_task(self._start_sweeping(shard, due)) for shard in range(self._store.shards)]
            try:
                yield
            finally:
                await ended(sweeps)
                for task in tasks:
                    task.cancel()
                _, left = await asyncio.wait(tasks, timeout=_LEAVE_WITHIN_S)
                await ended(left)  # a docket that says goodbye to a Redis that does not answer

    def _worker(self, docket: "Docket") -> "Worker":
        from docket import Worker

        return Worker(
            docket,
            concurrency=_SLOTS,
            minimum_check_interval=_CHECK_EVERY,
            scheduling_resolution=_SCHEDULE_EVERY,
            redelivery_timeout=timedelta(seconds=self._redelivery_s),
            reconnection_delay=timedelta(seconds=1),
            schedule_automatic_tasks=False,
        )

    async def _docket(self, name: str) -> "Docket":
        async with self._opening:
            if name not in self._dockets:
                # Loading it takes a third of a second, in which everything else goes on.
                await asyncio.to_thread(_load_docket)
                from docket import Docket

                url = self._store.client.url
                url += ("&" if "?" in url else "?") + "max_connections=500"
                docket = Docket(name=name, url=url, execution_ttl=timedelta(0))
                docket.register(_nobody, names=["look"])
                self._dockets[name] = await self._stack.enter_async_context(docket)
            return self._dockets[name]

    async def _start_sweeping(self, shard: int, due: Due | None) -> None:
        from docket import Perpetual

        docket = self._dockets[f"s{shard}"]
        every = timedelta(seconds=self._sweep_s)

        async def sweep(shard: int, _: Perpetual = Perpetual(every=every)) -> None:  # noqa: B008
            await self.sweep(shard)
            if due:
                await due(shard)

        docket.register(sweep)
        while True:  # Redis may be away while we start
            try:
                await docket.add(sweep, key="sweep")(shard)
                return
            except Exception as error:  # noqa: BLE001 - see `notify`
                log.warning("the sweeper could not be started yet", shard=shard, error=str(error))
                await asyncio.sleep(1)

    async def sweep(self, shard: int) -> None:
        """Hand over what nobody took, and what is due now."""
        try:
            for item in await self._store.sweep(shard):
                await self.notify(item, f"sweep{time.time_ns()}")
        except StoreError as error:
            log.warning("sweep put off", shard=shard, error=str(error))


class Nearby:
    """The queue of a worker: whoever caused the work goes on with it, and what is too much goes to the queue.

    A run that has just been answered moves on here and now, without waiting in line.
    """

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._look: Look | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def notify(self, item: WorkItem, turn: str | int, *, is_answer: bool = False) -> None:
        """See `Queue.notify`."""
        if self._look is None or len(self._tasks) >= _NEARBY:
            await self._queue.notify(item, turn, is_answer=is_answer)
            return
        task = asyncio.create_task(_looking(self._look)(item), name=str(item), context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @asynccontextmanager
    async def serving(self, look: Look, due: Due | None = None) -> AsyncGenerator[None]:
        """Does work here while the context is open; leaving it lets what runs end, within 3 s."""
        self._look = look
        try:
            async with self._queue.serving(look, due):
                yield
        finally:
            self._look = None
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_LEAVE_WITHIN_S)


def _load_docket() -> None:
    """Import docket. Its store of results, which we have no use for, is to set up no checks of types for each call."""
    os.environ[_NO_CHECKS] = "true"
    try:
        import docket  # noqa: F401 # pyright: ignore[reportUnusedImport]
    finally:
        del os.environ[_NO_CHECKS]  # what we start must not find it


async def _nobody(member: str) -> None:
    """Stands for `look` in a process that only hands over."""
    raise RuntimeError(f"{member} was taken by a process that serves nothing")


def _looking(look: Look) -> Look:
    async def looking(item: WorkItem) -> None:
        try:
            await look(item)
        except StoreError as error:
            log.warning("put off, the sweeper brings it again", item=str(item), error=str(error))
        except Exception:
            log.exception("failed", item=str(item))

    return looking


def _read(look: Look) -> Callable[[str], Coroutine[Any, Any, None]]:
    """`look` for what the queue carries: the text, which the release before this one reads as well."""

    async def read(member: str) -> None:
        await _looking(look)(WorkItem.parse(member))

    return read
