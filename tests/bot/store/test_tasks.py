"""A task is over when it is told to end, however often it takes."""

import asyncio

from bot.store.watch import ended
from tests.kit.waiting import PATIENCE_S


async def deaf(times: int, ends: asyncio.Event) -> None:
    """Loses so many cancellations."""
    for _ in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    await ends.wait()


async def test_a_task_that_loses_cancellations_is_ended_all_the_same() -> None:
    task = asyncio.create_task(deaf(3, asyncio.Event()))
    await asyncio.sleep(0)

    assert await ended([task], again_s=0.01) == set()

    assert task.cancelled()


async def test_a_task_that_will_not_end_is_given_up_in_time() -> None:
    task = asyncio.create_task(deaf(20, asyncio.Event()))
    await asyncio.sleep(0)

    assert await asyncio.wait_for(ended([task], within_s=0.05, again_s=0.01), PATIENCE_S) == {task}

    assert await ended([task], again_s=0.01) == set()


async def test_what_is_over_and_what_fails_is_ended() -> None:
    async def fails() -> None:
        raise ValueError("its own")

    task = asyncio.create_task(fails())
    await asyncio.wait([task])

    assert await ended([task]) == set()
    assert isinstance(task.exception(), ValueError)
