"""Starting a process of the Procfile from the command line."""

from collections.abc import Collection

from bot.cli.options import Data


def serve(data: Data, *, works: bool, receives: Collection[str]) -> None:
    """Run until SIGTERM or SIGINT."""
    import asyncio
    import os

    from bot.config.settings import load
    from bot.process.processes import run_process

    asyncio.run(run_process(load(data, os.environ), works=works, receives=receives))
