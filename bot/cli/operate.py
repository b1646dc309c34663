"""Commands for keeping sayso well: its processes, that of Slack among them with the manifest of its app, dead letters,
the doctor; and what works beside the store itself.
"""

import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

import typer

from bot.cli.options import As, Data, Json, do, serve, settings_of, survive_sighup, text_of
from bot.cli.plain import plain, plain_json
from bot.command_line import command
from bot.errors import Conflict
from bot.operations import CONFIRM_HELD, DISCARD, FREEZE, REQUEUE, UNFREEZE

if TYPE_CHECKING:
    from bot.config.settings import Settings
    from bot.render.views import Status
    from bot.wiring.redis import Office

R = TypeVar("R")

_VERBS = (
    "requeue: try a dead letter again. discard: forget a quarantined message. "
    "confirm: have the person asked whose word a quarantined message claims to be."
)


_SLACK = """Hear what people do in Slack, over Socket Mode; any number of these may run.

To set Slack up, begin with the manifest of its app: `sayso slack manifest`."""

slack = typer.Typer(help=_SLACK, invoke_without_command=True)


def require_dev(settings: "Settings", what: str) -> None:
    """Check that this data directory leads to a `sayso dev` that runs. Raises Conflict.

    Elsewhere whoever reaches Redis could speak as anybody; there only a key or a session says who somebody is.
    """
    from bot.config.data_dir import DataDir

    data_dir = DataDir(settings.data_dir)
    if settings.redis_url is not None or data_dir.server() is None or not data_dir.is_served():
        raise Conflict(
            f"{what} works only beside `sayso dev`",
            f"Start it with `{command('dev')}`. Elsewhere a key of your own says who you are: make it in the console, "
            "on the page Keys, and set SAYSO_URL and SAYSO_API_KEY",
        )


def attached(data: Path | None, work: "Callable[[Office], Awaitable[R]]") -> R:
    """Return the result of `work` beside this installation's Redis; for making keys, and repairing what HTTP serves.

    Serves nothing. Raises Unavailable when there is no Redis.
    """
    import asyncio

    from bot.config.data_dir import redis_url

    settings = settings_of(data)
    url = redis_url(settings)

    async def inside() -> R:
        from bot.process.logging import log_to
        from bot.store.client.durability import check_sees_all
        from bot.store.format import check_format
        from bot.wiring.redis import office_of

        log_to(settings, json=False, quietly=True)
        office = office_of(settings, url)
        try:
            await check_format(office.store.client)
            await check_sees_all(office.store.client, office.store.shards)
            await office.register.hold()
            return await work(office)
        finally:
            await office.close()

    return asyncio.run(inside())


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for verb in (status, freeze, unfreeze, freezes, dead, doctor, rebuild, backup, restore, dev, worker, web, trust):
        app.command()(verb)
    slack.callback()(receive)
    slack.command()(manifest)
    app.add_typer(slack, name="slack")


def status(as_json: Json = False, data: Data = None) -> None:
    """Show how much waits, for how long, and what failed. The exit code is 1 when something needs a person."""
    from bot.cli.client import connect

    with connect(data) as client:
        found = client.status()
    if as_json:
        print(found.model_dump_json())
    else:
        print(plain("\n".join(_worded(found))))
    raise typer.Exit(1 if found.needs else 0)


Environment = Annotated[
    str | None, typer.Option("--env", help="The environment; everything that is gated if not given.", metavar="NAME")
]
Why = Annotated[str, typer.Option(help="Why, in one line; everybody who waits reads it.", callback=text_of)]


def freeze(
    reason: Why = "", env: Environment = None, person: As = None, as_json: Json = False, data: Data = None
) -> None:
    """Start nothing that needs an approval, in an environment or anywhere, until `sayso unfreeze`.

    Votes still count, and what is already running runs to completion. Over HTTP it takes an admin's key.
    """
    do(FREEZE, {"environment": env, "reason": reason}, person, data, as_json=as_json)


def unfreeze(reason: Why, env: Environment = None, person: As = None, as_json: Json = False, data: Data = None) -> None:
    """End a freeze that somebody began. What waited for it goes on, or is asked again where that took too long."""
    do(UNFREEZE, {"environment": env, "reason": reason}, person, data, as_json=as_json)


def freezes(as_json: Json = False, data: Data = None) -> None:
    """List what is frozen, by people and by windows of the settings, and the windows that begin within two weeks."""
    from bot.cli.client import connect

    with connect(data) as client:
        found = client.get("/v1/freezes")
    if as_json:
        print(plain_json(json.dumps(found)))
    else:
        frozen = [one["told"] for one in found["freezes"]] or ["Nothing is frozen."]
        coming = [f"  {one['told']}" for one in found["coming"]]
        print(plain("\n".join([*frozen, *(["", "Windows that come next:", *coming] if coming else [])])))


# What was denied, expired or taken back is counted among what failed; what changed nothing, among what is done.
_RUNS = {"failed": "failed or not approved", "done": "done, answered or unchanged"}


def _worded(found: "Status") -> Iterator[str]:
    """A line for each question, what needs a person first."""
    yield from (f"✗ {need}" for need in found.needs)
    if not found.needs:
        yield "✓ nothing needs a person but what is asked"
    yield from (f"frozen             {one}" for one in found.frozen)
    ages = ", ".join(f"{count} {age}" for age, count in found.open_by_age.items() if count)
    yield f"open requests      {found.open}" + (
        f" ({ages}), the oldest for {_span(found.oldest_open_s)}" if ages else ""
    )
    half = "" if found.decision_p50_s is None else f", half of them within {_span(found.decision_p50_s)}"
    yield f"decided in 24 h    {found.decided_24h}{half}"
    mean = "" if found.decision_mean_s is None else f", {_span(found.decision_mean_s)} each on average"
    decided, expired = found.answers.get("decided", 0), f"{found.expired} expired, {found.glass_broken} broke the glass"
    yield f"decided ever       {decided}{mean}, {expired}"
    runs = {_RUNS.get(state, state): count for state, count in found.runs.items()}
    yield f"runs               {found.started} started{_listed(runs)}"
    lags = ", ".join(f"{work} {_span(waits_s)}" for work, waits_s in found.lags_s.items() if waits_s >= 1)
    yield f"work that waits    {found.ready}, the oldest for {_span(found.lag_s)}" + (f" ({lags})" if lags else "")
    yield f"still to be sent   {found.outbox}"
    yield f"not delivered      {sum(found.delivery_failures.values())}{_listed(found.delivery_failures)}"
    yield f"dead letters       {found.dead_letters}, quarantined {found.quarantined}"
    yield f"to be sealed       {found.unsealed}, the oldest for {_span(found.unsealed_s)}"
    yield f"store format       {found.store_format}"
    tokens = sum(found.model_tokens.values())
    took = "" if found.model_call_mean_s is None else f", {found.model_call_mean_s:.1f} s a call on average"
    unpriced = f" and {found.unpriced_calls} calls of unknown price" if found.unpriced_calls else ""
    yield f"models             {found.model_calls} calls, {tokens} tokens, ${found.cost_usd:.2f}{unpriced}{took}"


def _listed(counts: Mapping[str, int]) -> str:
    return "".join(f", {count} {name}" for name, count in counts.items())


def _span(seconds: float) -> str:
    """A time in its largest unit."""
    for unit, size_s in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size_s:
            return f"{seconds / size_s:.1f} {unit}"
    return f"{seconds:.0f} s"


_DEAD = {"requeue": REQUEUE, "discard": DISCARD, "confirm": CONFIRM_HELD}


def dead(
    verb: Annotated[str | None, typer.Argument(metavar="[requeue|discard|confirm]", help=_VERBS)] = None,
    some_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Which one.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """List dead letters and quarantined messages, or act on one of them. Over HTTP it takes an admin's key."""
    from bot.cli.client import connect

    if verb is None:
        with connect(data) as client:
            return _list(client.get("/v1/dead")["letters"], as_json=as_json)
    if verb not in _DEAD or some_id is None:
        raise typer.BadParameter("write: sayso dead requeue ID, sayso dead discard ID, or sayso dead confirm ID")
    return do(_DEAD[verb], None, None, data, as_json=as_json, by_anybody=True, some_id=some_id)


def _list(notes: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(notes))
        return
    for note in notes:
        print(plain(f"{note['id']}  {note['kind']}  {_time(note['at'])}  {note['what']}: {note['why']}"))
        for line in _details(note):
            print(plain(f"    {line}"))
    if not notes:
        print("Nothing was given up, and nothing is quarantined.")


def _time(at: str) -> str:
    from datetime import datetime

    return f"{datetime.fromisoformat(at):%d %b %H:%M UTC}"


def _details(note: dict[str, Any]) -> list[str]:
    """Return the other details of a quarantined message."""
    asked = f"asked about at {_time(note['asked_at'])} by {note['asked_by']}" if note["asked_at"] else ""
    channel = f"came by {note['channel']}" if note["channel"] else ""
    about = f"its subject, which nobody has checked: {note['about']}" if note["about"] else ""
    answers = f"would have answered {note['request_id']}" if note["request_id"] else ""
    return [line for line in (", ".join(filter(None, (channel, answers))), about, asked) if line]


def rebuild(as_json: Json = False, data: Data = None) -> None:
    """Make records and lists anew from the events. Safe at any time; nothing is decided, sent or executed by it.

    Works beside Redis itself: run it where the settings of the processes are.
    """
    from bot.queries.rebuild import rebuild as make_anew

    async def work(office: "Office") -> None:
        made = await make_anew(office.store)
        if as_json:
            print(json.dumps(asdict(made)))
        else:
            unread = f" {made.unread} runs can't be read: the log names them." if made.unread else ""
            print(f"{made.runs} runs and {made.requests} requests were rebuilt; {made.differed} had differed.{unread}")

    attached(data, work)


def backup(
    target: Annotated[str, typer.Argument(metavar="FILE", help="A new file; - for standard output.")],
    data: Data = None,
) -> None:
    """Copy the store of a `sayso dev` that runs into a file: all of one moment, as its Redis saves it (BGSAVE).

    Of any other Redis make a backup by its own means: `redis-cli --rdb FILE`, or a snapshot of its provider. The file
    holds what Redis holds, so keep it as safe: what runs were told, who voted, hashes of API keys. Not in it, and to be
    kept as well: sayso.toml with what it names, SAYSO_SECRET_KEY and the data directory.
    """
    from bot.process.backups import back_up

    made = back_up(settings_of(data), target)
    print(f"{made.keys} keys as they were at {made.at:%Y-%m-%d %H:%M:%S} UTC", file=sys.stderr)


def restore(
    source: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="What `sayso backup` wrote; - for standard input.")
    ] = None,
    keep_keys: Annotated[
        bool, typer.Option("--keep-keys", help="Let API keys count again, also those that were revoked since.")
    ] = False,
    loaded: Annotated[
        bool,
        typer.Option("--loaded", help="Redis was put back by its own means: hold what is unfinished in it."),
    ] = False,
    data: Data = None,
) -> None:
    """Put a backup into a new data directory. Stop every process of sayso first.

    A backup knows nothing of what happened after it was made, so nothing in it goes on by itself: runs that had not
    ended are paused, what they asked is closed and asked again when somebody resumes them, a tool that was at work is
    UNKNOWN, and what nobody had handled is a dead letter. People are told. Everything that needs an approval is frozen
    until an operator runs `sayso unfreeze`. Look at what each run has done since, then `sayso resume RUN` or `sayso
    cancel RUN`. People log in anew, absences are said anew, and API keys are made anew without --keep-keys.

    A Redis of your own is put back by its own means: its file, a provider's snapshot or an older append-only file. Run
    `sayso restore --loaded` then, before any process starts on it.
    """
    from bot.process.backups import restore as put_back

    if (source is None) != loaded:
        raise typer.BadParameter("write: sayso restore FILE, or sayso restore --loaded")
    done = put_back(settings_of(data), source, keeps_keys=keep_keys)
    held = done.held
    print(
        f"Restored as of {done.at:%Y-%m-%d %H:%M:%S} UTC. Paused: {held.runs} runs. Closed, to be asked again: "
        f"{held.requests} requests. Dead letters: {held.items}. Standing approvals revoked: {held.standing}. Absences "
        f"ended: {len(held.away)}.\n{_unknown_since(keeps_keys=keep_keys)}\nStart the processes, then look at: "
        f"{command('runs --state paused')}, {command('runs --state unknown')}, {command('dead')}"
    )


def _unknown_since(*, keeps_keys: bool) -> str:
    """Return what a backup can't know, a line for each kind of it."""
    keys = f"revoked, which count again: {command('keys list')}" if keeps_keys else "made since: all are gone"
    return "\n".join(
        (
            f"Everything that needs an approval is frozen until an operator runs: {command('unfreeze --reason …')}",
            "Not known is what came after that moment:",
            "- runs and requests that began since, what they did, and the idempotency keys that programs used for them",
            "- votes, denials, stops, pauses and cancels",
            f"- freezes, and the ends of freezes that are on again: {command('freezes')}",
            "- standing approvals that were granted, used or revoked; absences that were set or ended",
            f"- API keys that were {keys}",
            "- people who were said to be the same, and files of settings that were confirmed: say so again",
            "- who was forgotten: what is known of them is there again, so have them forgotten again",
            "- what was used of budgets and limits; dead letters that were settled; what was seen live",
            "- records of the audit log; files in the archive stay, also where a run of theirs is here again",
        )
    )


def doctor(as_json: Json = False, data: Data = None) -> None:
    """Check every service and permission, with the fix for each: ✓ well, ! worth knowing, ✗ wrong, – not tried.

    It sends one mail to itself, fetches repositories, and changes nothing else. The exit code is 0 when all is well, 1
    when something is wrong, 2 when nothing is wrong and something could not be tried from here.
    """
    import asyncio

    from bot.doctor.finding import exit_code
    from bot.doctor.overall import examine

    findings = asyncio.run(examine(settings_of(data)))
    if as_json:
        told = [{**one.model_dump(mode="json"), "state": one.state} for one in findings]
        print(json.dumps(told))
    else:
        for finding in findings:
            print(plain(f"{finding.sign} {finding.what}" + (f"\n    fix: {finding.fix}" if finding.fix else "")))
    raise typer.Exit(exit_code(findings))


def dev(
    port: Annotated[int, typer.Option(help="Where HTTP is served; 0 for any free port.", min=0, max=65535)] = 8000,
    demo_port: Annotated[
        int | None, typer.Option(help="Where the demo site is live; --port + 1 if not given.", min=0, max=65535)
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Open no browser.")] = False,
    data: Data = None,
) -> None:
    """Run everything in one process: own Redis, local mail, a demo site to deploy. Ctrl-C ends it, nothing is lost."""
    from bot.dev.everything import Ports, run_dev
    from bot.process.processes import start_again

    beside = port + 1 if port else 0
    opens = not no_open and sys.stdout.isatty() and _has_desktop(os.environ)
    ports = Ports(web=port, demo=beside if demo_port is None else demo_port, opens=opens)
    if run_dev(data, ports, os.environ):
        start_again()


def _has_desktop(environ: Mapping[str, str]) -> bool:
    """Return whether a browser would have a window; a text browser in this terminal would be in the way."""
    return sys.platform == "darwin" or "DISPLAY" in environ or "WAYLAND_DISPLAY" in environ


def worker(data: Data = None) -> None:
    """Move runs on, send what is to be sent. Any number of these may run on one Redis."""
    serve(data, works=True, receives=())


def web(
    port: Annotated[int, typer.Option(help="Where to listen; 0 for any free port.", min=0, max=65535)] = 8000,
    data: Data = None,
) -> None:
    """Serve HTTP: the console, the API, health and figures. Any number of these may run on one Redis."""
    survive_sighup()
    from bot.process.processes import run, run_web, start_again

    if run(run_web(lambda: settings_of(data), port)):
        start_again()


# What a configuration has run.
_RUN = ("code", "command", "live", "ci", "last", "health")


def trust(data: Data = None) -> None:
    """Trust the sayso.toml and the data directory found here, as they stand; run it again after each change.

    What is found in a folder runs nothing before. What --data, SAYSO_DATA_DIR or SAYSO_CONFIG name is trusted by that.
    """
    from bot.config import trust as trusting
    from bot.config.files import read_file
    from bot.config.settings import DEFAULT_DATA_DIR, find_file

    file, folder = find_file(data, os.environ, Path())[0], data or DEFAULT_DATA_DIR
    if file is None and not folder.is_dir():
        raise typer.BadParameter(f"there is no sayso.toml here, and no {folder}. There is nothing to trust")
    try:
        content = read_file(file) if file else b""
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
    from bot.config.settings import values_in

    try:
        values = values_in(content)
    except (ValueError, RecursionError):
        yield "  nothing, because it can't be read"
        return
    yield from _below(values, "")


def _below(table: dict[str, object], path: str) -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _below(cast("dict[str, object]", value), f"{path}{key}.")
        elif key in _RUN:
            yield f"  {path}{key}: {json.dumps(value, ensure_ascii=False, default=str)}"


def receive(context: typer.Context, data: Data = None) -> None:
    """Hear what people do in Slack, unless another command is named."""
    if context.invoked_subcommand is None:
        serve(data, works=False, receives=("slack",))


def _app_name(name: str) -> str:
    from channels.slack.manifest import NAME_CHARS

    if not name.strip() or not name.isprintable() or len(name) > NAME_CHARS:
        raise typer.BadParameter(f"a name that can be seen, of at most {NAME_CHARS} characters")
    return name.strip()


def _origin(url: str | None) -> str:
    import re

    if url and not re.fullmatch(r"https://[^/\s@?#\"\\]+/?", url):
        raise typer.BadParameter('an address such as "https://sayso.corp.example", without a path; Slack wants TLS')
    return (url or "").rstrip("/")


def manifest(
    url: Annotated[
        str,
        typer.Option(help="HTTP mode: where `sayso web` is reached from outside.", metavar="URL", callback=_origin),
    ] = "",
    name: Annotated[str, typer.Option(help="What the app is called in Slack.", callback=_app_name)] = "sayso",
    agent: Annotated[
        bool, typer.Option("--agent", help="Make it an agent, which shows that it works; needs a paid plan of Slack.")
    ] = False,
    groups: Annotated[
        bool, typer.Option("--groups", help="Let it read user groups, for `[groups.NAME]` with `slack`.")
    ] = False,
    data: Data = None,  # noqa: ARG001 - every command takes --data
) -> None:
    """Print the manifest of the Slack app as JSON, to be pasted where Slack makes apps (From a manifest)."""
    from channels.slack.manifest import manifest as made

    print(json.dumps(made(name, url, is_agent=agent, reads_groups=groups), indent=2))
