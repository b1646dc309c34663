"""The wake-up queue: what is rung for is looked at, and what nobody rang for is swept up."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from string import ascii_lowercase

import pytest

from bot.store import Commit, Store, Wake, WorkItem
from bot.store.client import Client
from bot.store.ids import shard_of
from bot.worker.queue import Nearby, Queue
from tests.waiting import until

RUN, OTHER = WorkItem("run", "s0r-aaaaaaaaaaaaa"), WorkItem("run", "s1r-aaaaaaaaaaaaa")
IN = WorkItem("in", "s0i-aaaaaaaaaaaaa")


class Worker:
    """A queue, and what was looked at; looking waits while `may_go` is not set."""

    def __init__(self, url: str) -> None:
        self.store = Store(Client(url), shards=2, grace_s=0.2)
        self.queue = Queue(self.store, redelivery_s=1, sweep_s=0.1)
        self.seen: list[WorkItem] = []
        self.may_go = asyncio.Event()
        self.may_go.set()
        self.breaks = 0

    async def look(self, item: WorkItem) -> None:
        self.seen.append(item)
        await self.may_go.wait()
        if self.breaks:
            self.breaks -= 1
            raise RuntimeError("it broke")

    async def wake(self, item: WorkItem) -> None:
        """Leave it in the schedule, and ring for nobody."""
        await self.store.commit(Commit(run_id=f"s{shard_of(item.id)}r-zzzzzzzzzzzzz", wake=[Wake(item)]))


@asynccontextmanager
async def a_worker(url: str, *, serves: bool = True) -> AsyncGenerator[Worker]:
    worker = Worker(url)
    try:
        if serves:
            async with worker.queue.serving(worker.look):
                yield worker
        else:
            yield worker
    finally:
        await worker.queue.close()
        await worker.store.client.close()


@pytest.mark.parametrize("is_answer", [True, False])
async def test_what_is_rung_for_is_looked_at_by_whoever_serves(redis: str, *, is_answer: bool) -> None:
    async with a_worker(redis) as worker, a_worker(redis, serves=False) as ringer:
        for item in (RUN, OTHER, IN):
            await ringer.queue.notify(item, 1, is_answer=is_answer)

        await until(lambda: len(worker.seen) == 3)

    assert sorted(map(str, worker.seen)) == [*map(str, (IN, RUN, OTHER))]
    assert ringer.seen == []


async def test_the_same_turn_is_looked_at_once_while_it_waits_and_another_turn_again(redis: str) -> None:
    async with a_worker(redis, serves=False) as ringer:
        for turn in (1, 1, 1, 2):
            await ringer.queue.notify(RUN, turn)
        async with a_worker(redis) as worker:
            await until(lambda: len(worker.seen) == 2)
            await ringer.queue.notify(OTHER, 1)
            await until(lambda: OTHER in worker.seen)

    assert worker.seen == [RUN, RUN, OTHER]


async def test_what_nobody_rang_for_is_swept_up(redis: str) -> None:
    async with a_worker(redis) as worker:
        await worker.wake(RUN)
        await worker.wake(OTHER)

        await until(lambda: {RUN, OTHER} <= set(worker.seen))


async def test_what_was_left_before_there_was_any_worker_is_swept_up(redis: str) -> None:
    async with a_worker(redis, serves=False) as ringer:
        await ringer.wake(RUN)

    async with a_worker(redis) as worker:
        await until(lambda: RUN in worker.seen)


async def test_what_breaks_does_not_stop_the_others_and_is_swept_up_again(redis: str) -> None:
    async with a_worker(redis) as worker:
        worker.breaks = 1
        await worker.wake(RUN)
        await until(lambda: worker.seen == [RUN])
        await worker.queue.notify(OTHER, 1)

        await until(lambda: worker.seen.count(RUN) >= 2 and OTHER in worker.seen)


async def test_two_workers_share_what_there_is(redis: str) -> None:
    items = [WorkItem("run", f"s{number % 2}r-aaaaaaaaaaa{letter}a") for number, letter in enumerate(ascii_lowercase)]
    async with a_worker(redis) as one, a_worker(redis) as two:
        for item in items:
            await one.queue.notify(item, 1)

        await until(lambda: len(one.seen) + len(two.seen) >= len(items))

    assert set(one.seen + two.seen) == set(items)


async def test_a_queue_that_cannot_be_reached_is_no_error_for_who_rings() -> None:
    async with a_worker("unix:///nowhere/redis.sock", serves=False) as ringer:
        await ringer.queue.notify(RUN, 1)


class SilentQueue(Queue):
    """A queue that nobody hears."""

    async def notify(self, item: WorkItem, turn: str | int, *, is_answer: bool = False) -> None:
        """Lost."""


async def test_who_rings_in_a_process_that_serves_goes_on_at_once_without_the_queue(redis: str) -> None:
    async with a_worker(redis, serves=False) as worker:
        silent = SilentQueue(worker.store, redelivery_s=1, sweep_s=60)
        nearby = Nearby(silent)
        async with nearby.serving(worker.look):
            await nearby.notify(RUN, 1)
            await until(lambda: worker.seen == [RUN])
        await nearby.notify(OTHER, 1)
        await silent.close()

    assert worker.seen == [RUN], "and who serves no longer rings the queue"


async def test_who_leaves_lets_what_runs_end(redis: str) -> None:
    worker = Worker(redis)
    nearby, ended = Nearby(worker.queue), list[WorkItem]()
    worker.may_go.clear()

    async def look(item: WorkItem) -> None:
        await worker.look(item)
        ended.append(item)

    async with nearby.serving(look):
        await nearby.notify(RUN, 1)
        await until(lambda: worker.seen)
        asyncio.get_running_loop().call_later(0.1, worker.may_go.set)

    assert ended == [RUN]
    await worker.queue.close()
    await worker.store.client.close()
