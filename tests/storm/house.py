"""An installation with every process of the Procfile; to a single Redis each has a line of its own that can be cut."""

import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from httpx2 import AsyncClient

from agents.requests import PersonId
from bot.config.settings import load
from bot.store.format import check_format
from bot.wiring.redis import Office, office_of
from tests.fakes.slack.driver import Workspace
from tests.kit.programs import KEY, Program
from tests.servers.lines import Message, Server, free_ports
from tests.servers.mailhost import MailHost
from tests.servers.verdict import SERVER
from tests.storm.facts import APPROVERS, REQUESTERS
from tests.storm.servers import Servers

NAMES = {
    "anna": "Anna Ames", "bo": "Bo Berg", "cy": "Cy Cole", "dan": "Dan Dorn", "eve": "Eve Eder", "mal": "Mal Moss",
    **{name: f"{name.title()} Frey" for name in REQUESTERS[1:]},
}  # fmt: skip
IN_SLACK = ("bo", "mal", *REQUESTERS)
REACH, _SLACK_FIRST = {"by_mail": ["email"]}, ["slack", "email"]
EXPIRES = {"briefly": "5m"}
LEASE_S = 2.0
ADDRESS = "bot@sayso.example"
_FIRST = f"lease_s = {LEASE_S:g}\ngrace_s = 1.5\nsweep_s = 0.2\n"
_LAST = """
[alerts]
to = ["person:mal"]

[limits]
triggers_per_person = "1000000/h"
triggers_per_slack_channel = "1000000/h"

[agents.killed]
code = "shaken:shaken_agent"
"""
_AGENT = """
import os

from tests.kill.parts import killed_agent


def shaken_agent():
    return killed_agent(int(os.environ["RECORDER"]))
"""


def toml() -> str:
    """The settings of the installation."""
    people = [
        f'[people.{name}]\nname = "{full}"\nemail = "{name}@corp.example"\n'
        + (f'slack = "U0{name.upper()}"\n' if name in IN_SLACK else "")
        for name, full in NAMES.items()
    ]
    policies = [
        f"[policies.{name}]\napprovers = {[f'person:{one}' for one in who]}\nreach = {REACH.get(name, _SLACK_FIRST)}\n"
        f'approve_by_email = true\nexpires_after = "{EXPIRES.get(name, "30d")}"\nexecute_within = "12h"\n'
        for name, who in APPROVERS.items()
    ]
    return "\n".join((_FIRST, *people, *policies, _LAST))


class Line(Protocol):
    """What is asked of the proxy before Redis."""

    def ask(self, **message: object) -> Message:
        """Its answer."""
        ...


class NoLine:
    """None: what goes to several servers is not looked at."""

    def ask(self, **_: object) -> Message:
        """Nothing."""
        return {}


@dataclass
class Process:
    """One process of the Procfile, which is forked anew as soon as it is dead. `is_still` while it was told to stop."""

    name: str
    words: list[str]
    proxy: Line
    url: str
    life: Program | None = None
    is_still: bool = False

    def is_alive(self) -> bool:
        """Whether there is such a process."""
        return self.life is not None and self.life.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        if self.life:
            self.life.signal(number)


class House:
    """The Redis servers, the recorder, the processes, and the keys of people."""

    def __init__(self, folder: Path, host: MailHost, slack: Workspace, servers: Servers) -> None:
        self.folder, self.host, self.slack, self.data = folder, host, slack, folder / "data"
        self.servers = servers
        [self.port] = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: dict[str, Process] = {}
        self._still_at = 0.0

    def __enter__(self) -> Self:
        """Start the servers, not yet the processes."""
        with ExitStack() as stack:
            stack.enter_context(self.servers)
            self.recorder = stack.enter_context(Server("tests.servers.recorder"))
            self.recorder.ask(do="slow", most_s=0.6)
            self.data.mkdir()
            (self.data / "sayso.toml").write_text(toml())
            (self.data / "shaken.py").write_text(_AGENT)
            for name, words in self._commands().items():
                self.processes[name] = self._process(name, words, stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it all."""
        for process in self.processes.values():
            if process.life:
                process.life.kill()
        self._stack.close()

    def _process(self, name: str, words: list[str], stack: ExitStack) -> Process:
        if self.servers.setup != "one":
            return Process(name, words, NoLine(), self.servers.url)
        proxy = stack.enter_context(Server("tests.servers.redis_proxy", self.servers.url))
        return Process(name, words, proxy, f"redis://127.0.0.1:{proxy.said['redis_port']}/0")

    def environ(self) -> dict[str, str]:
        """The environment of every process; its line to Redis comes with each."""
        return self.host.environ(ADDRESS) | {
            "SAYSO_SECRET_KEY": KEY,
            "SAYSO_TEST_CLOCK": "1",
            "SAYSO_SHARDS": str(self.servers.shards),
            "SAYSO_REDIS_WAIT_REPLICAS": str(self.servers.replicas),
            "SAYSO_MAIL_IDENTITY": "dmarc",
            "SAYSO_MAIL_AUTHSERV_ID": SERVER,
            "SSL_CERT_FILE": str(self.host.authority.bundle),
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "SAYSO_SLACK_BASE_URL": self.slack.base_url,
            "RECORDER": str(self.recorder.said["port"]),
        }

    def dead(self) -> list[Process]:
        """The processes that are not there."""
        return [process for process in self.processes.values() if not process.is_alive()]

    def revive(self, dead: Sequence[Process]) -> None:
        """Start those that are not there."""
        for process in dead:
            process.proxy.ask(do="clear")
            environ = self.environ() | {"SAYSO_REDIS_URL": process.url}
            process.life = Program(process.words, environ, self.folder / f"{process.name}.log").start()
            process.is_still = False

    def still_at(self) -> float:
        """Return when a process stood still last."""
        if any(process.is_still for process in self.processes.values()):
            self._still_at = time.monotonic()
        return self._still_at

    def calls(self, story: str | None = None) -> list[Message]:
        """The calls of the tool of a story so far, or of all."""
        return self.recorder.ask(do="calls", **({"story": story} if story else {}))["calls"]

    def office(self) -> Office:
        """The product's own commands beside Redis, for keys and log-ins before a storm."""
        settings = load(self.data, self.environ() | {"SAYSO_REDIS_URL": self.servers.url})
        return office_of(settings, self.servers.url)

    async def clients(self) -> dict[str, AsyncClient]:
        """A client over HTTP for each person, with a key of their own."""
        office, found = self.office(), dict[str, AsyncClient]()
        await check_format(office.store.client)
        for name in NAMES:
            _, key = await office.access.keyring.create(
                person=name,
                service=None,
                scopes=("trigger", "read", "answer", "steer"),
                acts_for=(),
                asks=(),
                made_by="person",
                link_by="operator",
            )
            found[name] = AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=10)
        await office.close()
        return found

    async def link(self, person: str) -> str:
        """The path of a link that opens the console once. Raises StoreError while Redis has no room for it."""
        office = self.office()
        try:
            token = await office.access.sessions.link(PersonId(person), by="operator")
        finally:
            await office.close()
        return f"/login?token={token}"

    def _commands(self) -> dict[str, list[str]]:
        words = {
            "web": ["web", "--port", str(self.port)], "worker 1": ["worker"], "worker 2": ["worker"],
            "slack": ["slack"], "mail": ["mail"],
        }  # fmt: skip
        return {name: [*one, "--data", str(self.data)] for name, one in words.items()}
