"""A store over a real Redis, a clock to move, and things to write into it."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from agents.events import CardDelivered, Event, RunPaused, RunStarted, ToolFinished, ToolOrphaned, ToolStarted
from agents.requests import AttemptId, Effect, RequestId, RunId
from agents.run import RunState
from bot.store import Commit, Line, RecordWrite, Store, Written
from bot.store.client import Client
from bot.testing import events as build

RUN, REQUEST = RunId("s0r-aaaaaaaaaaaaa"), RequestId("s0q-aaaaaaaaaaaaa")
ATTEMPT, OTHER = AttemptId("s0a-aaaaaaaaaaaaa"), AttemptId("s0a-bbbbbbbbbbbbb")
ITEM, CARD, OUT = "s0i-aaaaaaaaaaaaa", "s0d-aaaaaaaaaaaaa", "s0o-aaaaaaaaaaaaa"
AT = build.NOON
LEASE_S = 60.0


@asynccontextmanager
async def a_store(url: str, shards: int = 2) -> AsyncGenerator[Store]:
    """A store without a worker: nothing happens in it but what the test does."""
    store = Store(Client(url), shards, lease_s=LEASE_S, grace_s=1)
    try:
        yield store
    finally:
        await store.client.close()


async def move_time(store: Store, seconds: float) -> None:
    """The clock of the scripts stands so far ahead of Redis from now on."""
    for shard in range(store.shards):
        await store.client.do("SET", f"{{s{shard}}}:clock_offset", round(seconds * 1000))


async def stop_clock_at(store: Store, moment: datetime) -> None:
    """The next script runs at exactly this moment, which is to come: the clock goes on from where it was seen last."""
    for shard in range(store.shards):
        await store.client.do("SET", f"{{s{shard}}}:clock_seen", f"{moment.timestamp() * 1000:.0f} 0")


async def in_a(store: Store, seconds: float) -> datetime:
    """A moment so far from now, by the clock of the scripts."""
    return await store.now(RUN) + timedelta(seconds=seconds)


async def events(store: Store, run_id: str = RUN) -> list[str]:
    return [event.type for event in (await store.load(run_id)).events]


async def woken(store: Store, shard: int = 0) -> dict[str, float]:
    """Return what the schedule holds, by how many seconds from now it is due."""
    entries = await store.client.do("ZRANGE", f"{{s{shard}}}:wake", 0, -1, "WITHSCORES")
    now = (await store.now(f"s{shard}r-aaaaaaaaaaaaa")).timestamp()
    pairs = entries if entries and isinstance(entries[0], list) else list(zip(entries[::2], entries[1::2], strict=True))
    return {member.decode(): float(score) / 1000 - now for member, score in pairs}


async def append(store: Store, *added: Event, expect: int | None = None, limit: int = 10_000) -> Written:
    return await store.commit(Commit(run_id=RUN, events=added, expect=expect, limit=limit))


def write(
    version: int = 0, state: str = "open", body: bytes = b"{}", before: datetime | None = None, frozen: int = 0
) -> RecordWrite:
    return RecordWrite(REQUEST, version, state, body, AT, ("bo", "cy"), before, frozen)


def line(text: str = "summary", state: RunState = "running") -> Line:
    return Line(json.dumps({"text": text, "state": state}, separators=(",", ":")).encode(), state, "anna", "clerk", AT)


async def put(store: Store, record: RecordWrite, *added: Event) -> Written:
    return await store.commit(Commit(run_id=RUN, events=added, records=[record]))


def started() -> RunStarted:
    return build.started("press bell", run_id=RUN, agent="clerk", channel="cli")


def paused(by: str = "bo") -> RunPaused:
    return build.paused(by)


def delivered(handle: str = "") -> CardDelivered:
    return build.delivered(REQUEST, delivery_id=CARD, handle=handle)


def tool_started(attempt: AttemptId = ATTEMPT) -> ToolStarted:
    effect = Effect(argv=("press", "bell"))
    return build.tool_started(attempt, "s0p-aaaaaaaaaaaaa", tool="press", effect=effect)


def finished(attempt: AttemptId = ATTEMPT, output: str = "done") -> ToolFinished:
    return build.finished(attempt, output)


def orphaned(attempt: AttemptId = ATTEMPT) -> ToolOrphaned:
    return build.orphaned(attempt)
