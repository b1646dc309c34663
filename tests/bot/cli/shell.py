"""Commands typed into a terminal beside a running `World`."""

import asyncio
import os
import sys
from dataclasses import dataclass

from tests.office import QUICK
from tests.servers.lines import TOP
from tests.world import World

WITHIN_S = 30


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


async def sayso(world: World, *words: str | bytes) -> Ended:
    """`sayso WORDS…` as a process of its own, on the data directory and the Redis of `world`; it ends by itself."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ours = {f"SAYSO_{name}": value for name, value in QUICK.items()} | {
        "SAYSO_REDIS_URL": world.url,
        "SAYSO_SECRET_KEY": (world.folder / "secret.key").read_text(),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from bot.cli import main; main()", *words, "--data", str(world.folder),
        cwd=TOP, env=inherited | ours | {"LANG": "C.UTF-8"},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), WITHIN_S)
    assert process.returncode is not None
    assert b"Traceback" not in err, err.decode()
    return Ended(process.returncode, out.decode(), err.decode())
