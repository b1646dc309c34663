"""A process that accepts a crowd of messages, and the worker beside it, which is a process of its own.

`python -m tests.bot.worker.crowded DATA_DIR` is the worker, which tells on stdout what its channel was given to send.
"""

import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.parts import BenchChannel, bench_agent, bench_settings
from bot.app import App, compose
from bot.config.data_dir import redis_url
from bot.process.logging import log_to
from bot.process.processes import run, serve
from channels import Inbound


class Crowded:
    """One process that accepts, `app`, and what the worker told it."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.tokens = dict[str, str]()
        self._events = defaultdict[str, set[str]](set)
        self._told = asyncio.Event()
        self._is_over = False

    def note(self, said: dict[str, Any]) -> None:
        """One line of the worker."""
        self._events[said["id"]].add(said["ev"])
        if said["ev"] == "paused":
            self.tokens[said["id"]] = said["token"]
        self._told.set()

    async def ask(self, name: str, sender: str) -> None:
        """Accept a trigger."""
        raw, now = json.dumps({"id": name, "text": "x" * 2048}).encode(), datetime.now(UTC)
        await self._app.messages.inbox.accept(
            Inbound(
                channel="bench", key=f"start {name}", raw=raw, size_bytes=len(raw), is_answer=False, token="",
                sender=sender, can_wait=False, received_at=now,
            )
        )  # fmt: skip

    async def until(self, event: str, *names: str) -> None:
        """Return when the worker has told `event` of each of these."""
        while any(event not in self._events[name] for name in names):
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


def most_memory(pid: int) -> int:
    """Return the most bytes of memory that a process ever had, where the system tells (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


@asynccontextmanager
async def working(folder: Path, crowded: Crowded) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A worker of the data directory `folder`, a process of its own, which tells `crowded` what it sends."""
    with (folder / "worker.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bot.worker.crowded", str(folder), stdout=asyncio.subprocess.PIPE, stderr=log
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
