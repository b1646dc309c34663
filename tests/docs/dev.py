"""A `sayso dev` for the pages that begin with one."""

import asyncio
import re
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.servers.program import COMMAND, environment

_LAUNCHER = '#!/bin/sh\nexec "{}" "{}" "{}" "$@"\n'


def launcher(folder: Path) -> Path:
    """The program `sayso` in `folder`."""
    made = folder / "sayso"
    made.write_text(_LAUNCHER.format(*COMMAND))
    made.chmod(0o755)
    return made


async def heard(stdout: asyncio.StreamReader) -> str:
    """The address that the welcome names."""
    async for line in stdout:
        if found := re.search(rb"HTTP API +(\S+)/openapi.json", line):
            return found[1].decode()
    raise AssertionError("sayso dev ended without a welcome")


@asynccontextmanager
async def sayso_dev(folder: Path, **environ: str) -> AsyncGenerator[str]:
    """Yield where a `sayso dev` over `folder` serves HTTP, while the context is open."""
    program = await asyncio.create_subprocess_exec(
        *COMMAND, "dev", "--port", "0", "--no-open",
        cwd=folder, env=environment(**environ), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert program.stdout
    try:
        async with asyncio.timeout(120):
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
