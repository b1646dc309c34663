"""Asks what may never answer, such as a network share that hangs, in threads that keep no process alive."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

T = TypeVar("T")


class Asking:
    """Daemon threads, at most so many at once: a process that leaves waits for none of them.

    It would for those of `concurrent.futures` and of anyio.
    """

    def __init__(self, at_once: int) -> None:
        self._free = asyncio.Semaphore(at_once)

    async def ask(self, call: Callable[[], T]) -> T:
        """Return what `call` returns. Whoever is cancelled meanwhile leaves its thread taken until it returns."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def tell(give: Callable[[], None]) -> None:
            self._free.release()
            if not answer.done():
                give()

        def run() -> None:
            try:
                give = partial(answer.set_result, call())
            except BaseException as error:  # noqa: BLE001 - it belongs to who asked
                give = partial(answer.set_exception, error)
            with suppress(RuntimeError):  # the loop has ended, and nobody waits
                loop.call_soon_threadsafe(tell, give)

        threading.Thread(target=run, name="asking", daemon=True).start()
        return await answer
