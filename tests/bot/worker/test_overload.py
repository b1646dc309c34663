"""What much work of one sender does to everybody else, counted: who is heard before whom."""

import asyncio
from pathlib import Path

import pytest

from bench.parts import BenchChannel, bench_agent, bench_settings
from bot.app import App, compose
from bot.process.running import running
from bot.store.embedded import EmbeddedRedis
from bot.worker.queue import AT_ONCE
from tests.bot.worker.crowded import Crowded, most_memory, working
from tests.kit.waiting import until

CROWD = 600
WAITING, ASKED = 10_000, 5_000
GROWS_AT_MOST = 88 << 20
"""Bytes. A worker that kept all that it has read would take twice as many for those that were asked alone."""


@pytest.fixture
def told() -> list[tuple[str, str]]:
    """What the worker had its channel send: the run, and whether it asks or is done."""
    return []


@pytest.mark.long
async def test_an_answer_and_anothers_trigger_overtake_a_crowd(
    redis: str, tmp_path: Path, told: list[tuple[str, str]]
) -> None:
    settings = bench_settings(tmp_path)

    def composed() -> App:
        def note(**said: str) -> None:
            crowded.note(said)
            told.append((said["id"], said["ev"]))

        return compose(settings, redis, [BenchChannel(note)], [bench_agent(lambda _, reply: reply)])

    web = compose(settings, redis, [BenchChannel(print)], [bench_agent(lambda _, reply: reply)])
    crowded = Crowded(web)
    async with running(composed(), works=True, receives=()):
        await crowded.ask("waits", "bo")
        await crowded.until("paused", "waits")
    await asyncio.gather(*(crowded.ask(f"crowd-{number}", "anna") for number in range(CROWD)))
    await crowded.ask("other", "bo")
    await crowded.answer("waits")

    async with running(composed(), works=True, receives=()):
        await crowded.until("done", "waits")
        await crowded.until("paused", "other")
        before = [name for name, event in told if name.startswith("crowd") and event == "paused"]
        await until(lambda: len({name for name, _ in told if name.startswith("crowd")}) == CROWD, 120)
    await web.store.client.close()

    assert len(before) <= AT_ONCE
    assert told[0] == ("waits", "paused")
    assert [event for name, event in told if name == "waits"] == ["paused", "done"]


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="what memory a process has is told by Linux")
async def test_a_workers_memory_does_not_grow_with_ten_thousand_triggers_that_wait(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server:
        settings, url = bench_settings(tmp_path), server.start()
        web = compose(settings, url, [BenchChannel(print)], [bench_agent(lambda _, reply: reply)])
        crowded = Crowded(web)
        async with running(web, works=False, receives=()):
            async with working(tmp_path, crowded) as worker:
                await crowded.ask("first", "bo")
                await crowded.until("paused", "first")
                usual = most_memory(worker.pid)
            for start in range(0, WAITING, 100):
                await asyncio.gather(*(crowded.ask(f"crowd-{start + number}", "anna") for number in range(100)))

            async with working(tmp_path, crowded) as worker:
                await until(lambda: len(crowded.tokens) > ASKED, 300)
                most = most_memory(worker.pid)

    assert most - usual < GROWS_AT_MOST
