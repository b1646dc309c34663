"""Commands that stay: everything at once for a newcomer, and the processes of the Procfile."""

import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from bot.cli.options import Data
from bot.cli.serving import serve


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(dev)
    app.command()(worker)
    app.command()(web)


def dev(
    port: Annotated[int, typer.Option(help="Where HTTP is served; 0 for any free port.", min=0, max=65535)] = 8000,
    demo_port: Annotated[
        int | None, typer.Option(help="Where the demo site is live; --port + 1 if not given.", min=0, max=65535)
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Open no browser.")] = False,
    data: Data = None,
) -> None:
    """Run everything in one process: own Redis, local mail, a demo site to deploy. Ctrl-C ends it, nothing is lost."""
    import os

    from bot.dev.everything import Ports, run_dev

    beside = port + 1 if port else 0
    opens = not no_open and sys.stdout.isatty() and _has_desktop(os.environ)
    ports = Ports(web=port, demo=beside if demo_port is None else demo_port, opens=opens)
    run_dev(data, ports, os.environ)


def _has_desktop(environ: Mapping[str, str]) -> bool:
    """Whether a browser would have a window; a text browser in this terminal would be in the way."""
    return sys.platform == "darwin" or "DISPLAY" in environ or "WAYLAND_DISPLAY" in environ


def worker(data: Data = None) -> None:
    """Move runs on, send what is to be sent. Any number of these may run on one Redis."""
    serve(data, works=True, receives=())


def web(
    port: Annotated[int, typer.Option(help="Where to listen; 0 for any free port.", min=0, max=65535)] = 8000,
    data: Data = None,
) -> None:
    """Serve HTTP: the console, the API, health and figures. Any number of these may run on one Redis."""
    import asyncio
    import os

    from bot.config.settings import load
    from bot.process.processes import run_web

    asyncio.run(run_web(load(data, os.environ), port))
