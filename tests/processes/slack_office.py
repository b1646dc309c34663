"""An installation whose people are in Slack: its own Redis, a demo to deploy, and processes started by the test."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from agents.events import Event
from bot.config.example import example_toml
from bot.dev.demo import make_demo
from tests.fakes.slack.driver import Message, Person, Shown, Workspace
from tests.kill.reading import runs_in
from tests.kit.waiting import PATIENCE_S, until
from tests.processes.programs import KEY, Program, RedisServer

Mode = Literal["socket", "http"]
READY = '"event":"ready"'
PORT = '"port":'
NAMES = {"anna": "Anna Ames", "bo": "Bo Berg", "cy": "Cy Cole", "eve": "Eve Eder"}


class SlackOffice:
    """Anna asks, Bo and Cy decide, all in #ops with the bot; Eve is there as well and decides nothing."""

    def __init__(self, folder: Path, redis: RedisServer, slack: Workspace) -> None:
        self.folder, self.redis, self.slack, self.data = folder, redis, slack, folder / "data"
        toml = example_toml(make_demo(self.data / "demo"))
        for name in ("anna", "bo", "cy"):
            toml = toml.replace(f"[people.{name}]\n", f'[people.{name}]\nslack = "U0{name.upper()}"\n')
        toml = toml.replace('reach = ["email"]', 'reach = ["slack", "email"]').replace('"20/h"', '"2000/h"')
        eve = '\n[people.eve]\nname = "Eve Eder"\nslack = "U0EVE"\n'
        (self.data / "sayso.toml").write_text(f"sweep_s = 0.1\ngrace_s = 1\nshards = 2\n{toml}{eve}")
        self.environ = {
            "SAYSO_REDIS_URL": redis.url,
            "SAYSO_SECRET_KEY": KEY,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "SAYSO_SLACK_BASE_URL": slack.base_url,
            "PYTHONUNBUFFERED": "1",
        }

    async def opens(self) -> None:
        """Everybody comes in."""
        await self.slack.starts_anew()
        # A machine that is busy with other tests is slower than a person who waits; what took long is measured apart.
        await self.slack.settings(retry_after_s=[0.2] * 200)
        self.anna, self.bo, self.cy, self.eve = [
            await self.slack.person(name, id=f"U0{name.upper()}", email=f"{name}@corp.example", real_name=NAMES[name])
            for name in NAMES
        ]
        await self.slack.channel("ops", self.anna, self.bo, self.cy, self.eve, self.slack.bot)

    def program(self, name: str, *words: str) -> Program:
        """A process of this installation; its log has its name."""
        return Program([*words, "--data", str(self.data)], self.environ, self.folder / f"{name}.log")

    @contextmanager
    def working(self) -> Generator[Program]:
        """A worker that is ready."""
        with self.program("worker", "worker") as worker:
            worker.wait_for(READY)
            yield worker

    async def front(self, stack: ExitStack, mode: Mode) -> Program:
        """The process that Slack talks to, connected."""
        if mode == "socket":
            program = stack.enter_context(self.program("slack", "slack"))
            program.wait_for(READY)
            await self.slack.connected()
            return program
        program = stack.enter_context(self.program("web", "web", "--port", "0"))
        program.wait_for(PORT)
        port = program.said().partition(PORT)[2].split(",")[0].strip(" }")
        url = f"http://127.0.0.1:{port}/slack"
        await self.slack.settings(
            socket_mode=False,
            events_url=f"{url}/events",
            interactions_url=f"{url}/interactions",
            commands_url=f"{url}/interactions",
        )
        return program

    async def asks(self, who: Person, text: str, where: str = "#ops") -> Message:
        """`who` mentions the bot; the message that begins the thread."""
        return await who.says(where, f"@sayso {text}")

    async def card(self, thread: Message | str, containing: str) -> Message:
        """The card in the thread, once it is there."""
        return await self.slack.until(lambda: self._card(thread, containing), f"a card with {containing!r}")

    async def _card(self, thread: Message | str, containing: str) -> Message | None:
        there = await self.slack.messages(thread)
        return next((found for found in there if found.buttons and containing in found.words), None)

    async def becomes(self, message: Message, containing: str) -> Message:
        """The same message, once it says so."""

        async def found() -> Message | None:
            now = await self.slack.now(message)
            return now if containing in f"{now.text}\n{now.words}" else None

        try:
            return await self.slack.until(found, f"the same message says {containing!r}")
        except AssertionError as error:
            now = await self.slack.now(message)
            raise AssertionError(f"{error}; it says:\n{now.words}") from None

    async def hears(self, thread: Message | str, containing: str) -> Message:
        """A message of the bot in the thread, once it says so."""

        async def found() -> Message | None:
            there = [one for one in await self.slack.messages(thread) if one.user == "U0BOT"]
            return next((one for one in there if containing in f"{one.text}\n{one.words}"), None)

        return await self.slack.until(found, f"the bot says {containing!r}")

    async def shows(self, person: Person, containing: str) -> Shown:
        """Return somebody's App Home, once it says so."""

        async def found() -> Shown | None:
            home = await self.slack.see("home", user=person.id)
            return Shown(home) if home and containing in Shown(home).words else None

        return await self.slack.until(found, f"{person.name}'s Home says {containing!r}")

    def live(self) -> str:
        """The tag that visitors of the demo site get."""
        return (self.data / "demo" / "site" / "production" / "current").resolve().name

    def runs(self) -> list[list[Event]]:
        """The events of every run."""
        connection = self.redis.connect()
        try:
            return list(runs_in(connection).values())
        finally:
            connection.close()

    async def has(self, count: int, kind: type[Event]) -> list[list[Event]]:
        """The events of every run, once `count` events of a kind are among them."""
        return await until(
            lambda: self.runs() if sum(isinstance(e, kind) for run in self.runs() for e in run) >= count else None,
            PATIENCE_S,
            f"{count} {kind.__name__}",
        )
