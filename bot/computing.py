"""Ends what computes for too long in one go: everybody else in the process waits meanwhile.

What is done `in_time`, and the tasks that it begins, may compute as long as it likes, but in turns: an await that waits
for something ends one. A turn that takes more than a second of processor time is ended where it is by TookTooLong, and
only what it was for fails: also in the middle of a regular expression. What is one call of C or Rust otherwise, such as
reading JSON, comes to its end first.

No turn makes a system call for it. A clock of processor time looks a few times a second at who computes, and an idle
process never hears of it. Time that others take, on the machine or in threads, does not count.
"""

import asyncio
import atexit
import contextvars
import os
import signal
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import structlog

from bot.errors import TookTooLong
from language import say

log = structlog.stdlib.get_logger()

# Several times what our longest turns take, and short enough for whoever waits behind it.
BOUND_S, _LOOK_S = 1.0, 0.25
# Whoever catches every error and goes on has so long.
_MORE_S = 0.5
# An error there is lost, or leaves half done what others need: a lock, a module, a connection whose reply the next one
# would take for its own. The next look is soon.
_NOT_IN = {"__del__", "__exit__", "__aexit__", "_find_and_load"}
_NOT_WITHIN = ("bot.store.client", "redis", "aiohttp")
_NOT_AT = ("asyncio", "concurrent", "contextlib", "logging", "structlog", "threading", "weakref")

_is_bounded = contextvars.ContextVar("is_bounded", default=False)


@contextmanager
def in_time() -> Generator[None]:
    """Bound each turn of what is done inside, and of the tasks that it begins; only on the main thread.

    Beside other threads everybody has their turn: the interpreter sees to that.
    """
    _clock.begin()
    token = _is_bounded.set(True)
    try:
        yield
    finally:
        _is_bounded.reset(token)


def stop_clock() -> None:
    """Bound nothing any more: the clock goes on in a program that replaces this one, which knows no such signal."""
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)


class _Clock:
    """Looks at who computes on the main thread, as the processor time of this process passes."""

    def __init__(self) -> None:
        self._pid = 0
        # Whose turn it was at the last look, if it may still be that, and what the thread had computed at the first.
        self._task: asyncio.Task[Any] | None = None
        self._since_s = 0.0

    def begin(self) -> None:
        """Have it look in this process: a child that is forked inherits no timer."""
        if self._pid == os.getpid() or threading.current_thread() is not threading.main_thread():
            return
        self._pid = os.getpid()
        signal.signal(signal.SIGVTALRM, self._look)
        signal.siginterrupt(signal.SIGVTALRM, False)
        signal.setitimer(signal.ITIMER_VIRTUAL, _LOOK_S, _LOOK_S)
        # As it ends, the interpreter gives signals back to the system first, which would end the process by this one.
        atexit.register(stop_clock)

    def _look(self, _: int, frame: FrameType | None) -> None:
        """End the turn that is too long. Raises TookTooLong in the midst of it, as Python does for a signal."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        task = asyncio.current_task(loop)
        if task is None or not _is_bounded.get():
            self._task = None
        elif task is not self._task:
            self._task, self._since_s = task, time.thread_time()
            # Before this task has another turn: what is to be called soon is called in order.
            loop.call_soon(self._forget, task, context=contextvars.Context())
        elif time.thread_time() - self._since_s >= BOUND_S and _is_its_own(frame, task):
            self._since_s += _MORE_S
            loop.call_soon(_tell, _where(frame))
            raise TookTooLong(say("error.took-too-long", seconds=f"{BOUND_S:g}"), say("error.took-too-long-do"))

    def _forget(self, task: asyncio.Task[Any]) -> None:
        if self._task is task:
            self._task = None


_clock = _Clock()


def _is_its_own(frame: FrameType | None, task: asyncio.Task[Any]) -> bool:
    """Return whether an error at `frame` comes to `task`, and to nobody else: between its turns it is the loop's."""
    if frame is None or _is_of(frame, _NOT_AT):
        return False
    outermost = getattr(task.get_coro(), "cr_frame", None)
    while frame is not None and frame is not outermost:
        if frame.f_code.co_name in _NOT_IN or _is_of(frame, _NOT_WITHIN):
            return False
        frame = frame.f_back
    return frame is not None


def _where(frame: FrameType | None) -> str:
    """Return the line of ours that computes, and what called it."""
    found = list[str]()
    while frame is not None and len(found) < _CALLERS:
        if found or not _is_of(frame, ("re",)):
            found.append(f"{_module(frame)}:{frame.f_lineno}")
        frame = frame.f_back
    return " < ".join(found)


_CALLERS = 4


def _is_of(frame: FrameType, packages: Sequence[str]) -> bool:
    module = f"{_module(frame)}."
    return any(module.startswith(f"{name}.") for name in packages)


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _tell(where: str) -> None:
    log.warning("ended: it took too long in one go", where=where)
