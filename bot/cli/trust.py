"""`sayso trust`: let the configuration that lies in this folder count, once somebody has looked at it."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import typer

from bot.cli.options import Data

# What a configuration has run.
_RUN = ("code", "command", "live", "ci", "last", "health")


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(trust)


def trust(data: Data = None) -> None:
    """Trust the sayso.toml and the data directory found here, as they stand; run it again after each change.

    What is found in a folder runs nothing before. What --data, SAYSO_DATA_DIR or SAYSO_CONFIG name is trusted by that.
    """
    import os

    from bot.cli.show import plain
    from bot.config import trust as trusting
    from bot.config.settings import DEFAULT_DATA_DIR, find_file

    file, folder = find_file(data, os.environ, Path())[0], data or DEFAULT_DATA_DIR
    if file is None and not folder.is_dir():
        raise typer.BadParameter(f"there is no sayso.toml here, and no {folder}. There is nothing to trust")
    try:
        content = file.read_bytes() if file else b""
        if file:
            trusting.trust(os.environ, file, content)
        if folder.is_dir():
            trusting.trust_folder(os.environ, folder)
    except OSError as error:
        raise typer.BadParameter(f"nothing is trusted: {error}") from None
    if file:
        print(plain(f"{file.resolve()} is trusted as it stands. What it has run:"))
        print(plain("\n".join(_runs(content)) or "  nothing"))
    else:
        print(plain(f"{folder.resolve()} is trusted."))


def _runs(content: bytes) -> Iterator[str]:
    """The code and the commands that the file names, a line each."""
    try:
        values = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        yield "  nothing, because it can't be read"
        return
    yield from _below(values, "")


def _below(table: dict[str, object], path: str) -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _below(cast("dict[str, object]", value), f"{path}{key}.")
        elif key in _RUN:
            yield f"  {path}{key}: {json.dumps(value, ensure_ascii=False, default=str)}"
