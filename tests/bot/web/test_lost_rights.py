"""What somebody follows or waits for ends soon after they may no longer see it, also where nothing happens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.tables import becomes, without
from tests.kit.waiting import patience
from tests.kit.world import World
from tests.servers.console import a_console
from tests.servers.markup import Markup
from tests.servers.web import Api, serving

OPERATORS = TOML + '\n[roles]\noperator = ["person:dan"]\n'
LOOK_S = 0.05


pytestmark = opens(OPERATORS)
"""Dan is an operator, whom no run of Anna's concerns."""


async def rest_of(api: Api, person: str, run_id: str, began: asyncio.Event) -> str:
    """Follow a run to the end of the stream."""
    said, client = "", await api.client(person)
    stream = {"Accept": "text/event-stream"}
    async with client.stream("GET", f"/v1/runs/{run_id}/events", headers=stream) as answer:
        async for line in answer.aiter_lines():
            said += line
            if "request_opened" in line:
                began.set()
    return said


async def test_the_stream_of_a_run_ends_for_whoever_has_left(world: World) -> None:
    run_id, began = await world.trigger("press it"), asyncio.Event()
    await world.opened(run_id)
    async with serving(world.app, look_s=LOOK_S) as api:
        others = asyncio.create_task(rest_of(api, "anna", run_id, asyncio.Event()))
        following = asyncio.create_task(rest_of(api, "bo", run_id, began))
        async with patience():
            await began.wait()
            await becomes(world, without(OPERATORS, "bo"))
            said = await following

        assert "ping" not in said
        assert not others.done()
        others.cancel()


async def test_a_page_that_follows_says_that_it_may_be_seen_no_longer(world: World) -> None:
    run_id = await world.trigger("press it")
    record = await world.opened(run_id)
    await world.quiet()
    async with a_console(world, look_s=LOOK_S) as console:
        dan = await console.browser("dan")
        tags = (await dan.get(f"/requests/{record.request.id}")).tags
        follows = next(found["data-follow"] for _, found in tags if "data-follow" in found)
        async with aclosing(dan.stream(follows)) as stream:
            rest = asyncio.ensure_future(_all(stream))
            await console.api.until_open()
            assert not rest.done()
            await becomes(world, TOML)
            async with patience():
                name, html = (await rest)[-1]

    assert (name, Markup(html).words) == ("gone", "You may no longer see this. To the first page")


async def _all(stream: AsyncIterator[tuple[str, str]]) -> list[tuple[str, str]]:
    return [part async for part in stream]


async def test_who_waits_for_a_request_that_they_may_no_longer_see_is_not_shown_it(world: World) -> None:
    record = await world.opened(await world.trigger("press it"))
    async with serving(world.app) as api:
        dan = await api.client("dan")
        waiting = asyncio.create_task(dan.get(f"/v1/requests/{record.request.id}?wait_s=40", timeout=90))
        await api.until_open()
        assert not waiting.done()
        await becomes(world, TOML)
        await world.decide("bo", record, "approve")

        answer = await waiting

    assert answer.status_code == 404
