"""A worker to be killed: the product's own `serve` over the parts of this folder. Settings come by environment.

`python -m tests.kill.worker` is one. `python -m tests.kill.worker nursery` forks one for each line on stdin, a JSON
object of environment variables, and tells its process id: a process that has imported everything starts in
milliseconds, and dies by kill -9 like any other. With WORDS among them it is `sayso WORDS`, the program itself.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module

from bot.app import compose
from bot.cli import main
from bot.config.data_dir import redis_url
from bot.config.settings import load
from bot.process.logging import log_to
from bot.process.processes import serve
from tests.kill.parts import DeskChannel, killed_agent
from tests.servers.lines import say


def work(environ: Mapping[str, str]) -> None:
    """Be a worker until a signal says otherwise. DESK and RECORDER are ports, PARTS is what it does, the rest is the
    product's.
    """
    settings = load(None, environ)
    log_to(settings, json=True)
    channels, agents = [DeskChannel(int(environ["DESK"]))], [killed_agent(int(environ["RECORDER"]))]
    parts = environ.get("PARTS", "works receives")

    async def serving() -> None:
        app = compose(settings, redis_url(settings), channels, agents)
        await serve(app, works="works" in parts, receives=tuple(app.messages.channels) if "receives" in parts else ())

    asyncio.run(serving())


def program(environ: Mapping[str, str]) -> None:
    """Be the program `sayso` in this environment."""
    for name in [name for name in os.environ if name not in {"PATH", "HOME", "LANG"}]:
        del os.environ[name]
    os.environ.update(environ)
    sys.argv = ["sayso", *environ["WORDS"].split()]
    main()


def _nursery() -> None:
    import_module("bot.web.serve")  # a `sayso web` loads it late, and is to start in milliseconds, too
    children: list[int] = []
    # Nobody waits for the children: so they leave no zombies, and a process id that is gone is a process that is gone.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    say(ready=True)
    for line in sys.stdin:
        environ = json.loads(line)
        child = os.fork()
        if child == 0:
            _live(environ)
        children.append(child)
        say(pid=child)
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def _live(environ: Mapping[str, str]) -> None:
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(environ["LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        program(environ) if "WORDS" in environ else work(environ)
        code = 0
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    _nursery() if sys.argv[1:] == ["nursery"] else work(os.environ)
