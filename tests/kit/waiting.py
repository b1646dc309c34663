"""Waiting for what a test needs, instead of for time: `await until(…)`, or `wait_until(…)` where nothing is async.

What must come is waited for under one guard against hanging, `PATIENCE_S` or `async with patience()`; nothing is judged
by it. `passes` is for who makes time pass: the pace of people and of disturbances in a storm, a tool that takes long.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from bot.testing.waiting import PATIENCE_S, POLL_S, until

__all__ = ["PATIENCE_S", "passes", "patience", "until", "wait_until"]

T = TypeVar("T")


def wait_until(condition: Callable[[], T | None], within_s: float = PATIENCE_S, what: str = "the condition") -> T:
    """The first truthy value of `condition`; AssertionError after `within_s`."""
    give_up_at = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < give_up_at, f"{what} did not come true within {within_s} s; last seen: {found!r}"
        threading.Event().wait(POLL_S)
    return found


def patience() -> asyncio.Timeout:
    """A guard against hanging around what must come, however busy the machine is."""
    return asyncio.timeout(PATIENCE_S)


async def passes(seconds: float) -> None:
    """So much time passes, whatever happens meanwhile."""
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), seconds)
