"""The words that people get when a model fails, by a server that repeats what it was sent to let us in."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from agents.events import Event, write_event
from agents.requests import RunId
from bot.render.transcript import lines
from tests.fakes.anthropic import FakeAnthropic, error, message, tool_use
from tests.kit.world import World
from tests.stories.faults.model import a_thinker

GATE = "gate:pass-of-the-proxy"


@pytest.fixture
async def world(redis: str, tmp_path: Path, api: FakeAnthropic) -> AsyncIterator[World]:
    async with a_thinker(redis, tmp_path, api, url=api.base_url.replace("//", f"//{GATE}@")) as world:
        yield world


def echo(world: World) -> str:
    return f"{world.environ['ANTHROPIC_API_KEY']} was sent to {world.environ['ANTHROPIC_BASE_URL']}/v1/messages"


async def shown(world: World, run_id: RunId) -> str:
    """All that a run keeps, and all that it is told as."""
    events: tuple[Event, ...] = await world.events(run_id)
    return "\n".join([*(write_event(event).decode() for event in events), *lines(events, world.app.people)])


def is_free_of_secrets(text: str) -> bool:
    return not any(secret in text for secret in ("sk-test-key", "test-key", "pass-of-the-proxy"))


async def test_operators_are_told_what_is_wrong_with_a_key_and_not_the_key(world: World, api: FakeAnthropic) -> None:
    api.answers(replace(error(401, "authentication_error", f"invalid: {echo(world)}"), anybody=True))

    run_id = await world.trigger("stamp letter")
    await world.ended(run_id)

    mail = await world.next_mail("dan", about="The model can't be used")
    why = "(401 authentication_error: invalid: [key] was sent to http://[key]@127.0.0.1"
    assert f"gave no step: its key is not accepted {why}" in mail.text
    assert is_free_of_secrets(mail.text)
    assert is_free_of_secrets(await shown(world, run_id))


async def test_whoever_is_asked_whether_to_go_on_reads_no_secret(
    world: World, api: FakeAnthropic, capfd: pytest.CaptureFixture[str]
) -> None:
    unknown = message(tool_use(f"{GATE} let {world.environ['ANTHROPIC_API_KEY']} in", {}), model=f"claude of {GATE}")
    api.answers(replace(unknown, anybody=True))

    run_id = await world.trigger("stamp letter")

    mail = await world.next_mail("anna", about="failed three times. Continue?")
    assert "there is no tool '[key] let [key] in'" in mail.text
    assert is_free_of_secrets(mail.text)
    assert is_free_of_secrets(await shown(world, run_id))
    assert is_free_of_secrets("".join(capfd.readouterr()))
