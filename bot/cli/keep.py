"""Commands for keeping sayso well: dead letters and the doctor."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.options import Data, Json

if TYPE_CHECKING:
    from bot.app import App
    from bot.outbound.dead_letter import Note


_VERBS = (
    "requeue: try a dead letter again. discard: forget a held message. "
    "confirm: have the person asked whose word a held message claims to be."
)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(dead)
    app.command()(doctor)
    app.command()(rebuild)


def dead(
    verb: Annotated[str | None, typer.Argument(metavar="[requeue|discard|confirm]", help=_VERBS)] = None,
    some_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Which one.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """List dead letters and held messages, or do something about one of them."""
    from bot.cli.beside import run

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
        print("Nothing was given up on, and nothing is held.")


def _details(note: "Note") -> list[str]:
    """What else is known of a held message."""
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
    from bot.outbound.dead_letter import Note
    from bot.runs.steering import NotSteered

    body = (await app.store.lists.dead()).get(some_id)
    if body is None:
        raise NotSteered(f"There is no dead letter {some_id}. `sayso dead` lists them")
    note = Note.model_validate_json(body)
    if note.kind == "held":
        text = "A held message can't be let through as somebody's word. Have that person asked: sayso dead confirm"
        raise NotSteered(f"{text} {some_id}")
    await app.store.lists.requeue(some_id, note.member)
    print(f"{some_id} is tried again.")


def rebuild(as_json: Json = False, data: Data = None) -> None:
    """Make records and lists anew from the events. Safe at any time; nothing is decided, sent or executed by it."""
    from bot.cli.beside import run
    from bot.queries.rebuild import rebuild as make_anew

    async def work(app: "App") -> None:
        made = await make_anew(app.store)
        if as_json:
            print(json.dumps({"runs": made.runs, "requests": made.requests, "differed": made.differed}))
        else:
            print(f"{made.runs} runs and {made.requests} requests were made anew; {made.differed} had differed.")

    run(data, work)


def doctor(as_json: Json = False, data: Data = None) -> None:
    """Check every service and permission; exit 1 when something is wrong, with the mend for each."""
    import asyncio

    from bot.cli.beside import settings_of
    from bot.cli.show import plain
    from bot.doctor.overall import examine

    findings = asyncio.run(examine(settings_of(data)))
    if as_json:
        print(json.dumps([finding.model_dump(mode="json") for finding in findings]))
    else:
        for finding in findings:
            print(plain(f"{finding.sign} {finding.what}" + (f"\n    fix: {finding.mend}" if finding.mend else "")))
    raise typer.Exit(1 if any(finding.sign == "✗" for finding in findings) else 0)
