"""A worker that hears late that it may start: it does not if its lease is another's by then, and people are asked."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from bot.store import Store
from bot.store.client import Client
from tests.bot.store.stores import ATTEMPT, RUN, append, events, move_time, orphaned, started, tool_started
from tests.kit.long import few_of
from tests.kit.waiting import until
from tests.servers.lines import Server

LEASE_S = 5.0


@pytest.fixture
def proxy(redis: str) -> Iterator[Server]:
    with Server("tests.servers.redis_proxy", redis) as proxy:
        yield proxy


@pytest.fixture
async def store(proxy: Server) -> AsyncIterator[Store]:
    """A store whose line to Redis can be trapped, with a run of one event."""
    store = Store(Client(f"redis://127.0.0.1:{proxy.said['redis_port']}/0"), 2, LEASE_S)
    await append(store, started(), expect=0)
    yield store
    await store.client.close()


async def start(store: Store) -> str:
    await store.load(RUN)
    return (await store.start_tool(RUN, 1, ATTEMPT, tool_started(ATTEMPT), None)).state


@pytest.mark.long
async def test_a_start_that_is_asked_for_again_after_another_took_the_lease_is_none(store: Store) -> None:
    assert await start(store) == "started"
    await move_time(store, LEASE_S)
    assert await store.orphan(RUN, ATTEMPT, orphaned()) == "committed"

    assert await start(store) == "conflict"
    assert await events(store) == ["run_started", "tool_started", "tool_orphaned"]


async def test_a_start_that_is_asked_for_again_after_its_lease_has_ended_is_none(store: Store) -> None:
    assert await start(store) == "started"
    await move_time(store, LEASE_S)

    assert await start(store) == "conflict"


@pytest.mark.parametrize(("is_taken", "state"), [(False, "started"), (True, "conflict")], ids=["left", "taken"])
async def test_a_start_that_is_heard_of_after_its_lease_counts_if_nobody_has_taken_it(
    store: Store, proxy: Server, redis: str, *, is_taken: bool, state: str
) -> None:
    short, direct = Store(store.client, 2, 0.2), Store(Client(redis), 2)
    proxy.ask(do="arm", name="commit tool_started", nth=1, when="after", act="hold")
    starting = asyncio.create_task(start(short))

    async def is_over() -> bool:
        return (await direct.lease(RUN, ATTEMPT))[0] == "dead"

    await until(is_over, what="the end of the lease")
    if is_taken:
        assert await direct.orphan(RUN, ATTEMPT, orphaned()) == "committed"
    proxy.ask(do="release")

    heard = await starting
    alive = (await direct.lease(RUN, ATTEMPT))[0]
    await direct.client.close()
    assert heard == state
    assert (alive == "gone") is is_taken


@pytest.mark.parametrize("is_taken", few_of([False, True], 1), ids=["left", "taken"])
async def test_whoever_was_stopped_longer_than_its_lease_asks_for_it_again_before_it_acts(
    store: Store, redis: str, *, is_taken: bool
) -> None:
    short, direct = Store(store.client, 2, 0.2), Store(Client(redis), 2)
    assert await start(short) == "started"

    async def is_over() -> bool:
        return (await direct.lease(RUN, ATTEMPT))[0] == "dead"

    await until(is_over, what="the end of the lease")
    if is_taken:
        assert await direct.orphan(RUN, ATTEMPT, orphaned()) == "committed"

    assert await short.holds(RUN, ATTEMPT) is not is_taken
    await direct.client.close()
