"""Looks that are made once for all who ask: at the same time, or, where the result never changes, kept for a while."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Generic, TypeVar

# Every open page wants to know how environments are, and each answer costs a command and a few of git.
_FRESH_S = 2.0

V = TypeVar("V")


class SharedLook(Generic[V]):
    """One look at a time, for everybody who asks at about the same time. `clock` gives seconds."""

    def __init__(self, look: Callable[[], Coroutine[None, None, V]], clock: Callable[[], float]) -> None:
        self._look, self._clock = look, clock
        self._looking: asyncio.Task[V] | None = None
        self._next: asyncio.Task[V] | None = None
        self._looked_at = 0.0

    async def found(self, *, anew: bool = False) -> V:
        """Return what was there a moment ago; `anew`: not before this call."""
        looking, is_stale = self._looking, self._clock() - self._looked_at >= _FRESH_S
        if looking is None or (looking.done() and (is_stale or anew)):
            looking = self._begin()
        elif anew and not looking.done():  # it may have seen what was there before
            looking = self._next = self._next or asyncio.create_task(self._after(looking))
        # One that takes long is waited for, whoever asks meanwhile.
        return await asyncio.shield(looking)

    def _begin(self) -> asyncio.Task[V]:
        self._looked_at, self._next = self._clock(), None
        self._looking = asyncio.create_task(self._look())
        return self._looking

    async def _after(self, looking: asyncio.Task[V]) -> V:
        """Look once that one has ended, unless somebody has begun to since."""
        await asyncio.wait([looking])
        newest = self._looking
        return await asyncio.shield(self._begin() if newest is None or newest is looking else newest)


class LookCache(Generic[V]):
    """Keeps the results that were asked for last: `most_bytes` of them by `size_of`, and no single one beyond that.

    No more than `at_once` are looked for at a time. What fails is not kept.
    """

    def __init__(self, size_of: Callable[[V], int], *, most_bytes: int, at_once: int) -> None:
        self._size_of, self._most_bytes = size_of, most_bytes
        self._kept, self._bytes = OrderedDict[Hashable, V](), 0
        self._looking = dict[Hashable, asyncio.Task[V]]()
        self._turns = asyncio.Semaphore(at_once)

    async def get(self, key: Hashable, look: Callable[[], Awaitable[V]], *, keeps: bool = True) -> V:
        """Return what `look` finds for `key`, or found before. Raises as `look` does.

        Whoever asks meanwhile waits for the same look, which goes on though they leave. `keeps`: it can't change.
        """
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        task = self._looking.get(key)
        if task is None:
            task = asyncio.create_task(self._look(key, look, keeps=keeps), name="look for what differs")
            # Nobody may be left who hears of a failure.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._looking[key] = task
        return await asyncio.shield(task)

    async def _look(self, key: Hashable, look: Callable[[], Awaitable[V]], *, keeps: bool) -> V:
        try:
            async with self._turns:
                found = await look()
        finally:
            del self._looking[key]
        if keeps:
            self._keep(key, found)
        return found

    def _keep(self, key: Hashable, found: V) -> None:
        self._kept[key] = found
        self._bytes += self._size_of(found)
        while self._bytes > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= self._size_of(oldest)
