"""Drives the adapter as the comparison does, for what the comparison does not print: memory and profiles."""

import asyncio
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The unit of work stands outside this repository.
PEERS = Path(os.environ.get("SAYSO_BENCH_PEERS", HERE.parents[1] / "shared" / "bench"))

_ENDS = {"start": ("paused", "error"), "answer": ("done", "refused", "error")}
_WITHIN_S = 300.0


class Driver:
    """Commands to one adapter, each awaited until its last event."""

    def __init__(self, adapter: asyncio.subprocess.Process) -> None:
        self.adapter = adapter
        self.tool_at = dict[str, float]()
        self._waiting = dict[str, tuple[tuple[str, ...], asyncio.Future[None]]]()
        self._ready = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    async def ready(self) -> None:
        """Returns when the adapter takes commands. Raises RuntimeError when it ends before."""
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait([ready, self._reader], timeout=_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            raise RuntimeError("the adapter did not start; adapter.log in its folder says why")

    async def ask(self, op: str, run_id: str, **more: int) -> None:
        """Returns when the run is durably paused, or durably done; `more` as the comparison's README says."""
        assert self.adapter.stdin
        future = asyncio.get_running_loop().create_future()
        self._waiting[run_id] = (_ENDS[op], future)
        self.adapter.stdin.write((json.dumps({"op": op, "id": run_id, **more}) + "\n").encode())
        await asyncio.wait_for(future, _WITHIN_S)

    async def cycle(self, run_id: str, history: int = 0, *, cold: bool = False) -> tuple[float, float]:
        """One run from its trigger to its end: seconds from the answer to the tool, and to the end.

        A `cold` run with a history is one that no worker has looked at since.
        """
        await self.ask("start", run_id, history=history, cold=cold)
        began = time.monotonic()
        await self.ask("answer", run_id)
        return self.tool_at.pop(run_id) - began, time.monotonic() - began

    def cpu_s(self) -> dict[str, float]:
        """Seconds of processor time so far of the adapter, of Redis, and of all workers together."""
        found = defaultdict[str, float](float, {"adapter": _cpu_s(self.adapter.pid)})
        for child in _children(self.adapter.pid):
            command = Path(f"/proc/{child}/cmdline").read_text(errors="replace")
            is_redis = "redis" in command or "valkey" in command
            found["redis" if is_redis else "worker"] += _cpu_s(child)
        return dict(found)

    async def end(self) -> None:
        """Close its commands and wait for it."""
        assert self.adapter.stdin
        self.adapter.stdin.close()
        await self.adapter.wait()
        self._reader.cancel()

    async def _read(self) -> None:
        assert self.adapter.stdout
        async for line in self.adapter.stdout:
            said = json.loads(line)
            ends, future = self._waiting.get(said.get("id", ""), ((), None))
            if said["ev"] == "ready":
                self._ready.set()
            elif said["ev"] == "tool":
                self.tool_at[said["id"]] = said["t"]
            elif future and said["ev"] in ends and not future.done():
                del self._waiting[said["id"]]
                future.set_exception(RuntimeError(said["error"])) if said["ev"] == "error" else future.set_result(None)


def _cpu_s(pid: int) -> float:
    """Seconds that a process has used. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html"""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


@asynccontextmanager
async def driving(folder: Path, **environment: str) -> AsyncGenerator[Driver]:
    """A driver of an adapter of its own below `folder`, which ends with the context."""
    for name in ("data", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    places = {"BENCH_DATA": str(folder / "data"), "BENCH_CONTROL": str(folder / "control"), "PYTHONPATH": str(PEERS)}
    with (folder / "adapter.log").open("ab") as log:
        adapter = await asyncio.create_subprocess_exec(
            sys.executable, str(HERE / "peer_sayso.py"), env={**os.environ, **places, **environment},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log, start_new_session=True,
        )  # fmt: skip
    driver = Driver(adapter)
    try:
        await driver.ready()
        yield driver
    finally:
        await driver.end()
