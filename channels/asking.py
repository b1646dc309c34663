"""One question at a time, for all who wait for its answer."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Asking:
    """A question that many may have at once. Whoever waits while it is asked finds what is known by then, or hears its
    error: each of many would else ask anew, and wait for each before it.
    """

    def __init__(self) -> None:
        self._lock, self._error = asyncio.Lock(), Exception()

    @property
    def is_asked(self) -> bool:
        """Whether somebody asks it now."""
        return self._lock.locked()

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """The turn to ask it. Raises the error of whoever had theirs since this one was waited for."""
        before = self._error
        async with self._lock:
            if self._error is not before:
                raise self._error
            try:
                yield
            except Exception as error:
                self._error = error
                raise
