"""Options that several commands share."""

import json
import os
import signal
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from bot.cli.plain import plain, plain_json
from bot.command_line import name_data
from bot.errors import Invalid

if TYPE_CHECKING:
    from bot.config.settings import Settings
    from bot.operations import Operation


def _named(context: typer.Context, folder: Path | None) -> Path | None:
    context.call_on_close(name_data(folder))
    return folder


Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="The data directory; $SAYSO_DATA_DIR, else .sayso/ here.", metavar="DIR", callback=_named
    ),
]

TEXT_BYTES = 32_768
"""The most a person may say at once; the inbox's limit for every channel."""


def text_of(param: typer.CallbackParam, value: str | None) -> str | None:
    """`value` itself, when it is text of a size that is kept whole. Raises Invalid."""
    return None if value is None else bounded(param.name or "text", value)


def texts_of(param: typer.CallbackParam, values: list[str]) -> list[str]:
    """Several of them."""
    bounded(param.name or "text", "".join(values))
    return values


def bounded(what: str, text: str) -> str:
    """`text` itself, when it can be kept whole. Raises Invalid."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise Invalid(f"The {what} is not UTF-8", "Nothing was done; write it anew") from error
    if size > TEXT_BYTES:
        raise Invalid(f"The {what} has {size} bytes; {TEXT_BYTES} are allowed", "Nothing was done; say less of it")
    return text


Limit = Annotated[int, typer.Option("--limit", help="List at most so many, newest first.", metavar="N", min=1)]

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def run_state(value: str | None) -> str | None:
    """`value`, when runs can stand so. Raises BadParameter with what there is."""
    from bot.render.views import ListedAs

    return _one_of(get_args(ListedAs), value)


def request_state(value: str) -> str:
    """`value`, when requests can be in it, or `all`. Raises BadParameter with what there is."""
    from agents.requests import RequestState

    return _one_of((*get_args(RequestState), "all"), value) or "all"


def _one_of(states: tuple[str, ...], value: str | None) -> str | None:
    if value is None or value in states:
        return value
    raise typer.BadParameter(f"there is no state {value!r}. There are: {', '.join(states)}")


As = Annotated[
    str | None,
    typer.Option(
        "--as", help="The person who speaks, by the name in sayso.toml; over HTTP the key says.", metavar="PERSON"
    ),
]


def do(
    operation: "Operation",
    body: Mapping[str, object] | None,
    person: str | None,
    data: Path | None,
    *,
    as_json: bool,
    by_anybody: bool = False,
    **names: str,
) -> None:
    """Do an operation as whoever speaks, and print what it tells of it.

    Beside `sayso dev` it can be done `by_anybody` there, who need not say who they are.
    """
    from bot.cli.client import connect, speaking

    with connect(data) if by_anybody else speaking(data, person) as client:
        done = client.do(operation, body, **names)
    print(plain_json(json.dumps(done)) if as_json else plain(done["told"]))


def settings_of(data: Path | None) -> "Settings":
    """The settings for a command that reads them itself. Raises ConfigError."""
    from bot.config.settings import load

    return load(data, os.environ)


def serve(data: Data, *, works: bool, receives: Collection[str]) -> None:
    """Run until SIGTERM or SIGINT."""
    survive_sighup()
    from bot.process.processes import run, run_process, start_again

    if run(run_process(lambda: settings_of(data), works=works, receives=receives)):
        start_again()


def survive_sighup() -> None:
    """Have no SIGHUP end a process that can't read its files anew yet, or no longer; systemd would not restart it."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
