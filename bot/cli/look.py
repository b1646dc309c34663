"""Commands that only look: runs, requests, and what is configured."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.options import Data, Json

if TYPE_CHECKING:
    from agents.events import Event
    from bot.app import App
    from bot.people import People
    from bot.views import RequestView

Run = Annotated[str, typer.Argument(metavar="RUN", help="The run's id; `sayso runs` lists them.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (runs, show, events, watch, requests, people, policies, agents, prompts):
        app.command()(command)


def runs(
    state: Annotated[str | None, typer.Option(help="Only runs in this state, such as waiting or done.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """List runs, newest first."""
    from bot.cli.beside import run
    from bot.cli.remote import remote
    from bot.cli.show import summary_text
    from bot.summary import Summary

    async def work(app: "App") -> "list[Summary]":
        return [Summary.model_validate_json(line) for line in await app.store.lists.summaries() if line]

    away = remote(data)
    found = away.runs(state) if away else run(data, work)
    found = sorted((one for one in found if state in {None, one.state}), key=lambda one: one.started_at, reverse=True)
    if as_json:
        print(json.dumps([one.model_dump(mode="json") for one in found]))
    else:
        print("\n".join(summary_text(one) for one in found) or "There are no such runs.")


def show(run_id: Run, as_json: Json = False, data: Data = None) -> None:
    """Tell a run's story so far."""
    from agents.run import fold
    from bot.story import lines
    from bot.views import run_view

    told, directory = _told(run_id, data)
    after = fold(told)
    if as_json:
        print(run_view(after).model_dump_json())
        return
    mode = "  (rehearsal: plain rules chose the steps, no model)" if after.is_rehearsal else ""
    print(f"{run_id}  {after.state}{mode}")
    print("\n".join(lines(told, directory)))


def _told(run_id: str, data: Data) -> "tuple[tuple[Event, ...], People]":
    """A run's events, and the directory that names the people in them."""
    from bot.cli.beside import run
    from bot.cli.remote import remote
    from bot.ids import check
    from bot.steering import NoSuchRun

    async def work(app: "App") -> "tuple[tuple[Event, ...], People]":
        return (await app.store.load(check(run_id, "run"))).events, app.people

    away = remote(data)
    told, directory = (away.events(run_id), away.people) if away else run(data, work)
    if not told:
        raise NoSuchRun(f"There is no run {run_id}. `sayso runs` lists them")
    return told, directory


def events(run_id: Run, data: Data = None) -> None:
    """Print a run's events, one JSON object per line."""
    from agents.events import write_event

    for event in _told(run_id, data)[0]:
        print(write_event(event).decode())


def watch(run_id: Run, as_json: Json = False, data: Data = None) -> None:
    """Tell a run's story as it happens, until it ends. Exit 1 if it failed."""
    from bot.cli.act import follow
    from bot.cli.beside import run
    from bot.cli.remote import remote

    away = remote(data)
    if away:
        raise typer.Exit(away.follow(run_id, as_json=as_json))
    _told(run_id, data)
    raise typer.Exit(run(data, lambda app: follow(app, run_id, as_json=as_json)))


def requests(
    person: Annotated[str | None, typer.Option("--for", help="Only those that this person may decide.")] = None,
    state: Annotated[str, typer.Option(help="open, approved, denied, … or all.")] = "open",
    as_json: Json = False,
    data: Data = None,
) -> None:
    """List requests with everything that is needed to decide them."""
    from bot.cli.beside import run
    from bot.cli.remote import remote
    from bot.cli.show import request_text

    async def work(app: "App") -> "tuple[list[RequestView], People]":
        who = None if person is None else app.people.named(person)
        return [one for one in await _requests(app, state) if who is None or who in one.may_decide], app.people

    away = remote(data)
    found, directory = (away.requests(person, state), away.people) if away else run(data, work)
    if as_json:
        print(json.dumps([one.model_dump(mode="json") for one in found]))
        return
    nothing = "Nothing is waiting." if state == "open" else "None."
    print("\n\n".join(request_text(one, directory) for one in found) or nothing)


async def _requests(app: "App", state: str) -> "list[RequestView]":
    from bot.views import request_view

    ids = await app.store.lists.requests(only_open=state == "open")
    found = [request_view((await app.decisions.request(one))[0]) for one in ids]
    return [one for one in found if state in {"all", one.state}]


def people(as_json: Json = False, data: Data = None) -> None:
    """List the people of the directory."""
    from bot.cli.beside import settings_of

    configured = settings_of(data).people
    if as_json:
        print(json.dumps({name: person.model_dump(mode="json") for name, person in configured.items()}))
        return
    for name, person in configured.items():
        groups = f"  groups: {', '.join(person.groups)}" if person.groups else ""
        print(f"{name}  {person.name}  {person.email or 'no mail address'}  {person.timezone}{groups}")


def policies(as_json: Json = False, data: Data = None) -> None:
    """List the policies: who decides, how many, by when."""
    from bot.cli.beside import settings_of
    from bot.people import People

    settings = settings_of(data)
    directory = People(settings.people, settings.policies)
    found = [snapshot for name in settings.policies if (snapshot := directory.snapshot(name))]
    if as_json:
        print(json.dumps([snapshot.model_dump(mode="json") for snapshot in found]))
        return
    from agents.requests import people_of

    for policy in found:
        who = directory.names_of(dict.fromkeys(people_of(policy.rule)))
        mail = "counts" if policy.approve_by_email else "does not count"
        print(
            f"{policy.name}  {policy.quorum} of {who}; open for {policy.expires_after_s / 60:.0f} min, to be executed "
            f"within {policy.execute_within_s / 60:.0f} min; an approval by mail {mail}"
        )


def agents(as_json: Json = False, data: Data = None) -> None:
    """List the agents and their tools."""
    from bot.app import agents_of
    from bot.cli.beside import settings_of

    settings = settings_of(data)
    mode = "rehearsal: no model key" if settings.anthropic_api_key is None else "model"
    found = agents_of(settings)
    if as_json:
        tools = {agent.name: [tool.name for tool in agent.tools] for agent in found}
        print(json.dumps([{"name": one.name, "mode": mode, "tools": tools[one.name]} for one in found]))
        return
    for agent in found:
        print(f"{agent.name}  {agent.description} ({mode})")
        for tool in agent.tools:
            print(f"  {tool.name}  {tool.description}")


def prompts(as_json: Json = False) -> None:
    """List the prompts with their versions and hashes."""
    import prompts as files

    found = [files.load(name) for name in files.names()]
    if as_json:
        print(json.dumps([{"name": one.name, "version": one.version, "hash": one.hash} for one in found]))
        return
    for prompt in found:
        print(f"{prompt.label}  {prompt.hash[:12]}")
