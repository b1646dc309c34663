"""Many who wait, and strangers who never end what they send, keep nobody else from a web process."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from http import HTTPStatus
from urllib.parse import urlsplit

import pytest
from httpx2 import AsyncClient
from starlette.types import Message, Receive, Scope, Send

from bot.errors import RateLimited
from bot.web.connections import LIMITS, Limits, open_files
from bot.web.guards import Admitted
from bot.web.waits import Full, Waits
from tests.servers.web import serving
from tests.servers.web_process import a_web, key_of
from tests.waiting import PATIENCE_S, until
from tests.world import World

# An API key may hold more.
STREAMS, STRANGERS = 830, 2_000
_AT_ONCE = 100

LOGIN = b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
SENT = {
    "nothing": b"",
    "a head that does not end": LOGIN,
    "a body that does not end": LOGIN + b"Content-Length: 60000\r\n\r\ntoken=",
    "a body without an end": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n1\r\nt\r\n",
}


class Caller:
    """One connection, by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def status(self) -> int:
        """The status of the answer; 0 where the connection ended without one."""
        with suppress(ConnectionError):
            line = await self.reader.readline()
            return int(line.split()[1]) if line else 0
        return 0

    async def is_open(self) -> bool:
        """Whether nothing more has come, and neither has an end."""
        with suppress(TimeoutError, ConnectionError):
            return bool(await asyncio.wait_for(self.reader.read(1), 0.01))
        return not self.reader.at_eof()


async def call(port: int, sent: bytes) -> Caller:
    """Connect and send."""
    caller = Caller(*await asyncio.open_connection("127.0.0.1", port))
    if sent:
        caller.writer.write(sent)
        with suppress(ConnectionError):
            await caller.writer.drain()
    return caller


@asynccontextmanager
async def crowd(port: int, count: int, sent: bytes) -> AsyncGenerator[list[Caller]]:
    """So many connections at once, on each of which that was sent."""
    open_files()  # where a shell lets a process open 1,024
    callers = list[Caller]()
    try:
        while len(callers) < count:
            some = min(_AT_ONCE, count - len(callers))
            callers += await asyncio.gather(*(call(port, sent) for _ in range(some)))
        yield callers
    finally:
        for caller in callers:
            caller.writer.close()
        await asyncio.gather(*(caller.writer.wait_closed() for caller in callers), return_exceptions=True)


def streaming(run_id: str, headers: dict[str, str]) -> bytes:
    """The request for an event stream of a run."""
    lines = [f"GET /v1/runs/{run_id}/events HTTP/1.1", "Host: 127.0.0.1", "Accept: text/event-stream"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode()


async def answered(url: str, path: str, headers: dict[str, str] | None = None) -> int:
    """The status that somebody new is answered with, on a connection of their own."""
    async with AsyncClient(base_url=url, headers=headers or {}, timeout=PATIENCE_S, trust_env=False) as anybody:
        return (await anybody.get(path)).status_code


async def everybody_is_served(world: World, url: str, run_id: str) -> None:
    """Check that supervisors, people and programs are answered."""
    assert await answered(url, "/healthz") == HTTPStatus.OK
    assert await answered(url, "/readyz") == HTTPStatus.OK
    assert await answered(url, "/login") == HTTPStatus.OK
    assert await answered(url, f"/v1/runs/{run_id}", await key_of(world, "bo")) == HTTPStatus.OK


@pytest.mark.long
async def test_all_event_streams_that_one_key_may_hold_shut_nobody_out(world: World) -> None:
    run_id = await world.trigger("press it")
    await world.opened(run_id)
    async with a_web(world) as (_, url):
        port = urlsplit(url).port or 0
        async with crowd(port, STREAMS, streaming(run_id, await key_of(world, "anna"))) as streams:
            assert {await one.status() for one in streams} == {HTTPStatus.OK}

            await everybody_is_served(world, url, run_id)

            assert all([await one.is_open() for one in streams])


@pytest.mark.long
async def test_thousands_of_strangers_shut_nobody_out(world: World) -> None:
    run_id = await world.trigger("press it")
    await world.opened(run_id)
    async with a_web(world) as (_, url), AsyncExitStack() as stack:
        port = urlsplit(url).port or 0
        following = streaming(run_id, await key_of(world, "anna"))
        streams = await stack.enter_async_context(crowd(port, STREAMS, following))
        for sent in SENT.values():
            await stack.enter_async_context(crowd(port, STRANGERS // len(SENT), sent))

        await everybody_is_served(world, url, run_id)

        assert {await one.status() for one in streams} == {HTTPStatus.OK}


async def test_whoever_has_to_go_for_others_is_told_when_to_come_again(world: World) -> None:
    async with (
        serving(world.app, limits=Limits(head_s=600, silent=3)) as api,
        crowd(api.port, 1, b"") as [quiet],
        crowd(api.port, 1, b"GET / HTTP/1.1\r\n") as [slow],
        crowd(api.port, 1, SENT["a body that does not end"]) as [sends],
        crowd(api.port, 3, b"GET /login HTTP/1.1\r\nHo"),
    ):
        assert await quiet.reader.read() == b""
        for one in (slow, sends):
            answer = (await one.reader.read()).decode()
            assert answer.startswith("HTTP/1.1 503 Service Unavailable\r\n")
            assert "\r\nRetry-After: 2\r\n" in answer
            assert '"type":"urn:sayso:problem:unavailable"' in answer

        assert await answered(api.url, "/healthz") == HTTPStatus.OK


async def test_whoever_does_not_read_what_they_asked_for_is_not_waited_for(world: World) -> None:
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    async with serving(world.app, limits=Limits(unread_s=0.2)) as api:
        with socket.socket() as reader:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            reader.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(reader, ("127.0.0.1", api.port))
            await loop.sock_sendall(reader, asked * 100)  # answers of far more than what is buffered on the way

            await until(lambda: is_reset(reader), what="the connection ends")


def is_reset(reader: socket.socket) -> bool:
    """Whether the other side has ended the connection for good; nothing is read."""
    try:
        reader.send(b"G")
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return False


async def test_while_too_many_requests_are_answered_others_are_told_when_to_come_again(world: World) -> None:
    waits, calls, end = Waits(), list[str](), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        calls.append(scope["path"])
        if scope["path"] == "/waits":
            with waits.one_more("anna"):
                await end.wait()
        if scope["path"] == "/sends":
            await receive()
        await end.wait()

    admitted = Admitted(slow, waits, 2)
    said = list[Message]()

    async def ask(path: str) -> None:
        async def receive() -> Message:
            await end.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            said.append(message)

        await admitted({"type": "http", "method": "GET", "path": path}, receive, send)

    async with asyncio.TaskGroup() as group:
        for path in ("/waits", "/waits", "/sends", "/sends", "/", "/", "/refused", "/healthz"):
            group.create_task(ask(path))
        await until(lambda: len(said) == 2, what="one is refused")
        end.set()

    assert calls == ["/waits", "/waits", "/sends", "/sends", "/", "/", "/healthz"]
    assert said[0]["status"] == HTTPStatus.SERVICE_UNAVAILABLE
    assert (b"retry-after", b"2") in said[0]["headers"]


def test_the_last_quarter_of_all_that_may_wait_is_for_those_who_hold_few() -> None:
    waits, held = Waits(at_most=30, in_all=40), ExitStack()
    for _ in range(30):
        held.enter_context(waits.one_more("a loop"))

    with pytest.raises(RateLimited), waits.one_more("a loop"):
        pass
    for _ in range(10):
        held.enter_context(waits.one_more("somebody"))
    for whoever in ("somebody", "somebody else"):
        with pytest.raises(Full), waits.one_more(whoever):
            pass
    held.close()
    with waits.one_more("somebody else"):
        assert waits.count == 1


@pytest.mark.parametrize("files", [64, 256, 1_024, 4_096, 20_000])
def test_limits_fit_the_files_that_may_be_open(files: int) -> None:
    limits = LIMITS.within(files)

    assert limits.silent + limits.answering + limits.held <= max(3, files - 200)
    assert min(limits.silent, limits.unread, limits.answering, limits.held, limits.held_by_one) >= 1
    assert limits == LIMITS or files < 10_000


async def test_large_bodies_that_do_not_end_do_not_fill_the_memory(world: World) -> None:
    """Whatever anybody posts to a trigger is read before its signature is."""
    large = b"POST /v1/triggers/ci HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    large += b"Content-Length: 1000000\r\n\r\n" + b"x" * 900_000
    async with serving(world.app) as api, crowd(api.port, 2, large) as first, crowd(api.port, 80, large):
        for one in first:
            assert await one.status() == HTTPStatus.SERVICE_UNAVAILABLE
            assert "retry-after: 2" in (await one.reader.readuntil(b"\r\n\r\n")).decode().lower()

        async with AsyncClient(base_url=api.url, timeout=PATIENCE_S, trust_env=False) as anybody:
            answer = await anybody.post("/v1/triggers/ci", json={"as large": "x" * 900_000})
        assert answer.status_code == HTTPStatus.UNAUTHORIZED, "a whole one is read all the same"
