"""Attempts: their leases, their time-outs, and what is left of them when their worker goes."""

import asyncio
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from pydantic import Field
from structlog.testing import capture_logs

from agents import ToolRefused
from agents.events import Event, ToolFinished, ToolOrphaned, ToolQueued, ToolStarted
from agents.requests import AttemptId, RunId
from agents.run import Run, fold, step
from agents.state import Attempt
from agents.steps import CallTool
from bot.config.example import example_toml
from bot.dev.demo import add_ways
from bot.execution.executor import prepare
from bot.render.outcome import word_of
from bot.store import Commit, StoreError, WorkItem
from bot.testing.events import tool_started
from tests.kit.clerk import What, Workshop, clerk
from tests.kit.guards import guards
from tests.kit.long import few_of
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World, a_world, beside_it
from tests.servers.lines import Server
from tests.servers.redis_proxy import Proxy
from tests.stories.faults.test_deploy import release


def hasty(world: World) -> None:
    """Its tools have a tenth of a second."""
    world.workshop.timeouts_s |= {"stamp": 0.1, "pull": 0.1}


def patient(world: World) -> None:
    """A slow machine takes its time to begin, and to deploy."""
    world.environ = {"SAYSO_LEASE_S": "60"}


def sweeps_nothing(world: World) -> None:
    world.environ = {"SAYSO_GRACE_S": "3600"}


async def of_tools(world: World, run_id: str) -> list[Event]:
    events = await world.events(run_id)
    return [event for event in events if isinstance(event, ToolStarted | ToolFinished | ToolOrphaned)]


async def test_an_attempt_says_what_is_done_for_whom_and_where(world: World) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.decide("bo", record, "approve")
    await world.ended(run_id)

    started, ended = await of_tools(world, run_id)

    assert isinstance(started, ToolStarted)
    assert isinstance(ended, ToolFinished)
    assert record.request.call is not None
    assert (started.tool, started.effect, started.request_id) == (
        "press",
        record.request.call.effect,
        record.request.id,
    )
    assert started.host == world.app.runs.executor.host
    assert ended.attempt_id == started.attempt_id


class Seldom(What):
    """What may be pressed three times."""

    times: int = Field(le=3)


async def test_arguments_that_a_tool_does_not_take_are_refused() -> None:
    pressed = CallTool(tool="press", arguments={"what": "bell", "times": 4})

    with pytest.raises(ToolRefused, match="times: Input should be less than or equal to 3"):
        await prepare(clerk(Workshop(args=Seldom)), fold([]), pressed)


async def test_a_tool_that_takes_longer_than_its_lease_keeps_it(world: World) -> None:
    may_end = world.workshop.hold("letter")
    run_id = await world.trigger("stamp letter")
    await until(lambda: world.workshop.started)
    [started] = await of_tools(world, run_id)
    assert isinstance(started, ToolStarted)
    ends = [(await world.app.store.lease(run_id, started.attempt_id))[1]]

    async def is_renewed_in_time() -> bool:
        """Afterwards would do for this worker, which knows its own, and not for others."""
        before, now = ends[-1], await world.now()
        ends.append((await world.app.store.lease(run_id, started.attempt_id))[1])
        return now < before < ends[-1]

    await until(is_renewed_in_time)
    await world.move_time(30)
    await world.app.work.dispatcher.look(WorkItem("run", run_id))
    may_end.set()

    assert await world.summary(run_id) == "done: ok: stamp letter: done"
    assert world.workshop.started == ["stamp letter"]


@guards("planted:end_of_a_tool_is_told")
@opens(change=sweeps_nothing)
async def test_a_run_goes_on_at_once_when_its_tool_ends(world: World) -> None:
    assert await world.summary(await world.trigger("stamp letter")) == "done: ok: stamp letter: done"


@guards("planted:lease_before_effect")
async def test_an_attempt_without_its_lease_has_no_effect(world: World) -> None:
    run_id = await world.trigger("press bell")
    await world.opened(run_id)
    run, [agent] = await world.run(run_id), [world.app.runs.executor.agents["clerk"]]
    tool = agent.tool("press")
    assert run.pending is not None
    assert tool is not None
    args = tool.args(what="bell")
    attempt = Attempt(
        AttemptId("s0a-aaaaaaaaaaaaa"), await world.now(), "here", tool.idempotent, await tool.prepare(args)
    )

    world.app.runs.executor.begin(run, run.pending, tool, args, attempt, None)
    await world.app.runs.executor.leave(30)

    assert world.workshop.started == []


async def found_gone(world: World, other: World, run: Run) -> None:
    """Have `other` look after the attempt of a run in `world` until it finds its owner gone."""

    async def is_orphaned() -> bool:
        assert run.pending
        assert run.pending.attempt
        await world.app.store.renew(run.id, run.pending.attempt.id, 0)
        await other.app.runs.executor.look_after(run, run.pending, run.pending.attempt)
        orphaned = [event.attempt_id for event in await world.events(run.id) if isinstance(event, ToolOrphaned)]
        return run.pending.attempt.id in orphaned

    await until(is_orphaned, what="its owner is found gone")


async def test_what_was_read_as_waiting_for_its_turn_may_have_begun_since(
    world: World, redis: str, tmp_path: Path
) -> None:
    may_end = world.workshop.hold("rope")
    run_id = await world.trigger("pull rope")
    await until(lambda: world.workshop.started == ["pull rope"], what="it has begun")
    run = await world.run(run_id)
    assert run.pending
    assert run.pending.attempt
    waits = ToolQueued(at=await world.now(), attempt_id=run.pending.attempt.id, behind=RunId("s0r-aaaaaaaaaaaaa"))
    read = step(run, waits)

    async with beside_it(World(redis, tmp_path / "other")) as other:
        await found_gone(world, other, read)

    _, orphaned = await of_tools(world, run_id)
    assert isinstance(orphaned, ToolOrphaned)
    assert orphaned.may_have_started
    may_end.set()


@pytest.mark.parametrize("how", ["it waits for its turn", "its worker did not begin it"])
@opens(change=sweeps_nothing)
async def test_what_never_began_is_not_asked_about(world: World, how: str) -> None:
    run_id = await world.trigger("press bell")
    await world.opened(run_id)
    await world.quiet()
    executor, store, run = world.app.runs.executor, world.app.store, await world.run(run_id)
    assert run.pending
    began = tool_started(step_id=run.pending.id)
    await store.start_tool(run_id, run.seq, began.attempt_id, began, None)
    if how == "it waits for its turn":
        waits = ToolQueued(at=await world.now(), attempt_id=began.attempt_id, behind=RunId("s0r-aaaaaaaaaaaaa"))
        await store.commit(Commit(run_id=run_id, events=[waits]))
    else:
        executor.never_begin(began.attempt_id)
    await store.renew(run_id, began.attempt_id, 0)
    run = await world.run(run_id)
    assert run.pending
    assert run.pending.attempt

    await executor.look_after(run, run.pending, run.pending.attempt)

    [_, orphaned] = await _two(world, run_id)
    assert isinstance(orphaned, ToolOrphaned)
    assert not orphaned.may_have_started


async def test_attack_a_start_whose_answer_is_lost_is_not_asked_about_by_the_process_that_did_not_begin_it(
    world: World, tmp_path: Path
) -> None:
    record = await world.opened(run_id := await world.trigger("press bell"))
    await world.quiet()
    await world.stop()
    proxy = Proxy(world.url)
    server = await asyncio.start_server(proxy.handle, "127.0.0.1")
    other = World(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}", tmp_path / "data")
    async with beside_it(other):
        client, look = other.app.store.client, partial(other.app.work.dispatcher.look, WorkItem("run", run_id))
        patience_s, client.patience_s = client.patience_s, 0.1
        await other.decide("bo", record, "approve")
        proxy.control({"do": "arm", "name": "commit tool_started", "nth": 1, "when": "after", "act": "hold"})
        moving = asyncio.create_task(look())
        await until(lambda: proxy.control({"do": "seen"})["sprung"] == 1, what="its start is recorded")
        proxy.control({"do": "cut"})
        with pytest.raises(StoreError):
            await moving
        client.patience_s = patience_s
        proxy.control({"do": "mend"})
        [begun] = await of_tools(other, run_id)
        assert isinstance(begun, ToolStarted)

        await other.steer(record.request.run_id, "pause")
        await other.app.store.renew(run_id, begun.attempt_id, 0)
        await look()

        [_, orphaned] = await of_tools(other, run_id)
        assert isinstance(orphaned, ToolOrphaned)
        assert not orphaned.may_have_started
    server.close()


def is_another_letter(workshop: Workshop) -> None:
    workshop.meaning["letter"] = "another letter"


def is_lost(workshop: Workshop) -> None:
    workshop.meaning["letter"] = ""


def needs_two(workshop: Workshop) -> None:
    workshop.policy_of["letter"] = "pair"


@pytest.mark.parametrize("changes", few_of([is_another_letter, is_lost, needs_two], 0))
async def test_what_may_have_happened_and_is_not_done_again_is_asked_about_first(
    world: World, redis: str, tmp_path: Path, changes: Callable[[Workshop], None]
) -> None:
    world.workshop.policy_of["letter"] = "production"
    may_end = world.workshop.hold("letter")
    run_id = await world.trigger("stamp letter")
    approved = await world.opened(run_id)
    await world.decide("bo", approved, "approve")
    await until(lambda: world.workshop.started == ["stamp letter"], what="it has begun")
    changes(world.workshop)
    run = await world.run(run_id)

    async with beside_it(World(redis, tmp_path / "other")) as other:
        await found_gone(world, other, run)
        await world.has(run_id, "unknown")

    assert (await world.opened(run_id)).request.purpose == "unknown"
    assert (await world.request(approved.request.id)).state == "approved"
    assert world.workshop.started == ["stamp letter"]
    may_end.set()


@opens(change=hasty)
async def test_attack_a_tool_that_does_not_end_in_time_is_unknown_and_failed_where_it_honours_its_key(
    world: World,
) -> None:
    for what in ("letter", "rope"):
        world.workshop.hold(what)

    run = await world.ended(await world.trigger("stamp letter"))
    run_id = await world.trigger("pull rope")
    await world.has(run_id, "unknown")

    assert run.ended
    assert (run.ended.summary, run.ended.change) == ("error: stamp did not end within 0 s", "unknown")
    assert word_of(run) == "unknown"
    _, orphaned = await of_tools(world, run_id)
    assert isinstance(orphaned, ToolOrphaned)
    assert orphaned.may_have_started


async def test_a_command_that_outlives_its_worker_is_adopted_and_runs_once(shop: World) -> None:
    run_id, runs, gate = await held_deploy(shop)

    async with shop.stopped():
        pass
    await shop.has(run_id, "running")
    gate.write_text("go\n")

    assert (await shop.ended(run_id)).state == "done"
    assert runs.read_text() == "run\n"
    kinds = [event.type for event in await of_tools(shop, run_id)]
    assert kinds == ["tool_started", "tool_finished"] * 3, "the deploy, what is live, and its health"


async def test_a_command_is_adopted_where_its_secret_has_gone_meanwhile(redis: str, tmp_path: Path, demo: Path) -> None:
    folder, token = tmp_path / "data", tmp_path / "token"
    shutil.copytree(demo, folder / "demo", symlinks=True)
    add_ways(folder / "demo")
    token.write_text("hush-5f2c")
    given = f'[deploy.environments.staging]\nenv = {{API_TOKEN_FILE = "{token}"}}\n'
    toml = example_toml(folder / "demo" / "shop").replace("[deploy.environments.staging]\n", given)
    gate, said = folder / "demo" / "gate", folder / "demo" / "said"
    os.mkfifo(gate)

    async with a_world(redis, folder, toml, deploys=True) as shop:
        release(shop, "v1.2.0", f'#!/bin/sh\necho "$API_TOKEN" >> {said}\nread -r _ < {gate}\nexec ./real.sh "$@"\n')
        run_id = await shop.trigger("deploy v1.2.0 to staging")
        await until(said.exists)
        async with shop.stopped():
            token.unlink()
        await shop.has(run_id, "running")
        gate.write_text("go\n")
        [_, first, *_] = await until(lambda: _two(shop, run_id))

    assert said.read_text() == "hush-5f2c\n"
    assert isinstance(first, ToolFinished)
    assert first.error == ""


async def _two(shop: World, run_id: str) -> list[Event]:
    """The start and the end of the deploy; nothing before both are there."""
    found = await of_tools(shop, run_id)
    return found if len(found) > 1 else []


async def test_a_command_that_a_restarted_worker_left_is_not_given_up_by_another_machine(
    shop: World, redis: str, tmp_path: Path
) -> None:
    run_id, runs, gate = await held_deploy(shop)

    async with shop.stopped(), a_world(redis, tmp_path / "other", shop.toml, deploys=True, change=patient) as other:
        run = await other.run(run_id)
        assert run.pending
        assert run.pending.attempt
        assert (await other.app.store.lease(run_id, run.pending.attempt.id))[0] == "dead"
        assert await other.app.runs.executor.look_after(run, run.pending, run.pending.attempt), "it looks again"
        gate.write_text("go\n")

        assert (await other.ended(run_id)).state == "done"
    assert runs.read_text() == "run\n"


def copied(folder: Path) -> None:
    """Leave the name of the first data directory in a copy that was made before anything ran there."""
    copy = folder.with_name("copy")
    copy.mkdir(mode=0o700)
    shutil.copy(folder / "host", copy)


def put_back(folder: Path) -> None:
    """Put the data directory back to before anything ran there."""
    shutil.rmtree(folder / "attempts")


async def held_deploy(shop: World) -> tuple[RunId, Path, Path]:
    """A deploy whose command runs until something is written to its gate; the run, the file of its runs, the gate."""
    gate, runs = shop.folder / "demo" / "gate", shop.folder / "demo" / "runs"
    release(shop, "v1.2.0", f'#!/bin/sh\necho run >> {runs}\nread -r _ < {gate}\nexec ./real.sh "$@"\n')
    os.mkfifo(gate)
    run_id = await shop.trigger("deploy v1.2.0 to staging")
    await until(runs.exists)
    return run_id, runs, gate


@pytest.mark.parametrize(("how", "name"), [(copied, "copy"), (put_back, "data")])
async def test_attack_what_another_copy_of_the_data_directory_runs_is_not_run_again(
    shop: World, redis: str, how: Callable[[Path], None], name: str
) -> None:
    run_id, runs, gate = await held_deploy(shop)

    async with shop.stopped():
        how(shop.folder)
        async with a_world(redis, shop.folder.with_name(name), shop.toml, deploys=True) as other:
            await other.has(run_id, "unknown")
            assert (await other.opened(run_id)).request.purpose == "unknown"
            assert runs.read_text() == "run\n"
            gate.write_text("go\n")
            await until(lambda: [*(shop.folder / "attempts").glob("*.result")], what="the first one's end")


async def test_attack_a_deploy_goes_on_in_an_environment_that_is_called_otherwise_since_and_did_not_fail(
    shop: World,
) -> None:
    run_id, _, gate = await held_deploy(shop)

    async with shop.stopped():
        shop.toml = shop.toml.replace("[deploy.environments.staging", "[deploy.environments.preview")

    await shop.has(run_id, "unknown")
    assert [event.type for event in await of_tools(shop, run_id)] == ["tool_started", "tool_orphaned"]
    gate.write_text("go\n")


async def test_attack_a_deploy_that_fills_the_disk_of_its_result_did_not_fail(shop: World) -> None:
    runs, kept = shop.folder / "demo" / "runs", shop.folder / "attempts"
    full = f"mv {kept} {kept}.before\n: > {kept}\n"
    release(shop, "v1.2.0", f'#!/bin/sh\n./real.sh "$@"\necho run >> {runs}\n{full}')

    run_id = await shop.trigger("deploy v1.2.0 to staging")

    await shop.has(run_id, "unknown")
    assert runs.read_text() == "run\n"
    assert [event.type for event in await of_tools(shop, run_id)] == ["tool_started", "tool_orphaned"]


async def test_attack_where_no_file_can_be_made_a_deploy_is_tried_once_and_whoever_asked_hears_of_it(
    shop: World,
) -> None:
    shutil.rmtree(shop.folder / "locks", ignore_errors=True)
    (shop.folder / "locks").write_text("")

    run_id = await shop.trigger("deploy v1.2.0 to staging")

    assert (await shop.ended(run_id)).state == "failed"
    assert [event.type for event in await of_tools(shop, run_id)] == ["tool_started", "tool_finished"]
    assert "can't be started" in (await shop.next_mail("anna", about="Failed")).text.replace("\n", " ")


@opens(change=patient)
async def test_while_redis_is_away_right_before_an_effect_nothing_begins_and_that_is_no_error_of_the_tool(
    world: World, redis: str, tmp_path: Path
) -> None:
    run_id = await world.trigger("press bell")
    await world.opened(run_id)
    await world.quiet()
    run, [agent] = await world.run(run_id), [world.app.runs.executor.agents["clerk"]]
    tool = agent.tool("press")
    assert run.pending
    assert tool
    args = tool.args(what="bell")
    started = tool_started().model_copy(update={"effect": await tool.prepare(args)})
    await world.app.store.start_tool(run_id, run.seq, started.attempt_id, started, None)
    attempt = Attempt(started.attempt_id, await world.now(), "here", tool.idempotent, started.effect)
    with Server("tests.servers.redis_proxy", redis) as proxy, capture_logs() as logs:
        other = World(f"redis://127.0.0.1:{proxy.said['redis_port']}", tmp_path / "data")
        patient(other)
        async with beside_it(other):
            other.app.store.client.patience_s = 0.1
            proxy.ask(do="cut")
            other.app.runs.executor.begin(run, run.pending, tool, args, attempt, None)
            heard = {"not begun, as Redis does not say whether it is wanted", "tool failed"}
            await until(lambda: any(line["event"] in heard for line in logs), what="it has not heard from Redis")
            proxy.ask(do="mend")
            [_, ended] = await until(lambda: _two(world, run_id))

    assert isinstance(ended, ToolOrphaned)
    assert not ended.may_have_started
    assert world.workshop.started == []
