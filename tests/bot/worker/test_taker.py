"""What a worker can take: answers first, each piece of work once, from all shards in turn."""

import asyncio

import pytest

from bot.store import Accepted, Commit, Once, Store, Wake, WorkItem
from bot.worker.queue import Taker, Takes
from tests.bot.store.stores import REQUEST, move_time
from tests.kit.guards import guards
from tests.kit.waiting import until

RUN, OTHER = WorkItem("run", "s0r-aaaaaaaaaaaaa"), WorkItem("run", "s1r-aaaaaaaaaaaaa")
BUSY = WorkItem("run", "s0r-bbbbbbbbbbbbb")
ANSWER, NEW = WorkItem("in", "s0i-aaaaaaaaaaaaa"), WorkItem("in", "s0i-bbbbbbbbbbbbb")


async def taken(store: Store) -> list[WorkItem]:
    """All that a worker could take now: answers, what else people wrote, and all other work, each in its order."""
    takes: tuple[Takes, ...] = ("answers", "messages", "work")
    found = list[WorkItem]()
    for taker in (Taker(store, takes=one) for one in takes):
        while item := await taker.take(0.01):
            found.append(item)
    return found


async def accept(store: Store, item: WorkItem, *, is_answer: bool, push: bool = True) -> None:
    await store.accept(Accepted(item.id, f"slack:{item.id}", b"{}", b"", 60, is_answer=is_answer), push=push)


@pytest.mark.parametrize("push", [True, False])
async def test_what_a_change_causes_can_be_taken_at_once_if_nobody_does_it_where_it_was_made(
    store: Store, *, push: bool
) -> None:
    wakes = Commit(run_id=RUN.id, wake=[Wake(RUN)], outgoing=[("s0o-aaaaaaaaaaaaa", b"{}")])
    await store.commit(wakes, push=push)
    await accept(store, ANSWER, is_answer=True, push=push)

    found = await taken(store)

    assert set(found) == ({ANSWER, RUN, WorkItem("out", "s0o-aaaaaaaaaaaaa")} if push else set())


async def test_what_has_its_time_is_not_taken_before_it(store: Store) -> None:
    await store.commit(Commit(run_id=RUN.id, wake=[Wake(RUN, await store.now(RUN.id))]))

    assert await taken(store) == []


async def test_an_answer_overtakes_what_came_before_it(store: Store) -> None:
    await store.push(RUN)
    await accept(store, NEW, is_answer=False)
    await accept(store, ANSWER, is_answer=True)

    first, *others = await taken(store)

    assert (first, set(others)) == (ANSWER, {RUN, NEW})


async def test_what_is_pushed_twice_is_taken_once_and_again_when_it_is_pushed_later(store: Store) -> None:
    for _ in range(3):
        await store.push(RUN)
    await store.commit(Commit(run_id=RUN.id, wake=[Wake(RUN)]))
    assert await taken(store) == [RUN]

    await store.push(RUN)
    assert await taken(store) == [RUN]


async def test_no_shard_waits_for_another_that_always_has_work(store: Store) -> None:
    for item in (RUN, BUSY, OTHER):
        await store.push(item)

    found = await taken(store)

    assert (found[1], {found[0], found[2]}) == (OTHER, {RUN, BUSY})


async def test_a_call_that_waits_stops_when_it_is_told_to_and_loses_nothing(store: Store) -> None:
    taker = Taker(store)
    taking = asyncio.create_task(taker.take(3.5))
    await until(lambda: _is_blocked(store))
    await taker.stop()

    assert await taking is None
    await store.push(RUN)
    assert await taken(store) == [RUN]


async def _is_blocked(store: Store) -> bool:
    return (await store.client.do("INFO", "clients"))["blocked_clients"] == 1


def new_work(person: str, number: int) -> WorkItem:
    return WorkItem("in", f"s0i-{person[0] * 12}{'abcdefghijklmnopqrstuvwxyz'[number]}")


async def asks(store: Store, person: str, *numbers: int) -> None:
    """New work of a person, by a channel."""
    for number in numbers:
        item = new_work(person, number)
        await store.accept(Accepted(item.id, f"slack:{item.id}", b"{}", b"", 60, who=person))


@guards("ready.lua:turn")
async def test_whoever_asks_for_much_keeps_nobody_waiting_who_asks_for_little(store: Store) -> None:
    await asks(store, "anna", *range(20))
    await asks(store, "bo", 0)
    await store.commit(Commit(run_id=RUN.id, wake=[Wake(RUN)]))
    await asks(store, "cy", 0, 1)

    order = await taken(store)

    assert set(order[:3]) == {new_work("anna", 0), new_work("bo", 0), new_work("cy", 0)}
    assert set(order[3:5]) == {new_work("anna", 1), new_work("cy", 1)}
    assert order[5:] == [*(new_work("anna", number) for number in range(2, 20)), RUN], "runs are taken beside them"


async def test_a_run_that_is_started_over_http_has_its_turn_among_those_of_its_requester(store: Store) -> None:
    for number in range(5):
        run = WorkItem("run", f"s0r-aaaaaaaaaaaa{'abcde'[number]}")
        await store.commit(Commit(run_id=run.id, wake=[Wake(run, who="anna")]))
    await store.commit(Commit(run_id="s0r-bbbbbbbbbbbbb", wake=[Wake(WorkItem("run", "s0r-bbbbbbbbbbbbb"), who="bo")]))

    assert [item.id for item in await taken(store)][1] == "s0r-bbbbbbbbbbbbb"


@guards("sweep.lua:in_turn")
async def test_once_nothing_waits_everybody_is_in_turn_again(store: Store) -> None:
    await asks(store, "anna", *range(5))
    await taken(store)
    await store.sweep(0)
    await asks(store, "anna", 5)
    await asks(store, "bo", 0)

    assert await taken(store) == [new_work("anna", 5), new_work("bo", 0)]


async def test_what_the_sweeper_finds_waiting_keeps_its_turn(store: Store) -> None:
    await asks(store, "anna", *range(5))
    await move_time(store, 5)
    await store.sweep(0)
    await asks(store, "bo", 0)

    assert (await taken(store))[:2] == [new_work("anna", 0), new_work("bo", 0)]


async def test_what_an_answer_causes_overtakes_new_work_as_well(store: Store) -> None:
    await asks(store, "anna", 0, 1)
    answered = Commit(run_id=RUN.id, wake=[Wake(RUN)], once=Once(REQUEST, "reply", b"{}"), counts={"decided": 1})
    await store.commit(answered)

    assert (await taken(store))[0] == RUN
