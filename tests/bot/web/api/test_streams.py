import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx2 import AsyncClient

from agents.events import Event, read_event, write_event
from agents.requests import RunId
from bot.store.client import Client
from bot.web.connections import Limits
from tests.bot.web.problems import refused
from tests.kit.long import few_of
from tests.kit.waiting import patience, until
from tests.kit.world import World
from tests.servers.web import Api, serving

STREAM = {"Accept": "text/event-stream"}


async def told(client: AsyncClient, run_id: str, **headers: str) -> AsyncIterator[tuple[int, Event]]:
    """Yield what a stream tells, until it ends."""
    async with client.stream("GET", f"/v1/runs/{run_id}/events", headers={**STREAM, **headers}) as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        seq = 0
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                seq = int(line.removeprefix("id: "))
            if line.startswith("data: "):
                said = json.loads(line.removeprefix("data: "))
                assert said["seq"] == seq
                yield seq, read_event(json.dumps(said["event"]))


async def all_told(client: AsyncClient, run_id: str, **headers: str) -> list[tuple[int, Event]]:
    return [one async for one in told(client, run_id, **headers)]


async def test_events_are_read_in_pages_and_a_stream_that_was_cut_goes_on_without_a_gap(world: World, api: Api) -> None:
    anna, run_id = await api.client("anna"), await world.trigger("stamp it")
    await world.ended(run_id)
    path = f"/v1/runs/{run_id}/events"

    first = (await anna.get(f"{path}?limit=2")).json()
    rest = (await anna.get(f"{path}?after={first['seq']}")).json()
    end = (await anna.get(f"{path}?after={rest['seq']}")).json()

    shown: list[Any] = [*first["events"], *rest["events"]]
    assert [one["seq"] for one in shown] == list(range(1, len(shown) + 1))
    events = [read_event(json.dumps(one["event"])) for one in shown]
    assert tuple(events) == (await world.events(run_id))[: len(events)]
    assert end == {"events": [], "seq": rest["seq"]}

    anna, run_id = await api.client("anna"), await world.trigger("stamp it")
    await world.ended(run_id)
    everything = await all_told(anna, run_id)

    for cut in range(len(everything)):
        assert await all_told(anna, run_id, **{"Last-Event-ID": str(cut)}) == everything[cut:]

    last = str(len(await world.events(run_id)))
    path = f"/v1/runs/{run_id}/events"
    over = await anna.get(path, headers={**STREAM, "Last-Event-ID": last})
    assert (over.status_code, over.content) == (204, b"")
    refused(await anna.get(path, headers={**STREAM, "Last-Event-ID": "x"}), 422, "invalid")


async def test_a_stream_tells_all_to_the_end_though_redis_restarts_the_readers_connection(
    world: World, api: Api
) -> None:
    anna, run_id = await api.client("anna"), await world.trigger("press it")
    record = await world.opened(run_id)
    kinds: list[str] = []

    async for _, event in told(anna, run_id):
        kinds.append(event.type)
        if event.type == "request_opened":
            await world.decide("bo", record, "approve")

    assert kinds[0] == "run_started"
    assert kinds[-1] == "run_ended"
    assert "tool_finished" in kinds

    anna, run_id = await api.client("anna"), await world.trigger("press it")
    record = await world.opened(run_id)
    stream = asyncio.create_task(all_told(anna, run_id))
    await api.until_open()
    assert not stream.done()
    client = Client(world.url)
    await client.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await client.close()

    await world.decide("bo", record, "approve")

    async with patience():
        events = await stream
    assert [seq for seq, _ in events] == list(range(1, len(events) + 1))
    stored = await world.events(run_id)
    assert [write_event(event) for _, event in events] == [write_event(event) for event in stored[: len(events)]]


@pytest.mark.parametrize("ping_s", few_of([0.05, 15.0], 0))
async def test_a_stream_ends_with_its_key_and_tells_nothing_more(world: World, ping_s: float) -> None:
    run_id = await world.trigger("press it")
    await world.opened(run_id)
    async with serving(world.app, ping_s=ping_s) as api:
        key, text = await api.key("anna")
        stream = asyncio.create_task(all_told(api.with_key(text), run_id))
        await api.until_open()
        assert not stream.done()

        await api.keyring.revoke(key.prefix, None, proof=None)
        if ping_s > 1:
            await world.steer(RunId(run_id), "pause")

        async with patience():
            assert "run_paused" not in {event.type for _, event in await stream}


async def test_a_stream_ends_when_its_process_leaves_and_is_taken_up_elsewhere(world: World) -> None:
    run_id = await world.trigger("press it")
    record = await world.opened(run_id)
    seen = await world.events(run_id)
    async with serving(world.app) as first:
        anna = await first.client("anna")
        answer = anna.stream("GET", f"/v1/runs/{run_id}/events", headers=STREAM)
        lines, ids = (await answer.__aenter__()).aiter_lines(), list[str]()

        async def read() -> None:
            async for line in lines:
                if line.startswith("id: "):
                    ids.append(line)

        reading = asyncio.create_task(read())
        await until(lambda: len(ids) >= len(seen), what="all that was is told")
    async with patience():
        await reading
    await answer.__aexit__(None, None, None)
    at = len(ids)

    async with serving(world.app) as second:
        rest = asyncio.create_task(all_told(await second.client("anna"), run_id, **{"Last-Event-ID": str(at)}))
        await world.decide("bo", record, "approve")
        events = await rest

    assert at >= len(seen)
    assert events[0][0] == at + 1
    assert events[-1][1].type == "run_ended"


async def test_attack_a_key_or_somebody_with_several_holds_all_streams_and_long_polls(world: World) -> None:
    request = (await world.opened(await world.trigger("press it"))).request
    stream, poll = f"/v1/runs/{request.run_id}/events", f"/v1/requests/{request.id}?wait_s=50"
    async with serving(world.app, limits=Limits(held_by_one=2)) as api:
        anna, same, bo = [await api.client(person, "read") for person in ("anna", "anna", "bo")]
        async with anna.stream("GET", stream, headers=STREAM) as held:
            waits = asyncio.create_task(anna.get(poll))
            await api.until_open(2)
            for client in (anna, same):
                for path in (stream, poll):
                    answer = await client.get(path, headers=STREAM)
                    said = refused(answer, 429, "rate-limited")
                    assert said.startswith("2 event streams and long polls are open here")
                    assert answer.headers["retry-after"] == "10"
            assert (await anna.get(f"/v1/requests/{request.id}")).status_code == 200
            assert held.status_code == await begun(bo, stream) == 200
        await api.until_open(1)
        assert await begun(same, stream) == 200, "there is room for another one"
        await world.decide("bo", await world.request(request.id), "approve")
        async with patience():
            assert (await waits).status_code == 200


async def begun(client: AsyncClient, path: str) -> int:
    """The status of a stream that is hung up on as soon as it has begun."""
    async with client.stream("GET", path, headers=STREAM) as answer:
        return answer.status_code


async def test_an_open_stream_does_not_count_as_a_use_of_its_key(world: World) -> None:
    run_id = await world.trigger("press it")
    await world.opened(run_id)
    async with serving(world.app, ping_s=0.05) as api:
        anna, pings = await api.client("anna"), 0
        async with anna.stream("GET", f"/v1/runs/{run_id}/events", headers=STREAM) as answer:
            [(_, used)] = await api.keyring.all()
            await world.move_time(61)
            await world.now()
            async for line in answer.aiter_lines():
                pings += line == ": ping"
                if pings == 3:
                    break
            assert await api.keyring.all() == [((await api.keyring.all())[0][0], used)]
