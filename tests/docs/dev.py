"""A `sayso dev` for the pages that begin with one."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.kit.programs import COMMAND, Program, environment

_LAUNCHER = '#!/bin/sh\nexec "{}" "{}" "{}" "$@"\n'


def launcher(folder: Path) -> Path:
    """The program `sayso` in `folder`."""
    made = folder / "sayso"
    made.write_text(_LAUNCHER.format(*COMMAND))
    made.chmod(0o755)
    return made


@asynccontextmanager
async def sayso_dev(folder: Path, **environ: str) -> AsyncGenerator[str]:
    """Yield where a `sayso dev` over `folder` serves HTTP, while the context is open."""
    program = Program(["dev", "--port", "0", "--no-open"], environment(**environ), folder / "dev.log", folder=folder)
    with program:
        url = await asyncio.to_thread(program.printed, "HTTP API")
        yield url.removesuffix("/openapi.json")
        await asyncio.to_thread(program.leaves)
