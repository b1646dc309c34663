"""A survey whose worker is killed halfway asks each person once all the same."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.kit.office import TOML
from tests.kit.programs import Program
from tests.kit.waiting import until
from tests.kit.world import World
from tests.stories.test_ask import asked, asks

FIVE = [f"p{number}" for number in range(5)]
CROWD = "".join(
    f'[people.{name}]\nname = "{name.upper()}"\nemail = "{name}@corp.example"\ngroups = ["all"]\n' for name in FIVE
)


@pytest.mark.long
async def test_a_worker_killed_between_the_third_and_the_fourth_child_starts_each_once(
    redis: str, tmp_path: Path
) -> None:
    world = World(redis, tmp_path / "data", CROWD + TOML, deploys=True)
    await world.start(works=False)
    try:
        run_id = await asks(world, "ask group:all: Ready? | until tomorrow")
        with Program([redis, str(tmp_path / "data")], {}, tmp_path / "log", "tests.kill.asker") as killed:
            assert await killed.dies() == -signal.SIGKILL
        assert [child.key for child in (await world.run(run_id)).children] == FIVE[:3]

        await world.stop()
        await world.start()
        questions = await asked(world, run_id, FIVE)
        # Whose question is answered before its mail goes out gets none.
        await until(lambda: all(_mails(world, name) for name in FIVE), what="everybody has the question by mail")
        await asyncio.gather(*(world.decide(name, questions[name], "free_text", f"yes, {name}") for name in FIVE))

        summary = await world.summary(run_id)
        assert "done: 5 of 5 answered" in summary
        assert all(f"{name.upper()}: “yes, {name}”" in summary for name in FIVE)
        assert [child.key for child in (await world.run(run_id)).children] == FIVE
        await world.quiet()
        assert [_mails(world, name) for name in FIVE] == [1] * 5
    finally:
        await world.stop()


def _mails(world: World, name: str) -> int:
    return len([one for one in world.mails(name) if "Ready?" in one.text])
