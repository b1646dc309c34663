"""Commands for keeping sayso well: dead letters and the doctor."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.options import Data, Json

if TYPE_CHECKING:
    from bot.app import App
    from bot.outbound.dead_letter import Note

import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from bot.cli.options import serve

_VERBS = (
    "requeue: try a dead letter again. discard: forget a quarantined message. "
    "confirm: have the person asked whose word a quarantined message claims to be."
)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(dead)
    app.command()(doctor)
    app.command()(rebuild)
    app.command()(dev)
    app.command()(worker)
    app.command()(web)
    app.command()(trust)


def dead(
    verb: Annotated[str | None, typer.Argument(metavar="[requeue|discard|confirm]", help=_VERBS)] = None,
    some_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Which one.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """List dead letters and quarantined messages, or do something about one of them."""
    from bot.cli.remote import run

    if verb is None:
        return run(data, lambda app: _list(app, as_json=as_json))
    work = {"requeue": _requeue, "discard": _discard, "confirm": _confirm}.get(verb)
    if work is None or some_id is None:
        raise typer.BadParameter("write: sayso dead requeue ID, sayso dead discard ID, or sayso dead confirm ID")
    wanted = some_id
    return run(data, lambda app: work(app, wanted))


async def _list(app: "App", *, as_json: bool) -> None:
    from bot.cli.show import plain
    from bot.outbound.dead_letter import Note

    notes = {name: Note.model_validate_json(body) for name, body in (await app.store.lists.dead()).items()}
    if as_json:
        print(json.dumps([{"id": name, **note.model_dump(mode="json")} for name, note in notes.items()]))
        return
    for name, note in sorted(notes.items(), key=lambda pair: pair[1].at):
        print(plain(f"{name}  {note.kind}  {note.at:%d %b %H:%M UTC}  {note.what}: {note.why}"))
        for line in _details(note):
            print(plain(f"    {line}"))
    if not notes:
        print("Nothing was given up on, and nothing is quarantined.")


def _details(note: "Note") -> list[str]:
    """What else is known of a quarantined message."""
    asked = f"asked about at {note.asked_at:%d %b %H:%M UTC} by {note.asked_by}" if note.asked_at else ""
    channel = f"came by {note.channel}" if note.channel else ""
    about = f"its subject, which nobody has checked: {note.about}" if note.about else ""
    answers = f"would have answered {note.request_id}" if note.request_id else ""
    return [line for line in (", ".join(filter(None, (channel, answers))), about, asked) if line]


async def _discard(app: "App", some_id: str) -> None:
    from bot.cli.show import plain

    print(plain(await app.clearing.discard(some_id, _me())))


async def _confirm(app: "App", some_id: str) -> None:
    from bot.cli.show import plain

    print(plain(await app.clearing.confirm(some_id, _me())))


def _me() -> str:
    """Who types, as far as this machine knows."""
    import getpass

    try:
        return f"{getpass.getuser()} in a terminal"
    except (ImportError, KeyError, OSError):
        return "somebody in a terminal"


async def _requeue(app: "App", some_id: str) -> None:
    from bot.errors import Conflict
    from bot.outbound.dead_letter import Note

    body = (await app.store.lists.dead()).get(some_id)
    if body is None:
        raise Conflict(f"There is no dead letter {some_id}. `sayso dead` lists them")
    note = Note.model_validate_json(body)
    if note.kind == "quarantined":
        text = (
            "A quarantined message can't be let through as somebody's word. Have that person asked: sayso dead confirm"
        )
        raise Conflict(f"{text} {some_id}")
    await app.store.lists.requeue(note.item)
    print(f"{some_id} is tried again.")


def rebuild(as_json: Json = False, data: Data = None) -> None:
    """Make records and lists anew from the events. Safe at any time; nothing is decided, sent or executed by it."""
    from bot.cli.remote import run
    from bot.queries.rebuild import rebuild as make_anew

    async def work(app: "App") -> None:
        made = await make_anew(app.store)
        if as_json:
            print(json.dumps({"runs": made.runs, "requests": made.requests, "differed": made.differed}))
        else:
            print(f"{made.runs} runs and {made.requests} requests were made anew; {made.differed} had differed.")

    run(data, work)


def doctor(as_json: Json = False, data: Data = None) -> None:
    """Check every service and permission; exit 1 when something is wrong, with the fix for each."""
    import asyncio

    from bot.cli.remote import settings_of
    from bot.cli.show import plain
    from bot.doctor.overall import examine

    findings = asyncio.run(examine(settings_of(data)))
    if as_json:
        # "mend" was the name of the fix in the release before this one; programs may read it for one more.
        print(json.dumps([{**finding.model_dump(mode="json"), "mend": finding.fix} for finding in findings]))
    else:
        for finding in findings:
            print(plain(f"{finding.sign} {finding.what}" + (f"\n    fix: {finding.fix}" if finding.fix else "")))
    raise typer.Exit(1 if any(finding.sign == "✗" for finding in findings) else 0)


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


# What a configuration has run.
_RUN = ("code", "command", "live", "ci", "last", "health")


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
