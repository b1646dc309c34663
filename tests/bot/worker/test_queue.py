"""The queue: what a process causes is done, here or by another worker, and what nobody took is swept up."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from string import ascii_lowercase

import pytest

from bot.store import Accepted, Commit, Store, Wake, WorkItem
from bot.store.client import Client
from bot.store.ids import WorkKind, shard_of
from bot.store.journal import Journal
from bot.worker.queue import AT_ONCE, Queue
from tests.bot.worker.test_taker import taken
from tests.kit.guards import guards
from tests.kit.waiting import until

RUN, OTHER = WorkItem("run", "s0r-aaaaaaaaaaaaa"), WorkItem("run", "s1r-aaaaaaaaaaaaa")
IN = WorkItem("in", "s0i-aaaaaaaaaaaaa")


class Worker:
    """A queue, and what was looked at; looking waits while `may_go` is not set."""

    def __init__(self, url: str, sweep_s: float = 0.1, grace_s: float = 0.2) -> None:
        self.store = Store(Client(url), shards=2, grace_s=grace_s)
        self.queue = Queue(self.store, sweep_s)
        self.journal = Journal(self.store, self.queue)
        self.seen: list[WorkItem] = []
        self.may_go = asyncio.Event()
        self.may_go.set()
        self.breaks = 0
        self.heard: list[bool] = []

    async def hears_first(self, item: WorkItem) -> None:
        """A run hears what people wrote; a message is read."""
        self.seen.append(item)
        if item.kind == "in":
            await self.store.drop_inbound(item.id)
        else:
            self.heard.append(await self.queue.hear_first())

    async def look(self, item: WorkItem) -> None:
        self.seen.append(item)
        await self.may_go.wait()
        if self.breaks:
            self.breaks -= 1
            raise RuntimeError("it broke")

    async def schedule(self, item: WorkItem) -> None:
        """Leave it in the schedule, and have nobody take it now."""
        await self.store.commit(wakes(item), push=False)


def wakes(item: WorkItem) -> Commit:
    return Commit(run_id=f"s{shard_of(item.id)}r-zzzzzzzzzzzzz", wake=[Wake(item)])


def an_answer(item: WorkItem, *, is_answer: bool = True) -> Accepted:
    return Accepted(item.id, f"slack:{item.id}", b"{}", b"", 60, is_answer=is_answer)


@asynccontextmanager
async def a_worker(
    url: str, *, serves: bool = True, sweep_s: float = 0.1, grace_s: float = 0.2
) -> AsyncGenerator[Worker]:
    worker = Worker(url, sweep_s, grace_s)
    try:
        if serves:
            async with worker.queue.serving(worker.look):
                yield worker
        else:
            yield worker
    finally:
        await worker.store.client.close()


async def test_what_another_process_causes_is_done_by_whoever_serves(redis: str) -> None:
    async with a_worker(redis, sweep_s=60) as worker, a_worker(redis, serves=False) as other:
        await other.journal.write(wakes(RUN))
        await other.queue.notify(OTHER)
        await other.journal.accept(an_answer(IN))

        await until(lambda: len(worker.seen) == 3)

    assert sorted(map(str, worker.seen)) == [*map(str, (IN, RUN, OTHER))]
    assert other.seen == []


@guards("planted:sweeper")
async def test_what_nobody_took_or_a_worker_took_and_lost_is_swept_up_also_from_before_there_was_any(
    redis: str,
) -> None:
    async with a_worker(redis, serves=False) as other:
        await other.journal.write(wakes(RUN))
        assert await taken(other.store) == [RUN]
        await other.schedule(OTHER)

    async with a_worker(redis) as worker:
        await until(lambda: {RUN, OTHER} <= set(worker.seen))


async def test_what_breaks_does_not_stop_the_others_and_is_swept_up_again(redis: str) -> None:
    async with a_worker(redis) as worker:
        worker.breaks = 1
        await worker.schedule(RUN)
        await until(lambda: worker.seen == [RUN])
        await worker.queue.notify(OTHER)

        await until(lambda: worker.seen.count(RUN) >= 2 and OTHER in worker.seen)


async def test_two_workers_share_what_there_is(redis: str) -> None:
    items = [WorkItem("run", f"s{number % 2}r-aaaaaaaaaaa{letter}a") for number, letter in enumerate(ascii_lowercase)]
    async with a_worker(redis) as one, a_worker(redis) as two, a_worker(redis, serves=False) as other:
        for item in items:
            await other.queue.notify(item)

        await until(lambda: len(one.seen) + len(two.seen) >= len(items))

    assert set(one.seen + two.seen) == set(items)


async def test_of_many_workers_one_sweeps_and_asks_what_else_is_due(redis: str) -> None:
    asked = list[int]()

    async def due(shard: int) -> None:
        asked.append(shard)

    async with a_worker(redis, serves=False) as one, a_worker(redis, serves=False, sweep_s=60) as two:
        await two.queue.sweep(0, due)
        await two.queue.sweep(0, due)
        await one.queue.sweep(0, due)
        await two.queue.sweep(1, due)

    assert asked == [0, 1]


async def test_a_store_that_cannot_be_reached_is_no_error_for_who_notifies() -> None:
    async with a_worker("unix:///nowhere/redis.sock", serves=False) as worker:
        worker.store.client.patience_s = 0
        await worker.queue.notify(RUN)


async def test_who_serves_does_what_it_causes_itself_and_pushes_nothing(redis: str) -> None:
    async with a_worker(redis, serves=False) as worker:
        async with worker.queue.serving(worker.look):
            worker.may_go.clear()
            await worker.journal.write(wakes(RUN))
            await worker.journal.accept(an_answer(IN))
            await until(lambda: worker.seen == [RUN, IN])
            assert await worker.store.client.do("EXISTS", "{s0}:ready", "{s0}:ready:answers") == 0
            worker.may_go.set()
        await worker.queue.notify(OTHER)

        assert (worker.seen, await taken(worker.store)) == ([RUN, IN], [OTHER]), "who has left does nothing itself"


async def written(worker: Worker, item: WorkItem) -> None:
    await worker.journal.write(wakes(item))


async def told(worker: Worker, item: WorkItem) -> None:
    await worker.queue.notify(item)


@guards("planted:busy_worker_hands_on")
@pytest.mark.parametrize("cause", [written, told])
async def test_what_is_too_much_for_one_worker_others_can_take(
    redis: str, cause: Callable[[Worker, WorkItem], Awaitable[None]]
) -> None:
    items = so_many(256)
    async with a_worker(redis, sweep_s=60) as busy, a_worker(redis, serves=False) as other:
        busy.may_go.clear()
        for item in items:
            await cause(busy, item)
        await until(lambda: busy.seen)

        left = await taken(other.store)
        busy.may_go.set()

    assert left
    assert sorted(map(str, busy.seen + left)) == [*map(str, items)]


async def test_who_leaves_lets_what_runs_end(redis: str) -> None:
    worker = Worker(redis)
    ended = list[WorkItem]()
    worker.may_go.clear()

    async def look(item: WorkItem) -> None:
        await worker.look(item)
        ended.append(item)

    async with worker.queue.serving(look):
        await worker.queue.notify(RUN)
        await until(lambda: worker.seen)
        asyncio.get_running_loop().call_later(0.1, worker.may_go.set)

    assert ended == [RUN]
    await worker.store.client.close()


def so_many(count: int, kind: WorkKind = "run") -> list[WorkItem]:
    letters = ascii_lowercase[:16]
    names = [f"{one}{two}" for one in letters for two in letters][:count]
    return [WorkItem(kind, f"s0{'r' if kind == 'run' else 'i'}-{'a' * 11}{name}") for name in names]


async def test_a_worker_that_is_busy_with_new_work_still_hears_answers(redis: str) -> None:
    async with a_worker(redis, sweep_s=60) as busy, a_worker(redis, serves=False) as other:
        busy.may_go.clear()
        for item in so_many(230):
            await other.queue.notify(item)
        await until(lambda: len(busy.seen) == 200)
        for item in so_many(60, "in"):
            await other.journal.accept(an_answer(item))

        await until(lambda: len(busy.seen) == 250)
        left = await taken(other.store)
        busy.may_go.set()

    assert {item.kind for item in busy.seen[200:]} == {"in"}
    assert len([item for item in left if item.kind == "in"]) == 10
    assert len([item for item in left if item.kind == "run"]) == 30


async def test_while_a_thousand_tools_are_executed_no_new_work_is_taken_but_answers(redis: str) -> None:
    async with a_worker(redis, serves=False) as worker:
        tools = 1_000
        async with worker.queue.serving(worker.look, tools=lambda: tools):
            await worker.store.push(RUN)
            await worker.store.accept(an_answer(IN))
            await until(lambda: worker.seen == [IN])
            tools = 999
            await until(lambda: worker.seen == [IN, RUN])


async def test_whoever_waits_for_calm_waits_until_nothing_is_done_here_and_no_longer_than_they_say(redis: str) -> None:
    async with a_worker(redis, sweep_s=60) as worker:
        await worker.queue.calm(60)
        worker.may_go.clear()
        await worker.queue.notify(RUN)
        await worker.queue.calm(0.01)
        assert not worker.may_go.is_set()
        waits = asyncio.create_task(worker.queue.calm(60))
        await until(lambda: worker.seen)
        assert not waits.done()

        worker.may_go.set()

        await waits


async def looks(store: Store) -> int:
    """How often somebody has looked what is due in a shard; of this server, which other tests may share."""
    found = await store.client.do("INFO", "commandstats")
    return found.get("cmdstat_zrangebyscore", {"calls": 0})["calls"]


async def has_looked(store: Store, before: int) -> bool:
    """Whether somebody has looked in both shards since."""
    return await looks(store) >= before + 2


async def test_what_waits_for_words_keeps_no_worker_from_reading_them_and_all_of_it_looks_together(redis: str) -> None:
    """After a restart hundreds of approved steps are taken at once, and a stop behind them."""
    runs = [f"s0r-aaaaaaaaaa{one}{two}{three}" for one in "abcdefg" for two in "abcdefg" for three in "abcdefg"]
    async with a_worker(redis, serves=False, sweep_s=60, grace_s=60) as worker:
        queue, store = worker.queue, worker.store
        unswept = await looks(store)
        await store.accept(Accepted(IN.id, "slack:m1", b"{}", b"", 60), push=False)
        async with queue.serving(worker.hears_first):
            await until(lambda: has_looked(store, unswept))
            before = await looks(store)
            for run_id in runs[:AT_ONCE]:
                await queue.notify(WorkItem("run", run_id))
            await until(lambda: has_looked(store, before))
            await store.push(IN)

            await until(lambda: len(worker.heard) == AT_ONCE)

        assert any(worker.heard)
        assert await looks(store) - before < 2 * AT_ONCE, "each looks in both shards at least twice, if it looks alone"
