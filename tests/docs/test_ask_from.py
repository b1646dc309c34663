"""`docs/ask-from`, run as it stands there."""

import asyncio
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.dev import launcher, sayso_dev
from tests.servers.program import ROOT, environment


def blocks(page: str) -> str:
    """The shell commands of a page."""
    text = (ROOT / "docs" / "ask-from" / page).read_text()
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))


@pytest.mark.long
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_a_client_asks_is_killed_comes_back_and_has_the_answer(short_path: Path) -> None:
    launcher(short_path)
    async with sayso_dev(short_path) as url:
        told = await asyncio.to_thread(
            subprocess.run, ["sh", "-eu", "-c", blocks("mcp.md")], cwd=short_path,
            env=environment(URL=url), capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip

    assert told.returncode == 0, told.stderr
    assert "killed" in told.stdout
    [answer] = re.findall(r"^data: (.*)$", told.stdout, re.MULTILINE)
    assert '"decision":"answered"' in answer
    assert '"answer":true' in answer


@pytest.mark.long
async def test_a_python_script_is_killed_comes_back_and_acts_once(short_path: Path) -> None:
    launcher(short_path)
    (short_path / "clients").symlink_to(ROOT / "clients")
    async with sayso_dev(short_path) as url:
        told = await asyncio.to_thread(
            subprocess.run, ["sh", "-eu", "-c", blocks("python.md")], cwd=short_path,
            env=environment(URL=url), capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    if "No matching distribution" in told.stderr or "ConnectionPool" in told.stderr:
        pytest.skip("what the client needs cannot be had: no package index answers")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "killed" in told.stdout
    assert told.stdout.count("deleting staging-seven") == 1
