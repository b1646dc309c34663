"""Serves HTTP inside our own event loop: signals are the program's business, and streams end before we do."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn

from bot.app import App
from bot.listening import port_of
from bot.store.following import Follower
from bot.web.api.requests import LONGEST_WAIT_S
from bot.web.application import application
from bot.web.here import Demo, Here
from bot.web.hosts import check_bind
from bot.web.metrics import Metrics
from bot.web.waits import Waits

# An event stream that says nothing for longer is taken for dead by what stands in between.
PING_S = 15.0
_LAST_ANSWERS_S = 1


async def serve(
    app: App,
    listener: socket.socket,
    demo: Demo | None = None,
    *,
    ping_s: float = PING_S,
    longest_wait_s: float = LONGEST_WAIT_S,
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
            longest_wait_s=longest_wait_s,
        )
        server = _Server(_config(here))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            await follower.close()
            await serving


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
