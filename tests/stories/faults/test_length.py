"""A run in which somebody said more than its model may be sent: what people said is never cut."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.events import PersonSaid, StepFailed
from agents.requests import PersonId, RequestId, RunId
from agents.requests.proof import as_by
from agents.requests.record import RequestRecord
from bot.store import Commit, Wake, WorkItem
from tests.fakes.anthropic import FakeAnthropic, message, tool_use
from tests.kit.office import TOML
from tests.kit.waiting import until
from tests.kit.world import World
from tests.stories.faults.model import a_thinker

OVER = message(tool_use("done", {"outcome": "failed", "summary": "all is lost"}))
STAMP = message(tool_use("stamp", {"what": "letter"}))
FEW, MORE = "[agents.clerk]\ncontext_tokens = 2_000\n", "[agents.clerk]\ncontext_tokens = 90_000\n"
LONG = "word " * 6_000


@pytest.fixture
async def world(redis: str, tmp_path: Path, api: FakeAnthropic) -> AsyncIterator[World]:
    async with a_thinker(redis, tmp_path, api, f"{TOML}\n{FEW}") as world:
        yield world


async def asked(world: World, run_id: RunId, after: RequestId | None = None) -> RequestRecord:
    record = await world.opened(run_id, after=after)
    assert record.request.purpose == "go_on"
    return record


async def not_sent(world: World, run_id: RunId) -> int:
    return [event.kind for event in await world.events(run_id) if isinstance(event, StepFailed)].count("not_sent")


async def test_a_text_that_is_too_long_is_a_person_s_to_hear_of_with_what_to_do(
    world: World, api: FakeAnthropic
) -> None:
    api.answers(OVER)

    run_id = await world.trigger(LONG)

    mail = await world.next_mail("anna", about="The clerk agent's run is too long for its model: go on?")
    text = " ".join(mail.text.replace("> ", "").split())
    for words in (
        "and 2,000 are allowed",
        "The longest part is event 1, what anna began it with (about 12,0",
        "Start a new run with less text",
        "agents.clerk.context_tokens raised",
        "a run that is too long even then fails",
    ):
        assert words in text, text
    assert api.requests() == []
    assert await not_sent(world, run_id) == 1


async def test_going_on_with_nothing_changed_is_tried_once_and_ends_the_run(world: World, api: FakeAnthropic) -> None:
    api.answers(OVER)
    run_id = await world.trigger(LONG)

    await world.decide("anna", await asked(world, run_id), "free_text", "go on")

    assert "failed: it is too long for its model, also after somebody said to go on" in await world.summary(run_id)
    assert await not_sent(world, run_id) == 2
    assert api.requests() == []


async def test_going_on_once_more_is_allowed_goes_on(world: World, api: FakeAnthropic) -> None:
    api.answers(OVER)
    run_id = await world.trigger(LONG)
    record = await asked(world, run_id)
    async with world.stopped():
        world.toml = f"{TOML}\n{MORE}"

    await world.decide("anna", record, "free_text", "go on")

    assert await world.summary(run_id) == "failed: all is lost"


@pytest.mark.long
async def test_whoever_wrote_the_longest_of_several_messages_is_named(world: World, api: FakeAnthropic) -> None:
    api.answers(STAMP)
    world.workshop.hold("letter")
    run_id = await world.trigger("please see to the letter")

    async def has_begun() -> bool:
        return "stamp letter" in world.workshop.started

    await until(has_begun, what="the letter is being stamped")
    said = PersonSaid(at=await world.now(), said_id="i1", person=PersonId("bo"), proof=as_by("cli"), text=LONG)
    await world.app.journal.write(Commit(run_id=run_id, events=[said], wake=[Wake(WorkItem("run", run_id))]))
    world.workshop.hold("letter").set()

    record = await asked(world, run_id)

    assert "what bo wrote (about 12,0" in record.request.quoted
