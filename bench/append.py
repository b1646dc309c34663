"""Measure what one more event costs a run that holds few or many: the append itself, and reading the run again."""

import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from agents.events import AnswerNoted, Event
from agents.requests import PersonId, RequestId, RunId
from agents.run import fold
from bench.parts import PERSON
from bench.table import percentile, show
from bot.store import Commit, Store
from bot.store.client import Client
from bot.store.embedded import EmbeddedRedis
from bot.store.ids import new_id
from bot.testing.events import started

_SIZES = (10, 100, 1000)
_RUNS = 100
_TIMES = 4
_TEXT_BYTES = 256


async def append(folder: Path, count: int = _RUNS) -> None:
    """Print the cost of fenced appends, and of load and fold, at several lengths of `count` runs each."""
    with EmbeddedRedis(folder) as redis:
        client = Client(redis.start())
        store = Store(client, shards=8)
        runs = {size: [await _filled(store, size) for _ in range(count)] for size in _SIZES}
        appends, loads = await _measured(store, runs)
        await client.close()
    rows = [(f"{size:,}", _both(appends[size]), _both(loads[size])) for size in _SIZES]
    show(
        f"One more event, {count * _TIMES} times at each length, lengths in random order",
        ("events in the run", "append, fenced and synced: p50 / p99 ms", "load and fold: p50 / p99 ms"),
        rows,
    )


async def _measured(
    store: Store, runs: dict[int, list[RunId]]
) -> tuple[dict[int, list[float]], dict[int, list[float]]]:
    """Seconds of appends and of loads by the length of the run, which grows by a few meanwhile."""
    order = [(size, run_id) for size in runs for run_id in runs[size] for _ in range(_TIMES)]
    random.Random(2).shuffle(order)  # noqa: S311
    lengths = {run_id: size for size in runs for run_id in runs[size]}
    appends, loads = {size: list[float]() for size in runs}, {size: list[float]() for size in runs}
    for size, run_id in order:
        commit = Commit(run_id=run_id, events=[_comment(lengths[run_id])], expect=lengths[run_id])
        appends[size].append(await _timed(lambda commit=commit: store.commit(commit)))
        loads[size].append(await _timed(lambda run_id=run_id: _read(store, run_id)))
        lengths[run_id] += 1
    return appends, loads


async def _filled(store: Store, size: int) -> RunId:
    """A new run that holds `size` events."""
    run_id = RunId(new_id("run", 0))
    first = started("x" * 2048, run_id=run_id, agent="bench", channel="bench", requester=PERSON, at=datetime.now(UTC))
    await store.commit(Commit(run_id=run_id, events=[first, *(_comment(number) for number in range(size - 1))]))
    return run_id


def _comment(number: int) -> Event:
    return AnswerNoted(
        at=datetime.now(UTC), request_id=RequestId(""), reply_id=str(number), person=PersonId(PERSON), channel="bench",
        text=f"{number:08}" * (_TEXT_BYTES // 8), outcome="unclear",
    )  # fmt: skip


async def _read(store: Store, run_id: RunId) -> None:
    fold((await store.load(run_id)).events)


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.monotonic()
    await work()
    return time.monotonic() - began


def _both(values: list[float]) -> str:
    return f"{percentile(values, 0.5) * 1e3:.2f} / {percentile(values, 0.99) * 1e3:.2f}"
