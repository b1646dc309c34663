"""Everything that one worker needs around it: stories are told here, one after the other, and the worker dies in them.

Redis, the proxy, the recorder and the desk live on; a successor of the worker is there as soon as it is dead.
"""

import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from bot.store.embedded import EmbeddedRedis
from tests.kill.parts import TOOLS, ToolName
from tests.kill.people import People, Story
from tests.kit.programs import Program
from tests.kit.waiting import PATIENCE_S, wait_until
from tests.servers.lines import Server
from tests.servers.resp import Redis
from tests.servers.scripts import SCRIPTS
from tests.servers.traps import When

TOML = """
[people.anna]
name = "Anna Ames"
email = "anna@corp.example"

[people.bo]
name = "Bo Berg"
email = "bo@corp.example"

[policies.production]
approvers = ["person:bo"]
approve_by_email = true
expires_after = "4h"

[alerts]
to = ["person:anna"]

[limits]
triggers_per_person = "100000/h"
"""

QUICK = {"SHARDS": "2", "LEASE_S": "1", "SWEEP_S": "0.1", "GRACE_S": "1"}
LAST_TRAP_S = 0.3


@dataclass(frozen=True, order=True)
class Point:
    """The fate of a worker at the `nth` call of `name`, of Redis, a tool or the desk.

    `kill`: it dies. `drop`: it loses the answer. `stop`: it stands still, and its call, until another did its work.
    """

    name: str
    when: When
    nth: int = 1
    act: Literal["kill", "drop", "stop"] = "kill"

    def __str__(self) -> str:
        return f"{self.when} {self.name}" + (f" #{self.nth}" if self.nth > 1 else "")


@dataclass(frozen=True)
class Setting:
    """What it takes that a worker comes to a point which most stories pass by: its tool takes so long, or so many cards
    can't be sent at once.
    """

    tool_takes_s: float = 0.0
    not_sent: int = 0


# Longer than a third of a lease, in which it is renewed.
_LONG_TOOL_S = 1.5
SETTINGS = {
    "keep_lease": Setting(tool_takes_s=_LONG_TOOL_S),
    "put_off": Setting(not_sent=1),
}
"""By the name of the point; every other point is reached without."""


def environment(folder: Path, redis_url: str, desk: Server, recorder: Server) -> dict[str, str]:
    """Return the environment of a worker of these tests. Writes its `sayso.toml` into `folder`."""
    (folder / "sayso.toml").write_text(TOML)
    return {f"SAYSO_{name}": value for name, value in QUICK.items()} | {
        "SAYSO_REDIS_URL": redis_url,
        "SAYSO_SECRET_KEY": secrets.token_hex(16),
        "SAYSO_CONFIG": str(folder / "sayso.toml"),
        "SAYSO_DATA_DIR": str(folder / "home"),
        "DESK": str(desk.said["port"]),
        "RECORDER": str(recorder.said["port"]),
    }


def is_quiet(redis: Redis) -> bool:
    """Return whether nothing is left to be looked at or to be sent."""
    return not has(redis, "wake", "outbox")


def has(redis: Redis, *names: str) -> bool:
    """Return whether there is a key of one of these `names` in any shard."""
    return any(redis.ask("EXISTS", f"{{s{shard}}}:{name}") for shard in (0, 1) for name in names)


class Lane:
    """A Redis, a proxy, a recorder, a desk, and one worker at a time."""

    def __init__(self) -> None:
        self._first: Program | None = None
        self._second: Program | None = None
        self._point: Point | None = None

    def __enter__(self) -> Self:
        """Start the servers."""
        with ExitStack() as stack:
            self.folder = Path(tempfile.mkdtemp(prefix="sayso-"))
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            url = stack.enter_context(EmbeddedRedis(self.folder / "data", self.folder / "run")).start()
            self.redis = Redis(url)
            stack.callback(self.redis.close)
            self._load_scripts()
            self.proxy = stack.enter_context(Server("tests.servers.redis_proxy", url))
            self.recorder = stack.enter_context(Server("tests.servers.recorder"))
            self.desk = stack.enter_context(Server("tests.servers.desk"))
            self.people = People(self.desk, self.recorder)
            through_proxy = f"redis://127.0.0.1:{self.proxy.said['redis_port']}/0"
            self._environ = environment(self.folder, through_proxy, self.desk, self.recorder)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End them all."""
        for worker in (self._first, self._second):
            if worker:
                worker.kill()
        self._stack.close()

    def tell(self, tool: ToolName, *kills: Point) -> Story:
        """One story from its trigger to its end; the worker is killed at each of `kills`, one life each."""
        left = list(kills)
        self._be_alive(left)
        story = self.people.want(tool)
        give_up_at = time.monotonic() + PATIENCE_S
        while not self._is_over(story):
            assert time.monotonic() < give_up_at, self._post_mortem(story)
            if not self._is_alive():
                story.kills += 1
                story.sprung += self._sprung()
                self._be_alive(left)
            if self._point and self._point.act == "stop" and self._sprung() and not self._second:
                self._second = self._worker()
            self.people.look()
        if self._second:
            self._wake()
        story.sprung += self._sprung()
        story.seen = [name for server in self._servers() for name in server.ask(do="seen")["seen"]]
        self.people.look_back(self.redis)
        return story

    def until(self, what: str, condition: Callable[[], object], *kills: Point) -> None:
        """People look at what they are shown until the worker has died at each of `kills` and the `condition` holds."""
        left, deaths = list(kills), 0
        self._be_alive(left)

        def is_true() -> object:
            nonlocal deaths
            if not self._is_alive():
                deaths += 1
                self._be_alive(left)
            self.people.look()
            return deaths == len(kills) and condition()

        wait_until(is_true, what=what)

    def _is_over(self, story: Story) -> bool:
        """Return whether the outcome was shown, nothing is left to do, and the worker has survived it."""
        if not story.outcome or not is_quiet(self.redis):
            return False
        # The last of all points: Redis has done it, and the worker is about to be killed for it.
        if self._point and self._point.act == "kill":
            with suppress(AssertionError):
                wait_until(lambda: self._sprung() or not self._is_alive(), LAST_TRAP_S)
            if self._sprung():
                wait_until(lambda: not self._is_alive(), what="death")
        return self._is_alive()

    def _wake(self) -> None:
        """The worker that stood still goes on, finishes what it thinks that it has to do, and leaves."""
        for server in self._servers():
            server.ask(do="release")
        assert self._first
        self._first.signal(signal.SIGTERM)
        self._first.ended()
        self._first, self._second = self._second, None
        wait_until(lambda: is_quiet(self.redis), what="quiet")

    def _is_alive(self) -> bool:
        return self._first is not None and self._first.process.poll() is None

    def _worker(self) -> Program:
        return Program([], self._environ, self.folder / "log", "tests.kill.worker").start()

    def _be_alive(self, left: list[Point]) -> None:
        """Have a worker, and set the next trap for it."""
        if self._first is None or not self._is_alive():
            self._first = self._worker()
        for server in self._servers():
            server.ask(do="clear")
        self._point = left.pop(0) if left else None
        setting = SETTINGS.get(self._point.name, Setting()) if self._point else Setting()
        self.recorder.ask(do="slow", least_s=setting.tool_takes_s, most_s=setting.tool_takes_s)
        self.desk.ask(do="fail", times=setting.not_sent)
        if point := self._point:
            where = self.recorder if point.name in TOOLS else self.proxy
            where = self.desk if point.name in {"send", "update"} else where
            where.ask(
                do="arm", name=point.name, nth=point.nth, when=point.when, act=point.act, pid=self._first.process.pid
            )

    def _servers(self) -> tuple[Server, ...]:
        return self.proxy, self.recorder, self.desk

    def _sprung(self) -> int:
        """Return how many traps have sprung in this life of the worker."""
        return sum(server.ask(do="seen")["sprung"] for server in self._servers())

    def _load_scripts(self) -> None:
        """A call whose script is not known yet comes twice, and would be counted twice."""
        for script in SCRIPTS:
            self.redis.ask("SCRIPT", "LOAD", script.text)

    def _post_mortem(self, story: Story) -> str:
        self.people.look_back(self.redis)
        events = [event.type for event in story.events]
        left = [self.redis.ask("ZRANGE", f"{{s{shard}}}:wake", 0, -1) for shard in (0, 1)]
        log = (self.folder / "log").read_text()
        return f"{story.name} is not over; its events: {events}; left: {left}; the log:\n{log[-6_000:]}"
