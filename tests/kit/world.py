"""A whole sayso in one process, over a real Redis and real mail, with a clock that tests can move.

`World` says what people do (`trigger`, `reply`, `decide`) and what can be seen (`next_mail`, `run`, `request`). All but
the clerk, more channels and odd mail is the test kit's, `bot/testing`.
"""

import email.policy
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from agents import Agent
from agents.model.protocol import Model
from agents.requests import PersonId, RunId
from agents.run import Run
from bot.app import App, compose
from bot.config.settings import Settings
from bot.people.directory import People
from bot.people.listed import ListedNow
from bot.registry.configured import agents_of
from bot.store.keys import Keys
from bot.store.outbox_entry import OutboxEntry, read_entry
from bot.telemetry import OFF, Telemetry
from bot.testing import Policies, Sayso, sayso
from bot.testing.people import Peopled
from channels import Channel
from channels.email.local.letters import Letter
from channels.email.reading.sandbox import Children
from language import in_all
from tests.kit.clerk import Workshop, clerk
from tests.kit.office import TOML, settings_of
from tests.kit.promises import Written, check_promises
from tests.kit.waiting import until

CHILDREN = Children()
"""They read the mails of one world after another."""


def heading(letter: Letter) -> str:
    """Return the title of a mail; its subject may be that of its thread."""
    first, _, below = letter.text.partition("\n\n")
    leads = tuple(each.partition("{")[0] for each in in_all("mail.answer-by"))
    return (below if first.startswith(leads) else first).partition("\n")[0]


@dataclass
class World(Peopled):
    """One running sayso. `deploys`: the agents of the settings instead of the clerk; `through` may wrap the mail.

    `beside` are more channels, and `over` makes those that look people up. With `reach` every policy goes through
    these, in this order.
    `environ` are more variables of the environment. `telemetry` follows the runs. What a test wrote into the store by
    hand, `is_tampered`, keeps none of the promises that hold at its end (`tests/kit/promises.py`).
    """

    toml: str = TOML
    deploys: bool = False
    workshop: Workshop = field(default_factory=Workshop)
    through: Callable[[Channel], Channel] = lambda channel: channel
    beside: Sequence[Channel] = ()
    over: Callable[[People], Sequence[Channel]] = lambda people: ()  # noqa: ARG005
    reach: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    telemetry: Telemetry = OFF
    is_tampered: bool = False
    written: Written = field(default_factory=Written, init=False)
    _dates: set[datetime] = field(default_factory=set[datetime], init=False)

    def settings(self) -> Settings:
        """Return the settings that `toml` gives now."""
        settings = settings_of(self.folder, self.toml, self.environ)
        for name, policy in list(settings.policies.items()) if self.reach else ():
            # Past the validation: a release names only the channels that it has.
            settings.policies[name] = policy.model_copy(update={"reach": self.reach})
        return settings

    def composed(self, settings: Settings) -> App:
        """With the clerk, unless the settings' own agents are wanted."""
        agents: Sequence[Agent] = (
            agents_of(settings, ListedNow(self.people)) if self.deploys else (clerk(self.workshop),)
        )
        channels = [self.through(self.mail.channel(CHILDREN)), *self.beside, *self.over(self.people)]
        app = compose(settings, self.url, channels, agents, people=self.people, telemetry=self.telemetry)
        people = self.people
        self.written.may_be = lambda: people.doubles
        app.journal.hears.append(self.written.hear)
        return app

    def address(self, person: str) -> str:
        """Strangers have one at the same place."""
        return f"{person}@corp.example"

    def date(self, now: datetime) -> str:
        """Return the Date of a mail that is written now; of one second two mails about one thing count as one."""
        second = now.replace(microsecond=0)
        while second in self._dates:
            second += timedelta(seconds=1)
        self._dates.add(second)
        return format_datetime(second)

    async def post(
        self,
        person: str,
        to: str,
        text: str,
        *files: tuple[str, str, bytes],
        about: str = "",
        cid: str = "",
        page: str = "",
    ) -> None:
        """A mail from `person`, logged in, with files: (name, type, bytes) each; with `cid` they stand in the text.

        `page` is its HTML, beside a text or alone.
        """
        message, sender = EmailMessage(policy=email.policy.SMTP), f"{person}@corp.example"
        message["From"], message["To"], message["Message-ID"] = sender, to, f"<{secrets.token_hex(8)}@corp.example>"
        message["Date"] = self.date(self.about_now())
        if card := next((each for each in self.mails(person) if each.reply_to == to), None):
            about, message["In-Reply-To"] = about or f"Re: {card.subject}", card.message_id
        if about:
            message["Subject"] = about
        if text:
            message.set_content(text)
        if page:
            message.add_alternative(page, "html")
        for name, kind, content in files:
            main, _, sub = kind.partition("/")
            message.add_attachment(
                content,
                maintype=main,
                subtype=sub,
                filename=name,
                disposition="inline" if cid else "attachment",
                cid=f"<{cid}>" if cid else None,
            )
        await self.transport(sender).send(bytes(message), sender=sender, recipients=[to])

    async def child(self, run_id: RunId) -> Run:
        """Return the first run that this one has started, once its first event is there: a parent names it before."""

        async def begun() -> Run | None:
            children = (await self.run(run_id)).children
            child = await self.run(children[0].run_id) if children else None
            return child if child and child.started else None

        return await until(begun, what="a child has started")

    async def dead(self) -> list[str]:
        """The notes of everything that was given up or held."""
        return [note.decode() for note in (await self.app.store.lists.dead()).values()]

    async def tries(self) -> list[int]:
        """Return how often each item was tried that failed lately."""
        client = self.app.store.client
        return [int(await client.do("HGET", key, "count") or 0) async for key in client.scan("{s?}:tries:*")]

    async def retention(self) -> int:
        """Let the runs leave whose time has come, once what happened in them is sealed; how many did."""
        await self.seal()
        return await self.app.work.retention.look()

    async def seal(self) -> None:
        """Seal what has happened; a worker that runs beside it may be at it."""
        store = self.app.store

        async def is_sealed() -> bool:
            for shard in range(store.shards):
                await self.app.work.sealer.sweep(shard)
            return not any([await store.client.do("XLEN", Keys(shard).audit_new) for shard in range(store.shards)])

        await until(is_sealed, what="everything is sealed")

    async def unsent(self) -> list[OutboxEntry]:
        """Return what must still be sent."""
        client, found = self.app.store.client, list[OutboxEntry]()
        for shard in range(self.app.store.shards):
            bodies = await client.do("HVALS", Keys(shard).outbox)
            found += [read_entry(body) for body in bodies]
        return found


@asynccontextmanager
async def a_world(
    url: str,
    folder: Path,
    toml: str = TOML,
    *,
    deploys: bool = False,
    beside: Sequence[Channel] = (),
    reach: Sequence[str] = (),
    change: Callable[[World], None] = lambda _: None,
) -> AsyncGenerator[World]:
    """A running World with these channels beside mail, which `change` may prepare before its start.

    People are reached by the channels in `reach`, the first one that reaches them, or as the settings say.
    """
    world = World(url, folder, toml, deploys)
    world.beside, world.reach = beside, tuple(reach)
    change(world)
    async with held(world):
        await world.start()
        yield world


@asynccontextmanager
async def held(world: World) -> AsyncGenerator[None]:
    """Stop `world` at the end, and check that it has kept what is promised."""
    try:
        yield
    finally:
        await world.stop()
    if not world.is_tampered:
        assert not world.written.broken
        await check_promises(world.url, world.settings().shards, here(world))


def here(world: Peopled) -> list[PersonId]:
    """Return who is in the directory, and is surely nobody else there."""
    return [one for one in world.people.all() if not world.people.maybe(one)]


@asynccontextmanager
async def a_sayso(
    config: Path | None = None,
    *,
    agents: Sequence[Agent] = (),
    policies: Policies | None = None,
    model: Model | None = None,
) -> AsyncGenerator[Sayso]:
    """The test kit's own `sayso`, which keeps what is promised like any World."""
    async with sayso(config, agents=agents, policies=policies, model=model) as s:
        people = s.people
        written = Written(lambda: people.doubles)
        s.app.journal.hears.append(written.hear)
        yield s
        await s.stop()
        assert not written.broken
        await check_promises(s.url, s.settings().shards, here(s))


@asynccontextmanager
async def beside_it(world: World) -> AsyncGenerator[World]:
    """`world` as another process of a running one, which decides and does no work."""
    await world.start(works=False, receives=False)
    try:
        yield world
    finally:
        await world.stop()
