"""`sayso dev`: all of it in one process, for a newcomer's first minute and for trying things."""

import asyncio
import shlex
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog

from bot.app import agents_of, compose
from bot.dev.demo import make_demo
from bot.dev.site import serve as serve_site
from bot.example import example_toml
from bot.home import Home
from bot.processes import local_mail, log_to, on_port, serve
from bot.settings import DEFAULT_DATA_DIR, FILE_NAME, Settings, load
from bot.store.embedded import EmbeddedRedis
from bot.web.hosts import check_bind
from bot.web.serve import serve as serve_web

log = structlog.stdlib.get_logger()

_LOOK_S = 0.5


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
        asyncio.run(_serve(settings, url, redis, ports, began))


@dataclass(frozen=True, slots=True)
class Ports:
    """Where to listen; 0 for any free port."""

    web: int
    demo: int


async def _serve(settings: Settings, url: str, redis: EmbeddedRedis | None, ports: Ports, began: float) -> None:
    mail = local_mail(settings)
    app = compose(settings, url, [mail.channel()], agents_of(settings))
    heard: dict[str, int] = {}

    def listens(name: str) -> Callable[[int], None]:
        def hear(port: int) -> None:
            heard[name] = port
            if len(heard) == 2:
                print(_welcome(settings, Ports(**heard), time.monotonic() - began), flush=True)

        return hear

    beside = [
        _keep(redis),
        on_port(ports.web, serve_web(app, settings.bind, ports.web, listens("web"))),
        on_port(ports.demo, serve_site(settings.data_dir / "demo", ports.demo, listens("demo")), "--demo-port"),
    ]
    async with mail.serving():
        await serve(app, works=True, receives=True, beside=beside)


async def _keep(redis: EmbeddedRedis | None) -> None:
    """Start our Redis again when it died; what it acknowledged is on disk."""
    while redis:
        await asyncio.sleep(_LOOK_S)
        if redis.process is None or redis.process.poll() is not None:
            log.error("Redis died, starting it again")
            redis.start()


def _welcome(settings: Settings, ports: Ports, took_s: float) -> str:
    """What to type next; with the data directory where it is not the usual one."""
    is_usual = settings.data_dir == DEFAULT_DATA_DIR.absolute()
    data = "" if is_usual else f" --data {shlex.quote(str(settings.data_dir))}"
    mode = "" if settings.anthropic_api_key else "\n  rehearsal: no model key, plain rules choose the steps\n"
    return f"""
sayso dev is running ({took_s:.1f} s). Its settings: {settings.config}
{mode}
  live site   http://127.0.0.1:{ports.demo}/production/
  HTTP API    http://127.0.0.1:{ports.web}/openapi.json
  ask         ./sayso trigger "deploy v1.2.0 to production" --as anna{data}
  read mail   ./sayso mailbox bo{data}
  answer      ./sayso mailbox bo --reply-to ID --text "approved, thanks"{data}

Ctrl-C ends it; nothing is lost.
"""
