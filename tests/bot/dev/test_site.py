"""The demo site shows what is live, at once, and gives its pages no power."""

import asyncio
import subprocess
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from http.client import HTTPResponse
from pathlib import Path

import pytest

from bot.dev.demo import make_demo
from bot.dev.site import serve
from bot.web.serve import listen, port_of
from tests.kit.waiting import patience


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    return make_demo(tmp_path / "demo").parent


@pytest.fixture
async def address(demo: Path) -> AsyncIterator[str]:
    listener = listen("127.0.0.1", 0)
    serving = asyncio.create_task(serve(demo, listener))
    yield f"http://127.0.0.1:{port_of(listener)}"
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


def deploy(shop: Path, tag: str, environment: str) -> None:
    found = subprocess.run(["git", "rev-parse", tag], check=True, cwd=shop, capture_output=True, text=True)
    subprocess.run(["./deploy.sh", environment, found.stdout.strip()], check=True, cwd=shop, capture_output=True)


async def get(address: str) -> tuple[HTTPResponse, str]:
    def fetch() -> tuple[HTTPResponse, str]:
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310
            return answer, answer.read().decode()

    return await asyncio.to_thread(fetch)


async def status(address: str) -> int:
    try:
        answer, _ = await get(address)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    return answer.status


async def test_a_page_shows_the_version_that_is_live_the_moment_it_is(address: str, demo: Path) -> None:
    _, before = await get(f"{address}/staging/")
    await asyncio.to_thread(deploy, demo / "shop", "v1.2.0", "staging")
    _, after = await get(f"{address}/staging/")
    _, other = await get(f"{address}/production")

    assert ("v1.0.0" in before, "v1.2.0" in after, "v1.0.0" in other) == (True, True, True)


@pytest.mark.parametrize("path", ["/", "/staging/style.css"])
async def test_nothing_is_cached_and_no_page_has_any_power(address: str, path: str) -> None:
    answer, _ = await get(address + path)

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"] == "sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/moon/",
        "/production/..%2f..%2f..%2fshop%2fdeploy.sh",
        "/production/.git",
    ],
)
async def test_only_files_of_a_live_release_are_served(address: str, path: str) -> None:
    assert await status(address + path) == 404


async def test_a_link_inside_a_release_is_not_followed(address: str, demo: Path) -> None:
    (demo / "site" / "staging" / "current" / "passwords").symlink_to("/etc/passwd")

    assert await status(f"{address}/staging/passwords") == 404


async def test_it_stops_at_once_while_a_connection_is_open(demo: Path) -> None:
    listener = listen("127.0.0.1", 0)
    connections: list[asyncio.StreamWriter] = []

    async def stop_when_connected() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(listener))
        connections.append(writer)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        raise ConnectionAbortedError

    async def both() -> None:
        async with patience(), asyncio.TaskGroup() as group:
            group.create_task(serve(demo, listener))
            group.create_task(stop_when_connected())

    with pytest.raises(ExceptionGroup) as stopped:
        await both()
    connections[0].close()
    assert [type(error) for error in stopped.value.exceptions] == [ConnectionAbortedError]
