"""Commands that make a run of another one, or of a file: fork, retry, export, import."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.act import As, speaker
from bot.cli.options import Data, Json

if TYPE_CHECKING:
    from bot.app import App
    from bot.runs.api_requests import Asker
    from bot.runs.export import Exported

Run = Annotated[str, typer.Argument(metavar="RUN", help="The run's id; `sayso runs` lists them.")]
Written = Annotated[
    Path, typer.Argument(metavar="FILE", help="What `sayso export` wrote.", exists=True, dir_okay=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(fork)
    app.command()(retry)
    app.command()(export)
    app.command("import")(take_in)


def fork(
    run_id: Run,
    at: Annotated[int, typer.Option(help="The last event that is copied, from 1, as `sayso events` has them.", min=1)],
    person: As = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Make a new run that goes on from the first events of RUN. They are history: no approval in them counts."""
    from agents.requests import RunId
    from bot.cli.remote import remote, run
    from bot.store.ids import check

    async def work(app: "App") -> str:
        return await app.copying.fork(RunId(check(run_id, "run")), at, _asker(app, person))

    away = remote(data, person)
    _made(away.copied(run_id, "fork", at) if away else run(data, work), data, as_json=as_json)


def retry(run_id: Run, person: As = None, as_json: Json = False, data: Data = None) -> None:
    """Make a new run of what RUN began with."""
    from agents.requests import RunId
    from bot.cli.remote import remote, run
    from bot.store.ids import check

    async def work(app: "App") -> str:
        return await app.copying.retry(RunId(check(run_id, "run")), _asker(app, person))

    away = remote(data, person)
    _made(away.copied(run_id, "retry") if away else run(data, work), data, as_json=as_json)


def export(
    run_id: Run,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The file to write; stdout if not given.")] = None,
    data: Data = None,
) -> None:
    """Write a run as one JSON file. Texts of attached files are in it, their bytes are not."""
    from agents.requests import RunId
    from bot.cli.remote import remote, run
    from bot.cli.show import plain_json
    from bot.errors import NotFound
    from bot.registry.release import version
    from bot.runs.export import export as exported
    from bot.store.ids import check

    async def work(app: "App") -> "Exported":
        loaded = await app.store.load(check(run_id, "run"))
        if not loaded.events:
            raise NotFound(f"There is no run {run_id}. `sayso runs` lists them")
        return exported(RunId(run_id), loaded.events, loaded.events[-1].release or version(), loaded.now)

    away = remote(data)
    text = plain_json((away.exported(run_id) if away else run(data, work)).model_dump_json())
    if out is None:
        print(text)
        return
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{out} can't be written: {error.strerror}") from None
    print(f"{run_id} is in {out}. Bytes of attached files are not.", file=sys.stderr)


def take_in(file: Written, person: As = None, as_json: Json = False, data: Data = None) -> None:
    """Make a run of an exported one. It goes on here, as asked for by you; nothing in the file allows anything."""
    from bot.cli.remote import remote, run
    from bot.runs.export import read_export

    exported = read_export(file.read_bytes())

    async def work(app: "App") -> str:
        return await app.copying.take_in(exported, _asker(app, person))

    away = remote(data, person)
    _made(away.imported(exported) if away else run(data, work), data, as_json=as_json)


def _asker(app: "App", person: str | None) -> "Asker":
    from bot.runs.api_requests import Asker

    return Asker(speaker(app, person), channel="cli")


def _made(run_id: str, data: Path | None, *, as_json: bool) -> None:
    print(json.dumps({"id": run_id, "state": "running"}) if as_json else run_id, flush=True)
    if not as_json:
        where = f" --data {data}" if data else ""
        print(f"Follow it with: ./sayso watch {run_id}{where}", file=sys.stderr)
