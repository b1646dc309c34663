"""Commands that only look: runs, requests, and the policies of the settings."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bot.cli.options import Data, Json, Limit, request_state, run_state, settings_of
from bot.cli.plain import plain, plain_json, short_hash
from bot.command_line import command

if TYPE_CHECKING:
    from agents.run import Run as FoldedRun
    from bot.render.views import RequestView

_LISTED = 50
_REQUEST = re.compile(r"s\d{1,2}q-")
Run = Annotated[str, typer.Argument(metavar="RUN", help="The run's id; `sayso runs` lists them.")]

policies = typer.Typer(
    help="List the policies: who decides, how many, by when; the hash changes with any of it, groups included.",
    invoke_without_command=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for verb in (runs, show, events, watch, requests, environments):
        app.command()(verb)
    policies.callback()(listed_policies)
    policies.command()(explain)
    app.add_typer(policies, name="policies")


def runs(
    state: Annotated[
        str | None,
        typer.Option(help="Only runs that stand so, such as done or unchanged.", callback=run_state),
    ] = None,
    archived: Annotated[
        str | None,
        typer.Option(help="Finished runs that have left for the archive, of a month such as 2026-10.", metavar="MONTH"),
    ] = None,
    limit: Limit = _LISTED,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """List runs, newest first."""
    from bot.cli.client import connect
    from bot.cli.show import summary_text
    from bot.render.words import unread_words

    with connect(data) as client:
        found = sorted(client.runs(state, limit, archived), key=lambda one: one.started_at, reverse=True)
        people, left_out = client.people, unread_words(client.unread)
    if as_json:
        print(json.dumps([one.model_dump(mode="json") for one in found]))
    else:
        print("\n".join(summary_text(one, people) for one in found) or "There are no such runs that you may see.")
    if left_out:
        print(left_out, file=sys.stderr)


def show(
    some_id: Annotated[
        str, typer.Argument(metavar="RUN|REQUEST", help="An id; `sayso runs` and `sayso requests` list them.")
    ],
    context: Annotated[
        int | None,
        typer.Option(help="Print what the model saw before this step, byte for byte.", metavar="STEP", min=1),
    ] = None,
    reply: Annotated[
        int | None,
        typer.Option(help="Print what the model answered for this step, while that is kept.", metavar="STEP", min=1),
    ] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Show the story of a run so far, or a request with everything that is needed to decide it."""
    from agents.run import fold
    from bot.cli.client import connect
    from bot.cli.show import mode_of
    from bot.render.outcome import WORDS_CHARS
    from bot.render.status_line import status_line
    from bot.render.times import local
    from bot.render.transcript import lines

    if _REQUEST.match(some_id):
        return _show_request(some_id, data, as_json=as_json)
    if (step := reply or context) is not None:
        return _print_seen(some_id, step, "reply" if reply else "text", data, as_json=as_json)
    with connect(data) as client:
        told, run, people = client.events(some_id), client.run(some_id), client.people
    if as_json:
        shown = run.model_dump(mode="json") | {"release": told[-1].release}
        return print(plain_json(json.dumps(shown, ensure_ascii=False)))
    mode = f"  ({mode_of(run)})" if mode_of(run) else ""
    kept = f"  (in the archive since {run.archived_at:%Y-%m-%d})" if run.archived_at else ""
    story = fold(told).silent() if run.is_silent else fold(told)
    print(f"{some_id}  {run.word or run.state}{mode}{kept}")
    if run.words_of == "model":
        print(plain(run.told(WORDS_CHARS)))
    if story.ended is None:
        print(plain(f"{'':10}{local(None, status_line(story, None, people))}"))
    print(plain("\n".join([*_made_of(story, run.forks), *lines(told, people, run.word)])))
    return None


def events(run_id: Run, data: Data = None) -> None:
    """Print a run's events, one JSON object per line."""
    from agents.events import write_event
    from bot.cli.client import connect

    with connect(data) as client:
        told = client.events(run_id)
    for event in told:
        print(plain_json(write_event(event).decode()))


def watch(run_id: Run, as_json: Json = False, data: Data = None) -> None:
    """Show the story of a run as it happens, until it ends. Exit 1 if it failed."""
    from bot.cli.client import connect
    from bot.cli.show import Story

    with connect(data) as client:
        raise typer.Exit(client.follow(run_id, Story(client.people, as_json=as_json)))


def environments(as_json: Json = False, data: Data = None) -> None:
    """List the environments: what is live, who deploys there now, and who waits for their turn."""
    from datetime import UTC, datetime

    from bot.cli.client import connect
    from bot.cli.show import environment_text

    with connect(data) as client:
        found = client.environments()
        if as_json:
            print(json.dumps([one.model_dump(mode="json") for one in found]))
        else:
            said = "\n".join(environment_text(one, client.people, datetime.now(UTC)) for one in found)
            print(said or "There are no environments: `[deploy.environments.NAME]` in sayso.toml makes one.")


def requests(
    person: Annotated[str | None, typer.Option("--for", help="Only those that this person may decide.")] = None,
    state: Annotated[str, typer.Option(help="open, approved, denied, … or all.", callback=request_state)] = "open",
    full: Annotated[bool, typer.Option("--full", help="Show each with all that is needed to decide it.")] = False,
    limit: Limit = _LISTED,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """List requests, newest first, one a line: what is asked, since when, who decides and until when."""
    from datetime import UTC, datetime

    from bot.cli.client import connect
    from bot.cli.show import request_line, request_text
    from bot.render.words import unread_words

    with connect(data) as client:
        found = client.requests(person, state, limit, full=full)
        if left_out := unread_words(client.unread):
            print(left_out, file=sys.stderr)
        if as_json:
            print(json.dumps([one.model_dump(mode="json") for one in found]))
            return
        if full:
            client.printed(found, person if client.is_local else None)
        people, now = client.people, datetime.now(UTC)
    for number, one in enumerate(found):
        if full:
            print("\n" * bool(number) + request_text(one, people) + _to_answer(one, is_local=client.is_local))
        else:
            print(request_line(one, now))
    if not found:
        print(
            "Nothing that you may see is waiting."
            if state == "open"
            else "There are no such requests that you may see."
        )
    elif not full:
        print(f"Everything about one: {command('show REQUEST')}", file=sys.stderr)


def _show_request(request_id: str, data: Path | None, *, as_json: bool) -> None:
    from bot.cli.client import connect
    from bot.cli.show import request_text

    with connect(data) as client:
        found = client.request(request_id)
        if as_json:
            return print(plain_json(found.model_dump_json()))
        client.printed([found])
        print(request_text(found, client.people) + _to_answer(found, is_local=client.is_local))
    return None


def _to_answer(request: "RequestView", *, is_local: bool) -> str:
    """Return the row with the command that answers an open request."""
    from bot.cli.show import how_to_answer

    if request.state != "open":
        return ""
    speaker = " --as PERSON" if is_local else ""
    return f"\n  {'to answer':<10} {how_to_answer(request.id, request.format, speaker)}"


def listed_policies(context: typer.Context, as_json: Json = False, data: Data = None) -> None:
    """List the policies: who decides, how many, by when; the hash changes with any of it, groups included."""
    if context.invoked_subcommand is not None:
        return
    from bot.config.deploy import NOBODY_IS_ASKED
    from bot.people.directory import People
    from bot.policy.approvers.who import who_at_first
    from bot.render.times import length
    from bot.render.words import who_decides

    def within(seconds: float) -> str:
        return length(timedelta(seconds=seconds))

    settings = settings_of(data)
    directory, now = People.of(settings), datetime.now(UTC)
    found = [snapshot for name in settings.policies if (snapshot := directory.snapshot(name, now))]
    hashes = {policy.name: short_hash(policy.model_dump(mode="json")) for policy in found}
    if as_json:
        print(json.dumps([policy.model_dump(mode="json") | {"hash": hashes[policy.name]} for policy in found]))
        return
    for policy in found:
        who = who_decides(who_at_first(policy, ()), directory)
        mail = "counts" if policy.approve_by_email else "does not count"
        also = f"; also shown in {', '.join(policy.also_post)}" if policy.also_post else ""
        print(
            plain(
                f"{policy.name}  {who}; open for {within(policy.expires_after_s)}, "
                f"to be executed within {within(policy.execute_within_s)}; an approval by email {mail}{also}  "
                f"{hashes[policy.name]}"
            )
        )
    for name, environment in settings.deploy.environments.items():
        if environment.policy == NOBODY_IS_ASKED:
            print(plain(f"{NOBODY_IS_ASKED}  before a deploy to {name}"))


def explain(
    name: Annotated[str, typer.Argument(help="The policy.", metavar="POLICY")],
    person: Annotated[
        str | None, typer.Option("--as", help="Who asks; with a key, its person if not given.", metavar="PERSON")
    ] = None,
    at: Annotated[
        str, typer.Option(help='When: now, "23:10", "Sunday 23:10" or 2026-11-22T23:10, on the clock of who asks.')
    ] = "now",
    env: Annotated[
        str, typer.Option("--env", help="The environment; all that the policy gates if not given.", metavar="NAME")
    ] = "",
    as_json: Json = False,
    data: Data = None,
) -> None:
    """Say what would happen if somebody asked and nobody answered: who is asked, why, when and by what.

    Also who does not count, who is on call then, what is frozen, what reminders, quiet hours and escalation bring at
    whose local time, and what stops it. Nothing is opened. You may ask about yourself; operators about anybody.

    sayso policies explain production --at "Sunday 23:10" --as anna
    """
    from bot.cli.client import asking

    client, asks = asking(data, person)
    with client:
        found = client.explain(name, asks, at, env)
    if as_json:
        print(plain_json(json.dumps(found, ensure_ascii=False)))
        return
    rows = [(str(one["label"]), str(one["text"])) for one in found["lines"]]
    width = max(len(label) for label, _ in rows)
    print(plain("\n".join([found["title"], "", *(f"{label:<{width}}  {text}" for label, text in rows)])))


def _made_of(run: "FoldedRun", forks: Sequence[str]) -> Iterator[str]:
    """Yield lines that name the run `run` is a copy of, and the runs made of it."""
    if run.forked:
        how = {"fork": "forked from", "retry": "a retry of", "import": "imported, as its file says, from"}
        yield f"{'':10}{how[run.forked.how]} {run.forked.source} at event {run.forked.at_seq}"
    if forks:
        yield f"{'':10}made of it: {', '.join(forks)}"


def _print_seen(run_id: str, step: int, part: Literal["text", "reply"], data: Path | None, *, as_json: bool) -> None:
    """Print what the model saw or answered to stdout, and what is to be known of it to stderr. Exit 1 without it."""
    from bot.cli.client import connect

    with connect(data) as client:
        found = client.seen(run_id, step)
    if as_json:
        print(plain_json(json.dumps(found, ensure_ascii=False)))
        return
    text, note = found[part] or "", found["reply_note"] or found["note"] if part == "reply" else found["note"]
    if text and sys.stdout.isatty():
        print(plain(text), flush=True)
    else:
        sys.stdout.buffer.write(text.encode())
    print(plain(note), file=sys.stderr)
    if not text:
        raise typer.Exit(1)
