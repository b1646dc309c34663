"""A world that is backed up, goes on, is lost, and is put back as it was at the backup."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from agents.requests import PersonId
from bot.backup.holding import Held
from bot.process.backups import hold_loaded
from bot.store.client import Client
from bot.store.memory import FILE
from tests.kit.world import World

Backup = Mapping[str, tuple[bytes, int]]
"""What each key holds, and for how many milliseconds more; 0 for ever."""


# In one step, as a file of Redis holds one moment.
_DUMPED = """
local found = {}
for number, key in ipairs(redis.call('KEYS', '{s*')) do
  found[number] = {key, redis.call('DUMP', key), redis.call('PTTL', key)}
end
return found
"""


async def backed_up(world: World) -> Backup:
    """Return all of the world's store as it is now."""
    client = Client(world.url)
    found = await client.do("EVAL", _DUMPED, 0)
    await client.close()
    return {key.decode(): (body, max(left_ms, 0)) for key, body, left_ms in found}


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


async def put_back(client: Client, backup: Backup) -> None:
    """Have in an empty Redis what the backup holds, as Redis's own means do."""
    for key, (body, left_ms) in backup.items():
        await client.do("RESTORE", key, left_ms, body)


async def restored(world: World, backup: Backup, *, keeps_keys: bool = False, stays_frozen: bool = False) -> Held:
    """The world goes on from the backup, and an operator ends the freeze; return what was held."""
    async with lost(world):
        app = world.composed(world.settings())
        try:
            await put_back(app.store.client, backup)
            held = (await hold_loaded(app, keeps_keys=keeps_keys)).held
        finally:
            await app.store.client.close()
    if not stays_frozen:
        await world.app.requests.freezes.unfreeze("", PersonId("dan"), "", proof=None)
    return held
