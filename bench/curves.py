"""Measure how rates and latencies change with what is in flight, with paused runs, and with the length of a run.

Each curve is a table, and a picture in `docs/pictures/performance`.
"""

import asyncio
import itertools
import math
import re
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pygal  # pyright: ignore[reportMissingTypeStubs]
from pygal.style import CleanStyle  # pyright: ignore[reportMissingTypeStubs]

from agents.events import read_event
from agents.run import fold
from bench.driving import Driver, driving
from bench.memory import used as memory_used
from bench.table import percentile, show
from bot.config.data_dir import DataDir
from bot.policy.record import records
from bot.queries.rebuild import placed
from bot.render.views import line_of
from bot.store import Commit, Store, Wake, WorkItem
from bot.store.client import Client
from bot.store.ids import new_id
from bot.store.journal import record_write

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "performance"
_SHARDS, _AT_ONCE = 8, 64
_WARM_UP_S = 1.0
_ID = re.compile(r"\bs\d+([a-z])-([a-z2-7]{13})")


@dataclass(frozen=True)
class Sizes:
    """What is measured: cycles in flight, paused runs, events in a run, and seconds for each."""

    in_flight: Sequence[int] = (1, 2, 4, 8, 16, 32, 64)
    workers: Sequence[int] = (1, 2, 4)
    paused: Sequence[int] = (0, 1_000, 10_000, 100_000)
    events: Sequence[int] = (10, 100, 1_000)
    seconds: float = 4.0
    times: int = 30


FULL = Sizes()
QUICK = Sizes((1, 8, 32), (1, 2), (0, 1_000), (10, 1_000), 1.5, 7)
TINY = Sizes((1, 2), (1,), (0, 2), (10,), 0.2, 1)


@dataclass(frozen=True)
class Window:
    """A closed loop for some seconds: cycles a second, seconds from the answer to the tool, processor ms a cycle."""

    rate: float
    to_tool_s: Sequence[float]
    cpu_ms: dict[str, float]


async def curves(folder: Path, sizes: Sizes, pictures: Path | None = None) -> None:
    """Print all curves, and draw them into `pictures`."""
    in_flight = await _by_in_flight(folder / "in-flight", sizes)
    await _by_workers(folder, sizes)
    paused = await _by_paused(folder / "paused", sizes)
    events = await _by_events(folder / "events", sizes)
    for name, title, axis, found in (
        ("in-flight", "Cycles a second", "cycles in flight", in_flight),
        ("paused", "Cycles a second beside paused runs", "paused runs", paused),
        ("events", "From the answer to the end, ms", "events in the run", events),
    ):
        if pictures:
            _draw(pictures / f"{name}.svg", title, axis, found)


async def _by_in_flight(folder: Path, sizes: Sizes) -> dict[str, dict[int, float]]:
    async with driving(folder) as driver:
        found = {count: await _window(driver, count, sizes.seconds) for count in sizes.in_flight}
    _show_windows("One worker, by cycles in flight", "in flight", found)
    return {"one worker": {count: window.rate for count, window in found.items()}}


async def _by_workers(folder: Path, sizes: Sizes) -> None:
    found, most = dict[int, Window](), max(sizes.in_flight)
    for workers in sizes.workers:
        async with driving(folder / f"workers-{workers}", SAYSO_BENCH_WORKERS=str(workers)) as driver:
            found[workers] = await _window(driver, most, sizes.seconds)
    _show_windows(f"By workers, {most} cycles in flight", "workers", found)
    redis_ms, worker_ms = (found[sizes.workers[0]].cpu_ms[name] for name in ("redis", "worker"))
    if redis_ms and worker_ms:
        print(
            f"A core of a worker does {1000 / worker_ms:.0f} cycles/s, a core of Redis {1000 / redis_ms:.0f}: "
            f"one Redis feeds {worker_ms / redis_ms:.1f} workers, and a cluster of N nodes N times as many."
        )


async def _by_paused(folder: Path, sizes: Sizes) -> dict[str, dict[int, float]]:
    found, alone, used = dict[int, Window](), dict[int, Window](), dict[int, float]()
    async with driving(folder) as driver:
        await _window(driver, 1, _WARM_UP_S)
        client = Client(_url(folder))
        pattern, there = await _pattern(driver, client), 0
        for count in sizes.paused:
            before = await memory_used(client)
            await _park(Store(client, _SHARDS), pattern, count - there)
            used[count] = (await memory_used(client) - before) / max(count - there, 1)
            there = count
            alone[count] = await _window(driver, 1, sizes.seconds)
            found[count] = await _window(driver, 32, sizes.seconds)
        await client.close()
    rows = [
        (f"{count:,}", f"{alone[count].rate:.0f}", f"{found[count].rate:.0f}",
         *_cpu(found[count]), f"{used[count]:,.0f}" if count else "")
        for count in sizes.paused
    ]  # fmt: skip
    head = ("paused runs", "cycles/s, 1 in flight", "32 in flight", "worker ms a cycle", "Redis", "bytes a paused run")
    show("Beside paused runs, one worker", head, rows)
    return {
        "1 in flight": {count: window.rate for count, window in alone.items()},
        "32 in flight": {count: window.rate for count, window in found.items()},
    }


async def _by_events(folder: Path, sizes: Sizes) -> dict[str, dict[int, float]]:
    async with driving(folder) as driver:
        await _window(driver, 1, _WARM_UP_S)
        order = [(count, cold) for _ in range(sizes.times) for count in sizes.events for cold in (False, True)]
        took: dict[tuple[int, bool], list[float]] = {one: [] for one in order}
        for number, (count, cold) in enumerate(order):
            took[count, cold].append((await driver.cycle(f"events-{number}", count, cold=cold))[1] * 1e3)
    found = {one: median(times) for one, times in took.items()}
    rows = [(f"{count:,}", f"{found[count, False]:.1f}", f"{found[count, True]:.1f}") for count in sizes.events]
    head = ("events", "median ms, known to the worker", "read anew")
    show("From the answer to the durable end, by events in the run", head, rows)
    ways = {"known to the worker": False, "read anew": True}
    return {way: {count: found[count, cold] for count in sizes.events} for way, cold in ways.items()}


async def _window(driver: Driver, at_once: int, seconds: float) -> Window:
    await _loop(driver, at_once, min(_WARM_UP_S, seconds))
    before, began = driver.cpu_s(), time.monotonic()
    found = await _loop(driver, at_once, seconds)
    took, after = time.monotonic() - began, driver.cpu_s()
    cpu_ms = {name: (after[name] - before[name]) / len(found) * 1e3 for name in after}
    return Window(len(found) / took, found, cpu_ms)


_numbers = itertools.count()


async def _loop(driver: Driver, at_once: int, seconds: float) -> list[float]:
    """A closed loop of so many cycles at once; for each the seconds from the answer to the tool."""
    found, stop = list[float](), time.monotonic() + seconds

    async def one() -> None:
        while time.monotonic() < stop:
            found.append((await driver.cycle(f"cycle-{next(_numbers)}"))[0])

    await asyncio.gather(*(one() for _ in range(at_once)))
    return found


async def _pattern(driver: Driver, client: Client) -> list[bytes]:
    """The events of a run that came about by a trigger and waits for its answer, its card delivered."""
    known = {key async for key in client.scan("*:run:*")}
    await driver.ask("start", "pattern")
    [key] = {key async for key in client.scan("*:run:*")} - known
    while True:
        entries = await client.do("XRANGE", key, "-", "+")
        if b'"card_delivered"' in entries[-1][1][b"e"]:
            return [fields[b"e"] for _, fields in entries]


def _copy(pattern: Sequence[bytes], shard: int) -> Commit:
    """What stores another run with the same story, under ids of its own."""
    tails = defaultdict[str, str](lambda: new_id("run", shard).partition("-")[2])
    bodies = [_ID.sub(lambda found: f"s{shard}{found[1]}-{tails[found[2]]}", body.decode()) for body in pattern]
    events = [read_event(body) for body in bodies]
    run, told = fold(events), records(events).values()
    return Commit(
        run_id=run.id,
        events=events,
        expect=0,
        records=[record_write(one, 0) for one in told],
        deliveries=list(placed(tuple(events))),
        wake=[Wake(WorkItem("ask", one.request.id), one.request.expires_at) for one in told],
        summary=line_of(run),
    )


async def _park(store: Store, pattern: Sequence[bytes], count: int) -> None:
    left = iter(range(count))

    async def some() -> None:
        for number in left:
            await store.commit(_copy(pattern, number % _SHARDS))

    await asyncio.gather(*(some() for _ in range(_AT_ONCE)))


def _url(folder: Path) -> str:
    url = DataDir(folder / "data").redis()
    assert url
    return url


def _cpu(window: Window) -> tuple[str, str]:
    return f"{window.cpu_ms['worker']:.2f}", f"{window.cpu_ms['redis']:.2f}"


def _show_windows(title: str, by: str, found: Mapping[int, Window]) -> None:
    rows = [
        (str(count), f"{window.rate:.0f}", _ms(window.to_tool_s, 0.5), _ms(window.to_tool_s, 0.99), *_cpu(window))
        for count, window in found.items()
    ]
    head = (by, "cycles/s", "answer to tool p50 ms", "p99 ms", "worker ms a cycle", "Redis")
    show(title, head, rows)


def _ms(seconds: Sequence[float], part: float) -> str:
    return f"{percentile(seconds, part) * 1e3:.1f}"


def _draw(file: Path, title: str, axis: str, curves: Mapping[str, Mapping[int, float]]) -> None:
    """Draw the curves over a logarithmic axis, as a picture without a script."""
    file.parent.mkdir(parents=True, exist_ok=True)
    chart = pygal.XY(
        title=title, x_title=axis, style=CleanStyle, js=(), logarithmic=False, height=360, width=720,
        legend_at_bottom=True, dots_size=3, disable_xml_declaration=True,
    )  # fmt: skip
    places = {count: math.log10(count + 1) for found in curves.values() for count in found}
    chart.x_labels = [{"value": place, "label": f"{count:,}"} for count, place in places.items()]
    chart.range = (0, max(rate for found in curves.values() for rate in found.values()))
    for name, found in curves.items():
        chart.add(  # pyright: ignore[reportUnknownMemberType]
            name, [(places[count], value) for count, value in found.items()]
        )
    drawn = str(chart.render(is_unicode=True))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    drawn = re.sub(r"<!--.*?-->", "", drawn)
    file.write_text(drawn + "\n", encoding="utf-8")
