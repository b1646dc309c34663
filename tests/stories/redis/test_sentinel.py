"""A master and its replica under Sentinel: a fail-over in the middle of a run, with and without the replica's word."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.store.client import Client, StoreUnavailable
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.redis import RedisServer
from tests.servers.redis_cluster import Watched, ask, follows_up, has_all, told

pytestmark = pytest.mark.long


@pytest.fixture
def servers() -> Iterator[Watched]:
    folder = Path(tempfile.mkdtemp(prefix="sayso-"))
    with Watched(folder) as watched:
        yield watched
    shutil.rmtree(folder, ignore_errors=True)


def _with_replica(world: World) -> None:
    world.environ = {"SAYSO_REDIS_WAIT_REPLICAS": "1"}


async def replaced(servers: Watched, lost: RedisServer) -> RedisServer:
    """The new master, once Sentinel says which one it is."""
    return await until(lambda: asyncio.to_thread(servers.successor, lost), 60, what="a new master")


async def follows(server: RedisServer) -> None:
    """Returns when `server` is a replica that has all of its master."""
    await until(lambda: asyncio.to_thread(follows_up, server), 60, what="a replica that follows")


async def test_a_tool_that_runs_while_its_master_is_lost_is_executed_once(servers: Watched, tmp_path: Path) -> None:
    lost = servers.master()
    async with a_world(servers.url, tmp_path / "data", change=_with_replica) as world:
        waits = await world.trigger("press horn")
        record = await world.opened(waits)
        held = world.workshop.hold("bell")
        executing = await world.trigger("press bell")
        await world.decide("bo", await world.opened(executing), "approve")
        await until(lambda: world.workshop.started)

        lost.kill()
        held.set()
        await replaced(servers, lost)
        assert (await world.ended(executing)).state == "done"
        lost.start()
        await follows(lost)
        await world.decide("cy", record, "approve")
        assert (await world.ended(waits)).state == "done"

        assert sorted(world.workshop.effects) == ["press bell", "press horn"]
        kinds = [event.type for run_id in (waits, executing) for event in await world.events(run_id)]
        assert kinds.count("tool_started") == 2


async def test_a_start_that_only_the_lost_master_had_made_no_effect(servers: Watched, tmp_path: Path) -> None:
    lost, [replica] = servers.master(), [one for one in servers.servers if one is not servers.master()]
    async with a_world(servers.url, tmp_path / "data", change=_with_replica) as world:
        run_id = await world.trigger("press bell")
        record = await world.opened(run_id)
        await until(lambda: asyncio.to_thread(has_all, lost, replica))
        replica.freeze()

        await world.decide("bo", record, "approve")
        await world.next_mail("dan", about="too few replicas of Redis follow")
        assert world.workshop.started == []
        lost.kill()
        replica.thaw()
        await replaced(servers, lost)
        lost.start()
        await follows(lost)

        # The decision was on the lost master alone: it is asked for again, and counts once.
        if (await world.run(run_id)).open:
            await world.decide("bo", record, "approve")
        assert (await world.ended(run_id)).state == "done"
        assert world.workshop.effects == ["press bell"]


@pytest.fixture
async def client(servers: Watched) -> AsyncIterator[Client]:
    """With a connection to the master."""
    client = Client(servers.url)
    await client.do("SET", "{s0}:x", "1")
    yield client
    await client.close()


async def test_while_no_server_answers_the_store_is_away_and_then_goes_on(servers: Watched, client: Client) -> None:
    client.patience_s = 0.2
    for server in servers.servers:
        server.kill()

    with pytest.raises(StoreUnavailable, match="Nothing is lost"):
        await client.do("GET", "{s0}:x")
    for server in servers.servers:
        server.start()
    client.patience_s = 60
    assert await client.do("GET", "{s0}:x") == b"1"


async def test_a_client_leaves_a_master_that_became_a_replica(servers: Watched, client: Client) -> None:
    first = servers.master()
    await until(lambda: asyncio.to_thread(servers.fail_over), 30, what="a fail-over")
    second = await replaced(servers, first)
    await follows(first)

    client.patience_s = 60
    await client.do("SET", "{s0}:x", "2")
    assert ask(second, "GET", "{s0}:x") == b"2"


async def test_a_master_that_stood_still_is_not_read_from_when_it_comes_back(servers: Watched, client: Client) -> None:
    first = servers.master()
    first.freeze()
    second = await replaced(servers, first)
    ask(second, "SET", "{s0}:x", "2")
    first.thaw()

    assert await client.do("GET", "{s0}:x") == b"2"
    assert told(first, "INFO", "replication")["role"] == "master"
