"""Many who wait, and strangers who never end what they send, keep nobody else from a web process."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from http import HTTPStatus
from urllib.parse import urlsplit

import h11
import pytest
import uvloop
from httpx2 import AsyncClient
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from agents.requests import PersonId
from bot.errors import RateLimited
from bot.web.api.keyed import KEY
from bot.web.application import known_as
from bot.web.connections import LIMITS, PARSED_BYTES, Limits, cost_of, open_files
from bot.web.console.visits import VISIT, Visit
from bot.web.guards import Admitted
from bot.web.parsing import Parser
from bot.web.problems import ProblemError
from bot.web.serve import ACCEPTED_AT_ONCE, each_time, listen
from bot.web.turns import SHARES, Line, Turns
from bot.web.waits import Drawing, Full, Waits
from tests.kit.waiting import PATIENCE_S, patience, until
from tests.kit.world import World
from tests.servers.console import Console
from tests.servers.web import serving
from tests.servers.web_process import a_web, key_of
from tests.stories.test_rollback import shop_of

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
async def test_thousands_of_strangers_shut_nobody_out(world: World) -> None:
    run_id = await world.trigger("press it")
    await world.opened(run_id)
    async with a_web(world) as (_, url), AsyncExitStack() as stack:
        port = urlsplit(url).port or 0
        following = streaming(run_id, await key_of(world, "anna"))
        streams = await stack.enter_async_context(crowd(port, STREAMS, following))
        assert {await one.status() for one in streams} == {HTTPStatus.OK}
        for sent in SENT.values():
            await stack.enter_async_context(crowd(port, STRANGERS // len(SENT), sent))

        await everybody_is_served(world, url, run_id)

        assert all([await one.is_open() for one in streams])


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


GET = b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\n"
CHUNKED = LOGIN + b"Transfer-Encoding: chunked\r\n\r\n"


async def test_what_costs_more_than_its_bytes_is_refused(world: World) -> None:
    rows = {
        "fields": (GET + b"a:\r\n" * 90 + b"\r\n", 200),
        "more fields": (GET + b"a:\r\n" * 100 + b"\r\n", 400),
        "folded lines": (GET + b"a: b\r\n" + b" c\n" * 100 + b"\r\n", 400),
        "chunks": (CHUNKED + b"1\r\n\n\r\n" * 100 + b"0\r\n" + b"a:\r\n" * 90 + b"\r\n", 401),
        "a chunk of many lines": (CHUNKED + b"100\r\n" + b"\n" * 256 + b"\r\n0\r\n\r\n", 401),
        "larger chunks": (CHUNKED + (b"80\r\n%b\r\n" % (b"a" * 128)) * 150 + b"0\r\n\r\n", 401),
        "more chunks": (CHUNKED + b"1\r\na\r\n" * 101, 400),
        "trailers": (CHUNKED + b"0\r\n" + b"a:\r\n" * 102 + b"\r\n", 400),
        "a long line before a chunk": (CHUNKED + b"1;" + b" " * 400 + b"\n\r\na\r\n", 400),
    }
    async with serving(world.app) as api:
        for row, (sent, status) in rows.items():
            async with crowd(api.port, 1, sent) as [one]:
                assert await one.status() == status, row


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(LOGIN + b"a:" + b" " * 16_000 + b"\x00\r\n\r\n", id="a field"),
        pytest.param(CHUNKED + b"1;" + b" " * 16_000 + b"\n\r\na\r\n", id="a chunk"),
    ],
)
async def test_expressions_that_take_the_square_of_their_bytes_never_see_what_makes_them(sent: bytes) -> None:
    parser = Parser()
    parser.receive_data(sent)

    with pytest.raises(h11.RemoteProtocolError, match=r"that none may have|before a chunk is too long"):
        list(iter(parser.next_event, h11.NEED_DATA))


def test_many_of_a_crowd_that_connects_at_once_are_accepted_in_one_pass() -> None:
    made = Counter[int]()

    async def accepting() -> None:
        loop, passes = asyncio.get_running_loop(), 0

        class Made(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                made[passes] += 1

        with listen("127.0.0.1", 0) as listener, ExitStack() as stack:
            servers = [await loop.create_server(Made, sock=one) for one in each_time(listener)]
            for _ in range(100):
                stack.enter_context(socket.create_connection(listener.getsockname()))
            while made.total() < 100:
                passes += 1
                await asyncio.sleep(0)
            for server in servers:
                server.close()

    uvloop.run(accepting())
    assert max(made.values()) == ACCEPTED_AT_ONCE


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


async def test_attack_what_nobody_reads_does_not_fill_the_memory(world: World) -> None:
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 100
    async with serving(world.app, limits=Limits(unread_s=600, unread_bytes=1_000)) as api:
        with ExitStack() as stack:
            readers = [stack.enter_context(socket.socket()) for _ in range(4)]
            for reader in readers:
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
                reader.setblocking(False)
                await asyncio.get_running_loop().sock_connect(reader, ("127.0.0.1", api.port))
                await asyncio.get_running_loop().sock_sendall(reader, asked)

            await until(lambda: sum(map(is_reset, readers)) == 3, what="those end of which too much is unread")
            assert await answered(api.url, "/healthz") == HTTPStatus.OK
            assert sum(map(is_reset, readers)) == 3


def is_reset(reader: socket.socket) -> bool:
    """Whether the other side has ended the connection for good; nothing is read."""
    try:
        reader.send(b"G")
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return False


class Asked:
    """Requests to an `Admitted` over an application that notes them, and what each was answered with.

    Keys that begin with "good" are known once they were answered, by their second word; none is any longer when it was
    revoked. Nobody looks at them for what is everybody's.
    """

    def __init__(self, most: int = 1_200) -> None:
        self.waits, self.end, self.revoked = Waits(), asyncio.Event(), set[str]()
        self.begun, self.in_passes, self.refused = list[str](), Counter[int](), dict[str, Mapping[bytes, bytes]]()
        self._pass = self.last = 0
        self._admitted = Admitted(self._app, self.waits, Turns(self._known_as, most))

    def _known_as(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        if "sayso-443=anna" in headers.get("cookie", ""):
            return "pages of anna"
        key = headers.get("authorization", "")
        is_looked_at = key not in self.revoked and not scope["path"].startswith("/at-once/everybodys")
        return key.split()[1] if key.startswith("good") and is_looked_at else ""

    def note_begun(self, path: str) -> None:
        """One has begun."""
        self.begun.append(path)
        self.in_passes[self._pass] += 1

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.note_begun(scope["path"])
        if scope["path"].startswith("/fails"):
            raise RuntimeError(scope["path"])
        if scope["path"] == "/waits":
            with self.waits.one_more("anna"):
                await self.end.wait()
        if scope["path"].startswith("/sends"):
            try:
                await receive()
            except ProblemError as problem:
                return await problem.response()(scope, receive, send)
            self.note_begun(f"whole {scope['path']}")
        if scope["path"].startswith(("/at-once", "/healthz")):
            status = 401 if Headers(scope=scope).get("authorization") in self.revoked else 200
            return await send({"type": "http.response.start", "status": status, "headers": []})
        await self.end.wait()
        return None

    async def ask(self, path: str, key: str = "", address: str = "10.0.0.1", cookie: str = "") -> None:
        async def receive() -> Message:
            await self.end.wait()
            return {"type": "http.request", "body": b"x", "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                self.last += headers.get(b"connection") == b"close"
                if message["status"] == HTTPStatus.SERVICE_UNAVAILABLE:
                    self.refused[path] = headers

        headers = [(b"authorization", key.encode())] if key else []
        headers += [(b"cookie", cookie.encode())] if cookie else []
        if path.startswith("/sends"):
            headers.append((b"content-length", b"1"))
        scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "client": (address, 1)}
        await self._admitted(scope, receive, send)

    @asynccontextmanager
    async def all_of(self, *asked: Coroutine[None, None, None]) -> AsyncGenerator[None]:
        """All of these come in one pass, and end with the context."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in asked]
            counting = group.create_task(self._count_passes())
            yield
            self.end.set()
            await asyncio.gather(*tasks)
            counting.cancel()

    async def _count_passes(self) -> None:
        while True:
            await asyncio.sleep(0)
            self._pass += 1


async def test_while_too_many_requests_are_answered_others_are_told_when_to_come_again() -> None:
    asked = Asked(most=2)
    async with asyncio.TaskGroup() as group:
        for count, path in enumerate(("/waits", "/waits", "/sends", "/sends", "/", "/"), 1):
            group.create_task(asked.ask(path))
            await until(lambda count=count: len(asked.begun) == count, what="it has begun")

        await asked.ask("/refused")
        group.create_task(asked.ask("/healthz"))
        await until(lambda: "/healthz" in asked.begun, what="whoever asks whether it lives is answered")
        assert list(asked.refused) == ["/refused"]
        asked.end.set()

    assert asked.refused["/refused"][b"retry-after"] == b"2"
    assert asked.refused["/refused"][b"connection"] == b"close", "what is sent behind it is not answered"


async def test_attack_one_person_with_many_slow_requests_leaves_room_for_others(shop: World) -> None:
    """And has the console, where they revoke the key."""
    go = shop.folder / "go"
    (shop_of(shop) / "live.sh").write_text(f"#!/bin/sh\nwhile [ ! -e {go} ]; do sleep 0.05; done\nexit 1\n")
    async with serving(shop.app, limits=Limits(answering=8)) as api, asyncio.TaskGroup() as group:
        anna, keys = await Console(api).browser("anna"), [await api.client("anna", "read") for _ in range(2)]
        slow = [group.create_task(keys[number % 2].get("/v1/environments")) for number in range(12)]
        await until(lambda: sum(one.done() for one in slow) >= 8, what="some are told to come again")

        assert await answered(api.url, "/v1/runs", await key_of(shop, "bo")) == HTTPStatus.OK
        assert await answered(api.url, "/login") == HTTPStatus.OK
        assert (await anna.get("/keys")).status == HTTPStatus.OK
        go.touch()

    assert sorted(one.result().status_code for one in slow) == [200] * 4 + [503] * 8


async def test_the_keys_of_one_person_share_their_turns_and_pages_have_their_own(world: World) -> None:
    create, sessions = world.app.access.keyring.create, world.app.access.sessions
    keys = [(await create(person=one, scopes=["read"]))[0] for one in ("anna", "anna", "bo")]
    keys += [(await create(service="ci", scopes=["read"]))[0] for _ in range(2)]
    session = await sessions.find((await sessions.spend(await sessions.link(PersonId("anna"), by="operator"))) or "")

    lanes = [known_as({KEY: key}) for key in keys] + [known_as({VISIT: Visit(session)}), known_as({})]

    assert lanes[0] == lanes[1]
    assert len({*lanes}) == 6
    assert lanes[-1] == ""


@pytest.mark.parametrize(("path", "begun"), [("", 300), ("/sends", 600)], ids=["requests", "bodies that end at once"])
async def test_a_few_of_a_crowd_begin_before_the_loop_looks_at_others(path: str, begun: int) -> None:
    asked = Asked()
    async with asked.all_of(*(asked.ask(f"{path}/{number}") for number in range(300))):
        await until(lambda: len(asked.begun) == 300, what="all of them have begun")
        assert max(asked.in_passes.values()) <= SHARES["strangers"]
        asked.in_passes.clear()

    assert len(asked.begun) == begun
    assert max(asked.in_passes.values(), default=0) <= SHARES["strangers"]


@pytest.mark.parametrize(("sent", "begun"), [(60, 32), (16_384, 4)], ids=["short heads", "whole slices"])
async def test_as_much_is_parsed_in_one_pass_as_costs_the_same(sent: int, begun: int) -> None:
    line, turns = Line(PARSED_BYTES), [asyncio.get_running_loop().create_future() for _ in range(100)]
    for turn in turns:
        line.add("10.0.0.1", turn, cost_of(sent))

    line.begin()

    assert sum(turn.done() for turn in turns) == begun


@pytest.mark.parametrize(
    ("key", "addresses"),
    [
        pytest.param("", ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::1"], id="a network of IPv6"),
        pytest.param("no key", ["10.0.0.1"], id="keys that are none"),
        pytest.param("good anna", ["10.0.0.1", "10.0.0.2"], id="a key"),
    ],
)
async def test_whoever_floods_stands_before_nobody_else(key: str, addresses: list[str]) -> None:
    asked = Asked()
    for known in ("good anna", "good bo"):
        await asked.ask("/at-once", key=known)
    crowd = [asked.ask(f"/{number}", key, addresses[number % len(addresses)]) for number in range(1_500)]
    others = [asked.ask(path, address="10.0.0.9") for path in ("/healthz", "/login")]
    others += [asked.ask("/bo", key="good bo"), asked.ask("/new", key="good new", address="10.0.0.8")]
    async with asked.all_of(*crowd, *others):
        await until(lambda: len(asked.begun) + len(asked.refused) == 1_506, what="all of them are answered")

    for path in ("/healthz", "/login", "/bo", "/new"):
        assert asked.begun.index(path) < 30, path
    assert len(asked.refused) >= 300, "no more wait than may"


async def test_whoever_asks_whether_the_process_lives_is_answered_in_any_crowd_of_them() -> None:
    asked = Asked(most=1)
    async with asked.all_of(*(asked.ask("/healthz") for _ in range(3_000)), asked.ask("/login", address="10.0.0.2")):
        await until(lambda: len(asked.begun) == 3_001, what="all of them have begun")

    assert asked.begun.index("/login") < 2_999
    assert not asked.refused
    assert asked.last == 2_700, "nobody of whom too many wait asks again at once, on the same connection"


async def test_what_is_refused_is_the_oldest_of_whoever_has_most() -> None:
    asked = Asked(most=8)
    crowd = [asked.ask(f"/{number}") for number in range(8)]
    others = [asked.ask(f"/other/{number}", address=f"10.0.1.{number}") for number in range(3)]
    async with asked.all_of(*crowd, *others):
        await until(lambda: len(asked.begun) + len(asked.refused) == 11, what="all of them are answered")

    assert list(asked.refused) == ["/0", "/1", "/2"]


async def test_a_key_that_was_revoked_is_a_stranger_again() -> None:
    asked = Asked()
    for known in ("good anna", "good bo"):
        await asked.ask("/at-once", key=known)
    asked.revoked.add("good anna")
    await asked.ask("/at-once", key="good anna")
    asked.begun.clear()

    async with asked.all_of(
        *(asked.ask(f"/{number}") for number in range(300)),
        asked.ask("/anna", "good anna"),
        asked.ask("/bo", "good bo"),
    ):
        await until(lambda: len(asked.begun) == 302, what="all of them have begun")

    assert asked.begun.index("/bo") < 10
    assert asked.begun.index("/anna") == 301


async def test_attack_whoever_was_logged_out_floods_what_is_everybodys_and_stands_before_its_person() -> None:
    asked = Asked()
    for path in ("/at-once", *(f"/at-once/everybodys/{number}" for number in range(20))):
        await asked.ask(path, key="good anna session")
    for path in ("/at-once", *(f"/at-once/everybodys/{number}" for number in range(200))):
        await asked.ask(path, key="good anna logged-out")
    await asked.ask("/at-once", key="good anna key")
    asked.begun.clear()

    async with asked.all_of(
        *(asked.ask(f"/{number}", "good anna logged-out") for number in range(300)),
        asked.ask("/session", "good anna session"),
        asked.ask("/key", "good anna key"),
    ):
        await until(lambda: len(asked.begun) == 302, what="all of them have begun")

    assert {"/session", "/key"} <= {*asked.begun[:10]}


@pytest.mark.parametrize("name", ["sayso-443", "__Host-sayso-443"])
async def test_attack_a_cookie_beside_the_session_s_that_changes_each_time_makes_a_stranger_of_its_person(
    name: str,
) -> None:
    """As that of a load balancer does, which keeps a browser at one process: AWSALB is another one in each answer."""
    asked = Asked()
    await asked.ask("/at-once", cookie=f"AWSALB=1; {name}=anna; {name.replace('sayso', 'sayso-told')}=b")
    asked.begun.clear()

    crowd = [asked.ask(f"/{number}", cookie=f"AWSALB={number}; {name}=eve") for number in range(1_500)]
    async with asked.all_of(*crowd, asked.ask("/anna", cookie=f"AWSALB=2; {name}=anna")):
        await until(lambda: len(asked.begun) + len(asked.refused) == 1_501, what="all of them are answered")

    assert asked.begun.index("/anna") < 10


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


async def test_attack_what_strangers_send_fills_no_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    upgrade = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with serving(world.app) as api:
        async with crowd(api.port, 1, upgrade) as [one]:
            assert await one.status() == HTTPStatus.UNAUTHORIZED
        async with crowd(api.port, 1, b"no request\r\n\r\n") as [one]:
            assert await one.status() == HTTPStatus.BAD_REQUEST

    assert [line for line in caplog.records if line.name.startswith("uvicorn")] == []


@pytest.mark.parametrize("files", [64, 1_024, 20_000])
def test_limits_fit_the_files_that_may_be_open(files: int) -> None:
    limits = LIMITS.within(files)

    assert limits.needed <= max(4, files - 200)
    assert min(limits.silent, limits.unread, limits.answering, limits.held, limits.held_by_one) >= 1
    assert limits == LIMITS or files < 10_000


async def test_large_bodies_that_do_not_end_do_not_fill_the_memory(world: World) -> None:
    large = b"POST /v1/triggers/ci HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    large += b"Content-Length: 1000000\r\n\r\n" + b"x" * 900_000
    async with serving(world.app) as api, crowd(api.port, 2, large) as first, crowd(api.port, 80, large):
        for one in first:
            ended = await one.status()
            # On a busy machine their time may be over before the others are there.
            assert ended in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.REQUEST_TIMEOUT}
            told = (await one.reader.readuntil(b"\r\n\r\n")).decode().lower()
            assert ("retry-after: 2" in told) == (ended == HTTPStatus.SERVICE_UNAVAILABLE)

        async with AsyncClient(base_url=api.url, timeout=PATIENCE_S, trust_env=False) as anybody:
            answer = await anybody.post("/v1/triggers/ci", json={"as large": "x" * 900_000})
        assert answer.status_code == HTTPStatus.UNAUTHORIZED, "a whole one is read all the same"


async def test_a_few_draw_at_once_and_the_next_one_begins_as_one_is_done() -> None:
    drawing, inside, most, ends = Drawing(2, 3600.0), 0, 0, asyncio.Event()

    async def draw() -> None:
        nonlocal inside, most
        async with drawing.one():
            inside += 1
            most = max(most, inside)
            await ends.wait()
            inside -= 1

    tasks = [asyncio.create_task(draw()) for _ in range(20)]
    await until(lambda: inside == 2)
    ends.set()
    await asyncio.gather(*tasks)

    assert most == 2


async def test_those_who_wait_for_what_is_away_keep_no_other_from_being_drawn() -> None:
    drawing = Drawing(2, 0.01)

    async with AsyncExitStack() as away, patience():
        for _ in range(2):
            await away.enter_async_context(drawing.one())
        async with drawing.one():
            pass

    async with AsyncExitStack() as full, patience():  # a place that was given up is not given back twice
        slow = Drawing(1, 3600.0)
        await full.enter_async_context(slow.one())
        waits = asyncio.create_task(full.enter_async_context(slow.one()))
        await asyncio.sleep(0)
        assert not waits.done()
        waits.cancel()
