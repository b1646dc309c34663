"""`docs/ask-from`, run as it stands there."""

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.docs.dev import launcher, sayso_dev
from tests.fakes.models import running
from tests.kit.programs import TOP, environment
from tests.processes.coding.installed import installed

SCRIPT_S = 300
"""A guard against hanging: a page makes an environment, installs into it and starts programs one after the other."""


def blocks(page: str, part: str = "") -> str:
    """The shell commands of a page, or of the part with this heading."""
    text = (TOP / "docs" / "ask-from" / page).read_text()
    if part:
        text = text.partition(f"\n### {part}\n")[2].partition("\n## ")[0]
        assert text
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))


@pytest.mark.long
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_a_client_asks_is_killed_comes_back_and_has_the_answer(short_path: Path) -> None:
    launcher(short_path)
    async with sayso_dev(short_path) as url:
        told = await asyncio.to_thread(
            subprocess.run, ["sh", "-eu", "-c", blocks("mcp.md")], cwd=short_path,
            env=environment(URL=url), capture_output=True, text=True, timeout=SCRIPT_S, check=False,
        )  # fmt: skip

    assert told.returncode == 0, told.stderr
    assert "killed" in told.stdout
    [answer] = re.findall(r"^data: (.*)$", told.stdout, re.MULTILINE)
    assert '"decision":"answered"' in answer
    assert '"answer":true' in answer


@pytest.mark.long
async def test_a_python_script_is_killed_comes_back_and_acts_once(short_path: Path) -> None:
    launcher(short_path)
    (short_path / "clients").symlink_to(TOP / "clients")
    async with sayso_dev(short_path) as url:
        told = await asyncio.to_thread(
            subprocess.run, ["sh", "-eu", "-c", blocks("python.md")], cwd=short_path,
            env=environment(URL=url), capture_output=True, text=True, timeout=SCRIPT_S, check=False,
        )  # fmt: skip

    if "No matching distribution" in told.stderr or "ConnectionPool" in told.stderr:
        pytest.skip("what the client needs cannot be had: no package index answers")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "killed" in told.stdout
    assert told.stdout.count("deleting staging-seven") == 1


@dataclass(frozen=True)
class Agent:
    """A coding agent that has a page, and what it needs to talk to a model at MODEL in place of its own."""

    name: str
    program: str
    found: str
    call: tuple[str, Mapping[str, Any]]
    environ: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict[str, str])


SHARED = "claude-code.md"
"""The page that has for all of them what comes after their own first commands."""
_CLEARS = {"command": "rm -r old-build", "description": "Clear up"}
_CODEX_AT_MODEL = """
model = "gpt-5"
model_provider = "stand-in"
check_for_update_on_startup = false

[model_providers.stand-in]
name = "stand-in"
base_url = "MODEL/v1"
wire_api = "responses"
env_key = "STAND_IN_KEY"

[analytics]
enabled = false
"""
AGENTS = [
    Agent(
        "claude-code", "claude", "@anthropic-ai/claude-code-*/claude", ("Bash", _CLEARS),
        {"ANTHROPIC_BASE_URL": "MODEL", "ANTHROPIC_API_KEY": "sk-ant-test", "IS_SANDBOX": "1",
         "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"},
    ),
    Agent(
        "codex", "codex", "@openai/codex-*/vendor/*/bin/codex", ("exec_command", {"cmd": _CLEARS["command"]}),
        {"STAND_IN_KEY": "sk-test"}, {".codex/config.toml": _CODEX_AT_MODEL},
    ),
    Agent(
        "copilot", "copilot", "@github/copilot-*/copilot", ("bash", _CLEARS),
        {"COPILOT_OFFLINE": "true", "COPILOT_AUTO_UPDATE": "false", "COPILOT_PROVIDER_TYPE": "anthropic",
         "COPILOT_PROVIDER_BASE_URL": "MODEL", "COPILOT_PROVIDER_API_KEY": "sk-test",
         "COPILOT_MODEL": "claude-sonnet-4"},
    ),
]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("itself", [False, True], ids=["a plain call of its hook", "itself"])
@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
async def test_a_coding_agent_hears_a_denial_and_acts_once_on_an_approval_by_mail(
    agent: Agent, itself: bool, short_path: Path, pytestconfig: pytest.Config
) -> None:
    assert pytestconfig.cache
    page = f"{agent.name}.md"
    commands = blocks(page)
    if page != SHARED:
        commands += "\n" + blocks(SHARED, "Deny it, then approve")
    program = [sys.executable, "-m", "tests.docs.plain_agent", agent.name]
    if itself:
        program = [str(installed(agent.name, agent.found, pytestconfig.cache.mkdir("coding-agents")))]
    launcher(short_path)
    home, found = short_path / "home", short_path / "bin" / agent.program
    with running() as model:
        model.wants(agent.call)
        environ = {name: value.replace("MODEL", model.base_url) for name, value in agent.environ.items()}
        files = {home / name: text.replace("MODEL", model.base_url) for name, text in agent.files.items()}
        words = ["env", *(f"{name}={value}" for name, value in environ.items()), *program]
        for path, text in (files | {found: f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'}).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        found.chmod(0o755)
        async with sayso_dev(short_path) as url:
            told = await asyncio.to_thread(
                subprocess.run, ["sh", "-eu", "-c", commands], cwd=short_path,
                env=environment(URL=url, HOME=str(home), PATH=f"{found.parent}:{os.environ['PATH']}"),
                capture_output=True, text=True, timeout=SCRIPT_S, check=False,
            )  # fmt: skip
        heard = model.told() if itself else [told.stdout]

    assert told.returncode == 0, told.stdout + told.stderr
    assert "Denied by anna: not on a Friday" in told.stdout + "".join(heard)
    assert told.stdout.splitlines().count("old-build") == 1
    assert told.stdout.endswith("old-build is gone\n")
