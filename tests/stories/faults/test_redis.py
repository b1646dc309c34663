"""Redis that is away: everything waits, nothing is lost, nothing happens twice, and nobody has to help."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.store.client import StoreError, StoreUnavailable, TakesNoWrites
from bot.store.embedded import EmbeddedRedis
from tests.kit.waiting import until
from tests.kit.world import World, a_world


@pytest.fixture
def server(short_path: Path) -> Iterator[EmbeddedRedis]:
    """A Redis server of this test alone, to be stopped and started; it is not running yet."""
    server = EmbeddedRedis(short_path, short_path / "run")
    yield server
    server.stop()


def url_of(server: EmbeddedRedis) -> str:
    """Return where the server answers, running or not."""
    url = server.start()
    server.stop()
    return url


def kill(server: EmbeddedRedis) -> None:
    assert server.process is not None
    server.process.kill()
    server.process.wait()


@pytest.mark.long
async def test_a_start_without_redis_says_so_and_goes_on_when_it_is_there(
    server: EmbeddedRedis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(url_of(server), tmp_path / "data")
    said: list[str] = []

    def has_said() -> bool:
        said.append(capsys.readouterr().out)
        return "waiting for Redis" in "".join(said)

    starting = asyncio.create_task(world.start())
    await until(has_said)
    assert "Redis does not answer" in "".join(said)
    assert not starting.done()
    server.start()

    await starting
    assert await world.summary(await world.trigger("stamp letter")) == "done: ok: stamp letter: done"
    await world.stop()


async def test_a_run_that_waits_for_people_survives_redis_being_killed(server: EmbeddedRedis, tmp_path: Path) -> None:
    async with a_world(server.start(), tmp_path / "data") as world:
        run_id = await world.trigger("press bell")
        card = await world.next_mail("bo")

        kill(server)
        await world.reply("bo", card, "approved")
        server.start()

        assert await world.summary(run_id) == "done: ok: press bell: done"
        assert world.workshop.effects == ["press bell"]
        kinds = [event.type for event in await world.events(run_id)]
        assert kinds.count("request_decided") == 1


async def test_a_result_that_comes_while_redis_is_away_is_kept_until_it_is_back(
    server: EmbeddedRedis, tmp_path: Path
) -> None:
    async with a_world(server.start(), tmp_path / "data") as world:
        may_end = world.workshop.hold("letter")
        run_id = await world.trigger("stamp letter")
        await until(lambda: world.workshop.started)

        kill(server)
        may_end.set()
        await until(lambda: world.workshop.effects)
        server.start()

        assert await world.summary(run_id) == "done: ok: stamp letter: done"
        assert world.workshop.started == ["stamp letter"]


async def test_an_outage_that_is_short_is_not_shown_to_anybody(server: EmbeddedRedis, tmp_path: Path) -> None:
    async with a_world(server.start(), tmp_path / "data") as world:
        world.app.store.client.patience_s = 60
        kill(server)
        starting = asyncio.create_task(world.trigger("stamp letter"))
        await until(lambda: not starting.done())
        server.start()

        assert await world.summary(await starting) == "done: ok: stamp letter: done"


async def test_an_outage_that_lasts_is_told_in_words_to_who_asks(server: EmbeddedRedis, tmp_path: Path) -> None:
    async with a_world(server.start(), tmp_path / "data") as world:
        world.app.store.client.patience_s = 0.1
        kill(server)

        with pytest.raises(StoreUnavailable, match=r"Redis does not answer: .*Nothing is lost; it is tried again"):
            await world.trigger("stamp letter")
        server.start()


@pytest.mark.long
async def test_many_runs_go_on_after_redis_was_killed_again_and_again(server: EmbeddedRedis, tmp_path: Path) -> None:
    async with a_world(server.start(), tmp_path / "data") as world:
        runs = [await world.trigger(f"stamp one {number}\nstamp two {number}") for number in range(20)]
        for count in (5, 15, 30):
            await until(lambda count=count: len(world.workshop.effects) >= count)
            kill(server)
            server.start()

        for run_id in runs:
            assert (await world.ended(run_id)).state == "done"
        wanted = {f"stamp {word} {number}" for word in ("one", "two") for number in range(20)}
        assert set(world.workshop.effects) == wanted
        assert len(world.workshop.effects) == len(wanted), "each worker lived on, so nothing was tried twice"


async def test_a_result_that_a_full_redis_refuses_is_kept_until_there_is_room(
    server: EmbeddedRedis, tmp_path: Path
) -> None:
    async with a_world(server.start(), tmp_path / "data") as world:
        may_end = world.workshop.hold("rope")
        run_id = await world.trigger("pull rope")
        await until(lambda: world.workshop.started)
        client = world.app.store.client

        await client.do("CONFIG", "SET", "maxmemory", "1")
        may_end.set()
        await until(lambda: world.workshop.effects)
        with pytest.raises(StoreError, match="not allowed when used memory"):
            await world.trigger("pull another rope")
        await client.do("CONFIG", "SET", "maxmemory", "0")

        assert await world.summary(run_id) == "done: ok: pull rope: done"


async def test_attack_a_dead_letter_that_is_tried_again_while_redis_is_full_is_still_in_the_list(
    server: EmbeddedRedis, tmp_path: Path
) -> None:
    async with a_world(server.start(), tmp_path / "data") as world:
        world.workshop.poison.add("letter")
        run_id = await world.trigger("stamp letter")

        async def is_given_up() -> bool:
            await world.move_time(1)
            return bool(await world.dead())

        await until(is_given_up)
        world.workshop.poison.clear()
        client, given_up = world.app.store.client, await world.dead()

        await client.do("CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(TakesNoWrites, match="Nothing is lost"):
            await world.app.messages.quarantine.requeue(run_id, "dan")
        await client.do("CONFIG", "SET", "maxmemory", "0")

        assert await world.dead() == given_up
        await world.app.messages.quarantine.requeue(run_id, "dan")
        assert await world.summary(run_id) == "done: ok: stamp letter: done"
