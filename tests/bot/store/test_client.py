"""The client's own part over a connection pool: whoever asks can be told to stop, at whatever moment that comes."""

import asyncio

from bot.store.client import Client
from bot.store.watch import ended
from tests.waiting import PATIENCE_S

MOMENTS = range(60)
# A busy machine is not a failure: whoever lost the cancellation goes on for ever.


async def asks_for_ever(client: Client) -> None:
    while True:
        await client.do("PING")


async def ends_when_cancelled_once(task: asyncio.Task[None], moment: int) -> bool:
    """Return whether the task ends, cancelled after the event loop has turned so often."""
    for _ in range(moment):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=PATIENCE_S)
    await ended([task])
    return bool(done)


async def test_one_cancellation_ends_whoever_asks_at_whatever_moment_it_comes(redis: str) -> None:
    deaf: list[int] = []
    for moment in MOMENTS:
        client = Client(redis)
        if not await ends_when_cancelled_once(asyncio.create_task(asks_for_ever(client)), moment):
            deaf.append(moment)
        await client.close()

    assert deaf == []


async def test_who_is_being_cancelled_may_still_ask_while_it_cleans_up(redis: str) -> None:
    client, answers = Client(redis), list[bytes]()
    asked = asyncio.Event()

    async def cleans_up() -> None:
        try:
            asked.set()
            await asyncio.Event().wait()
        finally:
            answers.append(await client.do("PING"))
            answers.append(await client.do("PING"))

    task = asyncio.create_task(cleans_up())
    await asked.wait()
    task.cancel()
    await asyncio.wait([task])
    await client.close()

    assert len(answers) == 2
    assert task.cancelled()
