"""A worker dies by kill -9 while it starts a run for another one: exactly one child is there afterwards."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import pytest

from agents.events import ChildStarted, RunStarted
from agents.run import fold
from bot.app import compose
from bot.config.data_dir import redis_url
from bot.process.processes import serve
from tests.kit.clerk import Workshop, clerk
from tests.kit.long import few_of
from tests.kit.office import TOML, settings_of
from tests.kit.programs import KEY, Program
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.lines import Server

NOTED, BEGUN = "commit child_started", "commit run_started"
When = Literal["before", "after"]


def main() -> None:
    """Be a worker, in a process to be killed."""
    folder, url = sys.argv[1:]

    async def work() -> None:
        settings = settings_of(Path(folder), TOML, {"SAYSO_REDIS_URL": url, "SAYSO_SECRET_KEY": KEY})
        app = compose(settings, redis_url(settings), [], [clerk(Workshop())])
        await serve(app, works=True, receives=())

    asyncio.run(work())


@pytest.fixture
def proxy(redis: str) -> Iterator[Server]:
    with Server("tests.servers.redis_proxy", redis) as proxy:
        yield proxy


async def a_worker(world: World, proxy: Server, stack: ExitStack) -> Program:
    """A worker beside `world`, which only hears wishes; its line to Redis goes through the proxy."""
    await world.stop()
    await world.start(works=False, receives=False)
    words = [str(world.folder), f"redis://127.0.0.1:{proxy.said['redis_port']}/0"]
    main = "tests.kill.test_children_killed:main"
    return stack.enter_context(Program(words, {}, world.folder / "worker.log", main))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize(
    "case",
    few_of([("before", NOTED, 0, 0), ("after", NOTED, 1, 0), ("before", BEGUN, 1, 0), ("after", BEGUN, 1, 1)]),
)
async def test_a_worker_that_dies_while_it_starts_a_child_leaves_exactly_one(
    world: World, proxy: Server, stack: ExitStack, case: tuple[When, str, int, int]
) -> None:
    when, point, noted, begun = case
    worker = await a_worker(world, proxy, stack)
    proxy.ask(do="arm", name=point, nth=1, when=when, act="kill", pid=worker.process.pid)
    run_id = await world.trigger("start_run stamp letter")

    assert await worker.dies() == -signal.SIGKILL

    children = [event for event in await world.events(run_id) if isinstance(event, ChildStarted)]
    assert len(children) == noted
    assert sum([len(await world.events(child.run_id)) for child in children]) == begun
    await world.stop()
    await world.start()
    assert await world.summary(run_id) == "done: ok: ok: stamp letter: done"
    [child] = [event for event in await world.events(run_id) if isinstance(event, ChildStarted)]
    assert [event.run_id for event in children] in ([], [child.run_id])
    [first, *_] = await world.events(child.run_id)
    assert isinstance(first, RunStarted)
    assert first.parent is not None
    assert (first.parent.max_tokens, first.parent.max_cost_usd) == (child.max_tokens, child.max_cost_usd)
    assert set(await world.app.store.lists.runs()) == {run_id, child.run_id}
    assert world.workshop.effects == ["stamp letter"]
    assert [*fold(await world.events(run_id)).ended_children] == [child.run_id]


@pytest.mark.long
async def test_a_child_that_a_frozen_worker_begins_after_its_parent_has_ended_is_stopped(
    world: World, proxy: Server, stack: ExitStack
) -> None:
    worker = await a_worker(world, proxy, stack)
    proxy.ask(do="arm", name=BEGUN, nth=1, when="before", act="stop", pid=worker.process.pid)
    run_id = await world.trigger("start_run press bell")

    async def is_frozen() -> bool:
        return proxy.ask(do="seen")["sprung"] == 1

    await until(is_frozen, what="the worker is frozen")
    [child_id] = [event.run_id for event in await world.events(run_id) if isinstance(event, ChildStarted)]
    await world.stop()
    await world.start()
    await world.steer(run_id, "cancel")
    await world.move_time(3600)
    assert (await world.ended(run_id)).state == "cancelled"
    assert await world.events(child_id) == ()

    proxy.ask(do="release")
    worker.signal(signal.SIGCONT)

    assert await world.summary(child_id) == f"cancelled: stopped by {run_id}, which started it: cancelled by Anna Ames"
    await asyncio.to_thread(worker.leaves)
