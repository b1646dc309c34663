"""The connections of a web process: how long each may be silent, and how many there may be of which kind.

uvicorn by itself waits for ever for the end of a head, of a body, and for a reader. Its `limit_concurrency` counts all
connections alike: whoever follows a run would use it up, and `/healthz` would be refused with everything else.
"""

import asyncio
import resource
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import h11
import structlog
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from bot.config.hosts import network_of
from bot.web.guards import OWES
from bot.web.parsing import HEAD_BYTES, Parser
from bot.web.problems import MEDIA_TYPE, RETRY_AFTER_S, unavailable
from bot.web.turns import Line, Passes, Turn
from bot.web.waits import AT_MOST, IN_ALL

log = structlog.stdlib.get_logger()

# So much of what one connection sent is parsed at once, and so much of all in one pass of the event loop. Little costs
# as much as some more: a crowd that sends nothing but short heads is parsed before who comes has waited long.
SLICE_BYTES = HEAD_BYTES
PARSED_BYTES, _LITTLE_BYTES = 4 * SLICE_BYTES, 2_048
# So much of a body that was refused already is read past, as many a sender reads the answer only at its end.
_IGNORED_BYTES = 1_048_576
# Timers are looked at before what has come: after so long it is read, however busy we are.
_LAST_LOOK_S = 0.05
# Files that a process opens beside its connections: to Redis, to Slack, its own.
_OTHER_FILES = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of connections.

    `head_s`: seconds within which the head of a request must be whole. `idle_s`: seconds for which a connection is kept
    after an answer: longer than clients and proxies keep theirs (httpx 5, nginx and AWS 60), as a request that comes
    while we close it is answered with a reset. `unread_s`: seconds within which more of an
    answer must be taken. `silent`: connections without a whole request, of which the oldest ends for a new one, as it
    does of the `unparsed`, of which something waits for its turn, and of the `unread`, whose answers wait for their
    readers; of these also where they hold more than `unread_bytes`. `answering`: requests that are answered at once,
    half of them of one person or service's key at most. `held` and `held_by_one`: event streams and long polls,
    see `Waits`.
    """

    head_s: float = 10.0
    idle_s: float = 75.0
    unread_s: float = 30.0
    silent: int = 2_000
    unparsed: int = 3_000
    unread: int = 500
    unread_bytes: int = 64 * 1_048_576
    answering: int = AT_MOST
    held: int = IN_ALL
    held_by_one: int = AT_MOST

    @property
    def needed(self) -> int:
        """How many connections there may be."""
        return self.silent + self.unparsed + self.answering + self.held

    def within(self, files: int) -> "Limits":
        """Return limits that need no more than so many open files; less of everything where these need more."""
        needed, room = self.needed, max(1, files - _OTHER_FILES)
        if needed <= room:
            return self

        def less(count: int) -> int:
            return max(1, count * room // needed)

        return replace(
            self,
            silent=less(self.silent),
            unparsed=less(self.unparsed),
            unread=less(self.unread),
            answering=less(self.answering),
            held=less(self.held),
            held_by_one=less(self.held_by_one),
        )


LIMITS = Limits()


def open_files() -> int:
    """Let this process open as many files as it may, and return how many these are."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = LIMITS.needed + _OTHER_FILES
    allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    if now == resource.RLIM_INFINITY or now >= allowed:
        return wanted if now == resource.RLIM_INFINITY else now
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    return allowed


def fitting(limits: Limits = LIMITS) -> Limits:
    """Return `limits`, or those that fit the files this process may open."""
    files = open_files()
    found = limits.within(files)
    if found != limits:
        fix = "allow more open files: LimitNOFILE= of systemd, ulimit -n"
        log.warning("fewer connections than usual fit", open_files=files, event_streams=found.held, fix=fix)
    return found


def bounded(limits: Limits = LIMITS) -> type[asyncio.Protocol]:
    """Return what makes the protocols of connections that keep `limits` together."""
    rooms = {name: _Room(getattr(limits, name)) for name in ("silent", "unparsed")}
    rooms["unread"] = _Room(limits.unread, limits.unread_bytes)
    line = Line(PARSED_BYTES)
    kind = type("Bounded", (_Connection,), {"limits": limits, **rooms, "line": line, "passes": Passes(line)})
    buffer = bytearray(SLICE_BYTES)

    def made(
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> _Slices:
        return _Slices(kind(config, server_state, app_state, _loop), buffer)

    return cast("type[asyncio.Protocol]", made)  # the server calls it, and asks for no more than its type says


def cost_of(came: int) -> int:
    """Return what it costs to parse so many bytes, of the `PARSED_BYTES` of one pass."""
    return max(came, _LITTLE_BYTES)


class _Room:
    """Connections that wait for whoever is at their other end; where there are too many, the oldest is sent away.

    So it is where more than `most_bytes` of what was written to several of them are not read.
    """

    def __init__(self, most: int, most_bytes: int = 0) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._inside: dict[_Connection, None] = {}

    def enter(self, one: "_Connection") -> None:
        """Let one in, behind all others; it keeps its place while it is there."""
        self._inside.setdefault(one)
        while len(self._inside) > self._most or (len(self._inside) > 1 and self._holds_too_much()):
            oldest = next(iter(self._inside))
            del self._inside[oldest]
            oldest.send_away()

    def _holds_too_much(self) -> bool:
        return bool(self._most_bytes) and sum(one.unread_bytes for one in self._inside) > self._most_bytes

    def leave(self, one: "_Connection") -> None:
        """Let one go, if it is there."""
        self._inside.pop(one, None)


_REFUSAL = unavailable("Too many connections are open here that do not end what they send.").response()
_AWAY = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: %d\r\nContent-Type: %b\r\n"
    b"Content-Length: %d\r\n\r\n%b"
) % (RETRY_AFTER_S, MEDIA_TYPE.encode(), len(_REFUSAL.body), bytes(_REFUSAL.body))


class _Slices(asyncio.BufferedProtocol):
    """Reads a slice at once: uvloop by itself reads 256 KB, and holds that for each of a crowd.

    All connections share one buffer, which is filled and emptied without a pass in between.
    """

    def __init__(self, connection: "_Connection", buffer: bytearray) -> None:
        self._connection, self._buffer = connection, buffer

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where to put what comes."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """So much came."""
        self._connection.data_received(bytes(self._buffer[:nbytes]))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand it on."""
        self._connection.connection_made(cast("asyncio.Transport", transport))

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand it on."""
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        """Hand it on."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """Hand it on."""
        self._connection.resume_writing()


class _Flow(FlowControl):
    """Reads on by `go_on`."""

    def __init__(self, transport: asyncio.Transport, go_on: Callable[[], None]) -> None:
        super().__init__(transport)
        self._go_on = go_on

    def resume_reading(self) -> None:
        """Read on, if reading was paused."""
        if self.read_paused:
            self.read_paused = False
            self._go_on()


class _Owing:
    """Has an application know whether the sender of a request still owes something, or it is we who are behind."""

    def __init__(self, app: ASGIApp, owes: Callable[[], bool]) -> None:
        self._app, self._owes = app, owes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[OWES] = self._owes
        await self._app(scope, receive, send)


class _Connection(H11Protocol):
    """Ends when a head takes too long, or the reader of an answer does, and when its room is needed.

    What comes is read and parsed in slices. Each waits for its turn, and meanwhile nothing more is read: else what a
    crowd sends all at once would be parsed all at once, and who comes would wait for that.
    """

    limits = LIMITS
    silent: _Room
    unparsed: _Room
    unread: _Room
    line: Line
    passes: Passes
    _came: bytearray
    _turn: Turn | None = None
    _network = ""
    _timer: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None
    _ignored_bytes = 0
    _is_sent_away = False

    @property
    def _is_idle(self) -> bool:
        """True if no request is being answered."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete or self.transport.is_closing()

    @property
    def _is_kept(self) -> bool:
        """True if nothing has come since the last answer: then it is timed as an idle one."""
        return self.timeout_keep_alive_task is not None and not self._lacks_body

    @property
    def _lacks_body(self) -> bool:
        """True if a request's head is here and its body is not, all of it."""
        return self.conn.their_state is h11.SEND_BODY

    @property
    def unread_bytes(self) -> int:
        """How much was written that nobody has taken."""
        return self.transport.get_write_buffer_size()

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Time the head of a new connection."""
        super().connection_made(transport)
        self.conn, self.flow = Parser(), _Flow(transport, self._read_on)
        self.timeout_keep_alive = self.limits.idle_s
        self.app = _Owing(self.app, lambda: self._lacks_body and self._turn is None)
        self._came = bytearray()
        self._network = network_of(self.client[0] if self.client else "")
        self._look()

    def data_received(self, data: bytes) -> None:
        """Have what came parsed when it is its turn."""
        self._unset_keepalive_if_required()
        self._came += data
        self._read_on()

    def _read_on(self) -> None:
        """Wait for the turn of what came, or for more."""
        if not self._came:
            return self.transport.resume_reading()
        self.transport.pause_reading()
        if self._turn is None:
            self._turn = self.loop.create_future()
            self._turn.add_done_callback(self._parse)
            self.line.add(self._network, self._turn, cost_of(len(self._came)))
            self.passes.call()
            self._look()
        return None

    def _parse(self, turn: Turn) -> None:
        """Parse a slice of what came; the time for a head does not begin again with each."""
        self._turn = None
        self.unparsed.leave(self)
        if turn.cancelled() or self.transport.is_closing() or self.flow.read_paused:
            return
        data = bytes(self._came)
        self._came.clear()
        try:
            super().data_received(data)
        except BaseException:
            self.transport.abort()
            raise
        if self._is_idle and self._lacks_body:
            self._ignored_bytes += len(data)
            if self._ignored_bytes > _IGNORED_BYTES:
                self.flow.pause_reading()
        self._look()
        if not self.flow.read_paused and not self.transport.is_closing():
            self._read_on()

    def send_400_response(self, msg: str) -> None:
        """Refuse what no request is; where an answer has begun there is no room for another."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return self.transport.abort()
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        return super().send_400_response(msg)

    def on_response_complete(self) -> None:
        """The next head has its own time and place."""
        super().on_response_complete()
        self._stop()
        self.silent.leave(self)
        self._ignored_bytes = 0
        self._look()

    def pause_writing(self) -> None:
        """Time whoever should read."""
        super().pause_writing()
        self._reader = self.loop.call_later(self.limits.unread_s, self.transport.abort)
        self.unread.enter(self)

    def resume_writing(self) -> None:
        """They have read."""
        super().resume_writing()
        self._has_read()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the connection's timers, and give its room to others."""
        super().connection_lost(exc)
        self._stop()
        self._has_read()
        self.silent.leave(self)
        self.unparsed.leave(self)
        self._came.clear()
        if self._turn is not None:
            self._turn.cancel()

    def send_away(self) -> None:
        """End for others: with an answer, unless there is nothing to answer, or another one has begun or is unread."""
        if self.unread_bytes:
            return self.transport.abort()
        cycle = cast("RequestResponseCycle | None", self.cycle)
        is_asked = self._is_idle and bool(self._came or self.conn.trailing_data[0])
        if cycle is not None and not self._is_idle:
            if cycle.response_started:
                return self.transport.abort()
            is_asked, cycle.disconnected = True, True
            cycle.message_event.set()
        if is_asked and not self.transport.is_closing():
            self.transport.write(_AWAY)
        if self.transport.is_closing():
            return self.transport.abort()
        self._is_sent_away = True
        self.transport.close()
        return self._time()

    def _look(self) -> None:
        if self._is_sent_away or self not in self.connections:
            return
        if self._turn is not None:
            self.silent.leave(self)
            self.unparsed.enter(self)
        elif self._is_idle or self._lacks_body:
            self.silent.enter(self)
        else:
            self.silent.leave(self)
        if self._is_idle and not self._is_kept:
            self._time()
        else:
            self._stop()

    def _time(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.limits.head_s, self._give_up)

    def _give_up(self) -> None:
        """End what takes too long, unless it is we who take so long: what has come may not be read yet."""
        self._timer = self.loop.call_later(_LAST_LOOK_S, self._end)

    def _end(self) -> None:
        self._timer = None
        if self._turn is None or self._is_sent_away:
            self.transport.abort()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _has_read(self) -> None:
        self.unread.leave(self)
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None
