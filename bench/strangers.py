"""Measure how soon a web process answers others while event streams and strangers hold all that it gives them.

`strangers.py [--streams 2400] [--strangers 2000] [--flood ""] [--source one]`: one `sayso web` process. First, what one
request of a stranger costs. Then, one after the other, the floods of whole requests whose names have `--flood` in them,
sent by a process of its own, each again as soon as it is answered: from one address, from the one that others ask from
as well (`same`), or from one each (`many`). Last, the streams, of keys that hold as many as they may, and strangers who
do not end what they send.
"""

import argparse
import asyncio
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from http import HTTPStatus
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.web import figures, measured  # noqa: E402
from bot.web.connections import open_files  # noqa: E402
from bot.web.waits import AT_MOST  # noqa: E402
from tests.bot.web.test_crowds import SENT, answered, crowd, streaming  # noqa: E402
from tests.office import TOML  # noqa: E402
from tests.servers.web_process import a_web, key_of  # noqa: E402
from tests.world import a_world  # noqa: E402

_TIMES, _COSTED = 20, 300
_TICKS = os.sysconf("SC_CLK_TCK")


def get(path: str, *more: str) -> bytes:
    """A request as it is sent."""
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *more, "", "")).encode()


_HTML, _FORM = "Accept: text/html", "Content-Type: application/x-www-form-urlencoded\r\n"
_KEY = f"Authorization: Bearer sayso_{'a' * 8}_{'a' * 40}"
_POSTED = f"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\n{_FORM}Content-Length: 9\r\n\r\ntoken=abc".encode()
_SIGNED = (
    b"POST /v1/triggers/ci HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"X-Sayso-Timestamp: 1\r\nX-Sayso-Signature: sha256=00\r\nContent-Length: 2\r\n\r\n{}"
)
REQUESTS = {
    "/healthz": get("/healthz"), "/readyz": get("/readyz"), "/metrics": get("/metrics"),
    "/openapi.json": get("/openapi.json"), "the log-in page": get("/login", _HTML),
    "a log-in link that is none": get("/login?token=abcdefgh", _HTML), "a form of one": _POSTED,
    "a page without a session": get("/", _HTML), "one with a made-up session": get("/", _HTML, "Cookie: sayso-80=abc"),
    "no such page": get("/nothing", _HTML), "/v1 without a key": get("/v1/runs"),
    "/v1, a made-up key": get("/v1/runs", _KEY), "a trigger, badly signed": _SIGNED,
}  # fmt: skip
FLOODS = {
    "1,500 connections with 20 log-in pages each": (1_500, get("/login", _HTML) * 20, 20),
    "1,000 that ask for /openapi.json": (1_000, get("/openapi.json"), 1),
    "1,000 that ask for /metrics": (1_000, get("/metrics"), 1),
    "1,500 connections with 20 /healthz each": (1_500, get("/healthz") * 20, 20),
    "1,500 connections with 20 made-up keys each": (1_500, get("/v1/runs", _KEY) * 20, 20),
    "1,500 connections with 20 forms each": (1_500, _POSTED * 20, 20),
}


def cpu_s(pid: int) -> float:
    """The CPU time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_mb(pid: int) -> int:
    """The most memory that a process has had."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) // 1_024 if found else 0


async def costs(port: int, pid: int) -> None:
    """What one request of each kind costs."""
    for name, sent in REQUESTS.items():
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        status, size = await ask(reader, writer, sent, 1)
        began = cpu_s(pid)
        for _ in range(_COSTED):
            status, size = await ask(reader, writer, sent, 1)
        print(f"{name}: {status}, {size} bytes, {(cpu_s(pid) - began) / _COSTED * 1e3:.2f} ms of CPU")
        writer.close()


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes, count: int
) -> tuple[int, int]:  # fmt: skip
    """Send, and read so many answers; return the status of the last one, and the size of its body."""
    writer.write(sent)
    status = size = 0
    for _ in range(count):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        found = re.search(r"content-length: (\d+)", head)
        status, size = int(head.split()[1]), int(found[1]) if found else 0
        await reader.readexactly(size)
    return status, size


def source(kind: str, number: int) -> tuple[str, int]:
    """Where one of a flood comes from."""
    return {"one": "127.0.0.2", "same": "127.0.0.1"}.get(kind, f"127.1.{number // 250}.{number % 250 + 1}"), 0


def flood(port: int, name: str, kind: str, seen: Connection) -> None:
    """Send a flood until the process is ended; `seen` is told when all have begun, and then what they were answered."""

    async def one(sent: bytes, count: int, address: tuple[str, int]) -> None:
        while True:
            with suppress(OSError, EOFError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22, local_addr=address)
                try:
                    while True:
                        status, _ = await ask(reader, writer, sent, count)
                        answers[status] += count
                finally:
                    writer.close()
            answers["ended"] += 1
            await asyncio.sleep(0.5)

    async def all_of_them() -> None:
        crowd_size, sent, count = FLOODS[name]
        tasks = [asyncio.create_task(one(sent, count, source(kind, number))) for number in range(crowd_size)]
        while True:
            await asyncio.sleep(1)
            seen.send(dict(answers))
            assert not any(task.done() for task in tasks)

    answers = Counter[int | str]()
    open_files()
    asyncio.run(all_of_them())


async def floods(port: int, pid: int, wanted: argparse.Namespace, look: Callable[[str], Awaitable[None]]) -> None:
    """How soon others are answered while there is each flood."""
    for name in (one for one in FLOODS if wanted.flood in one):
        ours, theirs = Pipe()
        sender = Process(target=flood, args=(port, name, wanted.source, theirs), daemon=True)
        sender.start()
        try:
            await asyncio.to_thread(ours.recv)
            await look(f"{name}: ")
            answers = await asyncio.to_thread(ours.recv)
            while ours.poll():
                answers = ours.recv()
        finally:
            sender.kill()
            sender.join()
        print(f"{name}: answered {answers}; {memory_mb(pid)} MB at most")


async def measure(redis: str, folder: Path, wanted: argparse.Namespace) -> None:
    """Everything, on the Redis at `redis`."""
    async with a_world(redis, folder, TOML) as world, a_web(world) as (web, url), AsyncExitStack() as stack:
        run_id = await world.trigger("press it")
        await world.opened(run_id)
        port, left, opened = urlsplit(url).port or 0, wanted.streams, list[int]()
        key = await key_of(world, "bo")

        async def others(during: str = "") -> None:
            for name, path, headers in (
                ("/healthz", "/healthz", None), ("/readyz", "/readyz", None), ("the log-in page", "/login", None),
                ("a program's request", f"/v1/runs/{run_id}", key),
                ("a new program's request", f"/v1/runs/{run_id}", None),
            ):  # fmt: skip
                took, statuses, began_cpu_s = list[float](), Counter[int](), cpu_s(web.pid)
                for _ in range(_TIMES):
                    sent = headers or (await key_of(world, "bo") if "new" in name else None)
                    began = time.perf_counter()
                    statuses[await answered(url, path, sent)] += 1
                    took.append(time.perf_counter() - began)
                print(
                    f"{during}{figures(name, took)}, {dict(statuses)}, CPU {cpu_s(web.pid) - began_cpu_s:.1f} s",
                    flush=True,
                )

        await costs(port, web.pid)
        await floods(port, web.pid, wanted, others)
        for person in ("anna", "bo"):  # both see it
            following = streaming(run_id, await key_of(world, person))
            streams = await stack.enter_async_context(crowd(port, min(left, AT_MOST), following))
            opened += [await one.status() for one in streams]
            left -= len(streams)
        print(f"{opened.count(HTTPStatus.OK)} of {len(opened)} streams are open")
        for sent in SENT.values():
            await stack.enter_async_context(crowd(port, wanted.strangers // len(SENT), sent))
        await others()


def main() -> None:
    """Measure as the command line says, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flood", default="")
    parser.add_argument("--source", choices=("one", "same", "many"), default="one")
    measured(measure, parser, streams=2 * AT_MOST, strangers=2_000)


if __name__ == "__main__":
    main()
