"""Serves HTTP inside our own event loop: signals are the program's business, and streams end before we do."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

import uvicorn

from bot.app import App
from bot.config.hosts import check_bind, proxies
from bot.store.client.durability import check_writes
from bot.store.watch import Follower
from bot.web.api.requests import LONGEST_WAIT_S
from bot.web.application import application
from bot.web.connections import LIMITS, Limits, bounded, fitting
from bot.web.here import Demo, Here
from bot.web.looks import Looks
from bot.web.metrics import Metrics
from bot.web.waits import Waits

# An event stream that says nothing for longer is taken for dead by what stands in between.
PING_S = 15.0
# So long after somebody has lost a right, a session or a key, what they still follow ends. Each look asks Redis once.
LOOK_S = 4.0
_LAST_ANSWERS_S = 1


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
        limits = fitting(limits)
        follower = Follower(app.store)
        here = Here(
            app=app,
            follower=follower,
            metrics=Metrics(),
            waits=Waits(limits.held_by_one, limits.held, limits.answering // 2),
            answering=limits.answering,
            port=port_of(listener),
            demo=demo,
            ping_s=ping_s,
            look_s=look_s,
            longest_wait_s=longest_wait_s,
            writes=Looks(partial(check_writes, app.store.client, app.store.shards)),
        )
        server = _Server(_config(here, limits))
        serving = asyncio.create_task(server.serve(sockets=each_time(listener)))
        try:
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            await follower.close()
            await serving


def _config(here: Here, limits: Limits) -> uvicorn.Config:
    trusted = proxies(here.app.settings)
    return uvicorn.Config(
        application(here),
        # Unless it is told, uvicorn believes whatever comes from this machine.
        proxy_headers=bool(trusted),
        forwarded_allow_ips=trusted,
        http=bounded(limits),
        lifespan="off",
        log_config=None,
        log_level="error",  # it warns of each request that is none, and anybody may send as many as they like
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=_LAST_ANSWERS_S,
    )


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to the program that this is a part of."""
        yield


_BACKLOG = 2_048
ACCEPTED_AT_ONCE = 16


def each_time(listener: socket.socket) -> list[socket.socket]:
    """Return `listener` as often as it may be accepted from in one pass of the event loop.

    uvloop accepts once of each listening socket. The kernel's queue knows no turns: from one, who comes would wait for
    as many passes as there are of a crowd that connects again and again.
    """
    return [listener, *(listener.dup() for _ in range(ACCEPTED_AT_ONCE - 1))]


def listen(bind: str, port: int, *, tries: bool = False) -> socket.socket:
    """A listening socket at `bind`; `port` 0 means any free one. One that only `tries` listens to nobody, and a process
    of ours may have the port. Raises OSError.

    It says that it is TCP: only then does asyncio send at once what is written in two parts (TCP_NODELAY). Otherwise
    each answer waits some 40 ms for the acknowledgement of its own header.
    """
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, tries)
        listener.bind((bind, port))
        if not tries:
            listener.listen(_BACKLOG)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # whoever listens can't bind beside it
    except OSError:
        listener.close()
        raise
    return listener


def port_of(listener: socket.socket) -> int:
    """Return the port it listens on."""
    port: int = listener.getsockname()[1]
    return port
