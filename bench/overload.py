"""Measure what 10,000 triggers of one sender do to everybody else: answers, others' triggers, memory.

`python -m bench.overload DATA_DIR` is the worker, which tells on stdout what its channel was given to send.
"""

import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.parts import BenchChannel, bench_agent, bench_settings
from bench.table import percentile, show
from bot.app import App, compose
from bot.config.data_dir import redis_url
from bot.process.logging import log_to
from bot.process.processes import run, serve
from bot.process.running import running
from bot.store.embedded import EmbeddedRedis
from channels import Inbound

_AT_ONCE = 64
_EVERY_S = 0.1
_MB = 1 << 20


class Crowded:
    """One process that accepts, `app`, and what the worker told it."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.tokens = dict[str, str]()
        self.at = defaultdict[str, dict[str, float]](dict)
        self._told = asyncio.Event()
        self._is_over = False

    def note(self, said: dict[str, Any]) -> None:
        """One line of the worker."""
        self.at[said["id"]][said["ev"]] = time.monotonic()
        if said["ev"] == "paused":
            self.tokens[said["id"]] = said["token"]
        self._told.set()

    async def ask(self, name: str, sender: str) -> float:
        """Accept a trigger; return when it was durable."""
        return await self._accept(f"start {name}", {"id": name, "text": "x" * 2048}, sender)

    async def answer(self, name: str) -> float:
        """Accept the answer to a run that is paused; return when it was durable."""
        said = {"token": self.tokens[name], "text": "y" * 128}
        return await self._accept(f"answer {name}", said, "", said["token"])

    async def _accept(self, key: str, said: dict[str, str], sender: str, token: str = "") -> float:
        raw, now = json.dumps(said).encode(), datetime.now(UTC)
        await self._app.messages.inbox.accept(
            Inbound(
                channel="bench", key=key, raw=raw, size_bytes=len(raw), is_answer=bool(token), token=token,
                sender=sender, can_wait=False, received_at=now,
            )
        )  # fmt: skip
        return time.monotonic()

    async def until(self, event: str, *names: str) -> None:
        """Return when the worker has told `event` of each of these."""
        while any(event not in self.at[name] for name in names):
            assert not self._is_over, "the worker ended: worker.log says why"
            self._told.clear()
            await self._told.wait()

    async def read(self, lines: asyncio.StreamReader) -> None:
        """Take down what a worker tells, until it ends."""
        self._is_over = False
        async for line in lines:
            self.note(json.loads(line))
        self._is_over = True
        self._told.set()

    async def used(self) -> int:
        """Bytes of Redis."""
        return int((await self._app.store.client.do("INFO", "memory"))["used_memory"])


async def overload(folder: Path, triggers: int, answers: int) -> None:
    """Print what answers and others' triggers took while a worker did `triggers` of one sender."""
    with EmbeddedRedis(folder) as redis:
        url = redis.start()
        app = compose(bench_settings(folder), url, [BenchChannel(_say)], [bench_agent(_reply)])
        crowded = Crowded(app)
        async with running(app, works=False, receives=()), working(folder, crowded) as worker:
            waiting = [f"waits-{number}" for number in range(answers)]
            for name in waiting:
                await crowded.ask(name, "others")
            await crowded.until("paused", *waiting)
            before = (resident(worker.pid), await crowded.used())
            rows = await _beside(crowded, worker.pid, waiting, triggers, before)
    show(f"{triggers:,} triggers of one sender at once, one worker", ("what", "n", "p50 / p99 / max s"), rows)


async def _beside(
    crowded: Crowded, worker: int, waiting: list[str], triggers: int, before: tuple[int, int]
) -> list[tuple[object, ...]]:
    names, began, most = [f"crowd-{number}" for number in range(triggers)], time.monotonic(), before[0]
    numbers = iter(names)

    async def flood() -> None:
        for name in numbers:
            await crowded.ask(name, "crowd")

    floods = [asyncio.create_task(flood()) for _ in range(_AT_ONCE)]
    answered, asked = dict[str, float](), dict[str, float]()
    for number, name in enumerate(waiting):
        answered[name] = await crowded.answer(name)
        asked[f"other-{number}"] = await crowded.ask(f"other-{number}", f"other-{number % 20}")
        most = max(most, resident(worker))
        await asyncio.sleep(_EVERY_S)
    busy = triggers - sum("paused" in crowded.at[name] for name in names)
    await asyncio.gather(*floods)
    await crowded.until("done", *answered)
    await crowded.until("paused", *asked)
    await crowded.until("paused", *names)
    took = time.monotonic() - began
    most, used = max(most, resident(worker)), await crowded.used()
    return [
        ("answer durable -> its run done", len(answered), _times(crowded, "done", answered)),
        ("another's trigger durable -> its question asked", len(asked), _times(crowded, "paused", asked)),
        ("still to be asked when the last answer was given", busy, ""),
        (f"all asked after {took:.0f} s, runs/s", f"{triggers / took:.0f}", ""),
        ("worker, resident before / most, MB", f"{before[0] / _MB:.0f} / {most / _MB:.0f}", ""),
        ("Redis, before / after, MB", f"{before[1] / _MB:.0f} / {used / _MB:.0f}", ""),
    ]


def _times(crowded: Crowded, event: str, since: dict[str, float]) -> str:
    took = [crowded.at[name][event] - at for name, at in since.items()]
    return " / ".join(f"{one:.2f}" for one in (percentile(took, 0.5), percentile(took, 0.99), max(took)))


def resident(pid: int, *, ever: bool = False) -> int:
    """Bytes of memory that a process has, or the most that it `ever` had, where the system tells (Linux)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    name = "VmHWM:" if ever else "VmRSS:"
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(name))


@asynccontextmanager
async def working(folder: Path, crowded: Crowded) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A worker of the data directory `folder`, a process of its own, which tells `crowded` what it sends."""
    with (folder / "worker.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.overload", str(folder), stdout=asyncio.subprocess.PIPE, stderr=log
        )
    assert process.stdout
    reading = asyncio.create_task(crowded.read(process.stdout))
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()
        await reading


def _say(**said: Any) -> None:
    print(json.dumps(said), file=sys.__stdout__, flush=True)


def _reply(_: str, reply: str) -> str:
    return reply


async def _work(folder: Path) -> None:
    settings = bench_settings(folder)
    with redirect_stdout(sys.stderr):
        log_to(settings, json=True)
    app = compose(settings, redis_url(settings), [BenchChannel(_say)], [bench_agent(_reply)])
    await serve(app, works=True, receives=())


if __name__ == "__main__":
    run(_work(Path(sys.argv[1])))
