"""Two workers at a tick, of which one dies by kill -9 in the middle of it: each tick has one run all the same."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from agents.events import RunStarted
from tests.kit.reading import Redis, runs_in
from tests.kit.waiting import wait_until
from tests.processes.stage import Stage
from tests.servers.traps import When

pytestmark = pytest.mark.long

# Half an hour from now: the clock on the wall must not come to a tick while the test moves the one of the workers.
HOURLY = f"""
[triggers.stocktaking]
cron = "{(datetime.now(UTC).minute + 30) % 60} * * * *"
text = "honours tick"
requester = "anna"
"""
SHARDS = (0, 1)


def due_ms(redis: Redis) -> int:
    """Return when the trigger is due next; 0 before a worker has seen it."""
    held = [line for shard in SHARDS for line in cast("list[bytes]", redis.ask("HVALS", f"{{s{shard}}}:ticks"))]
    return int(held[0].split()[0]) if held else 0


def move_to(redis: Redis, moment_ms: int) -> None:
    """The clock that everything goes by jumps to a second after it."""
    for shard in SHARDS:
        redis.ask("SET", f"{{s{shard}}}:clock_offset", str(moment_ms + 1_000 - round(time.time() * 1000)))


def begun(redis: Redis) -> list[RunStarted]:
    found = [events[0] for events in runs_in(redis).values()]
    return sorted((event for event in found if isinstance(event, RunStarted)), key=lambda event: event.at)


def next_after(redis: Redis, before_ms: int) -> int:
    """The next tick, once the one before is dealt with."""
    wait_until(lambda: due_ms(redis) > before_ms, what="the next tick")
    return due_ms(redis)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", ["commit run_started", "write_if"])
def test_a_worker_that_is_killed_at_a_tick_leaves_it_one_run(
    stage: Stage, tmp_path: Path, point: str, when: When
) -> None:
    config = tmp_path / "sayso.toml"
    config.write_text(f"test_clock = true\n{config.read_text()}{HOURLY}")
    redis, lines = stage.redis.connect(), (stage.proxy(), stage.proxy())
    workers = [stage.start(f"worker-{number}", "works", through=line) for number, line in enumerate(lines)]
    first = next_after(redis, 0)
    for line in lines:
        line.ask(do="arm", name=point, nth=1, when=when, act="hold")

    move_to(redis, first)
    wait_until(lambda: any(line.ask(do="seen")["sprung"] for line in lines), what="a worker in the middle of it")
    dies = 0 if lines[0].ask(do="seen")["sprung"] else 1
    workers[dies].kill()
    for verb in ("release", "clear"):
        lines[1 - dies].ask(do=verb)
    second = next_after(redis, first)
    move_to(redis, second)
    next_after(redis, second)

    runs = begun(redis)
    redis.close()
    assert [run.context["due"] for run in runs] == [
        datetime.fromtimestamp(tick / 1000, UTC).isoformat() for tick in (first, second)
    ]
    assert [run.context["ticks"] for run in runs] == [1, 1]
