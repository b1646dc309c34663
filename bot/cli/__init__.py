"""The command line: a thin client of the HTTP API, and the commands that need the data directory itself.

Others use `main`, the program `sayso`. Heavy parts are imported by the command that needs them, so that `--help` is
quick. It holds no rules of the product.
"""

import gc

# Imports make many objects and no garbage: as rarely as this, looking for garbage does not slow the start of a command.
gc.set_threshold(150_000, 10, 10)

from bot.cli.program import main  # noqa: E402

__all__ = ["main"]
