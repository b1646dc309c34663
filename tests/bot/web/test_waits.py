"""Some wait for others of theirs, or of all, and nothing that is away has anybody wait for good."""

import asyncio
from contextlib import AsyncExitStack

from bot.web.waits import Drawing
from tests.kit.waiting import patience, until


async def test_a_few_draw_at_once_and_the_next_one_begins_as_one_is_done() -> None:
    drawing, inside, most, ends = Drawing(2, 3600.0), 0, 0, asyncio.Event()

    async def draw() -> None:
        nonlocal inside, most
        async with drawing.one():
            inside += 1
            most = max(most, inside)
            await ends.wait()
            inside -= 1

    tasks = [asyncio.create_task(draw()) for _ in range(20)]
    await until(lambda: inside == 2)
    ends.set()
    await asyncio.gather(*tasks)

    assert most == 2


async def test_those_who_wait_for_what_is_away_keep_no_other_from_being_drawn() -> None:
    drawing = Drawing(2, 0.01)

    async with AsyncExitStack() as away, patience():
        for _ in range(2):
            await away.enter_async_context(drawing.one())
        async with drawing.one():
            pass

    async with AsyncExitStack() as full, patience():  # a place that was given up is not given back twice
        slow = Drawing(1, 3600.0)
        await full.enter_async_context(slow.one())
        waits = asyncio.create_task(full.enter_async_context(slow.one()))
        await asyncio.sleep(0)
        assert not waits.done()
        waits.cancel()
