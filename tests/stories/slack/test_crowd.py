"""A crowd in Slack: 1,000 clicks by 20 people on 200 open requests, a fifth of them double; each is decided once."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import pytest
from pydantic import SecretStr

from agents.events import AnswerNoted, Event, RequestDecided, RequestRevoked, ToolFinished, ToolStarted, VoteCast
from agents.requests import RunId
from bot.store.client import Client
from bot.wiring.slack import slack_parts
from channels import Channel
from channels.slack.rate_limit import Rates
from tests.fakes.slack.driver import Handled, Message, Person, Workspace, running
from tests.kit.office import settings_of
from tests.kit.world import World, a_world

SEED = 5
CROWD = tuple(f"p{number:02}" for number in range(20))
GROUPS = {name: CROWD[5 * number : 5 * number + 5] for number, name in enumerate(("red", "green", "blue", "gold"))}
QUORUM = {"red": 1, "green": 2, "blue": 1, "gold": 2}
REQUESTS, PRESSES, TWICE, BROUGHT_TWICE = 200, 800, 100, 100
ROOMS, AT_ONCE = 100, 30
# Slack takes 50 updates a minute; 200 cards would stand right after many minutes. What is posted keeps its pace.
RATES = Rates(update_every_s=0.0)

Word = Literal["Approve", "Deny"]


@dataclass(frozen=True)
class Asked:
    """A request: what is asked for, by whom, and which group decides."""

    what: str
    asker: str
    group: str

    @property
    def entitled(self) -> tuple[str, ...]:
        return tuple(person for person in GROUPS[self.group] if person != self.asker)


@dataclass(frozen=True)
class Press:
    """A press of a button; `again` says who makes it two: the person, or the line that brings it."""

    asked: Asked
    person: str
    word: Word
    again: Literal["", "person", "line"] = ""


def wishes() -> list[Asked]:
    names = list(GROUPS)
    return [Asked(f"w{number:03}", CROWD[number * 7 % 20], names[number % 4]) for number in range(REQUESTS)]


def presses(chance: random.Random) -> list[Press]:
    """Four people for each request: one more than are needed to approve it, and others. In no order."""
    planned = list[Press]()
    for asked in wishes():
        some = chance.sample(asked.entitled, QUORUM[asked.group] + 1)
        others = chance.sample([person for person in CROWD if person not in asked.entitled], 4 - len(some))
        words: list[Word] = [chance.choice(("Approve", "Approve", "Approve", "Deny")) for _ in range(4)]
        # Whoever asked takes it back with a Deny, which is another story.
        planned += [
            Press(asked, person, "Approve" if person == asked.asker else word)
            for person, word in zip((*some, *others), words, strict=True)
        ]
    chance.shuffle(planned)
    doubled = [Press(one.asked, one.person, one.word, "person") for one in planned[:TWICE]]
    brought = [Press(one.asked, one.person, one.word, "line") for one in planned[TWICE : TWICE + BROUGHT_TWICE]]
    planned[: TWICE + BROUGHT_TWICE] = [*doubled, *brought]
    chance.shuffle(planned)
    return planned


def toml() -> str:
    """People without a mailbox, and a policy for each group."""
    people = [
        f'[people.{person}]\nname = "{person.title()}"\nslack = "U{person.upper()}"\ngroups = ["{group}"]\n'
        for group, members in GROUPS.items()
        for person in members
    ]
    policies = [
        f'[policies.{group}]\napprovers = ["group:{group}"]\nquorum = {quorum}\nexpires_after = "4h"\n'
        for group, quorum in QUORUM.items()
    ]
    return "\n".join([*people, *policies, '[limits]\ntriggers_per_person = "1000/h"\n'])


def slack_channels(client: Client, folder: Path, slack: Workspace) -> Sequence[Channel]:
    """As everywhere, but for the pace of updates."""
    tokens = {
        "slack_bot_token": SecretStr(slack.bot_token),
        "slack_app_token": SecretStr(slack.app_token),
        "slack_base_url": slack.base_url,
    }
    settings = settings_of(folder, toml()).model_copy(update=tokens)
    return slack_parts(settings, client, rates=RATES).channels


class Crowd:
    """An office full of people, and the cards that they see."""

    def __init__(self, world: World, slack: Workspace, people: dict[str, Person]) -> None:
        self.world, self.slack, self.people = world, slack, people
        self.cards = dict[str, Message]()

    async def ask(self) -> None:
        """Everything is asked for, in its room, and has its card there."""
        rooms = [
            await self.slack.channel(f"room{number}", *self.people.values(), self.slack.bot) for number in range(ROOMS)
        ]
        for number, asked in enumerate(wishes()):
            self.world.workshop.policy_of[asked.what] = asked.group
            await self.people[asked.asker].says(rooms[number % ROOMS], f"@sayso press {asked.what}")
        await self.slack.settled()
        await self.world.quiet()
        self.cards = {what: card for what, card in await self._found(rooms) if "Approve" in card.buttons}

    async def _found(self, rooms: Sequence[str]) -> list[tuple[str, Message]]:
        found = chain.from_iterable([await self.slack.messages(room) for room in rooms])
        return [(match[0], one) for one in found if (match := re.search(r"w\d{3}", one.words))]

    async def press(self, press: Press) -> list[Handled]:
        """Return how each of the clicks was taken. Screens are behind: everybody sees the card as it came."""
        person, card = self.people[press.person], self.cards[press.asked.what]
        times = 2 if press.again == "person" else 1
        taken = await asyncio.gather(*(person.presses(press.word, in_=card, version=0) for _ in range(times)))
        return [*taken, await self.slack.brings_again(taken[0])] if press.again == "line" else list(taken)

    async def press_all(self, planned: Sequence[Press]) -> list[Handled]:
        """Make the presses, so many at a time, until all are done."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(press: Press) -> list[Handled]:
            async with slots:
                return await self.press(press)

        return list(chain.from_iterable(await asyncio.gather(*map(one, planned))))


@asynccontextmanager
async def a_crowd(redis: str, folder: Path) -> AsyncGenerator[Crowd]:
    """Everybody is there."""
    with running() as address:
        async with Workspace(address) as slack:
            people = {person: await slack.person(person, id=f"U{person.upper()}") for person in CROWD}
            client = Client(redis)

            def change(world: World) -> None:
                world.beside = slack_channels(client, folder, slack)
                # Nobody dies here, and a crowd in one process is slow on a busy machine.
                world.environ = {"SAYSO_LEASE_S": "60"}

            try:
                async with a_world(redis, folder, toml(), change=change) as world:
                    await slack.connected()
                    yield Crowd(world, slack, people)
            finally:
                await client.close()


@dataclass(frozen=True)
class Story:
    """The story of one request, from its run's events."""

    asked: Asked
    events: tuple[Event, ...]

    @property
    def votes(self) -> list[tuple[str, bool]]:
        return [(one.vote.person, one.vote.approve) for one in self.events if isinstance(one, VoteCast)]

    @property
    def decided(self) -> RequestDecided:
        [only] = [one for one in self.events if isinstance(one, RequestDecided)]
        return only

    @property
    def is_revoked(self) -> bool:
        return any(isinstance(one, RequestRevoked) for one in self.events)

    @property
    def is_done(self) -> bool:
        return self.decided.decision.state == "approved" and not self.is_revoked

    def heard(self) -> Counter[tuple[str, str]]:
        """Return whose word was heard, counted or not."""
        # Whose denial came late and stopped it all the same is told of twice.
        stopped = {one.vote.person for one in self.events if isinstance(one, RequestRevoked)}
        said = [each for each in self._said() if each[2] != "too_late" or each[0] not in stopped]
        return Counter((person, word) for person, word, _ in said)

    def _said(self) -> Iterator[tuple[str, str, str]]:
        for one in self.events:
            match one:
                case VoteCast() | RequestRevoked():
                    yield one.vote.person, "Approve" if one.vote.approve else "Deny", "counted"
                case AnswerNoted(outcome="too_late"):  # only a denial is; its text is the reason
                    yield one.person, "Deny", one.outcome
                case AnswerNoted():
                    yield one.person, one.text.capitalize(), one.outcome
                case _:
                    pass

    def denials(self) -> set[str]:
        """Return what became of the denials by people who may deny."""
        return {became for person, word, became in self._said() if word == "Deny" and person in self.asked.entitled}

    def check_votes(self) -> None:
        """Decided by the right people, and by as many as it takes."""
        decision, approvals = self.decided.decision, [person for person, approve in self.votes if approve]
        assert {person for person, _ in self.votes} <= set(self.asked.entitled)
        assert set(decision.by) <= set(self.asked.entitled)
        assert len(approvals) == len(set(approvals)), "one person counts once"
        if decision.state == "denied":
            assert (decision.by[0], False) in self.votes
            return
        assert decision.state == "approved"
        assert len(decision.by) == len(set(decision.by)) == QUORUM[self.asked.group]
        assert set(decision.by) <= set(approvals)

    def check_denials(self) -> None:
        """One counts until the tool has started; after that it is told, and the order of events bears it out."""
        kinds = [type(one) for one in self.events]
        if self.is_done:
            assert self.denials() <= {"too_late"}
            late = [
                index
                for index, one in enumerate(self.events)
                if isinstance(one, AnswerNoted) and one.outcome == "too_late"
            ]
            assert all(index > kinds.index(ToolStarted) for index in late)
        else:
            assert "counted" in self.denials()
            assert self.denials() <= {"counted", "already_decided", "closed", "too_late"}
            # One that came between a start and its effect hears that it is late, and stops it all the same.
            assert ToolStarted not in kinds or "too_late" in self.denials()
            assert ToolFinished not in kinds


async def stories(world: World) -> list[Story]:
    """All of them, in the order in which they were asked for."""
    events = [await world.events(RunId(run_id)) for run_id in await world.app.store.lists.runs()]
    by_text = {one.text: happened for happened in events if (one := happened[0]).type == "run_started"}
    return [Story(asked, by_text[f"press {asked.what}"]) for asked in wishes()]


@pytest.mark.long
async def test_a_thousand_clicks_decide_each_request_once_and_by_the_right_people(redis: str, tmp_path: Path) -> None:
    planned = presses(random.Random(SEED))  # noqa: S311 - the same crowd each time
    async with a_crowd(redis, tmp_path / "data") as crowd:
        await crowd.ask()
        assert sorted(crowd.cards) == [asked.what for asked in wishes()]

        taken = await crowd.press_all(planned)
        await crowd.world.quiet()

        assert len(taken) == PRESSES + TWICE + BROUGHT_TWICE
        assert all(one.acked for one in taken)
        told = await stories(crowd.world)
        opened = {story.asked.what: [one.type for one in story.events].count("request_opened") for story in told}
        assert {what: times for what, times in opened.items() if times != 1} == {}
        assert len(opened) == REQUESTS
        for story in told:
            story.check_votes()
            story.check_denials()
            # What the line brings twice is heard once; what a person says twice is heard twice.
            pressed = Counter[tuple[str, str]]()
            for press in planned:
                if press.asked == story.asked:
                    pressed[press.person, press.word] += 2 if press.again == "person" else 1
            assert story.heard() == pressed
        done = Counter(f"press {story.asked.what}" for story in told if story.is_done)
        assert Counter(crowd.world.workshop.effects) == done
        assert 0 < len(done) < REQUESTS
        for story in told:
            card = await crowd.slack.now(crowd.cards[story.asked.what])
            state = "denied" if story.decided.decision.state == "denied" else "approved"
            assert (card.buttons, state in card.words) == ([], True), card.words
        assert await crowd.world.dead() == []
        assert await crowd.slack.violations() == []
