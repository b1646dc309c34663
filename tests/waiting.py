"""Waiting for what a test needs, instead of for time: `await until(…)`, or `wait_until(…)` where nothing is async."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from bot.testing.waiting import POLL_S, until

__all__ = ["until", "wait_until"]

T = TypeVar("T")


def wait_until(condition: Callable[[], T | None], within_s: float = 30, what: str = "the condition") -> T:
    """The first truthy value of `condition`; AssertionError after `within_s`."""
    give_up_at = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < give_up_at, f"{what} did not come true within {within_s} s; last seen: {found!r}"
        threading.Event().wait(POLL_S)
    return found
