"""The commands that people are told to type: each finds the installation that tells them."""

import shlex
import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from pathlib import Path

_data = ContextVar("data", default="")


def name_data(folder: Path | None) -> Callable[[], object]:
    """Name `folder` in every command, as this command line does (None: it names none), and return what ends that."""
    before = _data.get()
    _data.set(str(folder) if folder else "")
    return partial(_data.set, before)


def program() -> str:
    """Return what starts sayso as it was installed: `./sayso` in a clone of it, elsewhere `sayso`."""
    begun = Path(sys.argv[0]).absolute()
    if begun.name != "sayso" or begun.parent.parent.name != ".venv":
        return "sayso"
    launcher = begun.parent.parent.parent / "sayso"
    if not launcher.is_file():
        return "sayso"
    return "./sayso" if launcher.parent == Path.cwd() else shlex.quote(str(launcher))


def command(words: str) -> str:
    """Return a command of sayso that finds this installation again: `./sayso watch s0r-… --data /srv/sayso`."""
    data = _data.get()
    return f"{program()} {words}" + (f" --data {shlex.quote(data)}" if data else "")
