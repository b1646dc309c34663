"""Serves HTTP inside our own event loop: signals are the program's business, and streams end before we do."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from bot.app import App
from bot.config.hosts import check_bind
from bot.store.watch import Follower
from bot.web.api.requests import LONGEST_WAIT_S
from bot.web.application import application
from bot.web.here import Demo, Here
from bot.web.metrics import Metrics
from bot.web.waits import Waits

# An event stream that says nothing for longer is taken for dead by what stands in between.
PING_S = 15.0
# So long after somebody has lost a right, a session or a key, what they still follow ends. Each look asks Redis once.
LOOK_S = 4.0
_LAST_ANSWERS_S = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of connections: seconds within which a request's head must be whole, and how many may be open."""

    head_s: float = 10.0
    connections: int = 800


LIMITS = Limits()


async def serve(
    app: App,
    listener: socket.socket,
    demo: Demo | None = None,
    *,
    ping_s: float = PING_S,
    look_s: float = LOOK_S,
    longest_wait_s: float = LONGEST_WAIT_S,
    limits: Limits = LIMITS,
) -> None:
    """Serve at `listener` until cancelled, then close it; `demo` is what only `sayso dev` has.

    Raises ConfigError when the address is reachable for others and should not be.
    """
    with listener:
        check_bind(app.settings)
        follower = Follower(app.store)
        here = Here(
            app=app,
            follower=follower,
            metrics=Metrics(),
            waits=Waits(),
            port=port_of(listener),
            demo=demo,
            ping_s=ping_s,
            look_s=look_s,
            longest_wait_s=longest_wait_s,
        )
        server = _Server(_config(here, limits))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            await follower.close()
            await serving


def _config(here: Here, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        application(here),
        http=bounded(limits),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=_LAST_ANSWERS_S,
    )


def bounded(limits: Limits = LIMITS) -> type[H11Protocol]:
    """Return a protocol that reads requests within `limits`.

    uvicorn by itself waits for ever for the end of a head, and takes any number of requests.
    """
    return type("Bounded", (_Connection,), {"limits": limits})


class _Connection(H11Protocol):
    """Ends when a head takes too long. Where there are too many, the one ends that has been silent the longest."""

    limits = LIMITS
    _timer: asyncio.TimerHandle | None = None
    began = 0.0

    @property
    def is_idle(self) -> bool:
        """True if no request is being answered."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Time the head of a new connection; if there are too many, end the one silent the longest."""
        super().connection_made(transport)
        self.began = self.loop.time()
        self._look()
        others = [one for one in cast("set[_Connection]", self.connections) if not one.transport.is_closing()]
        if len(others) > self.limits.connections:
            silent = [one for one in others if one.is_idle]  # this one at least
            min(silent, key=lambda one: one.began).transport.abort()

    def data_received(self, data: bytes) -> None:
        """A part of a head, or more; the time for a head does not begin again with each part."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """The next head has its own time."""
        super().on_response_complete()
        self.began = self.loop.time()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the connection's timer."""
        super().connection_lost(exc)
        self._stop()

    def _look(self) -> None:
        if not self.is_idle or self.transport.is_closing():
            self._stop()
        elif self._timer is None:
            self._timer = self.loop.call_later(self.limits.head_s, self.transport.abort)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to the program that this is a part of."""
        yield


_BACKLOG = 2_048


def listen(bind: str, port: int) -> socket.socket:
    """A listening socket at `bind`; `port` 0 means any free one. Raises OSError.

    It says that it is TCP: only then does asyncio send at once what is written in two parts (TCP_NODELAY). Otherwise
    each answer waits some 40 ms for the acknowledgement of its own header.
    """
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((bind, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def port_of(listener: socket.socket) -> int:
    """Return the port it listens on."""
    port: int = listener.getsockname()[1]
    return port
