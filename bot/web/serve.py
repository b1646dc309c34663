"""Serves HTTP inside our own event loop: signals are the program's business, and streams end before we do."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn

from bot.apikeys import Keyring
from bot.app import App
from bot.listening import listen
from bot.store.following import Follower
from bot.web.application import application
from bot.web.here import Here
from bot.web.hosts import check_bind
from bot.web.metrics import Metrics
from bot.web.requests import LONGEST_WAIT_S

# An event stream that says nothing for longer is taken for dead by what stands in between.
PING_S = 15.0
_LAST_ANSWERS_S = 1


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
    with listen(bind, port) as listener:
        follower = Follower(app.store)
        here = Here(app, Keyring(app.store, app.people), follower, Metrics(), ping_s, longest_wait_s)
        server = _Server(_config(here))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            if ready:
                ready(listener.getsockname()[1])
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
