"""`sayso dev`: all of it in one process, for a newcomer's first minute and for trying things."""

import asyncio
import shlex
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import structlog

from bot.app import agents_of, compose
from bot.dev.demo import make_demo
from bot.dev.site import serve as serve_site
from bot.example import example_toml
from bot.home import Home
from bot.processes import local_mail, log_to, serve
from bot.settings import DEFAULT_DATA_DIR, FILE_NAME, Settings, load
from bot.store.embedded import EmbeddedRedis

log = structlog.stdlib.get_logger()

_LOOK_S = 0.5


class PortTaken(Exception):
    """The demo site has no port; the text says what to do."""


def run_dev(folder: Path, demo_port: int, environ: Mapping[str, str]) -> None:
    """Serve until Ctrl-C. Raises ConfigError and EmbeddedRedisError, in words for people."""
    began = time.monotonic()
    with ExitStack() as stack:
        url, redis = environ.get("SAYSO_REDIS_URL"), None
        if not url:
            redis = EmbeddedRedis(folder)
            url = redis.start()
            stack.callback(redis.stop)
        demo = folder / "demo"
        repo = make_demo(demo)
        if not environ.get("SAYSO_CONFIG") and not (folder / FILE_NAME).exists() and not Path(FILE_NAME).exists():
            Home(folder).note(FILE_NAME, example_toml(repo))
        settings = load(folder, environ)
        log_to(settings, json=not sys.stdout.isatty())
        asyncio.run(_serve(settings, url, redis, demo, demo_port, began))


async def _serve(
    settings: Settings, url: str, redis: EmbeddedRedis | None, demo: Path, demo_port: int, began: float
) -> None:
    mail = local_mail(settings)
    app = compose(settings, url, [mail.channel()], agents_of(settings))

    def say(port: int) -> None:
        print(_welcome(settings, port, time.monotonic() - began), flush=True)

    async with mail.serving(), asyncio.TaskGroup() as group:
        site = group.create_task(_serve_site(demo, demo_port, say))
        keeper = group.create_task(_keep(redis))
        await serve(app, works=True, receives=True)
        site.cancel()
        keeper.cancel()


async def _serve_site(demo: Path, port: int, say: Callable[[int], None]) -> None:
    try:
        await serve_site(demo, port, say)
    except OSError as error:
        raise PortTaken(f"Port {port} can't be used ({error.strerror}). Choose another one: --demo-port 0") from error


async def _keep(redis: EmbeddedRedis | None) -> None:
    """Start our Redis again when it died; what it acknowledged is on disk."""
    while redis:
        await asyncio.sleep(_LOOK_S)
        if redis.process is None or redis.process.poll() is not None:
            log.error("Redis died, starting it again")
            redis.start()


def _welcome(settings: Settings, port: int, took_s: float) -> str:
    """What to type next; with the data directory where it is not the usual one."""
    is_usual = settings.data_dir == DEFAULT_DATA_DIR.absolute()
    data = "" if is_usual else f" --data {shlex.quote(str(settings.data_dir))}"
    mode = "" if settings.anthropic_api_key else "\n  rehearsal: no model key, plain rules choose the steps\n"
    return f"""
sayso dev is running ({took_s:.1f} s). Its settings: {settings.config}
{mode}
  live site   http://127.0.0.1:{port}/production/
  ask         ./sayso trigger "deploy v1.2.0 to production" --as anna{data}
  read mail   ./sayso mailbox bo{data}
  answer      ./sayso mailbox bo --reply-to ID --text "approved, thanks"{data}

Ctrl-C ends it; nothing is lost.
"""
