"""Waiting for what a test needs, instead of for time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

T = TypeVar("T")

POLL_S, _MOST_S = 0.005, 0.05
PATIENCE_S = 120.0
"""A guard against waiting for ever for what must come: nothing is judged by it, so a busy machine is no failure."""


async def until(
    condition: Callable[[], T | Awaitable[T | None] | None], within_s: float = PATIENCE_S, what: str = "the condition"
) -> T:
    """The first truthy value of `condition`, which may be async; AssertionError after `within_s`."""
    give_up_at, pause = time.monotonic() + within_s, POLL_S
    while True:
        value = condition()
        found = cast("T | None", await value if inspect.isawaitable(value) else value)
        if found:
            return found
        if time.monotonic() >= give_up_at:
            raise AssertionError(f"{what} did not come true within {within_s} s; last seen: {found!r}")
        await asyncio.sleep(pause)
        # What takes long is asked for less often: to look costs as much as what is waited for.
        pause = min(1.5 * pause, _MOST_S)
