"""A store that is put back under a running worker: what was approved and done since is not done again."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.programs import RedisServer
from tests.waiting import until
from tests.world import World, a_world


class Kept:
    """A server whose files can be put back to what they were."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._kept = folder / "redis", folder / "kept"
        self.server = RedisServer(self._folder)

    def keep(self) -> None:
        """Keep the files as they are: each write is in them."""
        shutil.copytree(self._folder, self._kept)

    def put_back(self) -> None:
        """Kill the server, and start it with the files that were kept."""
        self.server.kill()
        shutil.rmtree(self._folder)
        shutil.copytree(self._kept, self._folder)
        self.server.start()


@pytest.fixture
def redis_kept(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path)
    with kept.server:
        kept.server.start()
        yield kept


async def approved(world: World, kept: Kept) -> None:
    """A press is approved, and kept; then it is done."""
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.stop()
    await world.start(works=False)
    await world.decide("bo", record, "approve")
    kept.keep()
    await world.stop()
    await world.start()
    await world.ended(run_id)
    assert world.workshop.effects == ["press bell"]


async def test_attack_what_was_approved_and_done_is_not_done_again_by_the_worker_that_did_it(
    redis_kept: Kept, tmp_path: Path
) -> None:
    async with a_world(redis_kept.server.url, tmp_path / "data") as world:
        await approved(world, redis_kept)

        await asyncio.to_thread(redis_kept.put_back)

        await until(lambda: world.app.store.memory.is_doubted or len(world.workshop.effects) > 1)
        assert world.workshop.effects == ["press bell"]
