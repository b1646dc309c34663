"""A process that makes a fork may die at any moment: a whole run or none is there, and asking again makes no second."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from agents.events import RunForked
from agents.requests import PersonId, RunId
from bot.app import App, compose
from bot.config.data_dir import redis_url
from bot.config.settings import load
from bot.runs.api_requests import Asker
from tests.kit.clerk import Workshop, clerk
from tests.kit.long import few_of
from tests.kit.office import QUICK
from tests.kit.programs import KEY, Program
from tests.kit.world import World
from tests.servers.lines import Server

FORK = RunId("s1r-bbbbbbbbbbbbb")


def composed(folder: Path, url: str) -> App:
    """Return what a process that only makes forks holds."""
    environ = {f"SAYSO_{name}": value for name, value in QUICK.items()} | {
        "SAYSO_REDIS_URL": url,
        "SAYSO_SECRET_KEY": KEY,
    }
    settings = load(folder, environ)
    return compose(settings, redis_url(settings), [], [clerk(Workshop())], sends=False)


def main() -> None:
    """Make one fork, in a process to be killed."""
    folder, url, source, seq = sys.argv[1:]

    async def work() -> None:
        app = composed(Path(folder), url)
        await app.runs.forks.fork(RunId(source), int(seq), Asker(PersonId("anna"), proof=None), FORK)
        await app.store.client.close()

    asyncio.run(work())


@pytest.fixture
def proxy(redis: str) -> Iterator[Server]:
    with Server("tests.servers.redis_proxy", redis) as proxy:
        yield proxy


@pytest.mark.parametrize("point", few_of(["admit", "commit"], 1))
@pytest.mark.parametrize("when", few_of(["before", "after"], 1))
async def test_a_fork_whose_maker_dies_is_there_as_a_whole_or_not_at_all(
    world: World, proxy: Server, point: str, when: Literal["before", "after"]
) -> None:
    source = await world.trigger("stamp form\npress bell")
    await world.opened(source)
    await world.quiet()
    events = await world.events(source)
    proxied = f"redis://127.0.0.1:{proxy.said['redis_port']}/0"
    copied = [*(event.type for event in events), "run_forked", "step_chosen"]
    name = "admit" if point == "admit" else f"commit {'+'.join(copied)}"
    words = [str(world.folder), proxied, source, str(len(events))]
    with Program(words, {}, world.folder / "maker.log", "tests.kill.test_forks_killed:main") as maker:
        proxy.ask(do="arm", name=name, nth=1, when=when, act="kill", pid=maker.process.pid)

        assert await maker.dies() == -signal.SIGKILL

    told = await world.events(FORK)
    assert bool(told) == ((point, when) == ("commit", "after"))
    if told:
        assert isinstance(told[len(events)], RunForked)
        assert told[1 : len(events)] == events[1:]
    again = await world.app.runs.forks.fork(source, len(events), Asker(PersonId("anna"), proof=None), FORK)
    record = await world.opened(again)
    told = await world.events(FORK)
    assert [event for event in told if isinstance(event, RunForked)] == [told[len(events)]]
    assert record.request.run_id == FORK
    assert await world.app.runs.forks.forks_of(source) == (FORK,)
    await world.decide("bo", record, "approve")
    assert (await world.ended(FORK)).state == "done"
    assert world.workshop.effects == ["stamp form", "press bell"]
