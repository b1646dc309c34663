"""Commands typed into a terminal beside a running `World`."""

import asyncio
import hashlib
import logging
import os
import sys
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from typer.testing import CliRunner

from bot.cli.program import app
from bot.config.data_dir import LocalServer
from tests.kit.office import QUICK
from tests.kit.programs import Ended, bare
from tests.kit.programs import typed as program
from tests.kit.world import World
from tests.servers.web import Api, serving

_SETTINGS = ("SAYSO_", "ANTHROPIC_", "OPENAI_", "AZURE_OPENAI_", "SLACK_")


@asynccontextmanager
async def beside(world: World, **more: Any) -> AsyncGenerator[Api]:
    """`world` over HTTP, announced in its data directory as a `sayso dev` does it."""
    async with serving(world.app, **more) as api:
        people, lend = world.app.people, world.app.access.keyring.lend
        keys = {"": lend(None)} | {name: lend(people.of_file(name)) for name in people.as_written.people}
        world.app.data_dir.announce(LocalServer(world.app.settings.public_url or api.url, api.url, keys, ()))
        yield api
        world.app.data_dir.withdraw()


async def sayso(world: World, *words: str | bytes) -> Ended:
    """`sayso WORDS…` beside `world` as beside a `sayso dev`. One at a time: the terminal is this process's own."""
    async with beside(world):
        return await elsewhere(world.folder, *words, "--data", str(world.folder))


async def elsewhere(home: Path, *words: str | bytes, **environ: str) -> Ended:
    """`sayso WORDS…` in this process while servers run in it, as somebody types it whose own notes are in `home`."""
    with _logs_apart():
        return await asyncio.to_thread(partial(typed, home, *words, **environ))


def typed(home: Path, *words: str | bytes, stdin: bytes = b"", **environ: str) -> Ended:
    """`sayso WORDS…` in this process, with the variables of `environ` and no other setting."""
    env = dict.fromkeys((name for name in os.environ if name.startswith(_SETTINGS)), None)
    env |= {"XDG_STATE_HOME": str(home / "state")} | environ
    with _logs_of_this_process():
        result = CliRunner().invoke(app, [os.fsdecode(word) for word in words], input=stdin, env=env)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


@contextmanager
def _logs_of_this_process() -> Generator[None]:
    """Undo what a command does to the logs: the terminal that it sends them to is gone when it has ended."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level, is_loud = [*root.handlers], root.level, logging.raiseExceptions
    try:
        yield
    finally:
        root.handlers[:], logging.raiseExceptions = handlers, is_loud
        root.setLevel(level)
        structlog.configure(**before)


@contextmanager
def _logs_apart() -> Generator[None]:
    """Keep what the server logs meanwhile out of where the command prints."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.__stderr__))
    try:
        yield
    finally:
        structlog.configure(**before)


async def attached(world: World, *words: str) -> Ended:
    """A process of its own beside `world` and its Redis, for what works beside the store or waits meanwhile."""
    leave_word_of_redis(world)
    async with beside(world):
        return await _typed(world, words, {})


async def in_production(world: World, *words: str) -> Ended:
    """`sayso WORDS…` where Redis and the data directory can be reached, and no `sayso dev` runs."""
    environ = {"SAYSO_REDIS_URL": world.url, "SAYSO_SECRET_KEY": (world.folder / "secret.key").read_text()}
    return await _typed(world, words, environ)


async def _typed(world: World, words: tuple[str, ...], environ: Mapping[str, str]) -> Ended:
    """A process of its own, on the data directory of `world`; it ends by itself."""
    ours = {f"SAYSO_{name}": value for name, value in QUICK.items()} | {"XDG_STATE_HOME": str(world.folder / "state")}
    env = bare(**ours) | {"LANG": "C.UTF-8"} | dict(environ)
    ended = await asyncio.to_thread(partial(program, *words, "--data", str(world.folder), env=env))
    assert "Traceback" not in ended.err, ended.err
    return ended


def leave_word_of_redis(world: World) -> None:
    """Leave what an embedded Redis leaves: a socket named after the data directory, and a note where it is."""
    socket = Path(world.url.removeprefix("unix://"))
    own = socket.with_name(hashlib.sha256(os.fsencode(world.folder.resolve())).hexdigest()[:16] + ".sock")
    if not own.exists():
        own.symlink_to(socket)
    (world.folder / "redis").mkdir(exist_ok=True)
    (world.folder / "redis" / "socket").write_text(str(own))
