"""Measure how soon a web process answers others while event streams and strangers hold all that it gives them.

`strangers.py [--streams 2400] [--strangers 2000]`: one `sayso web` process, whose clients are all in this process. The
streams are those of keys that hold as many as they may; of the strangers each does not end what it sends.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.web import figures  # noqa: E402
from bot.process.logging import configure  # noqa: E402
from bot.store.embedded import EmbeddedRedis  # noqa: E402
from bot.web.waits import AT_MOST  # noqa: E402
from tests.bot.web.test_crowds import SENT, answered, crowd, streaming  # noqa: E402
from tests.office import TOML  # noqa: E402
from tests.servers.web_process import a_web, key_of  # noqa: E402
from tests.world import a_world  # noqa: E402

_TIMES = 20


async def measure(redis: str, folder: Path, wanted: argparse.Namespace) -> None:
    """Everything, on the Redis at `redis`."""
    async with a_world(redis, folder, TOML) as world, a_web(world) as (_, url), AsyncExitStack() as stack:
        run_id = await world.trigger("press it")
        await world.opened(run_id)
        port, left, opened = urlsplit(url).port or 0, wanted.streams, list[int]()
        while left > 0:
            following = streaming(run_id, await key_of(world, "anna"))
            streams = await stack.enter_async_context(crowd(port, min(left, AT_MOST), following))
            opened += [await one.status() for one in streams]
            left -= AT_MOST
        print(f"{opened.count(HTTPStatus.OK)} of {len(opened)} streams are open")
        for sent in SENT.values():
            await stack.enter_async_context(crowd(port, wanted.strangers // len(SENT), sent))
        key = await key_of(world, "bo")
        for name, path, headers in (
            ("/healthz", "/healthz", None), ("/readyz", "/readyz", None), ("the log-in page", "/login", None),
            ("a new program's request", f"/v1/runs/{run_id}", key),
        ):  # fmt: skip
            took = list[float]()
            for _ in range(_TIMES):
                began = time.perf_counter()
                assert await answered(url, path, headers) == HTTPStatus.OK
                took.append(time.perf_counter() - began)
            print(figures(name, took))


def main() -> None:
    """Measure as the command line says, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (("streams", 2 * AT_MOST), ("strangers", 2_000)):
        parser.add_argument(f"--{name}", type=int, default=value)
    wanted = parser.parse_args()
    configure(json=True, secrets=[], level=40)
    folder = Path(tempfile.mkdtemp(prefix="sayso-"))
    try:
        with EmbeddedRedis(folder, folder / "run") as redis:
            asyncio.run(measure(redis.start(), folder / "data", wanted))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
