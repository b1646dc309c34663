"""One storm, from its first trigger until nothing moves any more, and the table of what a checker found."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from httpx2 import AsyncClient, HTTPError

from tests.fakes.slack.driver import Workspace, running
from tests.kit.waiting import PATIENCE_S, passes, until
from tests.servers.authority import Authority
from tests.servers.mailhost import MailHost, missing
from tests.storm.checker import Report, check
from tests.storm.facts import Facts, Plot, Setup, Story
from tests.storm.house import IN_SLACK, NAMES, House
from tests.storm.people import People
from tests.storm.plan import Plan
from tests.storm.servers import SERVERS
from tests.storm.sight import Card, Sight
from tests.storm.weather import Weather

IN_SLACK_AT_ONCE = 4
# So many times the wanted length a storm lasts at most, or so long an approval, while there is too little of it.
_AT_MOST, _APPROVAL_S = 15.0, 1.0
_NO_NEWS_S = 60.0
# Whoever is still asked so long after they answered does it again, where the answer may be lost with a master.
_FORGOTTEN_S = 10.0
# To judge a long storm takes a while.
_JUDGED_EACH_S = 5.0
_MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there has a name of its own
_LOOKS_UP_S = 1.0
_LAST_LOOKS = 8


@dataclass(frozen=True)
class Wanted:
    """How long a storm lasts, how many approvals it has at least, and how many stories go on at once.

    `calm` is by what factor the pauses between two disturbances are longer than in a short storm; `setup` is which
    Redis there is.
    """

    seconds: float = 60.0
    approvals: int = 20
    seed: int = 0
    at_once: int = 10
    calm: float = 1.0
    setup: Setup = "one"

    @property
    def at_most_s(self) -> float:
        """When it is given up, though there was too little of it."""
        return max(self.seconds * _AT_MOST, self.approvals * _APPROVAL_S)


class SkippedHere(Exception):
    """This machine lacks something that a storm needs; the words say what."""


class Storm:
    """People and weather around a house."""

    def __init__(self, wanted: Wanted, house: House, slack: Workspace) -> None:
        self._wanted, self._house, self._slack = wanted, house, slack
        self.facts, plan = Facts(setup=wanted.setup), Plan(wanted.seed, wanted.setup)
        self._stories: dict[str, Story] = {}
        self._sight = Sight(house, slack, self._stories)
        self._people = People(house, slack, self._sight, self.facts, plan.chance("people"))
        self._weather = Weather(house, slack, self.facts, plan, wanted.calm)
        self._plots, self._chance = plan.plots(), plan.chance("stories")
        self._judged_at = 0.0
        self.facts.skipped += house.servers.lacking

    async def run(self) -> Report:
        """Blow until it was enough, then wait until all is over."""
        try:
            await self._begin()
            async with _beside(self._sight.looking(), self._weather.reviving(), self._saying()):
                async with _beside(self._weather.killing(), self._weather.blowing()):
                    tasks = await self._tell_stories()
                await self._weather.clear_up()
                await self._end(tasks)
            await self._sight.tell_of_stuck()
            return await self.judged()
        finally:
            await self._people.close()

    async def _saying(self) -> None:
        """Print how far it is, each minute."""
        minutes = 0
        while True:
            await passes(60)
            minutes += 1
            approvals = self.facts.approvals
            over = sum(bool(story.shown) for story in self.facts.stories)
            line = f"minute {minutes}: {approvals} approvals; {over} of {len(self.facts.stories)} stories over"
            print(line, flush=True)  # noqa: T201

    async def judged(self) -> Report:
        """The checker's report of how things stand."""
        self.facts.live = await self._sight.live()
        for call in await asyncio.to_thread(self._house.calls):
            self._stories[call["story"]].calls.append(call)
        return check(self.facts, self._wanted.approvals)

    async def _begin(self) -> None:
        await self._slack.starts_anew()
        await self._slack.settings(answer_within_s=6, retry_after_s=[0.5] * 2_000)
        members = {
            name: await self._slack.person(
                name, id=f"U0{name.upper()}", email=f"{name}@corp.example", real_name=NAMES[name]
            )
            for name in IN_SLACK
        }
        ops = await self._slack.channel("ops", *members.values(), self._slack.bot)
        clients = await self._house.clients()
        self._sight.open(clients, (ops, members["bo"].dm))
        await self._people.open(members, clients)
        self._house.revive(self._house.dead())
        await _ready(clients["dan"])

    def _is_enough(self, began: float) -> bool:
        now = time.monotonic()
        if now - began < self._wanted.seconds or now < self._judged_at + _JUDGED_EACH_S:
            return False
        self._judged_at = now
        if now - began > self._wanted.at_most_s:
            return True
        return self.facts.approvals >= self._wanted.approvals and not check(self.facts).tame

    async def _tell_stories(self) -> set[asyncio.Task[None]]:
        """Begin stories while the storm lasts, so many at once; those that are not over yet."""
        began, tasks = time.monotonic(), set[asyncio.Task[None]]()
        while not self._is_enough(began):
            while len(tasks) < self._wanted.at_once:
                story = self._next_story({task.get_name() for task in tasks})
                tasks.add(asyncio.create_task(self._tell(story), name=story.plot.name))
            done, tasks = await asyncio.wait(tasks, timeout=1, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        return tasks

    def _next_story(self, in_flight: set[str]) -> Story:
        """The next story; one in Slack only while few are, because Slack takes messages slowly and so do we."""
        is_full = sum(self._stories[name].plot.is_in_slack for name in in_flight) >= IN_SLACK_AT_ONCE
        story = Story(next(plot for plot in self._plots if not (is_full and plot.is_in_slack)))
        self._sight.begin(story)
        self.facts.stories.append(story)
        self.facts.done[f"story: {story.plot.kind}"] += 1
        return story

    async def _tell(self, story: Story) -> None:
        """One story until its end is shown to whoever wanted it."""
        await self._people.ask(story)
        if story.plot.kind == "pause":
            await self._people.steer(story, "pause")
        acted, began, acts = set[str](), time.monotonic(), list[asyncio.Task[None]]()
        while not story.shown:
            for some_id, card in list(self._sight.cards[story.plot.name].items()):
                if some_id not in acted and self._is_mine(story.plot, card):
                    acted.add(some_id)
                    acts.append(asyncio.create_task(self._answer(story, card)))
            if story.plot.kind == "pause" and time.monotonic() > began + 2:
                await self._people.steer(story, "resume")
                began = float("inf")
            await self._sight.news(story.plot.name, _LOOKS_UP_S)
            for act in acts:
                if act.done():
                    act.result()
        if story.plot.kind != "late":  # whoever sees the end of it does not press again and again
            for act in acts:
                act.cancel()
        for found in await asyncio.gather(*acts, return_exceptions=True):
            if isinstance(found, Exception):
                raise found
        await until(lambda: story.plot.name not in self._sight.in_slack, 86_400, "cards without buttons")
        self._sight.end(story)

    def _is_mine(self, plot: Plot, card: Card) -> bool:
        return card.is_unknown or card.way == plot.way

    async def _answer(self, story: Story, card: Card) -> None:
        """Act on a card, and again whenever it still stands open long after: a master can be lost with an answer.

        A single Redis must not forget any.
        """
        await self._act(story, card)
        if self._wanted.setup == "one" or story.plot.kind == "late":
            return
        asked = card if card.is_unknown else await self._http_card(story)
        while True:
            await self._is_asked_again(asked.request, time.monotonic())
            self.facts.done["answered again, as it was asked again"] += 1
            await self._act(story, asked)

    async def _is_asked_again(self, request: str, since: float) -> None:
        """Returns when a request was seen open long after somebody answered it."""
        await until(lambda: self._sight.open_at[request] > since + _FORGOTTEN_S, 86_400, "the same question")

    async def _act(self, story: Story, card: Card) -> None:
        people = self._people
        if card.is_unknown:
            return await people.say_what_happened(story, card)
        match story.plot.kind:
            case "approve" | "pause":
                await people.vote(story, card, approves=True)
            case "deny":
                await people.vote(story, card, approves=False)
            case "both":
                await self._both(story, card)
            case "requester":
                await people.vote(
                    story, await self._http_card(story, story.plot.requester), approves=True, counts=False
                )
                await people.vote(story, card, approves=False)
            case "stranger":
                await people.vote(story, card, approves=True, person="mal", counts=False)
                await people.vote(story, card, approves=False)
            case "late":
                await self._late(story, card)
            case "cancel":
                await self._cancel(story, card)
        return None

    async def _http_card(self, story: Story, person: str = "dan") -> Card:
        """The newest card of the story as programs see it."""
        while True:
            cards = self._sight.cards[story.plot.name].values()
            if found := [card for card in cards if card.way == "api" and not card.is_unknown]:
                return replace(found[-1], person=person)
            await passes(0.1)

    async def _both(self, story: Story, card: Card) -> None:
        """Two people decide at once, and not the same."""
        other, approves = await self._http_card(story), self._chance.random() < 0.5
        await asyncio.gather(
            self._people.vote(story, card, approves=approves),
            self._people.vote(story, other, approves=not approves),
        )

    async def _late(self, story: Story, card: Card) -> None:
        """Somebody approves once it is too late for that."""
        before = self._weather.steps
        await until(lambda: self._weather.steps > before, 86_400, "a step of the clock")
        await self._people.vote(story, card, approves=True, counts=False)

    async def _cancel(self, story: Story, card: Card) -> None:
        """Whoever wanted it cancels, before somebody approves or in the same moment.

        Where a master can be lost with what they said, nothing that comes later comes too late for certain.
        """
        if self._wanted.setup == "one" and self._chance.random() < 0.5:
            await self._people.steer(story, "cancel")
            await self._people.vote(story, card, approves=True, counts=False)
        else:
            await asyncio.gather(self._people.steer(story, "cancel"), self._people.vote(story, card, approves=True))

    async def _end(self, tasks: set[asyncio.Task[None]]) -> None:
        """Wait until nothing moves any more: all is over, or there was no news for long."""
        self._sight.moved_at = time.monotonic()
        left = [task.get_name() for task in tasks]
        while left or await self._is_live():
            if self._sight.moved_at + _NO_NEWS_S < time.monotonic():
                break
            if any(self._stories[name].plot.kind == "late" for name in left):
                await self._weather.step_on()
            await passes(0.5)
            left = [task.get_name() for task in tasks if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        at_once = asyncio.Semaphore(_LAST_LOOKS)
        await asyncio.gather(*(self._look_back(story, at_once) for story in self.facts.stories))

    async def _look_back(self, story: Story, at_once: asyncio.Semaphore) -> None:
        """See whether what was shown of its end still stands there."""
        async with at_once:
            with suppress(HTTPError, OSError):
                await self._sight.look_for_end(story)

    async def _is_live(self) -> bool:
        try:
            return bool(await self._sight.live())
        except (HTTPError, OSError, KeyError):
            return True


@asynccontextmanager
async def _beside(*works: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """What goes on while the context is open. Raises what goes wrong in it."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
    for error in found:
        if isinstance(error, Exception):
            raise error


async def _ready(client: AsyncClient) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        with suppress(HTTPError, OSError):
            if (await client.get("/readyz")).status_code == 200:
                return
        assert time.monotonic() < give_up_at, "the web process did not get ready"
        await passes(0.2)


async def _blow(wanted: Wanted, folder: Path, host: MailHost, address: str) -> Report:
    async with Workspace(address) as slack:
        with House(folder, host, slack, SERVERS[wanted.setup](folder / "redis")) as house:
            return await Storm(wanted, house, slack).run()


def storm(wanted: Wanted, folder: Path, host: MailHost, slack_address: str) -> Report:
    """Blow once, in `folder`. Blocks until it is over."""
    # Not uvloop's loop: it has no socket for anyio to ask about once the other side, killed, has hung up.
    report = asyncio.run(_blow(wanted, folder, host, slack_address))
    if not report.is_well:
        print(f"the logs of the processes: {_kept(folder)}")  # noqa: T201
    return report


def table(wanted: Wanted) -> tuple[bool, str]:
    """Whether a storm in a folder of its own went well, and its table. Raises SkippedHere where there can't be one."""
    if why := missing():
        raise SkippedHere(why)
    began = time.monotonic()
    with (
        _folder() as folder,
        _folder(in_memory=True) as mails,
        MailHost(mails / "mail", Authority(folder / "authority")) as host,
        running() as address,
    ):
        (folder / "house").mkdir()
        report = storm(wanted, folder / "house", host, address)
    head = f"A storm of {time.monotonic() - began:.0f} s, its end included; seed {wanted.seed}."
    return report.is_well, "\n".join((head, "", *report.lines()))


@contextmanager
def _folder(*, in_memory: bool = False) -> Generator[Path]:
    """A folder that is open to mail servers and gone afterwards; no power is cut, so mails need no disk."""
    where = _MEMORY if in_memory and _MEMORY.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="sayso-", dir=where))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _kept(house: Path) -> Path:
    """A folder with what the processes logged, which outlives the storm: whatever went wrong is looked for there."""
    kept = Path(tempfile.mkdtemp(prefix="sayso-storm-"))
    for log in house.glob("*.log"):
        shutil.copy(log, kept)
    return kept
