"""The version of its prompt that an agent uses, and what stops the start."""

from dataclasses import replace
from pathlib import Path

import pytest

from agents import Agent
from bot.config.errors import ConfigError
from bot.config.settings import Settings
from bot.registry.prompts import in_use, with_chosen_prompts
from prompts import PromptError
from tests.bot.config_files import read
from tests.kit.clerk import Workshop, clerk


@pytest.fixture
def greeter(tmp_path: Path) -> Agent:
    """An agent that lives elsewhere and whose prompt has three versions."""
    folder = tmp_path / "greeter"
    folder.mkdir()
    write(folder, "greet", 3, "Hello from {{ tools }}.")
    write(folder, "greet@2", 2, "Hi.")
    write(folder, "greet@1", 1, "Hm.")
    return replace(clerk(Workshop()), name="greeter", prompt="greet", folder=folder)


def write(folder: Path, stem: str, version: int, body: str) -> None:
    inputs = "tools" if "tools" in body else ""
    text = f"---\nname: greet\nversion: {version}\nfamily: claude\ninputs: {inputs}\n---\n{body}"
    (folder / f"{stem}.md").write_text(text)


def says(folder: Path, prompt: str) -> Settings:
    """Settings that name a prompt for the greeter."""
    return read(folder, f'[agents.greeter]\nprompt = "{prompt}"')


def test_an_agent_uses_the_newest_version_unless_the_configuration_names_another(
    tmp_path: Path, greeter: Agent
) -> None:
    chosen = {
        prompt: in_use(with_chosen_prompts(says(tmp_path, prompt), [greeter]), {})[0].prompt
        for prompt in ("greet", "greet@3", "greet@2", "greet@1")
    }
    (unsaid,) = in_use(with_chosen_prompts(read(tmp_path), [greeter]), {})

    assert chosen == {"greet": "greet@3", "greet@3": "greet@3", "greet@2": "greet@2", "greet@1": "greet@1"}
    assert unsaid.prompt == "greet@3"


@pytest.mark.parametrize("wanted", ["greet@4", "", "../greet"])
def test_a_version_that_is_not_there_is_an_error_that_names_the_key_and_what_there_is(
    tmp_path: Path, greeter: Agent, wanted: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        with_chosen_prompts(says(tmp_path, wanted), [greeter])

    assert str(caught.value) == (
        f"{tmp_path}/sayso.toml or SAYSO_AGENTS__GREETER__PROMPT: agents.greeter.prompt: "
        f'found "{wanted}"; allowed: greet@3, greet@2, greet@1'
    )


def test_an_agent_that_is_all_code_can_be_given_no_prompt(tmp_path: Path, greeter: Agent) -> None:
    with pytest.raises(ConfigError, match='found "greet@1"; allowed: none, as this agent is all code'):
        with_chosen_prompts(says(tmp_path, "greet@1"), [replace(greeter, prompt="")])


@pytest.mark.parametrize(
    ("body", "message"), [("{% if %}", "does not render"), ("{{ mood }}", "greet@3 does not render.*mood")]
)
def test_a_prompt_that_does_not_render_stops_the_start_and_not_the_first_run(
    tmp_path: Path, greeter: Agent, body: str, message: str
) -> None:
    assert greeter.folder is not None
    write(greeter.folder, "greet", 3, body)

    with pytest.raises(PromptError, match=message):
        with_chosen_prompts(read(tmp_path), [greeter])


def test_a_prompt_with_an_input_that_nobody_gives_stops_the_start(tmp_path: Path, greeter: Agent) -> None:
    assert greeter.folder is not None
    file = greeter.folder / "greet.md"
    file.write_text(file.read_text().replace("inputs: tools", "inputs: tools, weather"))

    with pytest.raises(PromptError, match="takes the inputs tools, weather, but was given tools"):
        with_chosen_prompts(read(tmp_path), [greeter])
