"""A store that is put back, or emptied, under processes that run or stand: what was done in it is not done again."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.requests import PersonId
from bot.app import compose
from bot.backup.claiming import claim
from bot.process.backups import hold_loaded
from bot.process.running import running
from bot.store import WentBack
from bot.store.client.durability import NotWhole
from bot.store.went_back import OtherStore, look
from tests.kit.clerk import Workshop, clerk
from tests.kit.office import TOML, settings_of
from tests.kit.waiting import until
from tests.kit.world import World, a_world, beside_it
from tests.servers.redis import RedisServer

DONE = ["press bell"]


class Kept:
    """A server whose files can be put back to what they were."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._kept = folder / "redis", folder / "kept"
        self.server = RedisServer(self._folder)

    def keep(self) -> None:
        """Keep the files as they are: each write is in them."""
        shutil.copytree(self._folder, self._kept)
        self.at = datetime.now(UTC)

    def put_back(self) -> None:
        """Kill the server, and start it with the files that were kept."""
        self.server.kill()
        shutil.rmtree(self._folder)
        shutil.copytree(self._kept, self._folder)
        self.server.start()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path)
    with kept.server:
        kept.server.start()
        yield kept


@asynccontextmanager
async def done(kept: Kept, folder: Path) -> AsyncGenerator[World]:
    """A press that is approved was kept so, and done since."""
    async with a_world(kept.server.url, folder) as world:
        run_id = await world.trigger("press bell")
        record = await world.opened(run_id)
        await world.stop()
        await world.start(works=False)
        await world.decide("bo", record, "approve")
        kept.keep()
        await world.stop()
        await world.start()
        await world.ended(run_id)
        assert world.workshop.effects == DONE
        yield world


async def refused(world: World) -> None:
    """Returns when `world` was to do it again; or when it did."""
    await until(lambda: world.app.store.memory.is_doubted or len(world.workshop.effects) > len(DONE))


async def test_attack_what_was_done_is_not_done_again_by_the_worker_that_did_it(kept: Kept, tmp_path: Path) -> None:
    async with done(kept, tmp_path / "data") as world:
        await asyncio.to_thread(kept.put_back)

        await refused(world)

        assert world.workshop.effects == DONE
        with pytest.raises(WentBack, match=r"tools had been started 1 times, and it has 0 in shard.*restore --loaded"):
            await look(world.app.store)


async def test_attack_what_was_done_is_not_done_again_by_a_worker_that_saw_it_done(kept: Kept, tmp_path: Path) -> None:
    async with done(kept, tmp_path / "data") as world, a_world(kept.server.url, tmp_path / "other") as other:
        await world.stop()
        await look(other.app.store)
        await asyncio.to_thread(kept.put_back)

        await refused(other)

        assert other.workshop.effects == []


async def test_attack_what_was_done_is_not_done_again_by_whoever_is_started_after_it_was_put_back(
    kept: Kept, tmp_path: Path
) -> None:
    async with done(kept, tmp_path / "data") as world:
        await world.stop()
        await asyncio.to_thread(kept.put_back)

        with pytest.raises(WentBack):
            await starts(kept, tmp_path / "data")
        with pytest.raises(NotWhole, match=r"Nobody works on it\..*it has 0.*restore --loaded"):
            await starts(kept, tmp_path / "knows nothing")

        assert world.workshop.effects == DONE


async def starts(kept: Kept, folder: Path) -> None:
    """A worker with that data directory starts, and ends."""
    app = compose(settings_of(folder, TOML, {}), kept.server.url, [], (clerk(Workshop()),), sends=False)
    try:
        async with running(app, works=True, receives=()):
            pass
    finally:
        await app.store.client.close()


async def test_what_was_put_back_and_held_goes_on_and_asks_anew(kept: Kept, tmp_path: Path) -> None:
    async with done(kept, tmp_path / "data") as world:
        [run_id] = await world.app.store.lists.runs()
        await asyncio.to_thread(kept.put_back)
        await refused(world)
        with pytest.raises(WentBack):
            await look(world.app.store)
        await world.stop()
        app = world.composed(world.settings())
        await claim(app.store.client)  # whoever asked for it first died on the way
        put_back = await hold_loaded(app)
        await app.store.client.close()
        assert put_back.held.runs == 1
        assert put_back.at < kept.at

        await world.start()

        assert (await world.has(run_id, "paused")).restored_from
        await world.app.requests.freezes.unfreeze("", PersonId("dan"), "", proof=None)
        await world.steer((await world.run(run_id)).id, "resume")
        again = await world.opened((await world.run(run_id)).id)
        await world.decide("bo", again, "approve")
        await world.ended(run_id)
        assert world.workshop.effects == [*DONE, *DONE]
        await look(world.app.store)


async def test_attack_what_was_revoked_since_is_not_done(kept: Kept, tmp_path: Path) -> None:
    async with a_world(kept.server.url, tmp_path / "data") as world:
        record = await world.opened(await world.trigger("press bell"))
        await world.stop()
        await world.start(works=False)
        await world.decide("bo", record, "approve")
        kept.keep()
        await world.decide("cy", record, "deny")
        await world.stop()
        await world.start()
        world.app.store.memory.settled_s = 0
        await world.seal()
        await look(world.app.store)

        await asyncio.to_thread(kept.put_back)
        await until(lambda: world.app.store.memory.is_doubted or world.workshop.effects)

        assert world.workshop.effects == []
        with pytest.raises(WentBack, match="the audit log had"):
            await look(world.app.store)


async def test_attack_who_saw_another_store_starts_nothing_in_one_that_was_begun_anew(
    kept: Kept, tmp_path: Path
) -> None:
    async with a_world(kept.server.url, tmp_path / "data") as world:
        await world.app.store.client.do("FLUSHALL")
        async with beside_it(World(kept.server.url, tmp_path / "new")) as anew:
            record = await anew.opened(await anew.trigger("press bell"))
            await anew.decide("bo", record, "approve")

            await until(lambda: world.app.store.memory.is_doubted or world.workshop.effects)

            assert world.workshop.effects == []
            with pytest.raises(OtherStore, match="another store than before"):
                await look(world.app.store)
