"""Drives the adapter as the comparison does, for what the comparison does not print: memory and profiles."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The unit of work stands outside this repository.
PEERS = Path(os.environ.get("SAYSO_BENCH_PEERS", HERE.parents[1] / "shared" / "bench"))

_ENDS = {"start": ("paused", "error"), "answer": ("done", "refused", "error")}
_WITHIN_S = 60.0


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

    async def ask(self, op: str, run_id: str) -> None:
        """Returns when the run is durably paused, or durably done."""
        assert self.adapter.stdin
        future = asyncio.get_running_loop().create_future()
        self._waiting[run_id] = (_ENDS[op], future)
        self.adapter.stdin.write((json.dumps({"op": op, "id": run_id}) + "\n").encode())
        await asyncio.wait_for(future, _WITHIN_S)

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
