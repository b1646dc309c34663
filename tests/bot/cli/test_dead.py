"""Held items in a terminal: read in lines, discarded, or asked about."""

import json

import pytest

from tests.bot.cli.shell import sayso
from tests.bot.web.api.test_operating import held
from tests.kit.world import World


@pytest.mark.long
async def test_held_mail_is_listed_in_lines_asked_about_and_discarded(world: World) -> None:
    name = await held(world)
    [record] = await world.requests()

    listed = await sayso(world, "dead")
    asked = await sayso(world, "dead", "confirm", name)
    after = await sayso(world, "dead")
    as_json = await sayso(world, "dead", "--json")
    gone = await sayso(world, "dead", "discard", name, "--json")
    empty = await sayso(world, "dead")

    first, second = listed.out.splitlines()
    assert first.startswith(f"{name}  quarantined  ")
    assert "a message that claims to be from bo@corp.example: nothing proves who sent it" in first
    assert second == f"    came by email, would have answered {record.request.id}"
    assert asked.out == "Bo Berg is asked whether it was theirs. It stays quarantined whatever they say.\n"
    assert "by service:terminal" in after.out.splitlines()[-1]
    [note] = json.loads(as_json.out)
    assert (note["id"], note["claims"], note["channel"]) == (name, "bo@corp.example", "email")
    assert json.loads(gone.out) == {"id": name, "told": f"{name} is discarded."}
    assert empty.out == "Nothing was given up, and nothing is quarantined.\n"


async def test_nobody_lets_a_held_message_through_by_trying_it_again(world: World) -> None:
    name = await held(world)

    ended = await sayso(world, "dead", "requeue", name)

    assert ended.code == 1
    assert f"Have that person asked: sayso dead confirm {name}" in ended.err
    assert len(await world.dead()) == 1
