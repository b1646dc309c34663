"""Commands typed into a terminal beside a running `World`."""

import asyncio
import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.office import QUICK
from tests.servers.lines import TOP
from tests.world import World

# A busy machine is not a failure.
WITHIN_S = 120


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


async def sayso(world: World, *words: str | bytes) -> Ended:
    """`sayso WORDS…` beside `world` as beside a `sayso dev`: the data directory leads to its Redis."""
    leave_word_of_redis(world)
    return await _typed(world, words, {})


async def in_production(world: World, *words: str | bytes) -> Ended:
    """`sayso WORDS…` where Redis and the data directory can be reached, and no `sayso dev` runs."""
    environ = {"SAYSO_REDIS_URL": world.url, "SAYSO_SECRET_KEY": (world.folder / "secret.key").read_text()}
    return await _typed(world, words, environ)


async def _typed(world: World, words: tuple[str | bytes, ...], environ: dict[str, str]) -> Ended:
    """A process of its own, on the data directory of `world`; it ends by itself."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ours = {f"SAYSO_{name}": value for name, value in QUICK.items()} | environ
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from bot.cli import main; main()", *words, "--data", str(world.folder),
        cwd=TOP, env=inherited | ours | {"LANG": "C.UTF-8"},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), WITHIN_S)
    assert process.returncode is not None
    assert b"Traceback" not in err, err.decode()
    return Ended(process.returncode, out.decode(), err.decode())


def leave_word_of_redis(world: World) -> None:
    """What an embedded Redis leaves: a socket that has the name of the data directory, and a note where it is."""
    socket = Path(world.url.removeprefix("unix://"))
    own = socket.with_name(hashlib.sha256(os.fsencode(world.folder.resolve())).hexdigest()[:16] + ".sock")
    if not own.exists():
        own.symlink_to(socket)
    (world.folder / "redis").mkdir(exist_ok=True)
    (world.folder / "redis" / "socket").write_text(str(own))
