"""`sayso web` as a process of its own."""

import asyncio
import signal
import socket
from contextlib import suppress
from http import HTTPStatus

import pytest
from httpx2 import AsyncClient

from bot.web.connections import Limits
from bot.web.serve import listen, port_of
from tests.kit.waiting import PATIENCE_S, patience
from tests.kit.world import World
from tests.servers.web import serving
from tests.servers.web_process import a_web, key_of


@pytest.mark.long
async def test_a_web_process_leaves_in_order_with_streams_open(world: World) -> None:
    run_id = await world.trigger("press it")
    await world.opened(run_id)
    async with (
        a_web(world) as (program, url),
        AsyncClient(base_url=url, headers=await key_of(world, "anna"), timeout=60) as anna,
    ):
        path, accept = f"/v1/runs/{run_id}/events", {"Accept": "text/event-stream"}
        async with anna.stream("GET", path, headers=accept) as answer:
            lines = answer.aiter_lines()
            assert await anext(lines) == "retry: 2000"

            program.signal(signal.SIGTERM)

            async with patience():
                rest = [line async for line in lines]
                assert await program.dies() == 0
    assert any(line.startswith("data: ") for line in rest)


async def half_open(port: int, sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which the head of a request does not end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    await writer.drain()
    return reader, writer


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Waits until the other side has closed it."""
    with suppress(ConnectionError):
        await reader.read()
    return True


async def test_whoever_is_not_answered_as_a_process_leaves_is_told_to_ask_again(world: World) -> None:
    async with a_web(world) as (program, url):
        key = (await key_of(world, "anna"))["Authorization"]
        head = f"POST /v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {key}\r\nContent-Length: 99\r\n"
        sent = f"{head}Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n"
        reader, writer = await half_open(int(url.rpartition(":")[2]), sent.encode())
        async with patience():
            assert (await reader.readline()).startswith(b"HTTP/1.1 100"), "its body is waited for"

            program.signal(signal.SIGTERM)

            answer = await reader.read()
            assert await program.dies() == 0
        writer.close()
    assert b"HTTP/1.1 503" in answer
    assert b"Retry-After" in answer.title()


async def test_a_head_that_does_not_end_is_not_waited_for(world: World) -> None:
    run_id = await world.trigger("press it")
    await world.opened(run_id)
    async with serving(world.app, limits=Limits(head_s=0.1)) as api:
        port, anna = int(api.url.rpartition(":")[2]), await api.client("anna")
        async with anna.stream("GET", f"/v1/runs/{run_id}/events", headers={"Accept": "text/event-stream"}) as answer:
            lines = answer.aiter_lines()
            assert await anext(lines) == "retry: 2000"

            begun = [await half_open(port, sent) for sent in (b"", b"G", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")]
            again = await half_open(port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert (await again[0].readline()).startswith(b"HTTP/1.1 200")
            again[1].write(b"GET /healthz HTTP/1.1\r\nHo")
            dripping = await half_open(port)
            drips = asyncio.create_task(drip(dripping[1]))

            closed = [await is_closed(reader) for reader, _ in (*begun, dripping)]
            assert closed == [True] * 4
            await again[0].read()
            assert again[0].at_eof()
            drips.cancel()
            for _, writer in (*begun, again, dripping):
                writer.close()

            await world.decide("bo", (await world.opened(run_id)), "approve")
            assert [line async for line in lines if "run_ended" in line], "whoever is answered is not cut off"


_ASK = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The first line of the answer to a request, which is read to its end."""
    writer.write(_ASK)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))
    return head.partition(b"\r\n")[0]


async def test_whoever_keeps_a_connection_may_ask_again_later_than_a_head_may_take(world: World) -> None:
    """A client that keeps it for some seconds sends its next request when the server no longer wants one."""
    async with serving(world.app, limits=Limits(head_s=0.2)) as api:
        port = int(api.url.rpartition(":")[2])
        kept = await half_open(port)
        first = await answered(*kept)
        for _ in range(2):
            reader, writer = await half_open(port)
            assert await is_closed(reader)
            writer.close()

        assert [first, await answered(*kept)] == [b"HTTP/1.1 200 OK"] * 2
        kept[1].close()


async def test_a_connection_that_nobody_uses_ends(world: World) -> None:
    async with serving(world.app, limits=Limits(idle_s=0.2)) as api:
        kept = await half_open(int(api.url.rpartition(":")[2]))

        assert await answered(*kept) == b"HTTP/1.1 200 OK"

        async with patience():
            assert await is_closed(kept[0])
        kept[1].close()


async def drip(writer: asyncio.StreamWriter) -> None:
    """A letter of a head whenever the loop comes round."""
    with suppress(ConnectionError):
        while not writer.is_closing():
            writer.write(b"G")
            await writer.drain()
            await asyncio.sleep(0)


async def test_where_there_are_too_many_connections_the_oldest_silent_one_ends(world: World) -> None:
    async with serving(world.app, limits=Limits(head_s=600, silent=4)) as api:
        port = int(api.url.rpartition(":")[2])
        silent = [await half_open(port, b"GET /") for _ in range(10)]

        assert [await is_closed(reader) for reader, _ in silent[:6]] == [True] * 6
        async with AsyncClient(base_url=api.url, timeout=PATIENCE_S) as anybody:
            assert (await anybody.get("/healthz")).status_code == HTTPStatus.OK

        assert await is_closed(silent[6][0])
        assert not silent[9][0].at_eof()
        for _, writer in silent:
            writer.close()


@pytest.mark.parametrize("bind", ["127.0.0.1", "::1"])
def test_it_listens_where_it_says_and_sends_at_once(bind: str) -> None:
    with listen(bind, 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP, "or asyncio waits for acknowledgements"
        with socket.create_connection((bind, port_of(listener)), timeout=60):
            pass


def test_a_port_that_is_taken_is_an_error_and_nothing_stays_open() -> None:
    with listen("127.0.0.1", 0) as first:
        with pytest.raises(OSError, match="in use"):
            listen("127.0.0.1", port_of(first))
        with pytest.raises(OSError, match="assign requested address"):
            listen("192.0.2.1", 0)
