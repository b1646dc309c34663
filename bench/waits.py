"""Measure how soon agents that wait over MCP hear of an answer, while very many of them wait, and what they cost.

`bench/run waits [--waits 2000] [--answers 200]`: as many calls of `await_answer`, each for a request of its own, are
open on one `sayso web` process on an embedded Redis; some of the requests are then answered one after the other.
Workers and all clients are in this process. Memory is that of the `sayso web` process.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

from httpx2 import AsyncClient, Limits

from bench.table import machine, percentile, show
from bot.process.logging import configure
from bot.store.embedded import EmbeddedRedis
from tests.bot.web.mcp.raw import message
from tests.kit.office import QUICK, TOML
from tests.kit.programs import COMMAND, environment
from tests.kit.waiting import until
from tests.kit.world import World, a_world

_LIMITED = TOML.replace("[limits]\n", '[limits]\nasks_per_key = "100000/h"\n')
# One key may hold 1,200 waits open at one process, and all of them 2,400.
_OF_ONE_KEY = 1_000
_AT_ONCE = 50
_APART_S = 0.01
_WITHIN_S = 600


class Agents:
    """All who wait: each for one request, until it is answered."""

    def __init__(self, clients: list[AsyncClient]) -> None:
        self._clients = clients
        self.requests, self.heard_at = list[str](), dict[str, float]()
        self.calls = self.put_off = 0

    async def open(self, count: int) -> None:
        """Open so many requests."""
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(number: int) -> None:
            body = {"question": f"May staging-{number} go?", "to": ["person:bo"], "expires_after_s": 24 * 3600}
            async with turns:
                answer = await self._of(number).post("/v1/requests", json=body)
            assert answer.status_code == 201, answer.text
            self.requests.append(answer.json()["id"])

        await asyncio.gather(*(one(number) for number in range(count)))

    async def wait(self) -> list[asyncio.Task[None]]:
        """Have one agent wait for each request. They come one after the other, as programs of their own do: all at once
        this process would connect for all of them before it sends the first one's body.
        """
        tasks = list[asyncio.Task[None]]()
        for each in enumerate(self.requests):
            tasks.append(asyncio.create_task(self._wait(*each)))
            await asyncio.sleep(_APART_S)
        return tasks

    async def _wait(self, number: int, request_id: str) -> None:
        while True:
            body, headers = message(
                "tools/call", {"name": "await_answer", "arguments": {"id": request_id}}, declares=False
            )
            self.calls += 1
            answer = await self._of(number).post("/mcp", json=body, headers=headers)
            if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:  # all begin at once, and so many may
                self.put_off += 1
                await asyncio.sleep(float(answer.headers["retry-after"]))
                continue
            assert answer.status_code == HTTPStatus.OK, answer.text
            if _told(answer.text)["decision"] != "pending":
                self.heard_at[request_id] = time.perf_counter()
                return

    def _of(self, number: int) -> AsyncClient:
        return self._clients[number // _OF_ONE_KEY]


def _told(text: str) -> dict[str, Any]:
    """What a tool answers, in either of the ways in which it comes."""
    last = next(line for line in reversed(text.splitlines()) if "{" in line)
    return json.loads(last.removeprefix("data: "))["result"]["structuredContent"]


async def measure(url: str, folder: Path, wanted: argparse.Namespace) -> None:
    """Everything, on the Redis at `url`."""
    async with a_world(url, folder, _LIMITED) as world, _web(world) as address:
        clients = [await _client(world, address, "ask") for _ in range(-(-wanted.waits // _OF_ONE_KEY))]
        people = await _client(world, address, "answer")
        agents = Agents(clients)
        await agents.open(wanted.waits)
        idle_mb = _memory(os.getpid())
        tasks = await agents.wait()
        gauge = re.compile(r"^sayso_http_streams (\d+)", re.MULTILINE)

        async def all_wait() -> bool:
            """Some are always between two calls, each of which ends within 50 s."""
            found = gauge.search((await people.get("/metrics")).text)
            return found is not None and int(found[1]) >= 0.9 * wanted.waits

        await until(all_wait, _WITHIN_S, "all of them wait")
        waiting_mb = _memory(os.getpid())
        took = await _answered(people, agents, wanted.answers)
        p50, p99 = (f"{percentile(took, part) * 1e3:.1f}" for part in (0.5, 0.99))
        show(
            f"{wanted.waits:,} agents wait over MCP at one process",
            (
                "answers",
                "answer sent -> agent has it: p50 / p99 / max ms",
                "calls made / put off",
                "MB before / with them",
            ),
            [
                (
                    len(took),
                    f"{p50} / {p99} / {max(took) * 1e3:.1f}",
                    f"{agents.calls} / {agents.put_off}",
                    f"{idle_mb} / {waiting_mb}",
                )
            ],
        )
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for client in (*clients, people):
            await client.aclose()


async def _answered(people: AsyncClient, agents: Agents, count: int) -> list[float]:
    took = list[float]()
    for request_id in agents.requests[:: max(1, len(agents.requests) // count)][:count]:
        began = time.perf_counter()
        answer = await people.post(f"/v1/requests/{request_id}/answer", json={"text": "go on"})
        assert answer.status_code == 200, answer.text
        await until(lambda one=request_id: one in agents.heard_at, _WITHIN_S, "the agent has it")
        took.append(agents.heard_at[request_id] - began)
    return took


async def _client(world: World, address: str, scope: Literal["ask", "answer"]) -> AsyncClient:
    create = world.app.access.keyring.create
    if scope == "ask":
        _, key = await create(service="agent", scopes=[scope], acts_for=["anna"], asks=["person:bo"])
    else:
        _, key = await create(person="bo", scopes=[scope], made_by="person", link_by="operator")
    return AsyncClient(
        base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=300,
        limits=Limits(max_connections=None), trust_env=False,
    )  # fmt: skip


def _memory(parent: int) -> int:
    """The resident memory of the one `sayso web` that this process started, in MB."""
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            text = status.read_text()
            words = (status.parent / "cmdline").read_bytes().split(b"\0")
            if f"PPid:\t{parent}\n" in text and b"web" in words:
                return int(text.partition("VmRSS:")[2].split()[0]) // 1024
    return 0


@asynccontextmanager
async def _web(world: World) -> AsyncGenerator[str]:
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


async def _port(stdout: asyncio.StreamReader) -> int:
    async for line in stdout:
        if found := re.search(rb'"port":\s*(\d+)', line):
            return int(found[1])
    raise AssertionError("sayso web ended before it listened")


def main() -> None:
    """Measure as the command line says, and print the table."""
    parser = argparse.ArgumentParser(
        prog="bench/run waits", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--waits", type=int, default=2_000)
    parser.add_argument("--answers", type=int, default=200)
    wanted = parser.parse_args()
    configure(json=True, secrets=[], level=40)
    folder = Path(tempfile.mkdtemp(prefix="sayso-"))
    try:
        print(machine(folder), flush=True)
        with EmbeddedRedis(folder, folder / "run") as redis:
            asyncio.run(measure(redis.start(), folder / "data", wanted))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
