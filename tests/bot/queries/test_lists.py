"""Lists across runs: what can't be read hides nothing else, and is counted until it is made anew."""

import json

from agents.requests import PersonId
from bot.queries.figures import status
from bot.queries.rebuild import rebuild
from bot.store.keys import Keys
from channels.slack.modals import view
from tests.bot.cli.shell import sayso
from tests.kit.office import ROLES, TOML
from tests.kit.opens import opens
from tests.kit.world import World
from tests.servers.console import a_console

pytestmark = opens(TOML + ROLES)


async def grows(world: World, name: str, field: str) -> None:
    """Give what is stored there a field that nobody here knows."""
    client = world.app.store.client
    body = json.loads(await client.do("HGET", name, field))
    await client.do("HSET", name, field, json.dumps(body | {"mood": "blue"}, separators=(",", ":")))


async def test_what_can_t_be_read_is_left_out_of_every_list_which_says_so_until_it_is_made_anew(world: World) -> None:
    world.is_tampered = True
    lost, kept = [await world.opened(await world.trigger(f"press {what}")) for what in ("bell", "gong")]
    await world.quiet()
    keys = Keys.of(lost.request.run_id)
    await grows(world, keys.request(lost.request.id), "body")
    await grows(world, keys.summaries, lost.request.run_id)

    async with a_console(world, look_s=0.1) as console:
        api = await console.api.client("ada", "admin")
        for name, shown in (("requests", kept.request.id), ("runs", kept.request.run_id)):
            for query in ({}, {"state": "open" if name == "requests" else "waiting"}):
                answer = (await api.get(f"/v1/{name}", params=query)).json()
                assert ([one["id"] for one in answer[name]], answer["unread"]) == ([shown], 1)
        bo, anna = await console.browser("bo"), await console.browser("anna")
        for page in (
            await bo.get("/requests"),
            await bo.get("/requests?all"),
            await bo.get("/runs"),
            await bo.get("/"),
        ):
            assert (
                "One entry can't be read and is left out here. An operator makes it anew: sayso rebuild" in page.words
            )
        assert "One entry can't be read" in (await anna.get("/")).words
        assert (await bo.get("/live")).status == 200

    for command, shown in (("requests", kept.request.id), ("runs", kept.request.run_id)):
        said = await sayso(world, command, "--json")
        assert ([one["id"] for one in json.loads(said.out)], said.code) == ([shown], 0)
        assert said.err.startswith("One entry can't be read")

    desk = world.app.requests.lookup
    bo_sees, anna_sees = await desk.overview("bo"), await desk.overview("anna")
    assert [row.title for group in bo_sees.waiting for row in group.rows] == [kept.request.title]
    assert [line.label for line in anna_sees.asked] == ["press gong"]
    for seen in (bo_sees, anna_sees):
        assert "One entry can't be read" in json.dumps(view(seen))
    assert [one for one in (await status(world.app.store)).needs if "`sayso rebuild`" in one]
    await world.post("anna", "sayso@sayso.example", "stop")
    assert kept.request.run_id in (await world.next_mail("anna", about="Re: stop")).text

    await rebuild(world.app.store)

    assert (await desk.overview(PersonId("bo"))).left_out == ""
    assert (await status(world.app.store)).needs == ()
