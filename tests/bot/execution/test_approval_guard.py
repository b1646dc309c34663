"""The last looks at an approval: what was approved is what is done, and a start is told until when it may be."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agents.events import ToolStarted
from agents.requests import Freeze, PersonId, RequestId
from agents.run import Run
from agents.steps import CallTool
from bot.config.deploy import DAYS, FreezeWindowConfig
from bot.execution.approval_guard import ApprovalGuard, call_of
from bot.execution.executor import prepare
from bot.store import RecordWrite
from bot.testing.events import tool_started
from tests.kit.guards import guards
from tests.kit.world import World


class Looks:
    """A run whose call is approved and which is paused before it starts, and a guard that looks at it."""

    def __init__(self, world: World, run: Run, request_id: RequestId) -> None:
        assert run.pending
        assert isinstance(run.pending.step, CallTool)
        self.world, self.run, self.step = world, run, run.pending.step
        self.agent = world.app.runs.executor.agents["clerk"]
        self.guard = ApprovalGuard(world.app.requests.decisions, world.app.people, world.app.requests.freezes)
        self.started: ToolStarted = tool_started().model_copy(update={"request_id": request_id})

    async def first(self) -> object:
        """What the look before the start finds."""
        tool, args, effect = await prepare(self.agent, self.run, self.step)
        call = call_of(tool, args, effect)
        found = await self.guard.frozen(self.run, call)
        return await self.guard.approved(self.run, call, self.started, found.number)


@pytest.fixture
async def looks(world: World) -> Looks:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.steer(run_id, "pause")
    await world.decide("bo", record, "approve")
    return Looks(world, await world.run(run_id), record.request.id)


@guards("planted:start_is_told_when_too_old")
@guards("planted:recheck_before_turn")
@guards("planted:recheck_before_start")
async def test_a_start_is_told_when_its_approval_is_too_old_and_what_has_become_something_else_does_not_begin(
    looks: Looks,
) -> None:
    approval = await looks.first()
    decision = (await looks.world.request(looks.started.request_id or "")).decision
    assert isinstance(approval, RecordWrite)
    assert decision
    assert approval.before == decision.at + timedelta(minutes=15)
    cover = looks.guard.cover(looks.agent, looks.run, looks.step, looks.started, approval)
    assert cover
    assert await cover.still()

    for meaning in ("", "a larger bell"):
        looks.world.workshop.meaning["bell"] = meaning
        assert not await cover.still(), "while it waited for its turn"

    assert await looks.first() is None, "before its start"
    assert (await looks.world.request(looks.started.request_id or "")).state == "superseded"


async def test_while_people_may_only_be_missing_in_a_file_nothing_begins_and_no_approval_is_superseded(
    looks: Looks,
) -> None:
    people, approval = looks.world.app.people, await looks.first()
    assert isinstance(approval, RecordWrite)
    cover = looks.guard.cover(looks.agent, looks.run, looks.step, looks.started, approval)
    assert cover
    people.take_half(people.as_written, "half", await looks.world.now())

    assert not await cover.still()
    looks.world.workshop.meaning["bell"] = "a larger bell"
    assert await looks.first() is None

    assert (await looks.world.request(looks.started.request_id or "")).state == "approved"


async def test_what_a_window_freezes_by_now_does_not_start_however_it_was_looked_for(looks: Looks) -> None:
    people, every_day = looks.world.app.people, FreezeWindowConfig(name="always", days=DAYS)
    people.change(replace(people.as_written, windows=(every_day,)))

    assert await looks.first() is None
    assert (await looks.world.request(looks.started.request_id or "")).state == "approved"


async def test_attack_a_tool_starts_after_a_freeze_of_what_it_does_by_the_name_that_another_process_has_for_it(
    looks: Looks,
) -> None:
    """Whoever said it was told that nothing starts there any more; the script can't know what else that name means."""
    store, run_id = looks.world.app.store, looks.run.id
    freeze = Freeze(environment="old", by=PersonId("bo"), reason="incident", since=await looks.world.now())

    approval = await looks.first()
    await store.freezes.put("old", freeze.model_copy(update={"was_listed": True}))
    seq = (await store.run(run_id)).seq
    assert isinstance(approval, RecordWrite)
    assert (await store.start_tool(run_id, seq, looks.started.attempt_id, looks.started, approval)).state == "frozen"

    await store.freezes.put("old", None)
    again = await looks.first()
    assert isinstance(again, RecordWrite)
    assert again.frozen == (await store.freezes.read()).number
