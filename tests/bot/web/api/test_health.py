import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from bot.store import StoreError
from bot.store.client import Client
from bot.store.indexes import COUNTS_FOR, LinkState, end_lockout, note_link, note_lockout, remove_link
from bot.web.looks import Looks
from tests.bot.web.problems import refused
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.web import Api, serving


async def test_without_a_key_the_process_says_that_it_lives_and_whether_redis_keeps_what_it_acknowledged(
    api: Api, world: World
) -> None:
    nobody = api.with_key(None)

    assert (await nobody.get("/healthz")).json() == {"status": "ok"}
    assert (await nobody.head("/healthz")).status_code == 200
    assert (await nobody.get("/readyz")).json() == {"status": "ready", "durability": "verified"}

    client = Client(world.url)
    await client.do("CONFIG", "SET", "appendfsync", "everysec")
    try:
        answer = await api.with_key(None).get("/readyz")
    finally:
        await client.do("CONFIG", "SET", "appendfsync", "always")
        await client.close()

    assert "appendfsync" in refused(answer, 503, "unavailable")


async def test_before_redis_was_looked_at_nothing_is_served_but_health(world: World) -> None:
    world.app.ready.clear()
    async with serving(world.app) as api:
        anna = await api.client("anna")

        refused(await anna.get("/v1/runs"), 503, "unavailable")
        refused(await anna.get("/readyz"), 503, "unavailable")
        assert (await anna.get("/healthz")).status_code == 200


async def test_figures_count_what_any_process_caused(world: World, api: Api) -> None:
    anna = await api.client("anna")
    record = await world.opened(await world.trigger("press it"))
    await world.opened(await world.trigger("press it"))
    await world.decide("dan", record, "approve")
    await world.decide("bo", record, "approve")
    await world.decide("bo", record, "approve", reply_id="twice")
    await world.decide("bo", record, "approve", reply_id="twice")
    await anna.get(f"/v1/requests/{record.request.id}")

    figures = (await api.with_key(None).get("/metrics")).text.splitlines()

    for line in (
        "sayso_redis_up 1.0",
        "sayso_runs_started_total 2.0",
        "sayso_requests_open 1.0",
        'sayso_answers_total{outcome="decided"} 1.0',
        'sayso_answers_total{outcome="not_entitled"} 1.0',
        'sayso_answers_total{outcome="already_decided"} 1.0',
        'sayso_http_request_seconds_count{operation="GET /v1/requests/{request_id}",status="200"} 1.0',
    ):
        assert line in figures


@pytest.fixture
def heard(world: World) -> Client:
    """`world`, where people are heard over Socket Mode, and the line of one process."""
    tokens = {"slack_bot_token": SecretStr("xoxb-1"), "slack_app_token": SecretStr("xapp-1")}
    world.app = replace(world.app, settings=world.app.settings.model_copy(update=tokens))
    return world.app.store.client


async def test_unless_slack_is_connected_it_is_not_ready(world: World, heard: Client) -> None:
    async with serving(world.app) as api:
        nobody = api.with_key(None)

        before = await nobody.get("/readyz")
        await note_link(
            heard, "slack", LinkState(connected=False, since=datetime.now(UTC), why="Slack can't be reached")
        )
        down = await nobody.get("/readyz")
        await note_link(heard, "slack", LinkState(connected=True, since=datetime.now(UTC)))
        up = await nobody.get("/readyz")
        await remove_link(heard, "slack")
        after = await nobody.get("/readyz")

    assert "nobody is connected" in refused(before, 503, "unavailable")
    assert before.json()["do"] == "Start `sayso slack`"
    assert "not connected (Slack can't be reached)" in refused(down, 503, "unavailable")
    assert (up.status_code, up.json()["slack"]) == (200, "connected")
    assert [answer.json()["slack"] for answer in (before, down, after)] == [
        "nobody is connected",
        "not connected",
        "nobody is connected",
    ]


async def test_while_a_channel_refuses_us_it_is_not_ready_until_that_is_over_or_no_longer_said(
    world: World, api: Api
) -> None:
    client, nobody = world.app.store.client, api.with_key(None)
    for channel in ("slack", "email"):
        await note_lockout(client, channel, "our token was taken back", "Install the app again")
        refused_us = await nobody.get("/readyz")
        await end_lockout(client, channel, "our token was taken back")
        works = await nobody.get("/readyz")
        await note_lockout(client, channel, "old", "Nothing")
        await world.move_time(COUNTS_FOR.total_seconds())
        later = await nobody.get("/readyz")

        words = f"{channel.capitalize()} refuses sayso: our token was taken back."
        assert words in refused(refused_us, 503, "unavailable")
        assert refused_us.json()["do"] == "Install the app again"
        assert (works.status_code, later.status_code) == (200, 200)


async def test_while_redis_refuses_writes_it_is_not_ready(world: World, api: Api) -> None:
    refuse, accept, why = ("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "read only replica"
    client, nobody = Client(world.url), api.with_key(None)

    async def says_why() -> bool:  # a connection that Redis refused is lost first
        return why in refused(await nobody.get("/readyz"), 503, "unavailable")

    await client.do(*refuse)
    try:
        await until(says_why, what="it says why it is not ready")
    finally:
        await client.do(*accept)
        await client.close()

    assert (await nobody.get("/healthz")).status_code == 200

    async def is_ready_again() -> bool:
        return (await nobody.get("/readyz")).status_code == 200

    await until(is_ready_again, what="it is ready again")


async def test_however_often_it_is_asked_one_write_a_second_is_tried(world: World) -> None:
    tried = list[int]()

    async def write() -> None:
        tried.append(1)
        if len(tried) > 1:
            raise StoreError("Redis refused")

    now = [100.0]
    looks = Looks(write, lambda: now[0])

    await asyncio.gather(*(looks.check() for _ in range(50)))
    assert len(tried) == 1
    now[0] += 1
    for _ in range(2):
        with pytest.raises(StoreError):
            await looks.check()
    assert len(tried) == 2
