"""Measure what a run costs in Redis, paused and finished: many of them, counted by kind of key."""

import asyncio
import random
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.driving import Driver, driving
from bench.table import show
from bot.config.data_dir import DataDir
from bot.store.client import Client

_AT_ONCE = 32
_WARM_UP = 200
_SAMPLES = 200
_ID = re.compile(r"s\d+[a-z]-[a-z2-7]{13}")
# What the kinds of keys are, in the words of bot/store/keys.py.
_KINDS = {
    "run:*": "events", "request:*": "request record", "requests:open": "index: open requests",
    "requests:all": "index: all requests", "requests:for:*": "index: open requests by who may decide",
    "runs": "index: runs by start", "runs:state:*": "index: runs by state", "runs:by:*": "index: runs by requester",
    "runs:agent:*": "index: runs by agent", "deliveries": "cards at their places", "summaries": "lines of runs",
    "wake": "schedule", "seen:*": "ids of what arrived (7 days)", "window:*": "rate limit",
    "attempts:*": "attempts of tools", "replies:*": "outcomes of replies", "outbox": "outbox",
    "thread:*": "threads of channels (60 days)", "receipt:*": "receipts of mails (7 days)",
}  # fmt: skip


async def memory(folder: Path, runs: int) -> None:
    """Print bytes of Redis memory for each of `runs` runs: paused, and once they have ended."""
    async with driving(folder) as driver:
        url = DataDir(folder / "data").redis()
        assert url
        redis = Client(url)
        for number in range(_WARM_UP):
            await _park(driver, f"warm-{number}")
            await driver.ask("answer", f"warm-{number}")
        before, first = await by_kind(redis), await used(redis)
        await _all(lambda number: _park(driver, f"park-{number}"), runs)
        paused, growth = await by_kind(redis), await used(redis) - first
        await _all(lambda number: driver.ask("answer", f"park-{number}"), runs)
        ended, left = await by_kind(redis), await used(redis) - first
        await redis.close()
    _print("paused", runs, before, paused, growth)
    _print("finished", runs, before, ended, left)


async def _all(do: Callable[[int], Awaitable[None]], runs: int) -> None:
    numbers = iter(range(runs))

    async def some() -> None:
        for number in numbers:
            await do(number)

    await asyncio.gather(*(some() for _ in range(_AT_ONCE)))
    await asyncio.sleep(3)  # what a card that is sent leaves to do


def _print(state: str, runs: int, before: dict[str, float], after: dict[str, float], growth: int) -> None:
    each = {kind: (after[kind] - before[kind]) / runs for kind in after}
    rows = [(kind, f"{size:.0f}") for kind, size in sorted(each.items(), key=lambda pair: -pair[1]) if size >= 1]
    rows.append(("what Redis needs around them (tables, fragments)", f"{growth / runs - sum(each.values()):.0f}"))
    rows.append((f"**used_memory, growth over {runs:,} {state} runs**", f"**{growth / runs:.0f}**"))
    show(f"Memory of a {state} run, {runs:,} of them", ("kind of key", "bytes a run"), rows)


async def _park(driver: Driver, name: str) -> None:
    await driver.ask("start", name)


async def used(redis: Client) -> int:
    """Bytes of Redis' used_memory."""
    return int((await redis.do("INFO", "memory"))["used_memory"])


async def by_kind(redis: Client) -> dict[str, float]:
    """Bytes of each kind of key: all of a few large keys, or the mean of a sample of many small ones."""
    names = defaultdict[str, list[str]](list)
    async for key in redis.scan("*"):
        names[_kind(key)].append(key)
    found = dict[str, float]()
    for kind, keys in names.items():
        sample = keys if len(keys) <= _SAMPLES else random.Random(2).sample(keys, _SAMPLES)  # noqa: S311
        sizes = [await redis.do("MEMORY", "USAGE", key, "SAMPLES", 0) or 0 for key in sample]
        found[kind] = sum(sizes) / len(sizes) * len(keys)
    return defaultdict(float, found)


def _kind(key: str) -> str:
    ours = re.fullmatch(r"\{s\d+\}:(.*)", key)
    if ours is None:
        return "keys of none of our shards"
    name = re.sub(r"^(seen|window|thread|requests:for|runs:\w+):.*", r"\1:*", _ID.sub("*", ours[1]))
    return _KINDS.get(name, name)
