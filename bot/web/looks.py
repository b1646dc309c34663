"""Whether Redis takes writes, as a write tells that changes nothing: some refusals meet no read."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

from bot.store import StoreError

# However many ask, and they may be strangers.
_AGAIN_AFTER_S = 1.0


class Looks:
    """Tries `write` when it is asked for, once a second at most; meanwhile the last answer holds."""

    def __init__(self, write: Callable[[], Awaitable[None]], clock: Callable[[], float] = time.monotonic) -> None:
        self._write, self._clock, self._lock = write, clock, asyncio.Lock()
        self._looked_at, self._found = -math.inf, None

    async def check(self) -> None:
        """Raise StoreError while Redis takes no writes."""
        async with self._lock:
            if self._clock() - self._looked_at >= _AGAIN_AFTER_S:
                self._found: StoreError | None = await self._look()
                self._looked_at = self._clock()
            if self._found is not None:
                raise self._found

    async def _look(self) -> StoreError | None:
        try:
            await self._write()
        except StoreError as error:
            return error
        return None
