"""Serves HTTP inside our own event loop: signals are the program's business, and streams end before we do."""

import asyncio
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn

from bot.apikeys import Keyring
from bot.app import App
from bot.logins import Logins
from bot.store.following import Follower
from bot.web.api.requests import LONGEST_WAIT_S
from bot.web.application import application
from bot.web.here import Here
from bot.web.hosts import check_bind
from bot.web.metrics import Metrics

# An event stream that says nothing for longer is taken for dead by what stands in between.
PING_S = 15.0
_LAST_ANSWERS_S = 1
_BACKLOG = 2_048


async def serve(
    app: App,
    bind: str,
    port: int,
    ready: Callable[[int], None] | None = None,
    *,
    ping_s: float = PING_S,
    longest_wait_s: float = LONGEST_WAIT_S,
) -> None:
    """Serve at `bind` until cancelled; `ready` hears the port, which is any free one for 0.

    Raises OSError when the port can't be had, ConfigError when the address is reachable for others and should not be.
    """
    check_bind(app.settings)
    with _listener(bind, port) as listener:
        follower = Follower(app.store)
        heard = listener.getsockname()[1]
        keyring, logins = Keyring(app.store, app.people), Logins(app.store, app.people)
        here = Here(app, keyring, logins, follower, Metrics(), heard, ping_s, longest_wait_s)
        server = _Server(_config(here))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            if ready:
                ready(heard)
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            await follower.close()
            await serving


def _listener(bind: str, port: int) -> socket.socket:
    """A socket that says it is TCP: only then does asyncio send at once what is written in two parts (TCP_NODELAY).

    Otherwise each answer waits some 40 ms for the acknowledgement of its own header. Raises OSError.
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


def _config(here: Here) -> uvicorn.Config:
    return uvicorn.Config(
        application(here),
        lifespan="off",
        log_config=None,
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
