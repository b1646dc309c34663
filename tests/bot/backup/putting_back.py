"""A world that is backed up, goes on, is lost, and is put back as it was at the backup."""

import io
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from agents.requests import PersonId
from bot.backup.copying import copy
from bot.backup.file import End, Writer
from bot.backup.holding import Held
from bot.process.backups import put_back
from bot.store.client import Client
from bot.store.format import FORMAT
from bot.store.memory import FILE
from tests.world import World


async def backed_up(world: World) -> bytes:
    """The backup of the world as it is now."""
    file, client = io.BytesIO(), Client(world.url)
    writer = Writer(file)
    at, keys = await copy(client, writer)
    writer.end(End(at=at, shards=world.app.store.shards, format=FORMAT, keys=keys, version="0"))
    await client.close()
    return file.getvalue()


@asynccontextmanager
async def lost(world: World, *, anew: bool = False) -> AsyncGenerator[World]:
    """End the world and empty its Redis; at the end of the block it starts again, over what is there then.

    To begin `anew` with a store that nobody restored, somebody deletes what was seen of the one before.
    """
    await world.stop()
    client = Client(world.url)
    await client.do("FLUSHALL")
    await client.close()
    yield world
    if anew:
        (world.folder / FILE).unlink()
    await world.start()


async def restored(world: World, backup: bytes, *, keeps_keys: bool = False, stays_frozen: bool = False) -> Held:
    """The world goes on from the backup, and an operator ends the freeze; return what was held."""
    async with lost(world):
        app = world.composed(world.settings())
        try:
            held = (await put_back(app, io.BytesIO(backup), keeps_keys=keeps_keys)).held
        finally:
            await app.store.client.close()
    if not stays_frozen:
        await world.app.requests.freezes.unfreeze("", PersonId("dan"), "")
    return held
