"""Turns of the loop: one at a time for each run, and none that is asked for is forgotten."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bot.store import WorkItem
from bot.telemetry import Off
from tests.kit.guards import guards
from tests.kit.waiting import until
from tests.kit.world import World, a_world


class Turns(Off):
    """Counts the turns of runs."""

    def __init__(self) -> None:
        self.begun = self.at_once = self.most = 0

    @contextmanager
    def turn(self, run_id: str) -> Generator[None]:
        self.begun += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            yield
        finally:
            self.at_once -= 1


@guards("planted:second_wake_while_a_run_moves")
async def test_a_wake_while_a_run_moves_is_one_more_turn_after_it(redis: str, tmp_path: Path) -> None:
    turns = Turns()

    def change(world: World) -> None:
        world.telemetry = turns

    async with a_world(redis, tmp_path / "data", change=change) as world:
        may_go = world.workshop.hold("facts")
        run_id = await world.trigger("who")
        await until(lambda: world.workshop.started == ["look up facts"], what="the run thinks")

        await world.app.work.dispatcher.look(WorkItem("run", run_id))
        assert turns.begun == 1, "it moves already"
        may_go.set()
        await world.ended(run_id)
        await world.quiet()

    assert (turns.begun, turns.most) == (2, 1)
