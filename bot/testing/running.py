"""One running sayso in this process, over a real Redis and real mail, with a clock that a test can move."""

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agents.events import Event
from agents.requests import RequestId
from agents.requests.record import RequestRecord
from agents.run import Run, fold
from bot.app import App
from bot.config.settings import Settings
from bot.people.directory import People
from bot.process.running import running
from bot.render.became import told_of
from bot.render.outcome import word_of
from bot.store.client import Client
from bot.store.keys import Keys
from bot.testing.waiting import PATIENCE_S, until
from bot.wiring.local_mail import LocalMail, local_mail
from channels.email.local.maildir import names

_LONG_S, _AHEAD_S = 5.0, 30.0


@dataclass
class Running(ABC):
    """Starts, stops, and shows what there is. `url` is the Redis, `folder` the data directory."""

    url: str
    folder: Path
    _serving: asyncio.Task[None] | None = field(default=None, init=False)
    _receives: bool = field(default=False, init=False)
    _moved_ms: int = field(default=0, init=False)

    app: App = field(init=False)
    people: People = field(init=False)
    mail: LocalMail = field(init=False)
    _leave: asyncio.Event = field(init=False)

    @abstractmethod
    def settings(self) -> Settings:
        """Return the settings it is started with."""

    @abstractmethod
    def composed(self, settings: Settings) -> App:
        """The composition, with the channel of `mail` and its `people`."""

    async def start(self, *, works: bool = True, receives: bool = True) -> None:
        """Compose and run it."""
        await self._let_go()
        settings = self.settings()
        self.people = People.of(settings)
        self.mail = local_mail(settings, self.people)
        self.app = self.composed(settings)
        self._leave, runs = asyncio.Event(), asyncio.Event()
        self._receives = receives
        # In a task of its own: what is entered in a task is left in it.
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
                running(self.app, works=works, receives=tuple(self.app.messages.channels) if receives else ())
            )
            runs.set()
            await leave.wait()

    async def stop(self) -> None:
        """End it in order, as SIGTERM does; what is in Redis and in the mailboxes stays."""
        if self._serving:
            self._leave.set()
            await self._serving
        self._serving, self._receives = None, False
        await self._let_go()

    async def _let_go(self) -> None:
        """Give back the connection of what ran before: tests look at what it left after it has ended."""
        if hasattr(self, "app"):
            await self.app.store.client.close()

    @asynccontextmanager
    async def stopped(self) -> AsyncGenerator[None]:
        """Stop it while the context is open; what changed meanwhile is read at the new start."""
        await self.stop()
        yield
        await self.start()

    async def events(self, run_id: str) -> tuple[Event, ...]:
        """All that has happened in a run."""
        return (await self.app.store.load(run_id)).events

    async def run(self, run_id: str) -> Run:
        """Return the folded state of a run now."""
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
        """Return the end of the run as people are told it: `unchanged: …` where it was only said to be done."""
        run = await self.ended(run_id)
        if run.ended and run.ended.outcome == "done" and run.ended.change not in {"changed", "not_wanted"}:
            return f"{word_of(run)}: {told_of(run, self.people)}"
        return f"{run.ended.outcome}: {run.ended.summary}" if run.ended else ""

    async def opened(self, run_id: str, *, after: str | None = None) -> RequestRecord:
        """The run's open request, once there is one; `after`: another than that one."""

        async def seen() -> RequestId | None:
            found = (await self.run(run_id)).open
            return found if found != after else None

        return await self.request(await until(seen, what=f"{run_id} opens a request"))

    async def request(self, request_id: str) -> RequestRecord:
        """A request's record as it stands."""
        return (await self.app.requests.decisions.request(request_id))[0]

    async def requests(self) -> list[RequestRecord]:
        """Every request, whatever became of it."""
        return [await self.request(found) for found in await self.app.store.lists.requests(only_open=False)]

    async def move_time(self, seconds: float) -> None:
        """The clock that everything goes by jumps ahead; before the first start it may be put back as well."""
        self._moved_ms += round(seconds * 1000)
        client = Client(self.url)
        shards = self.app.store.shards if hasattr(self, "app") else self.settings().shards
        for shard in range(shards):
            await client.do("SET", Keys(shard).clock, self._moved_ms)
        await client.close()

    def about_now(self) -> datetime:
        """About the same, also while Redis is away."""
        return datetime.now(UTC) + timedelta(milliseconds=self._moved_ms)

    async def now(self) -> datetime:
        """Return the time by the store's clock."""
        return await self.app.store.now("s0r-aaaaaaaaaaaaa")

    async def quiet(self, within_s: float = PATIENCE_S) -> None:
        """Returns when nothing is to be read or sent and no fresh work waits: what was to happen by now has happened.

        What was given up on stays where it is. Where all that is left waits for long, the clock jumps there.
        """
        client = Client(self.url)

        async def looks_quiet() -> bool:
            if self._receives and names(self.mail.folder(self.mail.address), "new"):
                return False
            is_sent, dues_ms = True, list[float]()
            for shard in range(self.app.store.shards):
                keys = Keys(shard)
                outbox, dead, wake = keys.outbox, keys.dead, keys.wake
                unsent, given_up, first = await client.read(
                    ["HKEYS", outbox], ["HKEYS", dead], ["ZRANGE", wake, 0, 0, "WITHSCORES"]
                )
                is_sent = is_sent and set(unsent) <= set(given_up)
                dues_ms += [float(due_ms) for _, due_ms in first]
            wait_s = min(dues_ms, default=math.inf) / 1000 - (await self.now()).timestamp()
            if _LONG_S < wait_s <= _AHEAD_S:
                await self.move_time(wait_s)
            return is_sent and wait_s > _AHEAD_S

        async def is_quiet() -> bool:
            # What moves from one shard to another between two looks is seen by neither.
            return await looks_quiet() and await looks_quiet()

        try:
            await until(is_quiet, within_s, what="everything is quiet")
        finally:
            await client.close()
