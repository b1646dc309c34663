"""What a command needs that works beside a running `sayso dev`: found through the data directory, nothing else."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from bot.app import App, agents_of, compose
from bot.config.settings import Settings, load
from bot.process.processes import local_mail, log_to, redis_url
from bot.store.embedded import find

R = TypeVar("R")


class NotBesideDev(Exception):
    """The command is only for somebody who plays everybody; the text says what to do instead."""


def require_dev(settings: Settings, what: str) -> None:
    """Raises NotBesideDev unless it is the Redis of a running `sayso dev` that this data directory leads to.

    Elsewhere whoever reaches Redis could speak as anybody; there only a key or a session says who somebody is.
    """
    if settings.redis_url is not None or find(settings.data_dir) is None:
        raise NotBesideDev(
            f"{what} works only beside `sayso dev`. Set SAYSO_URL and SAYSO_API_KEY: over HTTP your own key says who "
            "you are, and you make one in the console, on the page Keys"
        )


def settings_of(data: Path | None) -> Settings:
    """The settings for this command. Raises ConfigError."""
    return load(data, os.environ)


@asynccontextmanager
async def attached(data: Path | None) -> AsyncGenerator[App]:
    """The composition over the Redis that runs, serving nothing. Raises NothingRuns when there is none."""
    settings = settings_of(data)
    log_to(settings, json=False, quietly=True)
    app = compose(settings, redis_url(settings), [local_mail(settings).channel()], agents_of(settings), sends=False)
    try:
        yield app
    finally:
        await app.queue.close()
        await app.store.client.close()


def run(data: Path | None, work: Callable[[App], Awaitable[R]]) -> R:
    """What `work` gives with an attached composition."""

    async def inside() -> R:
        async with attached(data) as app:
            return await work(app)

    return asyncio.run(inside())
