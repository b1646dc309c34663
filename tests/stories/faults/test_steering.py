"""Runs that are steered, and gates that change, while something is open or under way."""

import pytest

from agents.events import StepChosen
from agents.requests import RunId, StepId
from agents.steps import CallTool, ModelCall
from bot.store import Commit, Wake, WorkItem
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, without
from tests.kit.waiting import until
from tests.kit.world import World

DONE = "done: ok: press bell: done"


async def chosen(world: World, step: CallTool, gate: str | None) -> RunId:
    """A run that has chosen its step under an older configuration; the world has been stopped since."""
    await world.stop()
    await world.start(works=False)
    run_id = await world.trigger(f"{step.tool} {step.arguments['what']}")
    call = ModelCall(model="rehearsal", rehearsal=True)
    event = StepChosen(
        at=await world.now(), step_id=StepId("s0p-aaaaaaaaaaaaa"), step=step, gate=gate, call=call, read_by=()
    )
    await world.app.journal.write(Commit(run_id=run_id, events=[event], expect=1, wake=[Wake(WorkItem("run", run_id))]))
    await world.stop()
    return run_id


async def test_a_gate_that_is_set_up_between_choosing_and_executing_holds(world: World) -> None:
    run_id = await chosen(world, CallTool(tool="pull", arguments={"what": "bell"}), gate=None)

    world.workshop.policy_of["bell"] = "production"
    await world.start()
    record = await world.opened(run_id)

    assert record.request.policy.name == "production"
    assert world.workshop.effects == []
    await world.decide("bo", record, "approve")
    assert await world.summary(run_id) == "done: ok: pull bell: done"


async def test_a_gate_that_is_taken_away_between_choosing_and_executing_holds_for_what_was_chosen(
    world: World,
) -> None:
    run_id = await chosen(world, CallTool(tool="press", arguments={"what": "bell"}), gate="production")

    world.workshop.policy_of["bell"] = None
    await world.start()
    record = await world.opened(run_id)

    assert world.workshop.effects == []
    await world.decide("bo", record, "deny", "no")
    assert await world.summary(run_id) == "failed: denied: no"


async def test_an_approval_under_a_gate_that_has_become_another_is_asked_again_under_that_one(world: World) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.steer(run_id, "pause")
    await world.decide("bo", record, "approve")

    world.workshop.policy_of["bell"] = "pair"
    await world.steer(run_id, "resume")
    again = await world.opened(run_id, after=record.request.id)

    assert (again.request.policy.name, again.asked.quorum) == ("pair", 2)
    assert "the policy is now 'pair'" in again.request.changed[0]
    await world.decide("bo", again, "approve")
    assert world.workshop.effects == []
    await world.decide("cy", again, "approve")
    assert await world.summary(run_id) == DONE


_SOLO = '\n[policies.solo]\napprovers = ["person:bo"]\nexpires_after = "4h"\n'
_RENAMED = '\n[policies.alone]\napprovers = ["person:cy"]\nexpires_after = "4h"\n'


@opens(TOML + _SOLO, change=lambda world: world.workshop.policy_of.update(bell="solo"))
async def test_attack_what_is_asked_anew_once_its_policy_has_another_name_fails_by_the_name_before(
    world: World,
) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)

    world.workshop.policy_of["bell"] = "alone"
    await becomes(world, without(TOML, "bo") + _RENAMED)
    again = await world.opened(run_id, after=record.request.id)

    assert again.request.policy.name == "alone"
    await world.decide("cy", again, "approve")
    assert await world.summary(run_id) == DONE


@pytest.mark.parametrize("person", ["anna", "bo"])
async def test_attack_a_no_to_an_approval_under_the_gate_before_stops_nothing_though_it_says_so(
    world: World, person: str
) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.steer(run_id, "pause")
    await world.decide("bo", record, "approve")
    world.workshop.policy_of["bell"] = "pair"
    await world.steer(run_id, "resume")
    again = await world.opened(run_id, after=record.request.id)

    await world.decide(person, record, "deny", "not today")

    assert (await world.request(record.request.id)).state == "superseded"
    assert (await world.request(again.request.id)).state == ("denied" if person == "bo" else "withdrawn")
    assert (await world.ended(run_id)).results[0].text == "not today"


async def test_a_run_that_is_cancelled_while_its_tool_runs_lets_it_end_and_begins_nothing_more(world: World) -> None:
    may_end = world.workshop.hold("bell")
    run_id = await world.trigger("stamp bell\nstamp horn")
    await until(lambda: world.workshop.started)

    await world.steer(run_id, "cancel", "anna")
    assert not (await world.run(run_id)).ended
    may_end.set()

    assert await world.summary(run_id) == "cancelled: cancelled by Anna Ames"
    assert [result.kind for result in (await world.run(run_id)).results] == ["ok"]
    assert world.workshop.effects == ["stamp bell"]


async def test_a_run_whose_agent_is_gone_is_cancelled_once_and_its_question_is_taken_back(world: World) -> None:
    run_id = await world.trigger("ask free_text Ready?")
    record = await world.opened(run_id)
    async with world.stopped():
        world.deploys = True  # the clerk is none of the settings' own agents

    await world.steer(run_id, "cancel")

    assert (await world.ended(run_id)).state == "cancelled"
    await world.quiet()
    assert (await world.request(record.request.id)).state == "withdrawn"
    assert [event.type for event in await world.events(run_id)].count("run_ended") == 1
