"""The command line. Heavy parts are imported by the command that needs them, so that `--help` is quick."""

from bot.cli.program import main

__all__ = ["main"]
