"""A whole sayso in one process, over a real Redis and real mail, with a clock that tests can move.

`World` says what people do (`trigger`, `reply`, `decide`) and what can be seen (`next_mail`, `run`, `request`).
"""

import asyncio
import email.policy
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

from agents import Agent
from agents.events import Event
from agents.requests import PersonId, RequestId, RunId
from agents.run import Run, fold
from bot.answers import Statement
from bot.app import App, agents_of, compose, running
from bot.judge import Judgement
from bot.mail.local import LocalMail
from bot.outgoing import Outgoing
from bot.processes import local_mail
from bot.records import RequestRecord
from bot.steering import Steering
from bot.store.client import Client
from channels import Channel
from channels.email.local.letters import Letter, letters
from channels.email.local.reply_mail import submit
from channels.email.transport import Transport
from tests.clerk import Workshop, clerk
from tests.office import TOML, settings_of
from tests.waiting import until

Verb = Literal["pause", "resume", "cancel"]


def heading(letter: Letter) -> str:
    """What a mail says first; its subject may be that of its thread."""
    return letter.text.partition("\n")[0]


@dataclass
class World:
    """One running sayso. `deploys`: the agents of the settings instead of the clerk; `through` may wrap the mail.
    `environ` are more variables of the environment.

    `beside` are more channels. With `reach` every policy goes through these, in this order.
    `environ` is added to what the settings are read from.
    """

    url: str
    folder: Path
    toml: str = TOML
    deploys: bool = False
    workshop: Workshop = field(default_factory=Workshop)
    through: Callable[[Channel], Channel] = lambda channel: channel
    beside: Sequence[Channel] = ()
    reach: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    _serving: asyncio.Task[None] | None = None
    _shown: dict[str, int] = field(default_factory=dict[str, int])
    _moved_ms: int = 0

    app: App = field(init=False)
    mail: LocalMail = field(init=False)
    _leave: asyncio.Event = field(init=False)

    async def start(self, *, works: bool = True, receives: bool = True) -> None:
        """Compose and run it."""
        settings = settings_of(self.folder, self.toml, self.environ)
        self.mail = local_mail(settings)
        agents: Sequence[Agent] = agents_of(settings) if self.deploys else (clerk(self.workshop),)
        for name, policy in list(settings.policies.items()) if self.reach else ():
            # Past the validation: a release names only the channels that it has.
            settings.policies[name] = policy.model_copy(update={"reach": self.reach})
        self.app = compose(settings, self.url, [self.through(self.mail.channel()), *self.beside], agents)
        self._leave, runs = asyncio.Event(), asyncio.Event()
        # In a task of its own, as docket wants to be left in the task that entered it.
        self._serving = asyncio.create_task(self._serve(runs, self._leave, works=works, receives=receives))
        ready = asyncio.create_task(runs.wait())
        await asyncio.wait([self._serving, ready], return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            await self._serving

    async def _serve(self, runs: asyncio.Event, leave: asyncio.Event, *, works: bool, receives: bool) -> None:
        async with AsyncExitStack() as stack:
            if receives:
                await stack.enter_async_context(self.mail.serving())
            await stack.enter_async_context(
                running(self.app, works=works, receives=tuple(self.app.channels) if receives else ())
            )
            runs.set()
            await leave.wait()

    async def stop(self) -> None:
        """End it in order, as SIGTERM does; what is in Redis and in the mailboxes stays."""
        if self._serving:
            self._leave.set()
            await self._serving
        self._serving = None

    @asynccontextmanager
    async def stopped(self) -> AsyncGenerator[None]:
        """It does not run while the context is open; what changed meanwhile (`toml`) is read at the new start."""
        await self.stop()
        yield
        await self.start()

    async def trigger(self, text: str, person: str = "anna") -> RunId:
        """`person` wants something, from a terminal."""
        return await self.app.inbox.start("cli", text, self.app.people.named(person))

    async def events(self, run_id: str) -> tuple[Event, ...]:
        """All that has happened in a run."""
        return (await self.app.store.load(run_id)).events

    async def run(self, run_id: str) -> Run:
        """What a run amounts to now."""
        return fold(await self.events(run_id))

    async def has(self, run_id: str, state: str) -> Run:
        """The run once it is in `state`."""
        return await self._once(run_id, state, lambda run: run.state == state)

    async def ended(self, run_id: str) -> Run:
        """The run once it has ended, however it did."""
        return await self._once(run_id, "ended", lambda run: run.ended is not None)

    async def _once(self, run_id: str, what: str, is_so: Callable[[Run], bool]) -> Run:
        async def seen() -> Run | None:
            run = await self.run(run_id)
            return run if is_so(run) else None

        try:
            return await until(seen, what=f"{run_id} is {what}")
        except AssertionError as error:
            kinds = [event.type for event in await self.events(run_id)]
            raise AssertionError(f"{error}; its events: {kinds}") from None

    async def summary(self, run_id: str) -> str:
        """How the run ended, in the words that people are told."""
        ended = (await self.ended(run_id)).ended
        return f"{ended.outcome}: {ended.summary}" if ended else ""

    async def opened(self, run_id: str, *, after: str | None = None) -> RequestRecord:
        """The run's open request, once there is one; `after`: another than that one."""

        async def seen() -> RequestId | None:
            found = (await self.run(run_id)).open
            return found if found != after else None

        return await self.request(await until(seen, what=f"{run_id} opens a request"))

    async def request(self, request_id: str) -> RequestRecord:
        """A request's record as it stands."""
        return (await self.app.decisions.request(request_id))[0]

    async def requests(self) -> list[RequestRecord]:
        """Every request, whatever became of it."""
        return [await self.request(found) for found in await self.app.store.lists.requests(only_open=False)]

    async def decide(
        self,
        person: str,
        record: RequestRecord,
        said: Literal["approve", "deny", "free_text"],
        text: str = "",
        *,
        reply_id: str | None = None,
        channel: str = "cli",
    ) -> Judgement:
        """What becomes of an answer that `person` types into a terminal, having seen `record`."""
        statement = Statement(
            reply_id=reply_id or f"cli-{secrets.token_hex(8)}",
            person=PersonId(person),
            channel=channel,
            revision=record.request.revision,
            digest=record.request.digest,
            said=said,
            text=text,
            reason=text,
        )
        return await self.app.decisions.decide(record.request.id, statement)

    @property
    def steering(self) -> Steering:
        """Pause, resume, cancel, withdraw, amend."""
        return self.app.steering

    async def steer(self, run_id: RunId, verb: Verb, person: str = "anna") -> Run:
        """The run after `person` steered it."""
        return await self.steering.steer(run_id, verb, PersonId(person))

    def mails(self, person: str) -> tuple[Letter, ...]:
        """Everything in a person's mailbox, oldest first."""
        return letters(self.mail.folder(f"{person}@corp.example"))

    async def next_mail(self, person: str, about: str = "") -> Letter:
        """The next mail that `person` has not been shown yet, once it is there; with `about` in it, others skipped."""

        def seen() -> Letter | None:
            for number, letter in enumerate(self.mails(person)):
                if number >= self._shown.get(person, 0) and about in f"{letter.subject}\n{letter.text}":
                    self._shown[person] = number + 1
                    return letter
            return None

        try:
            return await until(seen, what=f"a mail to {person} about {about!r}")
        except AssertionError as error:
            found = [letter.subject for letter in self.mails(person)]
            raise AssertionError(f"{error}; in the mailbox: {found}") from None

    def transport(self, login: str | None) -> Transport:
        """SMTP as `login`, or without logging in."""
        if login:
            return Transport(self.mail.relay(login))
        relay = self.mail.relay("")()
        return Transport(lambda: type(relay)(host=relay.host, port=relay.port, tls="none"))

    async def reply(self, person: str, letter: Letter, text: str) -> None:
        """`person` answers a mail, above its quoted text, logged in as themselves."""
        author = self.app.people.contact(person)
        assert author is not None
        assert author.email is not None
        await submit(self.transport(author.email), letter, text, author=author, at=datetime.now(UTC))

    async def send(self, person: str, to: str, text: str, *, login: str | None = "") -> str:
        """The id of a new mail from `person`, logged in as `login`: as themselves unless said otherwise, or nobody."""
        message, sender = EmailMessage(policy=email.policy.SMTP), f"{person}@corp.example"
        message_id = f"<{secrets.token_hex(8)}@corp.example>"
        message["From"], message["To"], message["Message-ID"] = sender, to, message_id
        message.set_content(text)
        who = sender if login == "" else login
        await self.transport(who).send(bytes(message), sender=who or sender, recipients=[to])
        return message_id

    async def post(
        self, person: str, to: str, text: str, *files: tuple[str, str, bytes], about: str = "", cid: str = ""
    ) -> None:
        """A mail from `person`, logged in, with files: (name, type, bytes) each; with `cid` they stand in the text."""
        message, sender = EmailMessage(policy=email.policy.SMTP), f"{person}@corp.example"
        message["From"], message["To"], message["Message-ID"] = sender, to, f"<{secrets.token_hex(8)}@corp.example>"
        if about:
            message["Subject"] = about
        if text:
            message.set_content(text)
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

    async def dead(self) -> list[str]:
        """The notes of everything that was given up or held."""
        return [note.decode() for note in (await self.app.store.lists.dead()).values()]

    async def unsent(self) -> list[Outgoing]:
        """What must still be sent."""
        client, found = self.app.store.client, list[Outgoing]()
        for shard in range(self.app.store.shards):
            bodies = await client.do("HVALS", f"{{s{shard}}}:outbox")
            found += [Outgoing.model_validate_json(body) for body in bodies]
        return found

    async def move_time(self, seconds: float) -> None:
        """The clock that everything goes by jumps ahead."""
        self._moved_ms += round(seconds * 1000)
        client = Client(self.url)
        for shard in range(self.app.store.shards):
            await client.do("SET", f"{{s{shard}}}:clock_offset", self._moved_ms)
        await client.close()

    async def now(self) -> datetime:
        """What that clock says."""
        return await self.app.store.now("s0r-aaaaaaaaaaaaa")

    async def quiet(self, within_s: float = 10) -> None:
        """Returns when nothing is to be sent and no fresh work waits: what was to happen by now has happened.

        What was given up on stays where it is.
        """
        client = Client(self.url)

        async def looks_quiet() -> bool:
            horizon = (await self.now() + timedelta(seconds=30)).timestamp() * 1000
            for shard in range(self.app.store.shards):
                tag = f"{{s{shard}}}"
                unsent = set(await client.do("HKEYS", f"{tag}:outbox"))
                unsent -= set(await client.do("HKEYS", f"{tag}:dead"))
                if unsent or await client.do("ZCOUNT", f"{tag}:wake", "-inf", horizon):
                    return False
            return True

        async def is_quiet() -> bool:
            # What moves from one shard to another between two looks is seen by neither.
            return await looks_quiet() and await looks_quiet()

        try:
            await until(is_quiet, within_s, what="everything is quiet")
        finally:
            await client.close()


@asynccontextmanager
async def a_world(
    url: str, folder: Path, toml: str = TOML, *, deploys: bool = False, change: Callable[[World], None] = lambda _: None
) -> AsyncGenerator[World]:
    """A running World, which `change` may prepare before its start."""
    world = World(url, folder, toml, deploys)
    change(world)
    try:
        await world.start()
        yield world
    finally:
        await world.stop()
