"""Operators hear who counts as new since a file changed, whichever process or command read it first."""

import asyncio

import pytest

from bot.cli.people import confirm
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
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**QUICK, "REDIS_URL": world.url}.items():
        monkeypatch.setenv(f"SAYSO_{name}", str(value))
    await world.opened(await world.trigger("ask-of person:bo free_text What is your wish?"))
    reload = Reload(world.app, lambda: settings_in(world.folder), works=True)
    await reload.begin()
    write(world, MARRIED)
    await reload.look(at_once=True)
    digest = world.app.people.half_taken
    assert digest

    await asyncio.to_thread(confirm, digest, data=world.folder)
    await reload.look(at_once=True)
    assert world.app.people.half_taken == ""
    await world.quiet()

    assert [one.subject for one in world.mails("dan") if TOLD in one.subject]


@opens(WITH_SLACK)
async def test_attack_operators_never_hear_who_counts_as_new_where_the_process_that_read_it_first_dies(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with held(other := World(world.url, world.folder, world.toml)):
        await other.start(works=False, receives=False)
        first, second = (Reload(one.app, lambda: settings_in(world.folder), works=True) for one in (other, world))
        await first.begin()
        await second.begin()

        async def dies() -> bool:
            raise OSError("it is killed")

        monkeypatch.setattr(first, "_tell_what_followed", dies)
        write(world, MARRIED)
        with pytest.raises(OSError, match="it is killed"):
            await first.look(at_once=True)
        await second.look(at_once=True)
        await world.quiet()

        assert [one.subject for one in world.mails("dan") if TOLD in one.subject]
