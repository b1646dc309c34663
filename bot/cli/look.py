"""Commands that only look: runs, requests, and what is configured."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.options import Data, Json

if TYPE_CHECKING:
    from agents.events import Event
    from bot.app import App
    from bot.records import RequestRecord

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
    from bot.cli.show import summary_text
    from bot.summary import Summary

    async def work(app: "App") -> None:
        found = [Summary.model_validate_json(line) for line in await app.store.lists.summaries() if line]
        found = [one for one in found if state in {None, one.state}]
        found.sort(key=lambda one: one.started_at, reverse=True)
        if as_json:
            print(json.dumps([one.model_dump(mode="json") for one in found]))
        else:
            print("\n".join(summary_text(one) for one in found) or "There are no such runs.")

    run(data, work)


def show(run_id: Run, as_json: Json = False, data: Data = None) -> None:
    """Tell a run's story so far."""
    from bot.cli.beside import run
    from bot.story import lines

    async def work(app: "App") -> None:
        from agents.run import fold
        from bot.summary import summary_of

        loaded = await _load(app, run_id)
        after = fold(loaded)
        if as_json:
            results = [{"kind": result.kind, "text": result.text} for result in after.results]
            print(json.dumps(json.loads(summary_of(after)) | {"seq": after.seq, "results": results}))
            return
        mode = "  (rehearsal: plain rules chose the steps, no model)" if after.is_rehearsal else ""
        print(f"{run_id}  {after.state}{mode}")
        print("\n".join(lines(loaded, app.people)))

    run(data, work)


async def _load(app: "App", run_id: str) -> "tuple[Event, ...]":
    from bot.ids import check
    from bot.steering import NotSteered

    loaded = await app.store.load(check(run_id, "run"))
    if not loaded.events:
        raise NotSteered(f"There is no run {run_id}. `sayso runs` lists them")
    return loaded.events


def events(run_id: Run, data: Data = None) -> None:
    """Print a run's events, one JSON object per line."""
    from agents.events import write_event
    from bot.cli.beside import run

    async def work(app: "App") -> None:
        for event in await _load(app, run_id):
            print(write_event(event).decode())

    run(data, work)


def watch(run_id: Run, as_json: Json = False, data: Data = None) -> None:
    """Tell a run's story as it happens, until it ends. Exit 1 if it failed."""
    from bot.cli.act import follow
    from bot.cli.beside import run

    async def work(app: "App") -> int:
        await _load(app, run_id)
        return await follow(app, run_id, as_json=as_json)

    raise typer.Exit(run(data, work))


def requests(
    person: Annotated[str | None, typer.Option("--for", help="Only those that this person may decide.")] = None,
    state: Annotated[str, typer.Option(help="open, approved, denied, … or all.")] = "open",
    as_json: Json = False,
    data: Data = None,
) -> None:
    """List requests with everything that is needed to decide them."""
    from bot.cli.beside import run
    from bot.cli.show import request_json, request_text

    async def work(app: "App") -> None:
        found = [record for record in await _records(app, state) if person is None or _may(app, record, person)]
        if as_json:
            print(json.dumps([request_json(record) for record in found]))
            return
        texts = [request_text(record, app.people) for record in found]
        print("\n\n".join(texts) or "Nothing is waiting." if state == "open" else "\n\n".join(texts) or "None.")

    run(data, work)


def _may(app: "App", record: "RequestRecord", person: str) -> bool:
    from bot.quorum import eligible

    return app.people.named(person) in eligible(record.request.policy, record.request.requesters)


async def _records(app: "App", state: str) -> "list[RequestRecord]":
    found = [(await app.decisions.request(one))[0] for one in await app.store.lists.requests(only_open=state == "open")]
    return [record for record in found if state in {"all", record.state}]


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
