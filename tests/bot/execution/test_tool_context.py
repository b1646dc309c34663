"""What a tool is given to work with."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from agents import Agent, Arguments, CallTool, Done, Effect, Outcome, Tool, ToolContext
from agents.requests import AttemptId
from bot.execution.command_lock import CommandLock, Holder
from bot.execution.runner import NeverStarted, Runner
from bot.execution.tool_context import Guarded, HeldAttempt, NobodyKnows, NotStarted, StepContext
from bot.store import StoreUnavailable
from bot.testing import Scripted
from tests.kit.waiting import until
from tests.kit.world import World, a_sayso


async def test_a_command_of_which_redis_does_not_say_whether_it_is_still_wanted_never_starts(
    world: World, tmp_path: Path
) -> None:
    run_id = await world.trigger("press bell")
    await world.opened(run_id)
    run = await world.run(run_id)
    assert run.pending

    async def queued(_: Holder | None) -> bool:
        raise StoreUnavailable("Redis does not answer", "Nothing is lost; it is tried again")

    async def still() -> bool:
        return True

    cover = Guarded(await world.now() + timedelta(minutes=5), still)
    held = HeldAttempt(
        Runner(tmp_path / "runner", world.url),
        AttemptId("s0a-aaaaaaaaaaaaa"),
        CommandLock(world.app.store),
        str,
        queued,
        cover=cover,
    )
    context = StepContext(run, run.pending.id, await world.now(), world.app.runs.children, held)

    with pytest.raises(NotStarted):
        await context.command(["touch", str(tmp_path / "done")], cwd=tmp_path, lock="door", timeout_s=10)

    assert not (tmp_path / "done").exists()


async def test_a_process_that_ends_before_its_command_begins_keeps_no_lock(world: World, tmp_path: Path) -> None:
    run_id = await world.trigger("press bell")
    await world.opened(run_id)
    run, asked = await world.run(run_id), asyncio.Event()
    assert run.pending

    async def queued(_: Holder | None) -> bool:
        return True

    async def still() -> bool:
        asked.set()
        return await asyncio.Event().wait()

    turns = CommandLock(world.app.store)
    cover = Guarded(await world.now() + timedelta(minutes=5), still)
    runner = Runner(tmp_path / "runner", world.url)
    held = HeldAttempt(runner, AttemptId("s0a-aaaaaaaaaaaaa"), turns, str, queued, cover=cover)
    context = StepContext(run, run.pending.id, await world.now(), world.app.runs.children, held)
    command = context.command(["touch", str(tmp_path / "done")], cwd=tmp_path, lock="door", timeout_s=10)
    running = asyncio.create_task(command)
    await until(asked.is_set)

    running.cancel()
    with pytest.raises(NotStarted):
        await running

    assert (await turns.locks.take("door", str(Holder(run.id, AttemptId("s0a-bbbbbbbbbbbbb"))))).state == "taken"
    assert await runner.adopt(held.id) == NeverStarted()
    assert not (tmp_path / "done").exists()


async def test_the_lock_of_a_command_that_may_still_run_goes_to_nobody(world: World, tmp_path: Path) -> None:
    run_id = await world.trigger("press bell")
    await world.opened(run_id)
    run = await world.run(run_id)
    assert run.pending

    async def queued(_: Holder | None) -> bool:
        return True

    turns, attempt = CommandLock(world.app.store), AttemptId("s0a-aaaaaaaaaaaaa")
    held = HeldAttempt(Runner(tmp_path / "runner", world.url), attempt, turns, str, queued)
    context = StepContext(run, run.pending.id, await world.now(), world.app.runs.children, held)

    with pytest.raises(NobodyKnows):
        await context.command(["sh", "-c", "kill -9 $PPID"], cwd=tmp_path, lock="door", timeout_s=10)

    assert (await turns.locks.take("door", str(Holder(run.id, AttemptId("s0a-bbbbbbbbbbbbb"))))).state == "held"


async def test_the_end_of_an_approval_is_told_to_a_runner_by_the_clock_of_its_machine(world: World) -> None:
    before = await world.now()
    await world.move_time(3_600)
    lock, ends = CommandLock(world.app.store), await world.now() + timedelta(seconds=60)
    attempt = AttemptId("s0a-aaaaaaaaaaaaa")

    assert lock.here(None, attempt) is None
    told = lock.here(ends, attempt)
    assert told
    assert timedelta() < told - before < timedelta(minutes=30)


class Tell(Arguments):
    people: tuple[str, ...]


async def test_a_tool_that_had_told_somebody_before_it_was_refused_has_not_done_nothing() -> None:
    async def tell(args: Tell, _: Effect, hands: ToolContext) -> Outcome:
        for person in args.people:
            await hands.notify(f"person:{person}", "The office is closed", "On Friday.")
        return Outcome("told")

    def tells(*people: str) -> CallTool:
        return CallTool(tool="tell", arguments={"people": [*people]})

    tool = Tool(name="tell", description="Tell people", args=Tell, execute=tell, changes=True)
    agent = Agent(name="bell", description="tells", tools=(tool,), fallback=lambda _: Done(summary=""), prompt="deploy")
    for first, told in (("bo", "failed: Something was changed all the same"), ("nobody", "done: All were told")):
        model = Scripted(tells(first, "nobody"), tells("bo", "cy"), Done(summary="All were told"))
        async with a_sayso(agents=[agent], policies={"desk": ["bo", "cy"]}, model=model) as s:
            run = await s.trigger("tell people")
            assert (await s.summary(run)).startswith(told)
