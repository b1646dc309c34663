"""The command `sayso mcp`."""

import os

import typer

from bot.errors import Unavailable


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(mcp)


def mcp() -> None:
    """Let an agent ask people: speaks the Model Context Protocol on stdin and stdout, for SAYSO_URL and SAYSO_API_KEY.

    A client starts it; see docs/ask-from/mcp.md.
    """
    from bot.cli.server import keyed_server

    url = os.environ.get("SAYSO_URL", "").rstrip("/")
    if not url:
        raise Unavailable(
            "SAYSO_URL is not set", "Set it to the address of a sayso, and SAYSO_API_KEY to a key with the scope ask"
        )
    server = keyed_server(url)
    from bot.cli.bridge import run

    run(server)
