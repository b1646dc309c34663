"""A worker that hears late that it may start must not: by then its lease may be another's, and people may be asked."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from bot.store import Store
from bot.store.client import Client
from tests.bot.store.stores import ATTEMPT, RUN, append, events, move_time, orphaned, started, tool_started
from tests.servers.lines import Server
from tests.waiting import until

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


async def test_a_start_that_is_asked_for_again_after_another_took_the_lease_is_none(store: Store) -> None:
    assert await start(store) == "started"
    await move_time(store, LEASE_S)
    assert await store.orphan(RUN, ATTEMPT, orphaned())

    assert await start(store) == "conflict"
    assert await events(store) == ["run_started", "tool_started", "tool_orphaned"]


async def test_a_start_that_is_asked_for_again_after_its_lease_has_ended_is_none(store: Store) -> None:
    assert await start(store) == "started"
    await move_time(store, LEASE_S)

    assert await start(store) == "conflict"


@pytest.mark.parametrize(("lease_s", "state"), [(60, "started"), (0.2, "conflict")], ids=["in time", "too late"])
async def test_a_start_counts_only_if_it_is_heard_of_within_its_lease(
    store: Store, proxy: Server, redis: str, lease_s: float, state: str
) -> None:
    short, direct = Store(store.client, 2, lease_s), Store(Client(redis), 2)
    proxy.ask(do="arm", name="start_tool", nth=1, when="after", act="hold")
    starting = asyncio.create_task(start(short))

    async def is_over() -> bool:
        wanted = "alive" if state == "started" else "dead"
        return (await direct.lease(RUN, ATTEMPT))[0] == wanted

    await until(is_over, what="the moment to hear of it")
    proxy.ask(do="release")

    heard = await starting
    await direct.client.close()
    assert heard == state
