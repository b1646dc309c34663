"""A Redis Cluster of three masters with a replica each: the same job, whatever becomes of a master or a slot."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agents.requests import RunId
from agents.requests.record import RequestRecord
from bot.doctor.redis import examine_redis
from bot.process.running import running
from bot.store import StoreError
from bot.store.ids import shard_of
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.redis import RedisServer
from tests.servers.redis_cluster import RedisCluster, ask, told


@pytest.fixture(scope="module")
def servers() -> Iterator[RedisCluster]:
    folder = Path(tempfile.mkdtemp(prefix="sayso-"))
    with RedisCluster(folder) as cluster:
        yield cluster
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def cluster(servers: RedisCluster) -> RedisCluster:
    """With nothing in it."""
    servers.flush()
    return servers


@asynccontextmanager
async def two_workers(cluster: RedisCluster, folder: Path, replicas: int = 1) -> AsyncGenerator[World]:
    """A world whose starts must be on so many replicas, and a worker beside its own."""

    def change(world: World) -> None:
        world.environ = {"SAYSO_REDIS_WAIT_REPLICAS": str(replicas), "SAYSO_SHARDS": "4"}

    async with a_world(cluster.url, folder, change=change) as world:
        other = world.composed(world.settings())
        async with running(other, works=True, receives=()):
            yield world


def master_of(cluster: RedisCluster, run_id: RunId) -> RedisServer:
    return cluster.master_of(f"{{s{shard_of(run_id)}}}")


async def whole(cluster: RedisCluster) -> None:
    await until(lambda: asyncio.to_thread(cluster.is_whole), 60, what="a cluster that is whole")


@pytest.mark.long
async def test_a_question_is_asked_answered_and_acted_on_once_in_every_part_of_a_cluster(
    cluster: RedisCluster, tmp_path: Path
) -> None:
    async with two_workers(cluster, tmp_path / "data") as world:
        runs = list[RunId]()
        while len({master_of(cluster, run_id).port for run_id in runs}) < 3 or len(runs) < 12:
            runs.append(await world.trigger(f"press bell {len(runs)}\nstamp letter {len(runs)}"))
        for run_id in runs:
            await world.decide("bo", await world.opened(run_id), "approve")

        for run_id in runs:
            assert (await world.ended(run_id)).state == "done"
        await world.quiet()

    wanted = sorted(f"{verb} {number}" for verb in ("press bell", "stamp letter") for number in range(len(runs)))
    assert sorted(world.workshop.effects) == wanted


@pytest.mark.long
async def test_the_doctor_asks_every_node_and_names_the_one_that_is_wrong(
    cluster: RedisCluster, tmp_path: Path
) -> None:
    [replica] = cluster.replicas_of(cluster.master_of("{s0}"))
    ask(replica, "CONFIG", "SET", "appendfsync", "everysec")
    try:
        async with a_world(cluster.url, tmp_path / "data", change=_accepts) as world:
            found = [finding async for finding in examine_redis(world.settings(), cluster.url)]
    finally:
        ask(replica, "CONFIG", "SET", "appendfsync", "always")

    said = [(one.sign, one.what) for one in found]
    assert ("!", f"durability weaker 127.0.0.1:{replica.port}: appendfsync is 'everysec', not 'always'") in said
    assert ("✓", "Redis lets us use every command and key that sayso needs") in said
    assert len([what for sign, what in said if sign == "!" and "Redis has 1 replica and" in what]) == 3
    for server in cluster.servers:
        assert ("✓", f"127.0.0.1:{server.port}: this machine's clock and that of Redis agree") in said


def _accepts(world: World) -> None:
    world.environ = {"SAYSO_ACCEPT_DURABILITY": "may lose acknowledged answers"}


@pytest.mark.long
async def test_nothing_is_executed_while_too_few_replicas_follow_and_people_are_told(
    cluster: RedisCluster, tmp_path: Path
) -> None:
    async with two_workers(cluster, tmp_path / "data") as world:
        run_id = await world.trigger("press bell")
        record = await world.opened(run_id)
        [replica] = cluster.replicas_of(master_of(cluster, run_id))
        replica.freeze()
        try:
            await world.decide("bo", record, "approve")
            told_to = await world.next_mail("dan", about="too few replicas of Redis follow")
            kinds = [event.type for event in await world.events(run_id)]
            assert "Approved steps wait" in told_to.text
            assert world.workshop.started == []
            assert "tool_started" not in kinds
        finally:
            replica.thaw()

        assert await world.summary(run_id) == "done: ok: press bell: done"
        assert world.workshop.effects == ["press bell"]


@pytest.mark.long
async def test_a_run_goes_on_after_its_master_was_killed_and_its_replica_took_over(
    cluster: RedisCluster, tmp_path: Path
) -> None:
    async with two_workers(cluster, tmp_path / "data") as world:
        asked = [await world.trigger(f"press bell {number}") for number in range(8)]
        records = {run_id: await world.opened(run_id) for run_id in asked}
        held = world.workshop.hold("letter")
        executing = await world.trigger("stamp letter\npress horn")
        await until(lambda: world.workshop.started)
        victim = master_of(cluster, executing)

        victim.kill()
        held.set()
        for run_id, record in records.items():
            await _decides(world, run_id, record)
        # A replica had the start of the tool; the new master has none that follows it until the old one is back.
        await until(lambda: asyncio.to_thread(lambda: _serves_again(cluster, executing)), 30, what="a new master")
        victim.start()
        await whole(cluster)
        await _decides(world, executing, await world.opened(executing))

        for run_id in (*asked, executing):
            assert (await world.ended(run_id)).state == "done"

    effects = ["press horn", "stamp letter", *(f"press bell {number}" for number in range(8))]
    assert sorted(world.workshop.effects) == sorted(effects)


def _serves_again(cluster: RedisCluster, run_id: RunId) -> bool:
    try:
        return bool(told(master_of(cluster, run_id), "INFO", "replication"))
    except StopIteration:
        return False


async def _decides(world: World, run_id: RunId, record: RequestRecord) -> None:
    """Bo approves, as often as it takes until Redis takes it."""

    async def has() -> bool:
        try:
            await world.decide("bo", record, "approve")
        except StoreError:
            return False
        return True

    await until(has, what=f"a decision about {run_id}")


@pytest.mark.long
async def test_runs_go_on_while_the_slot_of_their_shard_moves_to_another_master(
    cluster: RedisCluster, tmp_path: Path
) -> None:
    async with two_workers(cluster, tmp_path / "data", replicas=0) as world:
        runs = [await world.trigger(f"press bell {number}\nstamp letter {number}") for number in range(8)]
        records = [await world.opened(run_id) for run_id in runs]
        shard = shard_of(runs[0])
        source = cluster.master_of(f"{{s{shard}}}")
        target = cluster.another_master(source)

        moving = asyncio.create_task(asyncio.to_thread(cluster.move, f"{{s{shard}}}", source, target))
        for run_id, record in zip(runs, records, strict=True):
            await _decides(world, run_id, record)
        await moving

        for run_id in runs:
            assert (await world.ended(run_id)).state == "done"
        assert master_of(cluster, runs[0]) is target
        assert await world.dead() == []

    wanted = [f"{verb} {number}" for verb in ("press bell", "stamp letter") for number in range(8)]
    assert sorted(world.workshop.effects) == sorted(wanted)
