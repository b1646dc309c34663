"""What `sayso show` says of runs that were made of others, and of what a model saw."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agents.run import Run
    from bot.app import App
    from bot.queries.prompt_replay import Seen


def forks_of(run_id: str, data: Path | None) -> Sequence[str]:
    """The runs that were made of this one."""
    from bot.cli.beside import run
    from bot.cli.remote import remote

    async def work(app: "App") -> Sequence[str]:
        return await app.copying.forks_of(run_id)

    away = remote(data)
    return away.forks(run_id) if away else run(data, work)


def made_of(run: "Run", forks: Sequence[str]) -> Iterator[str]:
    """What `run` is a copy of, and what was made of it."""
    if run.forked:
        how = {"fork": "forked from", "retry": "a retry of", "import": "imported, as its file says, from"}
        yield f"{'':10}{how[run.forked.how]} {run.forked.source} at event {run.forked.at_seq}"
    if forks:
        yield f"{'':10}made of it: {', '.join(forks)}"


def print_seen(run_id: str, step: int, data: Path | None, *, as_json: bool) -> None:
    """What the model saw goes to stdout, and whether these are the same bytes to stderr."""
    from bot.cli.beside import run
    from bot.cli.remote import remote
    from bot.cli.show import plain, plain_json
    from bot.queries.prompt_replay import seen
    from bot.runs.steering import NoSuchRun
    from bot.store.ids import check

    async def work(app: "App") -> "Seen":
        events = (await app.store.load(check(run_id, "run"))).events
        if not events:
            raise NoSuchRun(f"There is no run {run_id}. `sayso runs` lists them")
        return seen(events, step, app.agents)

    away = remote(data)
    found = away.seen(run_id, step) if away else run(data, work)
    if as_json:
        print(plain_json(found.model_dump_json()))
        return
    if sys.stdout.isatty():
        print(plain(found.text), flush=True)
    else:
        sys.stdout.buffer.write(found.text.encode())
    print(plain(found.note), file=sys.stderr)
