"""The page of the audit log: those who hear the alerts read it, filter it and take it away."""

import asyncio
import json
import re
from collections import deque
from collections.abc import Mapping
from datetime import timedelta, timezone
from functools import partial
from urllib.parse import urlencode

import pytest
from starlette.types import Message, Send

from agents.requests import PersonId
from bot.audit.log import AuditLog
from bot.requests.reassignment.absences import AbsenceWanted
from bot.store.client.durability import check_writes
from bot.store.watch import Follower
from bot.web.application import application
from bot.web.here import Here
from bot.web.looks import Looks
from bot.web.metrics import Metrics
from bot.web.waits import Waits
from tests.bot.web.console.stage import place
from tests.kit.world import World
from tests.servers.console import Console
from tests.stories.test_audit import asked, of_run, records


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


async def test_the_page_and_the_download_have_what_is_of_the_days_that_were_picked(
    world: World, console: Console
) -> None:
    first = await asked(world)
    await world.decide("bo", first, "deny")
    await world.move_time(2 * 24 * 3600.0)
    second = await asked(world)
    await records(world, "opened", second.request.id)
    now, dan = await world.now(), await console.browser("dan")
    between = (now - timedelta(hours=1)).astimezone(timezone(timedelta(hours=9))).isoformat()

    async def shown(**days: str) -> set[str]:
        page = await dan.get(f"/audit?{urlencode(days)}")
        lines = (await dan.ask("GET", f"/audit/export?{urlencode(days)}")).text.splitlines()
        exported = {found for line in lines if (found := json.loads(line)["run_id"])}
        assert exported == {run for run in (first.request.run_id, second.request.run_id) if run in page.html}
        return exported

    assert await shown(since=f"{now:%Y-%m-%d}") == {second.request.run_id}
    assert await shown(until=f"{now:%Y-%m-%d}") == {first.request.run_id}
    assert await shown(since=between) == {second.request.run_id}
    assert await shown(since="2020-01-01", until=between) == {first.request.run_id}
    assert await shown(since="2020-01-01", until="2020-01-02") == set()


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


async def test_a_row_says_which_key_which_table_who_stands_in_how_it_was_known_and_by_which_policy(
    world: World, console: Console
) -> None:
    key, _ = await console.api.key("bo", "read", "answer")
    absences = world.app.requests.absences
    wanted = AbsenceWanted(PersonId("bo"), f"{await world.now() + timedelta(days=1):%Y-%m-%d}", to=PersonId("cy"))
    await absences.set(wanted, PersonId("bo"), channel="console")
    await AuditLog(world.app.store).note("tables_changed", detail={"added": ["people.eve"], "removed": ["groups.ops"]})
    record, bo = await asked(world), await console.browser("bo")
    await bo.submit((await bo.get(place(record))).form(f"{place(record)}/answer"), "Approve")
    await records(world, "vote", record.request.id)
    await of_run(world, "tables_changed", "")

    page = await (await console.browser("dan")).get("/audit")

    assert f"Key made sayso_{key.prefix} · read, answer Key of Bo Berg" in page.words
    assert "Absence set Bo Berg is away from" in page.words
    assert "Cy Cole stands in." in page.words
    assert "Settings changed Added: people.eve Removed: groups.ops" in page.words
    assert re.search(r"\d\d:\d\d:\d\d UTC", page.words)
    assert "Record 0." in page.words
    assert "Console session, opened by a link" in page.words
    assert "Policy: production" in page.words
