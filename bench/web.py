"""Measure how soon HTTP clients hear of an answer, and a page's time among many runs and open requests.

`web.py [--streams 200] [--polls 200] [--runs 20] [--stored 10000] [--open 10000]`: one `sayso web` process on an
embedded Redis with `appendfsync always`; workers and all clients are in this process.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from httpx2 import AsyncClient, Limits  # noqa: E402

from agents.events import Event  # noqa: E402
from agents.requests import Request, RequestId, RunId  # noqa: E402
from agents.run import fold  # noqa: E402
from bot.policy.record import RequestRecord  # noqa: E402
from bot.process.logging import configure  # noqa: E402
from bot.render.views import line_of  # noqa: E402
from bot.store import Commit  # noqa: E402
from bot.store.embedded import EmbeddedRedis  # noqa: E402
from bot.store.ids import new_id  # noqa: E402
from bot.store.journal import record_write  # noqa: E402
from bot.testing.events import ended, started  # noqa: E402
from tests.office import QUICK, TOML  # noqa: E402
from tests.servers.program import COMMAND, environment  # noqa: E402
from tests.waiting import until  # noqa: E402
from tests.world import World, a_world  # noqa: E402

STREAM = {"Accept": "text/event-stream"}
_AT_ONCE = 200
_FAILED_EVERY = 500
_TIMES = 100


def figures(name: str, took_s: list[float]) -> str:
    """`name`: how many, and the middle, the 99th percentile and the slowest in milliseconds."""
    cuts = quantiles(took_s, n=100, method="inclusive")
    middle, high, most = (f"{one * 1e3:.1f} ms" for one in (cuts[49], cuts[98], max(took_s)))
    return f"{name}: {len(took_s)}, p50 {middle}, p99 {high}, max {most}"


async def _port(stdout: asyncio.StreamReader) -> int:
    async for line in stdout:
        if found := re.search(rb'"port":\s*(\d+)', line):
            return int(found[1])
    raise AssertionError("sayso web ended before it listened")


@asynccontextmanager
async def web(world: World) -> AsyncGenerator[str]:
    """Yield where one `sayso web` of the same installation listens."""
    settings = {f"SAYSO_{name}": value for name, value in QUICK.items()}
    program = await asyncio.create_subprocess_exec(
        *COMMAND, "web", "--port", "0", "--data", str(world.folder),
        env=environment(SAYSO_REDIS_URL=world.url, SAYSO_SECRET_KEY="x" * 32, **settings),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert program.stdout
    port = await _port(program.stdout)
    drain = asyncio.create_task(program.stdout.read())
    yield f"http://127.0.0.1:{port}"
    program.terminate()
    await program.wait()
    await drain


class Waiters:
    """Streams and long polls on requests, and when each of them heard of the decision."""

    def __init__(self, http: AsyncClient) -> None:
        self._http = http
        self.heard_at: dict[str, list[float]] = {}
        self.open = 0

    async def stream(self, kind: str, run_id: str) -> None:
        """Follow a run until its request is decided."""
        async with self._http.stream("GET", f"/v1/runs/{run_id}/events", headers=STREAM) as answer:
            self.open += 1
            async for line in answer.aiter_lines():
                if '"type":"request_decided"' in line:
                    self.heard_at.setdefault(f"{kind} {run_id}", []).append(time.perf_counter())
                    return

    async def poll(self, kind: str, request_id: str, run_id: str) -> None:
        """Wait for a request until it is not open any more."""
        self.open += 1
        while (await self._http.get(f"/v1/requests/{request_id}?wait_s=50")).json()["state"] == "open":
            continue
        self.heard_at.setdefault(f"{kind} {run_id}", []).append(time.perf_counter())


async def answers(world: World, http: AsyncClient, wanted: argparse.Namespace) -> None:
    """Answer request by request, while streams and long polls wait for all of them."""
    runs: int = wanted.runs
    requests = [(await world.opened(await world.trigger("press it"))).request for _ in range(runs)]
    waiters = Waiters(http)
    tasks = [
        asyncio.create_task(waiters.stream("stream", requests[number % runs].run_id))
        for number in range(wanted.streams)
    ]
    for number in range(wanted.polls):
        request = requests[number % runs]
        tasks.append(asyncio.create_task(waiters.poll("poll", request.id, request.run_id)))
    await until(lambda: waiters.open == wanted.streams + wanted.polls, 30)
    gauge = re.compile(r"^sayso_http_streams (\d+)", re.MULTILINE)

    async def all_wait() -> bool:
        found = gauge.search((await http.get("/metrics")).text)
        return found is not None and int(found[1]) == wanted.streams + wanted.polls

    await until(all_wait, 30, "all of them wait")
    took: dict[str, list[float]] = {"stream": [], "poll": []}
    for request in requests:
        asked_at = time.perf_counter()
        vote = {"vote": "approve", "digest": request.digest}
        answer = await http.post(f"/v1/requests/{request.id}/answer", json=vote)
        assert answer.status_code == 200, answer.text
        await world.ended(request.run_id)
        for kind, found in took.items():
            heard = waiters.heard_at.get(f"{kind} {request.run_id}", [])
            found += [at - asked_at for at in heard]
    await asyncio.gather(*tasks)
    connections = await world.app.store.client.do("INFO", "clients")
    for kind, found in took.items():
        print(figures(f"answer sent -> {kind} has it", found))
    print(f"blocked Redis connections, workers' included: {connections['blocked_clients']}")


async def lists(world: World, http: AsyncClient, stored: int, still_open: int) -> None:
    """Ask for pages among so many runs, and among so many open requests."""
    await _in_batches(stored, lambda number: store(world, number))
    run_id = await world.trigger("press it")
    request = (await world.opened(run_id)).request
    await _in_batches(still_open, lambda number: _open(world, request, number))
    for name, path in (
        ("first page of runs", "runs?limit=50"), ("largest page of runs", "runs?limit=200"),
        ("runs in a state that few have", "runs?state=failed&limit=50"),
        ("runs in a state that half of them have", "runs?state=done&limit=50"),
        ("runs of an agent that none has", "runs?agent=nobody"),
        ("runs in that half and of the other's agent", "runs?state=done&agent=clerk"),
        ("open requests", "requests?state=open"), ("open requests for a person", "requests?state=open&person=bo"),
        ("open requests for somebody who has none", "requests?state=open&person=anna"),
    ):  # fmt: skip
        took = list[float]()
        for _ in range(_TIMES):
            began = time.perf_counter()
            assert (await http.get(f"/v1/{path}")).status_code == 200
            took.append(time.perf_counter() - began)
        print(figures(f"{name}, among {stored} and {still_open}", took))
    began = time.perf_counter()
    count = await world.app.store.lists.count_for("bo")
    print(f"counted {count} open requests for a person in {(time.perf_counter() - began) * 1e3:.1f} ms")


async def _in_batches(count: int, work: Callable[[int], Awaitable[None]]) -> None:
    for start in range(0, count, _AT_ONCE):
        await asyncio.gather(*(work(number) for number in range(start, min(start + _AT_ONCE, count))))


async def store(world: World, number: int) -> None:
    """Store a run of the clerk that has just started, or of the typist that is done; a few have failed."""
    run_id = RunId(new_id("run", number % world.app.store.shards))
    now, is_done = world.app.store.about_now(), number // world.app.store.shards % 2 == 0
    agent, has_failed = "typist" if is_done else "clerk", number % _FAILED_EVERY == 0
    events: list[Event] = [started(f"stamp {number}", run_id=run_id, agent=agent, channel="bench", at=now)]
    if is_done or has_failed:
        events.append(ended("failed" if has_failed else "done", at=now))
    await world.app.store.commit(Commit(run_id=run_id, events=events, expect=0, summary=line_of(fold(events))))


async def _open(world: World, like: Request, number: int) -> None:
    """One more open request, as a record and in lists."""
    shard = number % world.app.store.shards
    run_id, request_id = RunId(new_id("run", shard)), RequestId(new_id("request", shard))
    request = like.model_copy(update={"id": request_id, "run_id": run_id, "opened_at": world.app.store.about_now()})
    await world.app.store.commit(Commit(run_id=run_id, records=[record_write(RequestRecord(request=request), 0)]))


async def measure(url: str, folder: Path, wanted: argparse.Namespace) -> None:
    """Everything, on the Redis at `url`."""
    async with a_world(url, folder, TOML) as world, web(world) as address:
        _, key = await world.app.access.keyring.create(person="bo", scopes=["admin"])
        async with AsyncClient(
            base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=90,
            limits=Limits(max_connections=None), trust_env=False,
        ) as http:  # fmt: skip
            await answers(world, http, wanted)
            await lists(world, http, wanted.stored, wanted.open)


def measured(
    measure: Callable[[str, Path, argparse.Namespace], Coroutine[None, None, None]],
    parser: argparse.ArgumentParser,
    **numbers: int,
) -> None:
    """Measure on an embedded Redis as the command line says, where each of `numbers` may be another one."""
    for name, value in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    wanted = parser.parse_args()
    configure(json=True, secrets=[], level=40)
    print(json.dumps({"cpus": os.cpu_count(), **vars(wanted)}))
    folder = Path(tempfile.mkdtemp(prefix="sayso-"))
    try:
        with EmbeddedRedis(folder, folder / "run") as redis:
            asyncio.run(measure(redis.start(), folder / "data", wanted))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Measure as the command line says, and print the figures."""
    measured(
        measure,
        argparse.ArgumentParser(description=__doc__),
        streams=200,
        polls=200,
        runs=20,
        stored=10_000,
        open=10_000,
    )


if __name__ == "__main__":
    main()
