"""The fake's own time, which a test may move forward, and the one signal that something has changed."""

import asyncio
import contextlib
import time


class Clock:
    """Seconds since 1970, as Slack sees them. It runs by itself; `move` lets everything that waits wait less.

    What an app has three seconds for goes by `moved_s`, how far tests have moved it: a busy machine is no slow app.
    """

    def __init__(self) -> None:
        self.moved_s = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        return time.time() + self.moved_s

    def move(self, seconds: float) -> None:
        self.moved_s += seconds
        self._moved.set()
        self._moved = asyncio.Event()

    async def passes(self, seconds: float) -> None:
        """Return when this clock shows `seconds` more than now."""
        until = self.now() + seconds
        while (left := until - self.now()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._moved.wait()

    async def is_moved(self, seconds: float) -> None:
        """Return when tests have moved this clock by so much."""
        until_s = self.moved_s + seconds
        while self.moved_s < until_s:
            await self._moved.wait()


class Changes:
    """Counts what happened, so that a test may ask "tell me when there is more than this"."""

    def __init__(self) -> None:
        self.version = 0
        self._changed = asyncio.Event()

    def note(self) -> None:
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def after(self, version: int, within_s: float) -> int:
        """The version now: at once if it is more than `version`, else after the next change or `within_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self.version <= version:
                    await self._changed.wait()
        return self.version
