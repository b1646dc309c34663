"""The processes of the Procfile: each is the same composition with other parts running."""

import asyncio
import os
import signal
from pathlib import Path

from bot.app import App, running
from bot.settings import Settings
from bot.store.embedded import find


class NothingRuns(Exception):
    """There is no Redis to attach to; the text says how to get one."""


def redis_url(settings: Settings) -> str:
    """The Redis this process uses: the configured one, else the one that `sayso dev` runs for the data directory."""
    if settings.redis_url is not None:
        return settings.redis_url
    url = find(settings.data_dir)
    if url is None:
        raise NothingRuns(
            f"No `sayso dev` is running for {_short(settings.data_dir)}. Start one with `./sayso dev`, name another data "
            "directory with --data, or set SAYSO_REDIS_URL"
        )
    return url


async def serve(app: App, *, works: bool, receives: bool) -> None:
    """Run the parts until SIGTERM or SIGINT, then leave within 4 s; a second signal ends at once."""
    async with running(app, works=works, receives=receives):
        await told_to_stop()


async def told_to_stop() -> None:
    """Returns at the first SIGTERM or SIGINT."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    await stop.wait()


def _short(folder: Path) -> str:
    try:
        return str(folder.relative_to(Path.cwd()))
    except ValueError:
        return str(folder)
