"""Commands for the audit log: check it, take from it, forget somebody in it."""

import json
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bot.cli.operate import attached
from bot.cli.options import Data, Json
from bot.cli.plain import plain
from bot.errors import Conflict, Invalid

if TYPE_CHECKING:
    from bot.audit.chain import Head
    from bot.audit.reading import Checked
    from bot.wiring.redis import Office

_audit = typer.Typer(
    no_args_is_help=True,
    help="Check, search and export the audit log.\n\nEvery decision leaves a sealed record: who, as whom, what, when, "
    "through what. `sayso audit verify` shows whether anything was changed, removed or moved since.",
)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(_audit, name="audit")


@_audit.command()
def verify(
    head: Annotated[
        list[str] | None,
        typer.Option(
            help="A head noted outside Redis, such as s3:1042:9f…, or file:PATH with many. Shows a cut end.",
            metavar="HEAD",
        ),
    ] = None,
    shard: Annotated[int | None, typer.Option(help="Check only this shard.", metavar="N", min=0)] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Check every record and its seal. The exit code is 1 where something was changed, removed or moved.

    Works beside Redis itself: run it where the settings of the processes are, SAYSO_AUDIT_KEY among them.
    """
    known = [found for text in head or () for found in _heads(text)]

    async def work(office: "Office") -> "Checked":
        from bot.archive.keeper import Archive, place_of
        from bot.archive.leaving import has_left
        from bot.audit.reading import AuditReader

        if shard is not None and shard >= office.store.shards:
            raise Invalid(f"There is no shard {shard}", f"There are {office.store.shards}, from 0 on")
        archive = Archive(place_of(office.settings), partial(has_left, office.store))
        reader = AuditReader(office.store, archive)
        home, settings = office.data_dir, office.settings
        derived = home.derived_audit_keys(settings)
        return await reader.verify(home.audit_keys(settings), known, shard, derived=derived)

    found = attached(data, work)
    print(json.dumps(_told(found)) if as_json else plain("\n".join(_worded(found))))
    raise typer.Exit(1 if found.findings else 0)


def _heads(text: str) -> "list[Head]":
    from bot.audit.chain import Head
    from bot.audit.heads import heads_in

    return heads_in(text.removeprefix("file:")) if text.startswith("file:") else [Head.parse(text)]


def _told(found: "Checked") -> dict[str, object]:
    return {
        "records": found.records,
        "findings": [{"shard": one.shard, "record": one.n, "what": one.what} for one in found.findings],
        "heads": list(map(str, found.heads)),
        "heads_compared": found.known,
        "forgotten": found.forgotten,
        "sealed_with_secret_key": found.weaker,
        "not_sealed_yet": found.waiting,
        "since": found.since.isoformat() if found.since else None,
    }


def _worded(found: "Checked") -> list[str]:
    lines = [f"✗ {finding}" for finding in found.findings]
    lines += [] if lines else [f"✓ {found.records} records are as they were sealed"]
    lines.append(f"not audited before {found.since:%Y-%m-%d %H:%M} UTC" if found.since else "nothing is audited yet")
    if found.waiting:
        lines.append(f"{found.waiting} facts are not sealed yet; a worker seals them within seconds")
    if found.forgotten:
        lines.append(f"{found.forgotten} pseudonyms were forgotten; data missing for this reason is expected")
    if found.weaker:
        many = f"{found.weaker} records are sealed with a key that is only made of SAYSO_SECRET_KEY"
        lines.append(f"{many}: whoever knows that and can write to Redis could have changed them")
    if not found.known:
        lines.append("A cut end can't be seen without a head that was noted elsewhere: --head takes one of these")
    return [*lines, *(f"head {head}" for head in found.heads)]


@_audit.command()
def export(
    person: Annotated[str | None, typer.Option(help="Who did it, or whom it is about.", metavar="PERSON")] = None,
    policy: Annotated[str | None, typer.Option(help="The policy of the request.", metavar="POLICY")] = None,
    run: Annotated[str | None, typer.Option(help="The run.", metavar="RUN")] = None,
    kind: Annotated[str | None, typer.Option(help="What happened: vote, decided, frozen.", metavar="KIND")] = None,
    since: Annotated[str | None, typer.Option(help="From this day or time on; UTC.", metavar="TIME")] = None,
    until: Annotated[str | None, typer.Option(help="Before this day or time; UTC.", metavar="TIME")] = None,
    form: Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="Lines of JSON, or CSV.")] = "jsonl",
    data: Data = None,
) -> None:
    """Print records, oldest first: all, or those of a person, a policy, a run, a time. It takes an admin's key."""
    import sys

    from bot.audit.export import csv_head, csv_line, json_line
    from bot.cli.client import connect
    from bot.store import ids

    if run:
        ids.check(run, "run")
    is_empty, wanted = True, {"person": person, "policy": policy, "run": run, "kind": kind}
    wanted |= {"since": _moment(since), "until": _moment(until)}
    with connect(data) as client:
        if form == "csv":
            sys.stdout.write(csv_head())
        for record in client.audit({name: text for name, text in wanted.items() if text}):
            is_empty = False
            sys.stdout.write(csv_line(record) if form == "csv" else json_line(record))
    if is_empty:
        print("No record is like that.", file=sys.stderr)


def _moment(text: str | None) -> str | None:
    """`text` as a moment with a zone. Raises Invalid."""
    if not text:
        return None
    from datetime import UTC

    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f"{text[:40]!r} is no time", "Write it like 2026-11-22 or 2026-11-22T09:30") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()


@_audit.command()
def forget(
    person: Annotated[str, typer.Argument(help="Whom to forget, by their id in sayso.", metavar="PERSON")],
    left: Annotated[
        bool, typer.Option("--left", help="Whoever had this id and has left, where somebody else is called so by now.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    data: Data = None,
) -> None:
    """Delete the name and the words of a person in the audit log, which still verifies.

    Take them out of [people] first: what they do afterwards is recorded under their name again. It can't be undone.
    Works beside Redis itself: run it where the settings of the processes are, SAYSO_AUDIT_KEY among them.
    """
    if not yes:
        typer.confirm(f"Delete all that the audit log says of {person}? It can't be undone", abort=True)

    async def work(office: "Office") -> tuple[tuple[str, ...], int]:
        from bot.audit.forgetting import Forgetting
        from bot.audit.sealer import Sealer

        if (now := office.people.of_file(person)) != person and not left:
            raise Conflict(
                f"{person!r} was somebody else, whom sayso would forget: [people] calls {now!r} so by now",
                f"Forget {now}; or give --left to forget whoever had the id before",
            )
        keys = office.data_dir.audit_keys(office.settings)
        sealer = Sealer(office.store, office.people, lambda: keys[0], _nowhere)
        ids = office.people.ids_of(person)
        deleted = await Forgetting(office.store, sealer).forget(*ids)
        for one in ids:
            await office.register.forget(one)
        return ids, deleted

    ids, deleted = attached(data, work)
    who = f"{' and '.join(ids)} {'are' if len(ids) > 1 else 'is'} forgotten"
    print(plain(f"{who}: texts of {deleted} records were deleted. None in the archive can be read."))


async def _nowhere(_: "Head") -> None:
    """Announce nothing: workers do."""
