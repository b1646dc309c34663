"""Taking turns at something of which there is one: who matters more goes first, whoever came before."""

import asyncio
import heapq
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class PriorityLock:
    """One at a time; of those who wait, the one with the lowest rank, and of the same rank who came first."""

    def __init__(self) -> None:
        self._waiting: list[tuple[tuple[int, ...], int, asyncio.Future[None]]] = []
        self._came = itertools.count()
        self.is_taken = False

    @asynccontextmanager
    async def turn(self, *rank: int) -> AsyncGenerator[None]:
        """It is ours while the context is open."""
        if self.is_taken:
            await self._wait(rank)
        self.is_taken = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, rank: tuple[int, ...]) -> None:
        """Returns when it was passed on to us; it is taken meanwhile, so nobody comes in between."""
        ours: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._came), ours))
        try:
            await ours
        except asyncio.CancelledError:
            if not ours.cancelled():  # it was passed on to us in the same moment
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            _, _, theirs = heapq.heappop(self._waiting)
            if not theirs.done():
                return theirs.set_result(None)
        self.is_taken = False
        return None
