"""A Redis whose disk fails answers and takes no writes: nothing is lost, nothing done twice, and it heals by itself."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.store.client.errors import TakesNoWrites
from tests.bot.web.problems import refused
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.redis import RedisServer
from tests.servers.web import serving

DONE = ["press bell"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis", {"save": "3600 1"}) as server:
        yield server.start()


async def test_attack_what_comes_and_ends_while_redis_takes_no_writes_counts_once_it_does(
    server: RedisServer, tmp_path: Path
) -> None:
    async with a_world(server.url, tmp_path / "data") as world, serving(world.app) as api:
        may_end = world.workshop.hold("rope")
        pulling = await world.trigger("pull rope")
        await until(lambda: world.workshop.started)
        pressing = await world.trigger("press bell")
        record = await world.opened(pressing)
        bo, card = await api.client("bo"), await world.next_mail("bo", "Press bell?")

        await asyncio.to_thread(server.lose_disk)
        may_end.set()
        await until(lambda: "pull rope" in world.workshop.effects)
        await world.reply("bo", card, "approve")
        with pytest.raises(TakesNoWrites, match=r"MISCONF.*it is tried again"):
            await world.decide("bo", record, "approve")
        deny = {"vote": "deny"}
        refused(await bo.post(f"/v1/requests/{record.request.id}/answer", json=deny), 503, "unavailable")
        assert "MISCONF" in refused(await bo.get("/readyz"), 503, "unavailable")
        assert (await bo.get("/healthz")).status_code == 200
        assert (await bo.get(f"/v1/requests/{record.request.id}")).status_code == 200
        assert (await world.request(record.request.id)).votes == ()
        await asyncio.to_thread(server.find_disk)

        await world.has(pressing, "done")
        assert await world.summary(pulling) == "done: ok: pull rope: done"
        assert sorted(world.workshop.effects) == ["press bell", "pull rope"]

        async def is_ready() -> bool:
            return (await bo.get("/readyz")).status_code == 200

        await until(is_ready, what="it is ready")


async def test_attack_a_worker_that_starts_while_redis_takes_no_writes_waits_and_then_does_what_was_approved(
    server: RedisServer, tmp_path: Path
) -> None:
    async with a_world(server.url, tmp_path / "data") as world:
        run_id = await approved_and_not_begun(world)

        await asyncio.to_thread(server.lose_disk)
        starting = asyncio.create_task(world.start())
        await until(lambda: starting.done() or is_refused(server), what="the worker tries to start")
        await asyncio.to_thread(server.find_disk)
        await starting

        await world.has(run_id, "done")
        assert world.workshop.effects == DONE


async def approved_and_not_begun(world: World) -> str:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.stop()
    await world.start(works=False)
    await world.decide("bo", record, "approve")
    await world.stop()
    return run_id


def is_refused(server: RedisServer) -> bool:
    """Whether anybody has tried to write in vain."""
    connection = server.connect()
    try:
        return "errorstat_MISCONF" in str(connection.ask("INFO", "errorstats"))
    finally:
        connection.close()
