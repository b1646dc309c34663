"""What much work of one sender does to a worker. Who is heard before whom is in `test_taker.py`."""

import asyncio
from pathlib import Path

import pytest

from bench.parts import BenchChannel, bench_agent, bench_settings
from bot.app import compose
from bot.process.running import running
from bot.store.embedded import EmbeddedRedis
from tests.bot.worker.crowded import Crowded, most_memory, working
from tests.kit.waiting import until

WAITING, ASKED = 10_000, 5_000
GROWS_AT_MOST = 88 << 20
"""Bytes. A worker that kept all that it has read would take twice as many for those that were asked alone."""


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
