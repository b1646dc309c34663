"""The page of the audit log: those who hear the alerts read it, filter it and take it away."""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from functools import partial

import pytest
from starlette.types import Message, Send

from bot.store.client.durability import check_writes
from bot.store.watch import Follower
from bot.web.application import application
from bot.web.here import Here
from bot.web.looks import Looks
from bot.web.metrics import Metrics
from bot.web.waits import Waits
from tests.kit.world import World
from tests.servers.console import Console
from tests.stories.test_audit import asked, records


async def test_whoever_hears_the_alerts_sees_who_decided_filters_it_and_downloads_it(
    world: World, console: Console
) -> None:
    record = await asked(world)
    await world.decide("bo", record, "approve", channel="slack")
    await records(world, "tool_finished", record.request.id)
    dan = await console.browser("dan")

    page = await dan.get("/audit")
    of_bo = await dan.get("/audit?person=bo")
    lines = await dan.ask("GET", "/audit/export?person=bo")
    table = await dan.ask("GET", "/audit/export?format=csv&policy=production")
    wrong = await dan.get("/audit?since=soon")

    assert "Vote: approve" in page.words
    assert "Asked" in page.words
    assert ("Decided: approved" in of_bo.words, "Started" in of_bo.words) == (True, False)
    assert [json.loads(line)["kind"] for line in lines.text.splitlines()] == ["vote", "decided"]
    assert table.text.startswith("shard,n,at,kind,who,")
    assert len(table.text.splitlines()) == 6
    assert "soon is no day" in wrong.words
    bo = await console.browser("bo")
    assert [(await bo.ask("GET", path)).status_code for path in ("/audit", "/audit/export")] == [403, 403]
    assert "/audit" not in (await bo.ask("GET", "/")).text


async def exported(console: Console, cookies: Mapping[str, str], send: Send) -> None:
    """The download as CSV, given to `send` piece by piece."""
    asked = deque[Message]([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Message:
        return asked.popleft() if asked else await asyncio.get_running_loop().create_future()

    follower, cookie = Follower(console.app.store), "; ".join(map("=".join, cookies.items()))
    here = Here(
        app=console.app,
        follower=follower,
        metrics=Metrics(),
        waits=Waits(),
        port=console.api.port,
        demo=None,
        ping_s=15,
        look_s=4,
        longest_wait_s=50,
        writes=Looks(partial(check_writes, console.app.store.client, console.app.store.shards)),
    )
    headers = [(b"host", b"127.0.0.1"), (b"cookie", cookie.encode())]
    path = {"path": "/audit/export", "raw_path": b"/audit/export", "root_path": "", "query_string": b"format=csv"}
    kind = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http"}
    try:
        await application(here)({**kind, **path, "headers": headers, "client": ("127.0.0.1", 1)}, receive, send)
    finally:
        await follower.close()


async def test_a_download_breaks_off_once_its_reader_has_lost_the_right(world: World, console: Console) -> None:
    record = await asked(world)
    await records(world, "opened", record.request.id)
    dan = await console.browser("dan")
    [(_, session)] = dan.cookies.items()
    sent = list[bytes]()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            sent.append(message["body"])
            await console.logins.end(session)

    with pytest.raises(RuntimeError, match="response already started"):
        await exported(console, dan.cookies, send)

    assert [part.decode()[:11] for part in sent] == ["shard,n,at,"]
