"""`sayso dev`: all of it in one process, for a newcomer's first minute and for trying things."""

import asyncio
import json
import shlex
import sys
import time
import webbrowser
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from bot.app import App, agents_of, compose
from bot.dev.demo import make_demo
from bot.dev.site import serve as serve_site
from bot.dev.welcome import to_try
from bot.example import example_toml
from bot.home import Home
from bot.listening import port_of
from bot.processes import listen_at, local_mail, log_to, serve
from bot.settings import DEFAULT_DATA_DIR, FILE_NAME, Settings, load
from bot.slack.doctor import speaks_of_slack
from bot.slack.real import slack_parts
from bot.store.client import Client
from bot.store.embedded import EmbeddedRedis
from bot.web.here import Demo
from bot.web.hosts import check_bind
from bot.web.serve import serve as serve_web

log = structlog.stdlib.get_logger()

_LOOK_S = 0.5
# A newcomer may read first; the link works once all the same.
_LINK_S = 12 * 3600.0


def run_dev(folder: Path, ports: "Ports", environ: Mapping[str, str]) -> None:
    """Serve until Ctrl-C. Raises ConfigError, EmbeddedRedisError and PortTaken, in words for people."""
    began = time.monotonic()
    with ExitStack() as stack:
        url, redis = environ.get("SAYSO_REDIS_URL"), None
        if not url:
            redis = EmbeddedRedis(folder)
            url = redis.start()
            stack.callback(redis.stop)
        repo = make_demo(folder / "demo")
        if not environ.get("SAYSO_CONFIG") and not (folder / FILE_NAME).exists() and not Path(FILE_NAME).exists():
            Home(folder).note(FILE_NAME, example_toml(repo))
        settings = load(folder, environ)
        log_to(settings, json=not sys.stdout.isatty())
        check_bind(settings)
        if settings.has_servers:
            log.warning("sayso dev uses its own local mail; the mail servers of the settings are for sayso mail")
        asyncio.run(_serve(settings, url, redis, ports, began))


@dataclass(frozen=True, slots=True)
class Ports:
    """Where to listen; 0 for any free port. `opens`: have the desktop's browser open the console."""

    web: int
    demo: int
    opens: bool = False


async def _serve(settings: Settings, url: str, redis: EmbeddedRedis | None, ports: Ports, began: float) -> None:
    with ExitStack() as stack:
        web = stack.enter_context(listen_at(settings.bind, ports.web))
        site = stack.enter_context(listen_at("127.0.0.1", ports.demo, "--demo-port"))
        ports = replace(ports, web=port_of(web), demo=port_of(site))
        settings = settings.model_copy(update={"public_url": settings.public_url or f"http://127.0.0.1:{ports.web}"})
        mail, client = local_mail(settings), Client(url)
        slack = slack_parts(settings, client)
        app = compose(settings, url, [*slack.channels, mail.channel()], agents_of(settings))
        demo = Demo(mail, f"http://127.0.0.1:{ports.demo}")
        beside = [
            _keep(redis),
            serve_web(app, web, demo),
            serve_site(settings.data_dir / "demo", site),
            _welcome(app, ports, began),
        ]
        receives = ("email", "slack") if settings.has_socket_mode else ("email",)
        if settings.has_socket_mode or settings.has_slack_http:
            beside += slack.beside(app.desk, has_line=settings.has_socket_mode)
        try:
            async with mail.serving():
                await serve(app, works=True, receives=receives, beside=beside)
        finally:
            await client.close()


def _slack(settings: Settings) -> str:
    """What is to be known of Slack; nothing where there is none."""
    if not settings.has_slack:
        missing = "is not there: sayso.toml speaks of it, and SLACK_BOT_TOKEN is not set here"
        return f"  Slack       {missing}\n" if speaks_of_slack(settings) else ""
    if settings.has_slack_http and not settings.has_socket_mode:
        return f"  Slack       is to post to {settings.public_url}/slack/events; ./sayso doctor checks the rest\n"
    if not settings.has_socket_mode:
        found = "SLACK_BOT_TOKEN is set and SLACK_APP_TOKEN is not: sayso can write in Slack and hears nothing there"
        return f"  Slack       {found}. Set SLACK_APP_TOKEN=xapp-… and start again\n"
    missing = [name for name, person in settings.people.items() if person.slack is None]
    nobody = f"; no member id yet: {', '.join(missing)} (./sayso people import slack)" if missing else ""
    return f"  Slack       connects by Socket Mode; ./sayso doctor checks it{nobody}\n"


async def _keep(redis: EmbeddedRedis | None) -> None:
    """Start our Redis again when it died; what it acknowledged is on disk."""
    while redis:
        await asyncio.sleep(_LOOK_S)
        if redis.process is None or redis.process.poll() is not None:
            log.error("Redis died, starting it again")
            redis.start()


async def _welcome(app: App, ports: Ports, began: float) -> None:
    """Say what to do next, once Redis is in order; with the data directory where it is not the usual one."""
    await app.ready.wait()
    settings = app.settings
    with_secret = [name for name, config in settings.triggers.items() if config.secret]
    app.home.note("web.json", json.dumps({"url": settings.public_url, "secrets": with_secret}))
    link = await app.logins.link(app.people.all()[0], is_demo=True, within_s=_LINK_S)
    address = f"{settings.public_url}/login?token={link}"
    is_usual = settings.data_dir == DEFAULT_DATA_DIR.absolute()
    data = "" if is_usual else f" --data {shlex.quote(str(settings.data_dir))}"
    mode = "" if settings.anthropic_api_key else "\n  rehearsal: no model key, plain rules choose the steps\n"
    text = f"""
sayso dev is running ({time.monotonic() - began:.1f} s). Its settings: {settings.config}
{mode}
  console     {address}
              (opens once; ./sayso login{data} prints another)
  HTTP API    http://127.0.0.1:{ports.web}/openapi.json
{to_try(settings, app.agents, f"http://127.0.0.1:{ports.demo}", data)}
{_slack(settings)}
Ctrl-C ends it; nothing is lost.
"""
    print(text, flush=True)
    if ports.opens:
        await asyncio.to_thread(webbrowser.open, address)
    await asyncio.Event().wait()
