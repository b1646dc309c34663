"""`sayso web` as a process of its own, beside the world of a test."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus

from httpx2 import AsyncClient

from bot.people.api_keys import Keyring
from tests.kit.office import QUICK
from tests.kit.programs import Program
from tests.kit.waiting import PATIENCE_S, until
from tests.kit.world import World


def settings(world: World) -> dict[str, str]:
    return {"SAYSO_REDIS_URL": world.url, "SAYSO_SECRET_KEY": "x" * 32} | {
        f"SAYSO_{name}": QUICK[name] for name in QUICK
    }


@asynccontextmanager
async def a_web(world: World) -> AsyncGenerator[tuple[Program, str]]:
    """A web process of `world`, and where it listens."""
    words = ["web", "--port", "0", "--data", str(world.folder)]
    with Program(words, settings(world), world.folder / "web.log") as program:
        url = await asyncio.to_thread(program.address)
        async with AsyncClient(base_url=url, timeout=PATIENCE_S) as anybody:
            await until(lambda: is_ready(anybody), what="the process is ready")
        yield program, url


async def is_ready(anybody: AsyncClient) -> bool:
    return (await anybody.get("/readyz")).status_code == HTTPStatus.OK


async def key_of(world: World, person: str) -> dict[str, str]:
    _, text = await Keyring(world.app.store, world.app.people).create(person=person, scopes=["admin"])
    return {"Authorization": f"Bearer {text}"}
