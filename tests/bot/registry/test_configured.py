"""The way to each maker of models, as the environment names it."""

import subprocess
import sys
from pathlib import Path

import pytest

from agents.model.hosted import ANTHROPIC
from agents.model.makers import OPENAI, Access, Options
from agents.model.openai import OpenAI
from bot.config.settings import Settings
from bot.registry.configured import is_reachable, model_hosts, model_of, model_secrets
from tests.bot.config_files import read
from tests.clerk import Workshop, clerk

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
            {"OPENAI_API_KEY": "sk-ours", "OPENAI_CUSTOM_HEADERS": "X-Team: ours\nno header\nX-B:c:d"},
            Access("sk-ours", headers={"X-Team": "ours", "X-B": "c:d"}),
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
