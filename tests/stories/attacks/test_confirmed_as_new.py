"""Operators hear who counts as new since a file changed, whichever process or command read it first."""

import asyncio
import os
import sys

from bot.people.tables import tables_of
from bot.process.reload import Reload
from tests.kit.office import QUICK, TOML
from tests.kit.opens import opens
from tests.kit.tables import in_place_of, settings_in, write
from tests.kit.world import World, held

WITH_SLACK = TOML.replace('email = "bo@corp.example"', 'email = "bo@corp.example"\nslack = "U01BO"')
# Bo has another address, and the file another name for them; their Slack id is what it was, and there is no uid.
MARRIED = in_place_of(
    WITH_SLACK,
    "bo",
    '\n[people.bob]\nname = "Bo Bell"\nemail = "bell@corp.example"\nslack = "U01BO"\ngroups = ["release"]\n',
)
TOLD = "Somebody new in sayso.toml: Bo Bell"


@opens(WITH_SLACK)
async def test_attack_operators_never_hear_who_counts_as_new_once_one_of_them_has_confirmed_the_file(
    world: World,
) -> None:
    await world.opened(await world.trigger("ask-of person:bo free_text What is your wish?"))
    reload = Reload(world.app, lambda: settings_in(world.folder), works=True)
    await reload.begin()
    write(world, MARRIED)
    await reload.look(at_once=True)
    digest = world.app.people.half_taken
    assert digest

    environ = {f"SAYSO_{name}": str(value) for name, value in {**QUICK, "REDIS_URL": world.url}.items()}
    command = [sys.executable, "-c", "from bot.cli import main; main()", "people", "confirm", digest]
    # A process of its own, as it sets up the logs of one.
    confirms = await asyncio.create_subprocess_exec(*command, "--data", world.folder, env={**os.environ, **environ})
    assert await confirms.wait() == 0
    await reload.look(at_once=True)
    assert world.app.people.half_taken == ""
    await world.quiet()

    assert [one.subject for one in world.mails("dan") if TOLD in one.subject]


@opens(WITH_SLACK)
async def test_attack_operators_never_hear_who_counts_as_new_where_the_process_that_read_it_first_dies(
    world: World,
) -> None:
    async with held(other := World(world.url, world.folder, world.toml)):
        await other.start(works=False, receives=False)
        second = Reload(world.app, lambda: settings_in(world.folder), works=True)
        await second.begin()
        write(world, MARRIED)
        await other.app.register.hold(tables_of(settings_in(world.folder)))  # and it dies before it tells
        await second.look(at_once=True)
        await world.quiet()

        assert [one.subject for one in world.mails("dan") if TOLD in one.subject]
