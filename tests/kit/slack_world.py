"""A `World` whose people are in Slack: a stand-in with Anna, Bo, Cy and Dan in #ops, where the bot is as well."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from agents.requests import RunId
from agents.requests.record import RequestRecord
from bot.people.directory import People
from bot.store.client import Client
from bot.wiring.slack import slack_parts
from channels import Channel
from channels.slack.rate_limit import Rates
from tests.fakes.slack.driver import Message, Person, Workspace
from tests.kit.office import TOML, settings_of
from tests.kit.waiting import until
from tests.kit.world import World, held

PEOPLE = ("anna", "bo", "cy", "dan")
# The stand-in takes all at once, unless a test has it refuse.
UNPACED = Rates(post_every_s=0.0, update_every_s=0.0)


class InSlack:
    """What people see of the bot in the workspace `slack`."""

    slack: Workspace

    async def says(self, where: Message | str, containing: str) -> Message:
        """A message of the bot's there, once it says so."""

        async def found() -> Message | None:
            there = [one for one in await self.slack.messages(where) if one.user == "U0BOT"]
            return next((one for one in there if containing in f"{one.text}\n{one.words}"), None)

        return await self.slack.until(found, f"the bot says {containing!r}")

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


class SlackWorld(InSlack):
    """A `world` that is not started yet, `slack`, and the `ops` channel's id."""

    anna: Person
    bo: Person
    cy: Person
    dan: Person
    ops: str

    def __init__(self, world: World, slack: Workspace) -> None:
        self.world, self.slack = world, slack

    async def opens(self) -> None:
        """Everybody comes in."""
        await self.slack.starts_anew()
        await self.slack.settings(retry_after_s=[0.2] * 200)
        self.anna, self.bo, self.cy, self.dan = [
            await self.slack.person(name, id=f"U0{name.upper()}", email=f"{name}@corp.example") for name in PEOPLE
        ]
        self.ops = await self.slack.channel("ops", self.anna, self.bo, self.cy, self.dan, self.slack.bot)

    async def runs(self) -> list[RunId]:
        """Every run that has started."""
        return [RunId(run_id) for run_id in await self.world.app.store.lists.runs()]

    async def only_run(self) -> RunId:
        """The one run that there is."""
        [run_id] = await until(self.runs, what="a run has started")
        return run_id

    async def asked(
        self, text: str = "press bell", above: Message | None = None, to_press: str = "Approve"
    ) -> tuple[Message, Message, RequestRecord]:
        """Anna's wish in #ops, its card in that thread, and what it asks: so that one World has many stories."""
        before = {*await self.runs()}
        wish = await self.anna.says("#ops", f"@sayso {text}", thread=above)
        [run_id] = await until(lambda: self._since(before), what="a run has started")
        record = await self.world.opened(run_id)
        card = await self.card(wish if above is None else above, to_press)
        return wish, card, record

    async def _since(self, before: set[RunId]) -> set[RunId]:
        return {*await self.runs()} - before

    async def card(self, where: Message | str, to_press: str = "") -> Message:
        """The newest message there that can be answered, with a button called `to_press` if that is said."""

        async def found() -> Message | None:
            there = await self.slack.messages(where)
            open_ones = [one for one in there if "Expires" in one.words and to_press in (*one.buttons, "")]
            return open_ones[-1] if open_ones else None

        return await self.slack.until(found, f"a card in {where}")


@asynccontextmanager
async def a_slack_world(url: str, folder: Path, slack: Workspace, toml: str = TOML) -> AsyncGenerator[SlackWorld]:
    """A World to be started, which reaches people in Slack, else by mail."""
    for name in PEOPLE:
        toml = toml.replace(f"[people.{name}]\n", f'[people.{name}]\nslack = "U0{name.upper()}"\n')
    tokens = {
        "slack_bot_token": SecretStr(slack.bot_token),
        "slack_app_token": SecretStr(slack.app_token),
        "slack_signing_secret": SecretStr(slack.signing_secret),
        "slack_base_url": slack.base_url,
    }
    client = Client(url)

    def over(people: People) -> Sequence[Channel]:
        return slack_parts(settings_of(folder, toml).model_copy(update=tokens), client, people, UNPACED).channels

    world = World(url, folder, toml, over=over, reach=("slack", "email"))
    made = SlackWorld(world, slack)
    await made.opens()
    try:
        async with held(world):
            yield made
    finally:
        await client.close()


@asynccontextmanager
async def a_started_slack_world(url: str, folder: Path, slack_address: str) -> AsyncGenerator[SlackWorld]:
    """A `SlackWorld` that is at work and connected, and in which Slack is never used against its rules."""
    async with Workspace(slack_address) as slack, a_slack_world(url, folder, slack) as office:
        await office.world.start()
        await slack.connected()
        yield office
        assert await slack.violations() == []
