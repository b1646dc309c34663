"""A model's answer while something else happens to the run: it is paid once, and counted."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.budgets import Spent
from agents.events import CardDelivered, Event, PersonSaid, StepChosen, ThoughtDropped
from agents.requests import DeliveryId, PersonId, RequestId, RunId
from agents.requests.proof import as_by
from bot.queries.prompt_replay import seen
from bot.queries.rebuild import rebuild
from bot.render.transcript import lines
from bot.store import Commit, Wake, WorkItem
from tests.fakes.anthropic import Answer, FakeAnthropic, message, text_of, tool_use
from tests.kit.office import TOML
from tests.kit.waiting import until
from tests.kit.world import World
from tests.stories.faults.model import a_thinker

OVER = message(tool_use("done", {"summary": "all is well"}))
STAMP = Answer(message(tool_use("stamp", {"what": "letter"})).body, waits=True)
# Of one answer of the fake.
TOKENS = 1_020
OF_THE_DAY = f"{TOML}\n[agents.clerk]\nmax_tokens_per_day = 1_000_000\n"


@pytest.fixture
async def world(redis: str, tmp_path: Path, api: FakeAnthropic) -> AsyncIterator[World]:
    async with a_thinker(redis, tmp_path, api, OF_THE_DAY) as world:
        yield world


async def thinking(world: World, api: FakeAnthropic, *answers: Answer) -> RunId:
    """A run whose model has been asked, and keeps its answer until `api.release()`."""
    api.answers(*answers)
    run_id = await world.trigger("please see to the letter")

    async def is_asked() -> bool:
        return bool(api.requests())

    await until(is_asked, what="the model is asked")
    return run_id


async def happens(world: World, run_id: RunId, *events: Event) -> None:
    await world.app.journal.write(Commit(run_id=run_id, events=events, wake=[Wake(WorkItem("run", run_id))]))


async def delivered(world: World) -> CardDelivered:
    """That a card has come to stand somewhere, of which the model sees nothing."""
    return CardDelivered(
        at=await world.now(),
        request_id=RequestId("s0q-a"),
        delivery_id=DeliveryId("s0d-a"),
        revision=1,
        person=PersonId("anna"),
        channel="email",
    )


async def said(world: World) -> PersonSaid:
    return PersonSaid(
        at=await world.now(), said_id="i1", person=PersonId("bo"), proof=as_by("cli"), text="the blue one"
    )


def dropped(events: tuple[Event, ...]) -> list[int]:
    """The tokens of each answer that was not used."""
    calls = [event.call for event in events if isinstance(event, ThoughtDropped)]
    return [call.input_tokens + call.output_tokens for call in calls]


async def of_the_day(world: World) -> Spent:
    spent, _ = await world.app.store.days.look("clerk", (await world.now()).date())
    return spent


async def test_a_thought_holds_when_what_happened_meanwhile_is_nothing_the_model_would_see(
    world: World, api: FakeAnthropic
) -> None:
    run_id = await thinking(world, api, STAMP, OVER)
    await happens(world, run_id, await delivered(world))
    await world.steer(run_id, "pause")
    await world.steer(run_id, "resume")

    api.release()

    assert await world.summary(run_id) == "done: all is well"
    assert len(api.requests()) == 2
    assert world.workshop.effects == ["stamp letter"]
    events, run = await world.events(run_id), await world.run(run_id)
    assert dropped(events) == []
    assert run.budget.spent.tokens == (await of_the_day(world)).tokens == 2 * TOKENS
    assert seen(events, 1, world.app.agents).is_same


async def test_an_answer_to_what_was_so_no_longer_is_not_used_and_is_counted(world: World, api: FakeAnthropic) -> None:
    run_id = await thinking(world, api, STAMP, STAMP, OVER)
    await happens(world, run_id, await said(world))

    api.release()

    assert await world.summary(run_id) == "done: all is well"
    first, second, _ = (text_of(request) for request in api.requests())
    assert "the blue one" not in first
    assert "the blue one" in second
    assert "thought_dropped" not in second
    assert world.workshop.effects == ["stamp letter"]
    events, run = await world.events(run_id), await world.run(run_id)
    assert dropped(events) == [TOKENS]
    assert run.steps == sum(isinstance(event, StepChosen) for event in events) == 2
    assert run.budget.spent.tokens == 3 * TOKENS
    assert run.budget.spent == await of_the_day(world)
    told = "the run changed while claude-sonnet-5-5 chose a step, which is not used; its 1,020 tokens count"
    assert told in "\n".join(lines(events, world.app.people))


async def test_an_answer_that_comes_after_the_end_is_counted_as_well(world: World, api: FakeAnthropic) -> None:
    run_id = await thinking(world, api, STAMP)
    await world.steer(run_id, "cancel")

    api.release()

    assert await world.summary(run_id) == "cancelled: cancelled by Anna Ames"
    assert dropped(await world.events(run_id)) == [TOKENS]
    assert world.workshop.effects == []
    assert await of_the_day(world) == (await world.run(run_id)).budget.spent == await counted_anew(world)


async def counted_anew(world: World) -> Spent:
    """Return what was used today, by the events alone."""
    for key in [key async for key in world.app.store.client.scan("{s*}:day:*")]:
        await world.app.store.client.do("DEL", key)
    await rebuild(world.app.store)
    return await of_the_day(world)


async def test_what_dropped_thoughts_cost_is_part_of_what_a_run_may_use(world: World, api: FakeAnthropic) -> None:
    async with world.stopped():
        world.toml = f"{TOML}\n[agents.clerk]\nmax_tokens = 1_000\n"
    run_id = await thinking(world, api, STAMP)
    await happens(world, run_id, await said(world))

    api.release()

    record = await world.opened(run_id)
    assert record.request.purpose == "go_on"
    assert "1,020 of 1,000 tokens" in record.request.quoted
    assert len(api.requests()) == 1
