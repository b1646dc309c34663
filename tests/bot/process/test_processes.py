"""What all processes have in common."""

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path

from bot.app import compose
from bot.people.directory import People
from bot.process.processes import run, serve
from tests.kit.office import TOML, settings_of
from tests.kit.waiting import until


def test_the_loop_waits_only_briefly_for_a_thread_that_computes() -> None:
    before, found = sys.getswitchinterval(), list[float]()

    async def look() -> None:
        found.append(sys.getswitchinterval())

    try:
        run(look())
    finally:
        sys.setswitchinterval(before)

    assert found[0] <= 0.001


async def test_a_worker_seals_and_checks_its_log_beside_its_runs_and_leaves_what_it_began_with_to_no_collector(
    redis: str, tmp_path: Path
) -> None:
    settings = settings_of(tmp_path, TOML)
    app = compose(settings, redis, [], (), people=People.of(settings))
    found = list[set[str]]()
    gc.unfreeze()

    async def look() -> None:
        await app.ready.wait()
        await until(gc.get_freeze_count, what="what it began with is frozen")
        found.append({task.get_name() for task in asyncio.all_tasks()})
        os.kill(os.getpid(), signal.SIGTERM)

    await serve(app, works=True, receives=(), beside=[look()])
    gc.unfreeze()

    assert found[0] >= {"seal", "audit", "retention", "drift", "departures"}
