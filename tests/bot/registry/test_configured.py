"""The way to each maker of models, as the environment names it."""

import subprocess
import sys
from pathlib import Path
from types import NoneType

import pytest

from agents.model.claude import Claude
from agents.model.fallback import WithFallback
from agents.model.hosted import ANTHROPIC
from agents.model.makers import OPENAI, Access, Options
from agents.model.openai import OpenAI
from agents.model.prices import Price
from agents.steps import Form
from bot.config.errors import ConfigError
from bot.config.settings import Settings
from bot.config.tables import AgentConfig
from bot.registry.configured import (
    fallback_names,
    is_reachable,
    model_hosts,
    model_of,
    model_secrets,
    models_of,
    options_of,
    rehearsing,
)
from tests.bot.config_files import read
from tests.kit.clerk import Workshop, clerk

AZURE = "https://corp.openai.azure.com"
KEYS = {"OPENAI_API_KEY": "sk-ours", "AZURE_OPENAI_API_KEY": "az-ours"}


def way(settings: Settings) -> Access:
    """The way to the models of OpenAI's kind."""
    made = model_of(settings, "openai:gpt-x", Options())
    assert isinstance(made, OpenAI)
    return Access(made.api_key, made.base_url, made.headers, made.api_version)


@pytest.mark.parametrize(
    ("environ", "meant"),
    [
        ({"OPENAI_API_KEY": "sk-ours"}, Access("sk-ours")),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:8080/v1"}, Access("", "http://127.0.0.1:8080/v1")),
        (
            {"OPENAI_API_KEY": "sk-ours", "OPENAI_CUSTOM_HEADERS": "X-Team: ours-alone\nno header\nX-B:c:d:e:f:g"},
            Access("sk-ours", headers={"X-Team": "ours-alone", "X-B": "c:d:e:f:g"}),
        ),
        (KEYS | {"AZURE_OPENAI_ENDPOINT": f"{AZURE}/"}, Access("az-ours", f"{AZURE}/openai/v1/")),
        (
            KEYS | {"AZURE_OPENAI_ENDPOINT": AZURE, "OPENAI_API_VERSION": "2024-10-21"},
            Access("az-ours", AZURE, {}, "2024-10-21"),
        ),
        (
            KEYS | {"AZURE_OPENAI_ENDPOINT": AZURE, "OPENAI_BASE_URL": "http://there/v1"},
            Access("sk-ours", "http://there/v1"),
        ),
    ],
)
def test_the_environment_names_the_way_to_openai_compatible_models(
    tmp_path: Path, environ: dict[str, str], meant: Access
) -> None:
    settings = read(tmp_path, **environ)

    assert way(settings) == meant
    assert is_reachable(settings, "openai:gpt-x")
    assert not is_reachable(settings, "claude-x")
    assert set(model_secrets(settings)) >= set(meant.headers.values())


def test_without_a_key_or_an_address_a_model_is_none(tmp_path: Path) -> None:
    settings = read(tmp_path, ANTHROPIC_API_KEY="sk-ant")

    assert model_of(settings, "openai:gpt-x", Options()) is None
    assert model_of(settings, f"{ANTHROPIC}:claude-x", Options()) is not None


QWEN = """
[models."openai:qwen2.5:0.5b"]
step_as = "json"
temperature = 0
effort = "low"
timeout = "5m"
price = {input = 0.5, output = 2}
"""


def test_a_table_of_a_model_says_how_it_is_asked_and_what_it_costs(tmp_path: Path) -> None:
    settings = read(tmp_path, QWEN)

    options = options_of(settings, "openai:qwen2.5:0.5b", AgentConfig())
    usual = options_of(settings, "openai:gpt-x", AgentConfig())

    assert options.form == Form(strict=False, tool_choice="any", step_as="json", temperature=0)
    assert (options.effort, options.timeout_s, options.price) == ("low", 300, Price(0.5, 2))
    assert (usual.form, usual.effort, usual.price) == (Form(strict=False, tool_choice="any"), "", None)


@pytest.mark.parametrize(("tokens", "timeout_s"), [(1_024, 45), (8_192, 147), (21_333, 335)])
def test_the_longest_answer_has_the_time_that_a_usual_model_takes_for_it(
    tmp_path: Path, tokens: int, timeout_s: float
) -> None:
    config = AgentConfig(max_output_tokens=tokens)

    assert options_of(read(tmp_path), "claude-x", config).timeout_s == timeout_s


@pytest.mark.parametrize(
    ("line", "found"), [("step_as = 'prose'", "step_as"), ("temperature = 3", "temperature"), ("tools = true", "tools")]
)
def test_a_table_of_a_model_that_says_what_cannot_be_stops_the_start(tmp_path: Path, line: str, found: str) -> None:
    with pytest.raises(ConfigError, match=f"models.openai:x.{found}"):
        read(tmp_path, f'[models."openai:x"]\n{line}\n')


@pytest.mark.parametrize(
    ("environ", "hosts"),
    [
        ({"ANTHROPIC_API_KEY": "k"}, ("api.anthropic.com",)),
        ({"OPENAI_API_KEY": "k"}, ()),
        ({"OPENAI_API_KEY": "k", "SAYSO_MODEL": "openai:gpt-x"}, ("api.openai.com",)),
        (
            {"OPENAI_BASE_URL": "https://me:pw@llm.corp.example:8443/v1", "SAYSO_MODEL": "openai:gpt-x"},
            ("llm.corp.example:8443",),
        ),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:8080/v1", "SAYSO_MODEL": "openai:gpt-x"}, ()),
    ],
)
def test_the_servers_that_hear_of_runs_are_those_of_the_models_in_use(
    tmp_path: Path, environ: dict[str, str], hosts: tuple[str, ...]
) -> None:
    assert model_hosts(read(tmp_path, **environ), [clerk(Workshop())]) == hosts


BOTH = '[agents.clerk]\nmodel = "claude-x"\nfallback_model = "openai:gpt-x"\n'


@pytest.mark.parametrize(
    ("environ", "made", "hosts"),
    [
        ({"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"}, WithFallback, ("api.anthropic.com", "api.openai.com")),
        ({"ANTHROPIC_API_KEY": "k"}, Claude, ("api.anthropic.com",)),
        ({"OPENAI_API_KEY": "k"}, OpenAI, ("api.openai.com",)),
        ({}, NoneType, ()),
    ],
)
def test_an_agent_has_its_model_and_its_fallback_as_far_as_there_is_a_way_to_them(
    tmp_path: Path, environ: dict[str, str], made: type[object], hosts: tuple[str, ...]
) -> None:
    settings, agents = read(tmp_path, BOTH, **environ), [clerk(Workshop())]

    assert isinstance(models_of(settings, agents).get("clerk"), made)
    assert model_hosts(settings, agents) == hosts
    assert fallback_names(settings, agents) == {"clerk": "openai:gpt-x"}
    assert rehearsing(settings, agents) == (set() if environ else {"clerk"})


@pytest.mark.long
def test_a_model_whose_library_is_not_installed_stops_the_start_and_says_what_to_install() -> None:
    program = f"""
import sys
sys.modules[{OPENAI!r}] = None
from bot.config.errors import ConfigError
from bot.config.settings import Settings
from bot.registry.configured import model_of
from agents.model.makers import Options
try:
    model_of(Settings(openai_base_url="http://there"), "openai:x", Options())
except ConfigError as error:
    print(error)
"""

    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout

    assert "the model openai:x needs a library that is not installed: pip install 'sayso[openai]'" in printed
