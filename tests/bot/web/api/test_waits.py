"""A key holds only so many event streams and long polls at once; others, and whatever does not wait, go on."""

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from bot.store.client.durability import check_writes
from bot.store.watch import Follower
from bot.web.api.application import application
from bot.web.here import Here
from bot.web.looks import Looks
from bot.web.metrics import Metrics
from bot.web.waits import Waits
from tests.kit.waiting import patience, until
from tests.kit.world import World


class Call:
    """One GET to the application, which its sender may hang up on."""

    def __init__(self, api: ASGIApp, path: str, key: str, accept: str = "application/json") -> None:
        self.said: list[Message] = []
        self._gone = asyncio.Event()
        path, _, query = path.partition("?")
        headers = [(b"authorization", f"Bearer {key}".encode()), (b"accept", accept.encode())]
        scope: dict[str, Any] = {
            "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": query.encode(), "headers": headers, "http_version": "1.1", "scheme": "http",
        }  # fmt: skip
        self._is_read = False
        self.task = asyncio.ensure_future(api(scope, self._receive, self._send))

    async def _receive(self) -> Message:
        if not self._is_read:
            self._is_read = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.said.append(message)

    async def hang_up(self) -> None:
        """Its sender goes, as a closed connection tells the application."""
        self._gone.set()
        await self.task

    async def answer(self) -> tuple[int, dict[str, str], dict[str, Any]]:
        """(status, headers, body) of a whole answer."""
        async with patience():
            await self.task
        headers = {name.decode(): value.decode() for name, value in self.said[0]["headers"]}
        return self.said[0]["status"], headers, json.loads(b"".join(one.get("body", b"") for one in self.said[1:]))


@pytest.fixture
async def here(world: World) -> AsyncIterator[Here]:
    follower = Follower(world.app.store)
    yield Here(
        app=world.app,
        follower=follower,
        metrics=Metrics(),
        waits=Waits(at_most=2),
        port=0,
        demo=None,
        ping_s=15,
        look_s=15,
        longest_wait_s=50,
        writes=Looks(partial(check_writes, world.app.store.client, world.app.store.shards)),
    )
    await follower.close()


async def test_a_key_holds_so_many_streams_and_long_polls_and_then_is_told_to_wait(world: World, here: Here) -> None:
    api = application(here)
    request = (await world.opened(await world.trigger("press it"))).request
    stream, poll = f"/v1/runs/{request.run_id}/events", f"/v1/requests/{request.id}?wait_s=50"
    _, anna = await here.app.access.keyring.create(person="anna", scopes=["read"])
    _, bo = await here.app.access.keyring.create(person="bo", scopes=["read"])
    held = Call(api, stream, anna, "text/event-stream")
    waits = Call(api, poll, anna)
    await until(lambda: held.said and _open(here) == 2, what="both wait")

    for path in (stream, poll):
        status, headers, problem = await Call(api, path, anna, "text/event-stream").answer()
        assert (status, headers["retry-after"]) == (429, "10")
        assert problem["type"] == "urn:sayso:problem:rate-limited"
        assert problem["detail"].startswith("2 event streams and long polls are open here")
    assert (await Call(api, f"/v1/requests/{request.id}", anna).answer())[0] == 200
    other = Call(api, stream, bo, "text/event-stream")
    await until(lambda: other.said, what="another key's stream begins")

    await held.hang_up()
    again = Call(api, stream, anna, "text/event-stream")
    await until(lambda: again.said, what="there is room for another one")
    assert again.said[0]["status"] == 200
    await world.decide("bo", await world.request(request.id), "approve")
    assert (await waits.answer())[0] == 200
    for call in (again, other):
        await call.hang_up()


async def test_attack_somebody_with_several_keys_holds_no_more(world: World, here: Here) -> None:
    api = application(here)
    request = (await world.opened(await world.trigger("press it"))).request
    stream = f"/v1/runs/{request.run_id}/events"
    keys = [(await here.app.access.keyring.create(person="anna", scopes=["read"]))[1] for _ in range(3)]
    held = [Call(api, stream, key, "text/event-stream") for key in keys[:2]]
    await until(lambda: all(one.said for one in held), what="both are held")

    assert (await Call(api, stream, keys[2], "text/event-stream").answer())[0] == 429

    for one in held:
        await one.hang_up()


def _open(here: Here) -> int:
    [family] = here.metrics.streams.collect()
    return round(family.samples[0].value)
