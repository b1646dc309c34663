"""The command line: a thin client of the HTTP API, and the commands that need the data directory itself.

Others use `main`, the program `sayso`. Heavy parts are imported by the command that needs them, so that `--help` is
quick. It holds no rules of the product.
"""

from bot.cli.program import main

__all__ = ["main"]
