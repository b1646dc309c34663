"""What a model answered, as it came: kept beside its prompt for as long as the settings say, and read again."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agents.events import StepChosen
from bot.queries.prompt_replay import PromptReplay, replay
from bot.store.keys import Keys
from tests.bot.cli.shell import sayso
from tests.fakes.anthropic import Answer, FakeAnthropic, message, running, text, tool_use
from tests.kit.office import TOML
from tests.kit.world import World, a_world
from tests.servers.console import a_console
from tests.servers.web import serving

KEPT = f'{TOML}\n[agents.clerk]\nkeep_replies = "2h"\n'
THOUGHT = "the letter is ready to be stamped"
STAMP = message(text(THOUGHT), tool_use("stamp", {"what": "letter"}))
OVER = message(tool_use("done", {"summary": "all is well"}))
HOUR_S = 3_600


@pytest.fixture(scope="module")
def api() -> Iterator[FakeAnthropic]:
    with running() as fake:
        yield fake


async def started(redis: str, folder: Path, api: FakeAnthropic, toml: str) -> AsyncIterator[World]:
    def with_model(world: World) -> None:
        world.environ = {"ANTHROPIC_API_KEY": api.key, "ANTHROPIC_BASE_URL": api.base_url}

    async with a_world(redis, folder / "data", toml, change=with_model) as world:
        yield world


@pytest.fixture
async def world(redis: str, tmp_path: Path, api: FakeAnthropic) -> AsyncIterator[World]:
    """A running sayso that keeps what the model of its clerk answers for two hours."""
    async for world in started(redis, tmp_path, api, KEPT):
        yield world


async def replayed(world: World, run_id: str, step: int = 1) -> PromptReplay:
    story = await world.app.history.read(run_id)
    return await replay(world.app.store, (await world.run(run_id)).id, story, step, world.app.agents)


async def stamped(world: World, api: FakeAnthropic, *answers: Answer) -> str:
    """A run that has ended, whose model gave these answers, or stamped a letter."""
    api.answers(*(answers or (STAMP,)), OVER)
    run_id = await world.trigger("please stamp the letter")
    await world.ended(run_id)
    return run_id


async def test_a_reply_stands_beside_its_prompt_as_it_came_until_its_time_is_over_for_who_may_see_that(
    world: World, api: FakeAnthropic
) -> None:
    run_id = await stamped(world, api)

    found = await replayed(world, run_id)

    assert "please stamp the letter" in found.text
    assert found.reply == STAMP.body
    assert found.reply_is_same is True
    assert found.reply_note.startswith("What the model answered, as it came, but without secrets; kept until ")
    assert (await replayed(world, run_id, 2)).reply == OVER.body
    async with serving(world.app) as http:
        reader, other = await http.client("anna", "read"), await http.client("anna", "trigger")
        seen = (await reader.get(f"/v1/runs/{run_id}/context?step=1")).json()
        refused = await other.get(f"/v1/runs/{run_id}/context?step=1")
    assert (seen["reply"], seen["reply_is_same"]) == (STAMP.body, True)
    assert (refused.status_code, THOUGHT in refused.text) == (403, False)
    shown = await sayso(world, "show", run_id, "--reply", "1")
    assert (shown.code, shown.out, "kept until" in shown.err) == (0, STAMP.body, True)

    kept_until, began = found.reply_kept_until, (await world.events(run_id))[0].at
    assert kept_until is not None
    assert 0 < (kept_until - began).total_seconds() - 2 * HOUR_S < HOUR_S
    ttl_ms = [await world.app.store.client.do("PTTL", key) for key in await keys(world)]
    assert len(ttl_ms) == 2
    assert all(0 < ttl <= 2 * HOUR_S * 1_000 for ttl in ttl_ms)
    await world.move_time(3 * HOUR_S)
    found = await replayed(world, run_id)
    assert (found.reply, found.reply_kept_until, found.reply_is_same) == (None, None, None)
    assert found.reply_note == "What the model answered is not kept, or no longer: see keep_replies in the settings."
    assert "please stamp the letter" in found.text
    gone = await sayso(world, "show", run_id, "--reply", "1")
    assert (gone.code, gone.out, "is not kept, or no longer" in gone.err) == (1, "", True)


async def keys(world: World) -> list[str]:
    """The keys of all kept replies."""
    found = list[str]()
    for run_id in await world.app.store.lists.runs():
        for event in await world.events(run_id):
            key = Keys.of(run_id).reply(run_id, event.call.input_hash) if isinstance(event, StepChosen) else ""
            if key and await world.app.store.client.do("EXISTS", key):
                found.append(key)
    return found


async def test_nothing_is_kept_unless_the_settings_say_so(redis: str, tmp_path: Path, api: FakeAnthropic) -> None:
    async for world in started(redis, tmp_path, api, TOML):
        run_id = await stamped(world, api)

        assert (await replayed(world, run_id)).reply is None
        assert await keys(world) == []


async def test_secrets_are_masked_in_it_however_they_are_spelled(world: World, api: FakeAnthropic) -> None:
    echoed = message(text(f"my key is {api.key}"), tool_use("stamp", {"what": "letter"}))
    escaped = "".join(f"\\u{ord(char):04x}" for char in api.key)
    spelled = Answer(echoed.body.replace(api.key, escaped), headers=echoed.headers)
    run_id = await stamped(world, api, spelled)

    found = await replayed(world, run_id)

    said = json.loads(found.reply or "")
    assert said["content"][0]["text"] == "my key is [redacted]"
    assert said["usage"]["input_tokens"] == 100
    assert found.reply_is_same is True


async def test_a_reply_that_gives_another_step_now_says_so_and_an_endless_one_is_cut(
    world: World, api: FakeAnthropic
) -> None:
    found = await replayed(world, await stamped(world, api, message(tool_use("stamp", {"what": api.key}))))
    assert found.reply_is_same is False
    assert "it does not give the step that was taken" in found.reply_note

    endless = message(text("so " * 100_000), tool_use("stamp", {"what": "letter"}))
    found = await replayed(world, await stamped(world, api, endless))
    assert len(found.reply or "") == 262_144
    assert found.reply_note.endswith("Its end is left out, as it is too long.")


async def test_the_console_shows_below_each_event_what_was_answered_a_failed_call_too(
    world: World, api: FakeAnthropic
) -> None:
    page = Answer("<script>bad gateway</script>", 401, {"content-type": "text/html"})
    run_id = await stamped(world, api, page)

    async with a_console(world) as console:
        anna = await console.browser("anna")
        shown = (await anna.get(f"/runs/{run_id}?raw")).html
        await world.move_time(3 * HOUR_S)
        later = (await anna.get(f"/runs/{run_id}?raw")).html

    assert "&lt;script&gt;bad gateway" in shown
    assert "<script>bad" not in shown
    assert "but without secrets; kept until" in shown
    assert "bad gateway" not in later
    assert "is not kept, or no longer" in later
