"""An installation of a test's own: a Redis, settings with a demo to deploy, and the programs that the test starts."""

import shutil
import stat
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from agents.events import Event
from agents.requests import Happened
from bot.config.example import example_toml
from bot.config.settings import load
from bot.dev.demo import make_demo
from tests.kit.post import Post
from tests.kit.programs import KEY, Program
from tests.kit.reading import runs_in
from tests.kit.waiting import wait_until
from tests.servers.redis import RedisServer

E = TypeVar("E", bound=Happened)

HURRY = "lease_s = 1\ngrace_s = 1\nsweep_s = 0.1\n"
"""Waits of the workers that nobody shortens in earnest."""
AWAY = {
    "SLACK_BOT_TOKEN": "xoxb-test",
    "SLACK_APP_TOKEN": "xapp-test",
    "SAYSO_SLACK_BASE_URL": "http://127.0.0.1:9/api/",
}
"""Tokens of a Slack that nobody answers for."""
_NOTHING: Mapping[str, str] = MappingProxyType({})
# A deploy that says when it begins, waits until it may go on, and says when it is done.
_HELD = """#!/bin/sh
echo "$$ $PPID" >{folder}/running
echo begun >>{folder}/deploys
while [ ! -e {folder}/go ]; do sleep 0.02; done
echo ended >>{folder}/deploys
exec ./deploy.sh "$@"
"""


class Installation:
    """The data directory `data`, and the `environ` of its programs. Mail is local, and people use it by `post`.

    Of the deploys that were begun, so many were `killed`, and never end.
    """

    def __init__(self, folder: Path, redis: RedisServer, first: str = HURRY) -> None:
        self.folder, self.redis, self.data = folder, redis, folder / "data"
        self.killed = 0
        self.toml = first + example_toml(make_demo(self.data / "demo"))
        self.file = self.data / "sayso.toml"
        self.file.write_text(self.toml)
        self.environ: dict[str, str] = {
            "SAYSO_REDIS_URL": redis.url,
            "SAYSO_SECRET_KEY": KEY,
            "SAYSO_MAIL_LOCAL": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def hold_deploys(self) -> None:
        """From now on a deploy is `begun`, and is not `ended` before it is told to `go`."""
        script = self.folder / "held.sh"
        script.write_text(_HELD.format(folder=self.folder))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        self.toml = self.toml.replace('"./deploy.sh"', f'"{script}"')
        self.file.write_text(self.toml)

    def go(self) -> None:
        """Let deploys go on."""
        (self.folder / "go").touch()

    def deploys(self) -> list[str]:
        """`begun` and `ended`, in the order in which deploys wrote them."""
        log = self.folder / "deploys"
        return log.read_text().split() if log.exists() else []

    def live(self) -> str:
        """The commit that visitors of the demo site get."""
        return (self.data / "demo" / "site" / "production" / "current").resolve().name

    @cached_property
    def post(self) -> Post:
        """The mail of its people."""
        return Post(load(self.data, self.environ))

    def program(
        self, *words: str, name: str = "", data: Path | None = None, more: Mapping[str, str] = _NOTHING
    ) -> Program:
        """A program of this installation, whose log has its name."""
        log = self.folder / f"{name or ' '.join(words[:2])}.log"
        return Program([*words, "--data", str(data or self.data)], self.environ | {**more}, log)

    @contextmanager
    def running(self, *names: str) -> Generator[list[Program]]:
        """These programs, all ready: `sayso NAME` each."""
        with ExitStack() as stack:
            started = [stack.enter_context(self.program(*name.split())) for name in names]
            yield [program.wait_for() for program in started]

    def told(self, *words: str, **environ: str) -> tuple[int, str]:
        """How a command ends, and what it prints."""
        with self.program(*words, more=environ) as program:
            return program.ended(), program.said()

    def runs(self) -> list[list[Event]]:
        """The events of every run."""
        connection = self.redis.connect()
        try:
            return list(runs_in(connection).values())
        finally:
            connection.close()

    def events(self, kind: type[E]) -> list[E]:
        """Return what happened in any run, oldest first."""
        found = [event for run in self.runs() for event in run if isinstance(event, kind)]
        return sorted(found, key=lambda event: event.at)

    def close(self) -> None:
        """Let every deploy end that was not killed."""
        self.go()
        wait_until(self._is_idle, what="no deploy under way")

    def _is_idle(self) -> bool:
        return self.deploys().count("begun") == self.deploys().count("ended") + self.killed


@contextmanager
def installed(folder: Path, first: str = HURRY) -> Generator[Installation]:
    """One whose Redis runs; the test starts its programs."""
    with RedisServer(folder / "redis") as redis:
        made = Installation(folder, redis.start(), first)
        yield made
        made.close()
    shutil.rmtree(folder / "data", ignore_errors=True)
