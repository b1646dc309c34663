"""What Slack answered, kept for a while: asked once, however many want to know it at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_MOST = 5_000


class Remembered(Generic[T]):
    """Values by name, each for `keeps_s` by `clock` (seconds that only grow). An error is never kept."""

    def __init__(self, clock: Callable[[], float], keeps_s: float) -> None:
        self._clock, self._keeps_s = clock, keeps_s
        self._values = dict[str, tuple[float, T]]()
        self._asking = dict[str, asyncio.Lock]()

    async def get(self, name: str, ask: Callable[[], Awaitable[T]]) -> T:
        """What is known under `name`, else what `ask` finds. Raises what `ask` raises."""
        if (known := self._known(name)) is not None:
            return known[1]
        lock = self._asking.setdefault(name, asyncio.Lock())
        try:
            async with lock:
                if (known := self._known(name)) is None:
                    known = (self._clock() + self._keeps_s, await ask())
                    self._make_room()
                    self._values[name] = known
                return known[1]
        finally:
            if not lock.locked():
                self._asking.pop(name, None)

    def forget(self, name: str) -> None:
        """Ask again the next time."""
        self._values.pop(name, None)

    def _known(self, name: str) -> tuple[float, T] | None:
        known = self._values.get(name)
        return known if known and self._clock() < known[0] else None

    def _make_room(self) -> None:
        if len(self._values) >= _MOST:
            now = self._clock()
            self._values = {name: known for name, known in self._values.items() if now < known[0]}
        if len(self._values) >= _MOST:
            self._values.clear()
