"""Ending tasks that may not listen the first time."""

import asyncio
from collections.abc import Iterable
from typing import Any

# Who cleans up has this long before it is disturbed.
_AGAIN_S = 0.5


async def ended(
    tasks: Iterable[asyncio.Task[Any]], within_s: float | None = None, again_s: float = _AGAIN_S
) -> set[asyncio.Task[Any]]:
    """Cancel `tasks`, every `again_s` until they are done or `within_s` is over; those that are not. Their errors are
    theirs.

    Once is not enough: libraries lose a cancellation that comes in the same moment as what they waited for
    (`asyncio.wait_for` did before Python 3.12) and go on, or say goodbye to a server that does not answer.
    """
    loop = asyncio.get_running_loop()
    until = None if within_s is None else loop.time() + within_s
    left = {task for task in tasks if not task.done()}
    while left and (until is None or loop.time() < until):
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=again_s if until is None else min(again_s, until - loop.time()))
    return left
