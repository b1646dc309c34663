"""Measure open requests that remind and escalate: what each takes of Redis, and how long a worker takes to start."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agents.requests import Anyone, PersonId, Request, RequestId, RunId, StepId
from bench.memory import by_kind, used
from bench.parts import PERSON, BenchChannel, bench_agent, bench_settings
from bench.table import show
from bot.app import App, compose
from bot.config.settings import Settings
from bot.process.processes import running
from bot.requests.opening import opening
from bot.store.embedded import EmbeddedRedis
from bot.store.format import check_format
from bot.store.ids import new_id
from bot.testing.events import POLICY, started

_AT_ONCE = 64
_HALF_AN_HOUR_S = 1800.0
_WITHIN_S = 60.0


async def reminders(folder: Path, requests: int) -> None:
    """Print bytes of Redis memory for each of `requests` open requests, and how long until a new worker reminds."""
    settings = bench_settings(folder)
    with EmbeddedRedis(folder) as redis:
        url = redis.start()
        app = _app(settings, url)
        await check_format(app.store.client)
        await _open(app, 1000)  # what each shard has once
        before, bytes_before = await by_kind(app.store.client), await used(app.store.client)
        await _open(app, requests)
        after, growth = await by_kind(app.store.client), await used(app.store.client) - bytes_before
        late = await _opened(app, datetime.now(UTC) - timedelta(seconds=_HALF_AN_HOUR_S))
        await app.store.client.close()
        starts_s = await _reminded_after(settings, url, late)
    rows = [
        (kind, f"{(after[kind] - before[kind]) / requests:.0f}")
        for kind in sorted(after, key=lambda kind: before[kind] - after[kind])
        if after[kind] - before[kind] >= requests
    ]
    rows.append((f"**used_memory, growth over {requests:,} open requests**", f"**{growth / requests:.0f}**"))
    show(f"Memory of an open request that reminds and escalates, {requests:,} of them", ("kind of key", "bytes"), rows)
    print(f"a new worker over them has sent what is due {starts_s:.2f} s after its process composed it", flush=True)


def _app(settings: Settings, url: str) -> App:
    def tell(**_: object) -> None:
        """Nobody listens."""

    return compose(settings, url, [BenchChannel(tell)], [bench_agent(lambda _, reply: reply)])


async def _open(app: App, requests: int) -> None:
    numbers = iter(range(requests))

    async def some() -> None:
        for _ in numbers:
            await _opened(app, datetime.now(UTC))

    await asyncio.gather(*(some() for _ in range(_AT_ONCE)))


async def _opened(app: App, at: datetime) -> RequestId:
    """An open request whose card has been sent: what was to be sent is gone."""
    run_id = RunId(new_id("run", int(time.monotonic_ns()) % app.store.shards))
    request = _request(run_id, at)
    opened = opening(request, app.people, 0)
    events = [started(run_id=run_id, requester=PERSON, at=at), *opened.events]
    await app.store.commit(replace(opened, events=events, outgoing=(), files=()))
    return request.id


def _request(run_id: RunId, at: datetime) -> Request:
    policy = POLICY.model_copy(
        update={
            "rule": Anyone(source="group:release", people=(PersonId(PERSON),)),
            "requester_may_approve": True,
            "expires_after_s": 86_400.0,
            "remind_after_s": (_HALF_AN_HOUR_S, 4 * _HALF_AN_HOUR_S),
            "escalate_after_s": 2 * _HALF_AN_HOUR_S,
            "escalate_to": (Anyone(source="group:oncall", people=(PersonId(PERSON),)),),
            "quiet_hours": "22:00-07:00",
            "urgency": "high",
        }
    )
    return Request(
        id=RequestId(new_id("request", int(run_id[1]))),
        run_id=run_id,
        step_id=StepId("s1"),
        purpose="gate",
        nonce="n" * 32,
        title="Deploy v1.2.0 to production?",
        format="approval",
        requesters=(PersonId(PERSON),),
        policy=policy,
        digest="d" * 64,
        opened_at=at,
        expires_at=at + timedelta(days=1),
    )


async def _reminded_after(settings: Settings, url: str, request_id: RequestId) -> float:
    """Seconds from composing a worker until it has done what was due for one of them."""
    began = time.monotonic()
    app = _app(settings, url)
    async with running(app, works=True, receives=()):
        while not (await app.requests.decisions.request(request_id)).record.reminded:
            if time.monotonic() - began > _WITHIN_S:
                raise TimeoutError(f"{request_id} was not reminded of within {_WITHIN_S:.0f} s")
            await asyncio.sleep(0.01)
        took = time.monotonic() - began
    await app.store.client.close()
    return took
