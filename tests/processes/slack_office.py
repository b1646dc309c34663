"""An installation whose people are in Slack: its own Redis, a demo to deploy, and programs started by the test."""

from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from agents.events import Event
from tests.fakes.slack.driver import Message, Person, Shown, Workspace
from tests.kit.installation import Installation
from tests.kit.programs import Program
from tests.kit.slack_world import InSlack
from tests.kit.waiting import PATIENCE_S, until
from tests.servers.redis import RedisServer

Mode = Literal["socket", "http"]
NAMES = {"anna": "Anna Ames", "bo": "Bo Berg", "cy": "Cy Cole", "eve": "Eve Eder"}


class SlackOffice(Installation, InSlack):
    """Anna asks, Bo and Cy decide, all in #ops with the bot; Eve is there as well and decides nothing."""

    def __init__(self, folder: Path, redis: RedisServer, slack: Workspace) -> None:
        super().__init__(folder, redis, "sweep_s = 0.1\ngrace_s = 1\nshards = 2\n")
        self.slack, toml = slack, self.toml
        for name in ("anna", "bo", "cy"):
            toml = toml.replace(f"[people.{name}]\n", f'[people.{name}]\nslack = "U0{name.upper()}"\n')
        toml = toml.replace('reach = ["email"]', 'reach = ["slack", "email"]').replace('"20/h"', '"2000/h"')
        self.file.write_text(f'{toml}\n[people.eve]\nname = "Eve Eder"\nslack = "U0EVE"\n')
        del self.environ["SAYSO_MAIL_LOCAL"]
        self.environ |= {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "SAYSO_SLACK_BASE_URL": slack.base_url,
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

    async def front(self, stack: ExitStack, mode: Mode) -> Program:
        """The process that Slack talks to, connected."""
        if mode == "socket":
            program = stack.enter_context(self.program("slack")).wait_for()
            await self.slack.connected()
            return program
        program = stack.enter_context(self.program("web", "--port", "0"))
        url = f"{program.address()}/slack"
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

    async def shows(self, person: Person, containing: str) -> Shown:
        """Return somebody's App Home, once it says so."""

        async def found() -> Shown | None:
            home = await self.slack.see("home", user=person.id)
            return Shown(home) if home and containing in Shown(home).words else None

        return await self.slack.until(found, f"{person.name}'s Home says {containing!r}")

    async def has(self, count: int, kind: type[Event]) -> list[list[Event]]:
        """The events of every run, once `count` events of a kind are among them."""
        return await until(
            lambda: self.runs() if sum(isinstance(e, kind) for run in self.runs() for e in run) >= count else None,
            PATIENCE_S,
            f"{count} {kind.__name__}",
        )
