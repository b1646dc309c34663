"""`sayso web` as a process of its own, beside the world of a test."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus

from httpx2 import AsyncClient

from bot.people.api_keys import Keyring
from tests.kit.office import QUICK
from tests.kit.waiting import PATIENCE_S, patience, until
from tests.kit.world import World
from tests.servers.program import COMMAND, environment


def settings(world: World) -> dict[str, str]:
    return {"SAYSO_REDIS_URL": world.url, "SAYSO_SECRET_KEY": "x" * 32} | {
        f"SAYSO_{name}": QUICK[name] for name in QUICK
    }


@asynccontextmanager
async def a_web(world: World) -> AsyncGenerator[tuple[asyncio.subprocess.Process, str]]:
    """A web process of `world`, and where it listens."""
    program = await asyncio.create_subprocess_exec(
        *COMMAND, "web", "--port", "0", "--data", str(world.folder),
        env=environment(**settings(world)), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert program.stdout
    try:
        async with patience():
            said = await program.stdout.readuntil(b'"port":') + await program.stdout.readline()
        port = re.search(rb'"port":(\d+)', said)
        assert port
        url = f"http://127.0.0.1:{int(port[1])}"
        async with AsyncClient(base_url=url, timeout=PATIENCE_S) as anybody:
            await until(lambda: is_ready(anybody), what="the process is ready")
        yield program, url
    finally:
        if program.returncode is None:
            program.kill()
        await program.communicate()


async def is_ready(anybody: AsyncClient) -> bool:
    return (await anybody.get("/readyz")).status_code == HTTPStatus.OK


async def key_of(world: World, person: str) -> dict[str, str]:
    _, text = await Keyring(world.app.store, world.app.people).create(person=person, scopes=["admin"])
    return {"Authorization": f"Bearer {text}"}
