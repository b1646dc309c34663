"""`sayso dev`: all of it in one process, for a newcomer's first minute and for trying things."""

import asyncio
import os
import shlex
import sys
import time
import webbrowser
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from agents.requests import PersonId
from bot.app import App, compose
from bot.command_line import command, program
from bot.config.data_dir import DataDir, LocalServer
from bot.config.errors import ConfigError
from bot.config.example import example_toml
from bot.config.hosts import check_bind, loopback
from bot.config.settings import DEFAULT_DATA_DIR, FILE_NAME, Settings, find_file, load
from bot.config.trust import is_folder_trusted, trust, trust_folder
from bot.dev.demo import make_demo
from bot.dev.site import serve as serve_site
from bot.dev.welcome import to_try
from bot.doctor.slack import speaks_of_slack
from bot.people.directory import People
from bot.people.listed import ListedNow
from bot.process.logging import log_to
from bot.process.processes import (
    Again,
    check_starts,
    handed_on,
    is_trial,
    listen_at,
    run,
    serve,
    telemetry_of,
    was_handed_on,
)
from bot.process.reload import Reload
from bot.registry.configured import agents_of
from bot.store.client import Client
from bot.store.embedded import EmbeddedRedis, find_server
from bot.web.here import Demo
from bot.web.serve import port_of
from bot.web.serve import serve as serve_web
from bot.wiring.local_mail import local_mail
from bot.wiring.slack import slack_parts

log = structlog.stdlib.get_logger()

_LOOK_S = 0.5
# A newcomer may read first; the link works once all the same.
_LINK_S = 12 * 3600.0


def run_dev(data: Path | None, ports: "Ports", environ: Mapping[str, str]) -> bool:
    """Serve until Ctrl-C, over `data` or the usual data directory here; return whether it is to start again.

    Raises ConfigError and Unavailable, in words for people.
    """
    began, is_found = time.monotonic(), data is None and not environ.get("SAYSO_DATA_DIR")
    folder = (data or Path(environ.get("SAYSO_DATA_DIR") or DEFAULT_DATA_DIR)).absolute()
    is_new = find_file(data, environ, Path())[0] is None
    tried = load(data, environ)
    program = tried.redis_server  # nothing is begun on what nobody has looked at
    if is_found:
        _check_ours(folder, environ)
    _check(tried)
    if run(is_trial(tried.model_copy(update={"data_dir": folder}))):
        find_server(program)
        listen_at(tried.bind, ports.web, tries=True).close()
        return False
    with ExitStack() as stack:
        redis = EmbeddedRedis(folder, program=program)
        url = redis.start()
        stack.callback(redis.stop)
        repo = make_demo(folder / "demo")
        if is_new:
            _write_example(folder, repo, environ if is_found else None)

        def again() -> Settings:
            return load(data, environ).model_copy(update={"data_dir": folder})

        settings = again()
        log_to(settings, json=not sys.stdout.isatty())
        _check(settings)
        if settings.has_servers:
            log.warning("sayso dev uses its own local mail; the mail servers of the settings are for sayso mail")
        return run(_serve(settings, again, url, redis, ports, began))


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports to listen on; 0 for any free port.

    `opens`: have the desktop's browser open the console.
    """

    web: int
    demo: int
    opens: bool = False


def _check_ours(folder: Path, environ: Mapping[str, str]) -> None:
    """Check that the data directory did not come with the folder: what its demo deploys would be run.

    Raises ConfigError.
    """
    try:
        is_fresh = not folder.exists() or not any(folder.iterdir())
        if is_fresh:
            trust_folder(environ, folder)
    except OSError as error:
        problem = (
            f"{folder}: can't be made, or noted as ours: {error}. Let HOME or XDG_STATE_HOME be a folder of yours, or "
            "name the data directory, with --data"
        )
        raise ConfigError([problem]) from error
    if not is_fresh and not is_folder_trusted(environ, folder):
        problem = (
            f"{folder}: was found in the current folder, and no `sayso dev` of yours made it: it may hold programs "
            f"that would be run. Look at it, then run: {command('trust')} (or name it yourself, with --data)"
        )
        raise ConfigError([problem])


def _write_example(folder: Path, repo: Path, environ: Mapping[str, str] | None) -> None:
    """Write the example configuration, and trust it for the user of `environ`: we wrote it just now."""
    text = example_toml(repo)
    DataDir(folder).note(FILE_NAME, text)
    if environ is not None:
        trust(environ, folder / FILE_NAME, text.encode())


def _check(settings: Settings) -> None:
    """Check that only one person uses it, and whom it listens to: nobody may play everybody where others decide.

    Raises ConfigError.
    """
    if settings.redis_url is not None:
        problem = (
            "SAYSO_REDIS_URL: sayso dev lets one person play everybody, so it uses a Redis of its own and no other. "
            "Unset it, or run sayso web, sayso worker and what else there is in the Procfile"
        )
        raise ConfigError([problem])
    check_bind(settings)


async def _serve(settings: Settings, again: Again, url: str, redis: EmbeddedRedis, ports: Ports, began: float) -> bool:
    opens = ports.opens and not was_handed_on("--port")
    with ExitStack() as stack:
        web = stack.enter_context(listen_at(settings.bind, ports.web))
        site = stack.enter_context(listen_at("127.0.0.1", ports.demo, "--demo-port"))
        ports = replace(ports, web=port_of(web), demo=port_of(site), opens=opens)
        settings = settings.model_copy(update={"public_url": settings.public_url or f"http://127.0.0.1:{ports.web}"})
        people, client = People.of(settings), Client(url)
        mail, slack = local_mail(settings, people), slack_parts(settings, client, people)
        channels, telemetry = [*slack.channels, mail.channel()], telemetry_of(os.environ)
        app = compose(
            settings, client, channels, agents_of(settings, ListedNow(people)), people=people, telemetry=telemetry
        )
        demo = Demo(mail, f"http://127.0.0.1:{ports.demo}")
        reload = Reload(app, again, works=True, check=check_starts)
        stack.enter_context(handed_on(web, "--port", reload))
        stack.enter_context(handed_on(site, "--demo-port", reload))
        beside = [
            _keep(redis),
            serve_web(app, web, demo),
            serve_site(settings.data_dir / "demo", site),
            _welcome(app, ports, began),
        ]
        receives = ("email", "slack") if settings.has_socket_mode else ("email",)
        beside += slack.listening() if settings.has_socket_mode else []
        beside += slack.drawing(app.messages.inbox, app.messages.outbox, app.requests.lookup)
        try:
            async with mail.serving():
                return await serve(app, works=True, receives=receives, beside=beside, reload=reload)
        finally:
            app.data_dir.withdraw()
            await client.close()


def _slack(settings: Settings) -> str:
    """Describe the connection to Slack; empty if there is none."""
    if not settings.has_slack:
        missing = "is not there: sayso.toml speaks of it, and SLACK_BOT_TOKEN is not set here"
        return f"  Slack       {missing}\n" if speaks_of_slack(settings) else ""
    if settings.has_slack_http and not settings.has_socket_mode:
        return f"  Slack       is to post to {settings.public_url}/slack/events; {command('doctor')} checks the rest\n"
    if not settings.has_socket_mode:
        found = "SLACK_BOT_TOKEN is set and SLACK_APP_TOKEN is not: sayso can write in Slack and hears nothing there"
        return f"  Slack       {found}. Set SLACK_APP_TOKEN=xapp-… and start again\n"
    missing = [name for name, person in settings.people.items() if person.slack is None]
    nobody = f"; no member id yet: {', '.join(missing)} ({command('people import slack')})" if missing else ""
    return f"  Slack       connects by Socket Mode; {command('doctor')} checks it{nobody}\n"


async def _keep(redis: EmbeddedRedis) -> None:
    """Start our Redis again when it died; what it acknowledged is on disk."""
    while True:
        await asyncio.sleep(_LOOK_S)
        if redis.process is None or redis.process.poll() is not None:
            log.error("Redis died, starting it again")
            redis.start()


async def _welcome(app: App, ports: Ports, began: float) -> None:
    """Say what to do next, once Redis is in order; with the data directory where it is not the usual one."""
    await app.ready.wait()
    settings, announced = app.settings, _announce(app, ports)
    address = f"{settings.public_url}/login"
    for person in app.people.all()[:1]:  # there may be nobody yet
        link = await app.access.sessions.link(person, by="operator", is_demo=True, within_s=_LINK_S)
        address = f"{address}?token={link}"
    is_usual = settings.data_dir == DEFAULT_DATA_DIR.absolute()
    data = "" if is_usual else f" --data {shlex.quote(str(settings.data_dir))}"
    mode = "" if app.models else "\n  rehearsal: no model key, plain rules choose the steps\n"
    text = f"""
sayso dev is running ({time.monotonic() - began:.1f} s). Its settings: {settings.config}
{mode}
  console     {address}
              (opens once; {program()} login{data} prints another)
  HTTP API    http://127.0.0.1:{ports.web}/openapi.json
{to_try(settings, app.agents, f"http://127.0.0.1:{ports.demo}", data)}
{_slack(settings)}
Ctrl-C ends it; nothing is lost.
"""
    print(text, flush=True)
    if ports.opens:
        await asyncio.to_thread(webbrowser.open, address)
    while True:
        await asyncio.sleep(_LOOK_S)
        if _known(app) != announced:
            announced = _announce(app, ports)


def _announce(app: App, ports: Ports) -> dict[str, PersonId]:
    """Let commands beside it speak for everybody who is there, and return those."""
    settings, known = app.settings, _known(app)
    with_secret = [name for name, config in settings.triggers.items() if config.secret]
    keys = {name: app.access.keyring.lend(person) for name, person in known.items()} | {
        "": app.access.keyring.lend(None)
    }
    api = loopback(settings.bind, ports.web)
    app.data_dir.announce(LocalServer(settings.public_url or api, api, keys if api else {}, tuple(with_secret)))
    return known


def _known(app: App) -> dict[str, PersonId]:
    who = {name: app.people.of_file(name) for name in app.people.as_written.people}
    return {name: person for name, person in who.items() if app.people.is_here(person)}
