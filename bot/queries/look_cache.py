"""Results of looks that never change, looked for once for all who ask, and kept for a while in this process."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


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
