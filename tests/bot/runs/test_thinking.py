"""A thought of a model: with which prompt, and what the log keeps of it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from agents import Agent
from agents.events import StepChosen, StepFailed
from agents.run import Run, fold
from agents.steps import CallTool, Step
from bot.app import App, compose
from bot.config.errors import ConfigError
from bot.runs.thinking import Thinker
from tests.bot.store.stores import started
from tests.fakes.anthropic import FakeAnthropic, message, running, tool_use
from tests.kit.clerk import Workshop, clerk
from tests.kit.office import TOML, settings_of

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def api() -> Iterator[FakeAnthropic]:
    with running() as fake:
        yield fake


def composed(folder: Path, api: FakeAnthropic, prompt: str) -> App:
    """A system whose clerk has a key, two versions of a prompt, and is to use `prompt`."""
    for stem, version in (("clerk", 2), ("clerk@1", 1)):
        text = f"---\nname: clerk\nversion: {version}\nfamily: claude\ninputs:\n---\nVersion {version}."
        (folder / f"{stem}.md").write_text(text)
    settings = settings_of(folder / "data", f'{TOML}\n[agents.clerk]\nprompt = "{prompt}"')
    key = {"anthropic_api_key": SecretStr(api.key), "anthropic_base_url": api.base_url}
    agent = replace(clerk(Workshop()), prompt="clerk", folder=folder)
    return compose(settings.model_copy(update=key), "unix:///nowhere", [], [agent])


@pytest.fixture
async def app(tmp_path: Path, api: FakeAnthropic) -> AsyncIterator[App]:
    app = composed(tmp_path, api, "clerk@1")
    yield app
    await app.models["clerk"].close()


async def thought(app: App, agent: Agent | None = None) -> StepChosen | StepFailed:
    """Return what the clerk, or `agent` in its place, thinks of a fresh run."""
    run = started()
    event = (await Thinker(app.models).think(agent or app.agents["clerk"], fold([run]), [run], NOW))[1]
    assert isinstance(event, (StepChosen, StepFailed))
    return event


async def test_an_older_version_that_the_configuration_names_is_what_the_model_is_told(
    app: App, api: FakeAnthropic
) -> None:
    api.answers(message(tool_use("pull", {"what": "rope"})))

    chosen = await thought(app)

    (request,) = api.requests()
    assert request["system"][0]["text"] == "Version 1."
    assert chosen.call.prompt == "clerk@1"


async def test_each_version_of_a_prompt_is_a_release_of_its_own_and_one_that_is_not_there_stops_the_start(
    tmp_path: Path, api: FakeAnthropic
) -> None:
    one, other, again = (composed(tmp_path, api, prompt) for prompt in ("clerk@1", "clerk@2", "clerk@1"))

    assert one.release == again.release != other.release
    with pytest.raises(ConfigError, match=r'agents\.clerk\.prompt: found "clerk@3"; allowed: clerk@2, clerk@1'):
        composed(tmp_path, api, "clerk@3")


async def test_an_agent_completes_the_step_that_its_model_chose(app: App, api: FakeAnthropic) -> None:
    api.answers(message(tool_use("pull", {"what": "rope"})), message(tool_use("pull", {"what": "rope"})))
    clerk_that_presses = replace(app.agents["clerk"], completes=_presses)
    clerk_that_breaks = replace(app.agents["clerk"], completes=_breaks)

    pressed, pulled = await thought(app, clerk_that_presses), await thought(app, clerk_that_breaks)

    assert isinstance(pressed, StepChosen)
    assert pressed.step == _presses(Run(), pressed.step)
    assert isinstance(pulled, StepChosen)
    assert pulled.step == CallTool(tool="pull", arguments={"what": "rope"})


def _presses(_: Run, __: Step) -> Step:
    return CallTool(tool="press", arguments={"what": "bell"})


def _breaks(_: Run, __: Step) -> Step:
    raise LookupError("no rules")
