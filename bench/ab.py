"""Compare two commits within one run, in turns: what one approval cycle costs with each of them.

    bench/run ab HEAD~20 HEAD                             five turns of 100 cycles for each, about three minutes
    bench/run ab HEAD~20 HEAD --rounds 2 --cycles 10      fewer

A cycle is the unit of work of the race: a trigger, a question, its answer, a tool, the end. Each turn has a Redis and a
worker of its own. Each commit is checked out into a temporary worktree and driven by its own `bench/peer_sayso.py`,
with the Python and the packages of this environment. Redis counts its commands, those inside scripts too, and its
bytes on all connections. No Redis counts its calls of fsync, so they are not in the table.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.table import machine, percentile, show
from bot.config.data_dir import REDIS_NOTE, socket_url
from bot.store.client import Client

_TOP = Path(__file__).resolve().parents[1]
_UNIT = _TOP / "bench" / "unit"
_ENDS = {"start": ("paused", "error"), "answer": ("done", "refused", "error")}
_SCRIPTS = ("eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro")
_WITHIN_S = 300.0
_WARM_UP = 5
# What follows a cycle belongs to it, such as the seal of its audit records.
_AFTER_S = 1.0


@dataclass
class Side:
    """One of the two commits, and what was measured of it so far."""

    name: str
    tree: Path
    cycles_s: list[float] = field(default_factory=list[float])
    per_cycle: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict[str, list[float]](list))

    def row(self, figure: str) -> float:
        """One figure of all turns: a percentile of all cycles, else the mean of what the turns counted."""
        match figure:
            case "ms a cycle, p50":
                return percentile(self.cycles_s, 0.5) * 1e3
            case "ms a cycle, p99":
                return percentile(self.cycles_s, 0.99) * 1e3
            case _:
                return sum(self.per_cycle[figure]) / len(self.per_cycle[figure])


class Driver:
    """Commands to one adapter, each awaited until its last event."""

    def __init__(self, adapter: asyncio.subprocess.Process) -> None:
        self._adapter = adapter
        self._waiting = dict[str, tuple[tuple[str, ...], asyncio.Future[None]]]()
        self._ready = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    async def ready(self) -> None:
        """Return when the adapter takes commands. Raises RuntimeError when it ends before."""
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait([ready, self._reader], timeout=_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            raise RuntimeError("the adapter did not start; the lines above say why")

    async def cycle(self, run_id: str) -> float:
        """Play one run from its trigger to its end; return its seconds."""
        began = time.monotonic()
        await self._ask("start", run_id)
        await self._ask("answer", run_id)
        return time.monotonic() - began

    def worker_s(self) -> float:
        """Return the seconds of processor time of the worker so far."""
        return sum(
            _cpu_s(child)
            for child in _children(self._adapter.pid)
            if b"worker.py" in Path(f"/proc/{child}/cmdline").read_bytes()
        )

    async def end(self) -> None:
        """Close its commands and wait for it."""
        assert self._adapter.stdin
        self._adapter.stdin.close()
        await self._adapter.wait()
        self._reader.cancel()

    async def _ask(self, op: str, run_id: str) -> None:
        assert self._adapter.stdin
        future = asyncio.get_running_loop().create_future()
        self._waiting[run_id] = (_ENDS[op], future)
        self._adapter.stdin.write((json.dumps({"op": op, "id": run_id}) + "\n").encode())
        await asyncio.wait_for(future, _WITHIN_S)

    async def _read(self) -> None:
        assert self._adapter.stdout
        async for line in self._adapter.stdout:
            said = json.loads(line)
            ends, future = self._waiting.get(said.get("id", ""), ((), None))
            if said["ev"] == "ready":
                self._ready.set()
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
async def _driving(tree: Path, folder: Path) -> AsyncGenerator[Driver]:
    """A driver of the adapter of the checkout `tree`, whose data are in `folder`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SAYSO_", "BENCH_"))}
    environment |= {"BENCH_DATA": str(folder), "PYTHONPATH": f"{tree}:{_UNIT}"}
    with (folder / "adapter.log").open("w+b") as log:
        adapter = await asyncio.create_subprocess_exec(
            sys.executable, str(tree / "bench" / "peer_sayso.py"), cwd=tree, env=environment,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log, start_new_session=True,
        )  # fmt: skip
        driver = Driver(adapter)
        try:
            await driver.ready()
            yield driver
        except RuntimeError:
            print((folder / "adapter.log").read_text()[-2_000:], file=sys.stderr)
            raise
        finally:
            await driver.end()


async def _counted(client: Client) -> dict[str, float]:
    """What the server has counted so far."""
    commands = await client.do("INFO", "commandstats")
    calls = {name.removeprefix("cmdstat_"): int(one["calls"]) for name, one in commands.items()}
    stats, memory = await client.do("INFO", "stats"), await client.do("INFO", "memory")
    return {
        "Redis: commands": sum(calls.values()),
        "Redis: script calls": sum(calls.get(name, 0) for name in _SCRIPTS),
        "Redis: bytes in": int(stats["total_net_input_bytes"]),
        "Redis: bytes out": int(stats["total_net_output_bytes"]),
        "Redis: bytes kept a run": int(memory["used_memory"]),
    }


def _run_ids(count: int) -> list[str]:
    """Return names of which no two have the same sum of letters: the unit makes its words from that, and who is asked
    about equal words over and over may remember the answer.
    """
    return ["run-" + "z" * (number // 10) + str(number % 10) for number in range(count)]


async def _turn(side: Side, folder: Path, cycles: int) -> None:
    """Play `cycles` cycles on an empty store and note what they cost."""
    async with _driving(side.tree, folder) as driver:
        client = Client(socket_url(Path((folder / REDIS_NOTE).read_text())))
        for number in range(_WARM_UP):
            await driver.cycle(f"warm-{number}")
        await asyncio.sleep(_AFTER_S)
        first, before, used = await _counted(client), await _counted(client), driver.worker_s()
        side.cycles_s += [await driver.cycle(one) for one in _run_ids(cycles)]
        await asyncio.sleep(_AFTER_S)
        side.per_cycle["worker: ms of processor time"].append((driver.worker_s() - used) * 1e3 / cycles)
        for name, count in (await _counted(client)).items():
            looking = 0 if name.endswith("a run") else before[name] - first[name]
            side.per_cycle[name].append((count - before[name] - looking) / cycles)
        await client.close()


async def _compared(sides: Sequence[Side], folder: Path, rounds: int, cycles: int) -> None:
    for number in range(rounds):
        # Each goes first every other time.
        for side in sides if number % 2 == 0 else sides[::-1]:
            with tempfile.TemporaryDirectory(dir=folder, prefix="turn-") as data:
                await _turn(side, Path(data), cycles)
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)


@contextmanager
def _checked_out(revision: str, folder: Path) -> Generator[Side]:
    sha = _git("rev-parse", "--short", f"{revision}^{{commit}}")
    _git("worktree", "add", "--detach", "--quiet", str(folder), sha)
    try:
        yield Side(f"{revision} ({sha})", folder)
    finally:
        _git("worktree", "remove", "--force", str(folder))


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=_TOP, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def main() -> None:
    """Compare the two commits that the command line names, and print one table."""
    parser = argparse.ArgumentParser(
        prog="bench/run ab", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", help="a commit")
    parser.add_argument("after", nargs="?", default="HEAD", help="another one; HEAD if not given")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each")
    parser.add_argument("--cycles", type=int, default=100, help="cycles of each turn")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sayso-ab-", dir=os.environ.get("SAYSO_BENCH_WORK")) as name:
        folder = Path(name)
        print(machine(folder), flush=True)
        with _checked_out(wanted.before, folder / "a") as one, _checked_out(wanted.after, folder / "b") as other:
            asyncio.run(_compared((one, other), folder, wanted.rounds, wanted.cycles))
    rows = list[tuple[object, ...]]()
    for figure in ("ms a cycle, p50", "ms a cycle, p99", *one.per_cycle):
        left, right = one.row(figure), other.row(figure)
        rows.append((figure, f"{left:,.1f}", f"{right:,.1f}", f"{right / left - 1:+.1%}" if left else ""))
    title = f"{wanted.rounds} turns of {wanted.cycles} cycles each; a cycle's mean where nothing else is said"
    show(title, ("", one.name, other.name, "change"), rows)


if __name__ == "__main__":
    main()
