"""Commands that only look: runs, requests, and what is configured."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from bot.cli.options import Data, Json, request_state, run_state

if TYPE_CHECKING:
    from agents.events import Event
    from agents.requests import PersonId, RequestState
    from agents.run import Run as FoldedRun
    from bot.app import App
    from bot.people.directory import People
    from bot.queries.prompt_replay import PromptReplay
    from bot.render.views import RequestView

Run = Annotated[str, typer.Argument(metavar="RUN", help="The run's id; `sayso runs` lists them.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (runs, show, events, watch, requests, policies):
        app.command()(command)


def runs(
    state: Annotated[
        str | None, typer.Option(help="Only runs in this state, such as waiting or done.", callback=run_state)
    ] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """List runs, newest first."""
    from bot.cli.remote import remote, run
    from bot.cli.show import summary_text
    from bot.render.views import Summary

    async def work(app: "App") -> "list[Summary]":
        return [Summary.model_validate_json(line) for line in await app.store.lists.summaries() if line]

    away = remote(data)
    found = away.runs(state) if away else run(data, work)
    found = sorted((one for one in found if state in {None, one.state}), key=lambda one: one.started_at, reverse=True)
    if as_json:
        print(json.dumps([one.model_dump(mode="json") for one in found]))
    else:
        print("\n".join(summary_text(one) for one in found) or "There are no such runs.")


def show(
    run_id: Run,
    context: Annotated[
        int | None,
        typer.Option(help="Print what the model saw before this step, byte for byte.", metavar="STEP", min=1),
    ] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Tell a run's story so far."""
    from agents.run import fold
    from bot.cli.show import plain, plain_json
    from bot.render.transcript import lines
    from bot.render.views import run_view

    if context is not None:
        return print_seen(run_id, context, data, as_json=as_json)
    told, directory = _told(run_id, data)
    after, forks = fold(told), forks_of(run_id, data)
    if as_json:
        shown = run_view(after, forks).model_dump(mode="json") | {"release": told[-1].release}
        return print(plain_json(json.dumps(shown, ensure_ascii=False)))
    mode = "  (rehearsal: plain rules chose the steps, no model)" if after.is_rehearsal else ""
    print(f"{run_id}  {after.state}{mode}")
    print(plain("\n".join([*made_of(after, forks), *lines(told, directory)])))
    return None


def _told(run_id: str, data: Data) -> "tuple[tuple[Event, ...], People]":
    """A run's events, and the directory that names the people in them."""
    from bot.cli.remote import remote, run
    from bot.errors import NotFound
    from bot.store.ids import check

    async def work(app: "App") -> "tuple[tuple[Event, ...], People]":
        return (await app.store.load(check(run_id, "run"))).events, app.people

    away = remote(data)
    told, directory = (away.events(run_id), away.people) if away else run(data, work)
    if not told:
        raise NotFound(f"There is no run {run_id}. `sayso runs` lists them")
    return told, directory


def events(run_id: Run, data: Data = None) -> None:
    """Print a run's events, one JSON object per line."""
    from agents.events import write_event
    from bot.cli.show import plain_json

    for event in _told(run_id, data)[0]:
        print(plain_json(write_event(event).decode()))


def watch(run_id: Run, as_json: Json = False, data: Data = None) -> None:
    """Tell a run's story as it happens, until it ends. Exit 1 if it failed."""
    from bot.cli.remote import remote, run
    from bot.cli.show import Story, follow

    away = remote(data)
    if away:
        raise typer.Exit(away.follow(run_id, Story(away.people, as_json=as_json)))
    _told(run_id, data)
    raise typer.Exit(run(data, lambda app: follow(app, run_id, Story(app.people, as_json=as_json))))


def requests(
    person: Annotated[str | None, typer.Option("--for", help="Only those that this person may decide.")] = None,
    state: Annotated[str, typer.Option(help="open, approved, denied, … or all.", callback=request_state)] = "open",
    full: Annotated[bool, typer.Option("--full", help="With all of the lists that are too long for a card.")] = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """List requests with everything that is needed to decide them."""
    from bot.cli.remote import remote, run, settings_of
    from bot.cli.show import how_to_answer, note_shown, request_text

    async def work(app: "App") -> "tuple[list[RequestView], People]":
        who = None if person is None else app.people.named(person)
        found = await _requests(app, state, who, full=full)
        if who and not as_json:
            note_shown(app.home, who, found)
        return found, app.people

    away = remote(data)
    found, directory = (away.requests(person, state, full=full), away.people) if away else run(data, work)
    if as_json:
        print(json.dumps([one.model_dump(mode="json") for one in found]))
        return
    if away:
        away.printed(found)
    nothing = "Nothing is waiting." if state == "open" else "There are no such requests."
    plays_all = away is None and settings_of(data).redis_url is None
    where = f"{' --as PERSON' if plays_all else ''}{f' --data {data}' if data else ''}"
    for number, one in enumerate(found):
        print("\n" * bool(number) + request_text(one, directory))
        if one.state == "open":
            print(f"  {'to answer':<10} {how_to_answer(one.id, one.format, where)}")
    if not found:
        print(nothing)


async def _requests(app: "App", state: str, person: "PersonId | None", *, full: bool) -> "list[RequestView]":
    """Those in `state` that `person` may decide."""
    from bot.queries.lists import all_requests

    found = await all_requests(
        app.store, app.people, person=person, state=None if state == "all" else cast("RequestState", state)
    )
    return [await _whole(app, one) for one in found] if full else found


async def _whole(app: "App", request: "RequestView") -> "RequestView":
    """The request with all of its lists."""
    from bot.render.views import request_view

    record, _, _ = await app.decisions.request(request.id)
    return request_view(record, app.people, lists=await app.decisions.lists(record.request))


def policies(as_json: Json = False, data: Data = None) -> None:
    """List the policies: who decides, how many, by when; the hash changes with any of it, groups included."""
    from bot.cli.remote import settings_of
    from bot.cli.show import plain, short_hash
    from bot.config.tables import NOBODY_IS_ASKED
    from bot.people.directory import People
    from bot.render.cards import who_decides

    settings = settings_of(data)
    directory = People(settings.people, settings.policies)
    found = [snapshot for name in settings.policies if (snapshot := directory.snapshot(name))]
    hashes = {policy.name: short_hash(policy.model_dump(mode="json")) for policy in found}
    if as_json:
        print(json.dumps([policy.model_dump(mode="json") | {"hash": hashes[policy.name]} for policy in found]))
        return
    for policy in found:
        mail = "counts" if policy.approve_by_email else "does not count"
        also = f"; also shown in {', '.join(policy.also_post)}" if policy.also_post else ""
        print(
            plain(
                f"{policy.name}  {who_decides(policy, directory, ())}; open for {policy.expires_after_s / 60:.0f} min, "
                f"to be executed within {policy.execute_within_s / 60:.0f} min; an approval by mail {mail}{also}  "
                f"{hashes[policy.name]}"
            )
        )
    for name, environment in settings.deploy.environments.items():
        if environment.policy == NOBODY_IS_ASKED:
            print(plain(f"{NOBODY_IS_ASKED}  before a deploy to {name}"))


def forks_of(run_id: str, data: Path | None) -> Sequence[str]:
    """The runs that were made of this one."""
    from bot.cli.remote import remote, run

    async def work(app: "App") -> Sequence[str]:
        return await app.copying.forks_of(run_id)

    away = remote(data)
    return away.forks(run_id) if away else run(data, work)


def made_of(run: "FoldedRun", forks: Sequence[str]) -> Iterator[str]:
    """What `run` is a copy of, and what was made of it."""
    if run.forked:
        how = {"fork": "forked from", "retry": "a retry of", "import": "imported, as its file says, from"}
        yield f"{'':10}{how[run.forked.how]} {run.forked.source} at event {run.forked.at_seq}"
    if forks:
        yield f"{'':10}made of it: {', '.join(forks)}"


def print_seen(run_id: str, step: int, data: Path | None, *, as_json: bool) -> None:
    """What the model saw goes to stdout, and whether these are the same bytes to stderr."""
    from bot.cli.remote import remote, run
    from bot.cli.show import plain, plain_json
    from bot.errors import NotFound
    from bot.queries.prompt_replay import seen
    from bot.store.ids import check

    async def work(app: "App") -> "PromptReplay":
        events = (await app.store.load(check(run_id, "run"))).events
        if not events:
            raise NotFound(f"There is no run {run_id}. `sayso runs` lists them")
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
