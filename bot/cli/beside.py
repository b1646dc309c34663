"""What a command needs that works beside a running `sayso dev`: found through the data directory, nothing else."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from bot.app import App, agents_of, compose
from bot.processes import local_mail, log_to, redis_url
from bot.settings import Settings, load

R = TypeVar("R")


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
