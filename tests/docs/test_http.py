"""`docs/http.md`, run as it stands there."""

import asyncio
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.servers.program import COMMAND, ROOT, environment

_LAUNCHER = '#!/bin/sh\nexec "{}" "{}" "{}" "$@"\n'


async def heard(stdout: asyncio.StreamReader) -> str:
    """The address that the welcome names."""
    async for line in stdout:
        if found := re.search(rb"HTTP API +(\S+)/openapi.json", line):
            return found[1].decode()
    raise AssertionError("sayso dev ended without a welcome")


@asynccontextmanager
async def sayso_dev(folder: Path) -> AsyncGenerator[str]:
    """Where a `sayso dev` over `folder` serves HTTP, while the context is open."""
    program = await asyncio.create_subprocess_exec(
        *COMMAND, "dev", "--port", "0", "--no-open", cwd=folder, env=environment(), stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout
    try:
        async with asyncio.timeout(30):
            url = await heard(program.stdout)
        rest = asyncio.create_task(program.stdout.read())
        yield url
        program.send_signal(signal.SIGTERM)
        assert await program.wait() == 0
        await rest
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()


def blocks(name: str) -> str:
    """The shell commands of a document."""
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs" / name).read_text(), re.DOTALL | re.MULTILINE))


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_story_that_is_told_with_curl_is_true(short_path: Path) -> None:
    launcher = short_path / "sayso"
    launcher.write_text(_LAUNCHER.format(*COMMAND))
    launcher.chmod(0o755)
    out = short_path / "out"
    out.mkdir()
    async with sayso_dev(short_path) as url:
        told = await asyncio.to_thread(
            subprocess.run, ["sh", "-eu", "-c", blocks("http.md")], cwd=short_path,
            env=environment(URL=url, OUT=str(out)), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    assert (told.returncode, told.stderr) == (0, ""), told.stdout
    assert '"type":"decided"' in told.stdout
    assert '"state":"done"' in told.stdout
    assert '"type":"urn:sayso:problem:already-decided"' in told.stdout
    assert '"may_act":true' in (out / "may.json").read_text()
    assert '"picks":["staging-seven"]' in told.stdout
    events = (out / "events.txt").read_text()
    assert '"type":"run_ended"' in events.splitlines()[-2]
    assert '"ticket":"OPS-7"' in events
    assert (
        (short_path / ".sayso" / "demo" / "site" / "production" / "current")
        .resolve()
        .name.startswith(re.findall(r'"v1.2.0":"([0-9a-f]{40})"', (out / "decided.json").read_text())[0])
    )
