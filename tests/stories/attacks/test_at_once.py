"""An attack on one request by everybody at once: 64 answers by terminal, HTTP, page, Slack and mail, half denials."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from httpx2 import AsyncClient

from agents.events import AnswerNoted, Event, RequestDecided, RequestRevoked, ToolStarted, VoteCast
from agents.requests.record import RequestRecord
from bot.cli.client import Client, connect
from channels.email.local.letters import Letter
from tests.bot.cli.shell import beside
from tests.fakes.slack.driver import Message, Workspace
from tests.kit.office import TOML
from tests.kit.slack_world import SlackWorld, a_slack_world
from tests.kit.waiting import until
from tests.servers.console import Browser, Console, sent

EVE = """
[people.eve]
name = "Eve Egan"
email = "eve@corp.example"
groups = ["release"]
"""
Way = Literal["cli", "api", "console", "slack", "email"]
Word = Literal["approve", "deny"]
WAYS: tuple[Way, ...] = ("cli", "api", "console", "slack", "email")
WORDS: tuple[Word, ...] = ("approve", "deny")
ANSWERS = 64


@pytest.fixture
async def office(redis: str, tmp_path: Path, slack_address: str) -> AsyncIterator[SlackWorld]:
    """Bo and Cy are in Slack, and Eve is reached by mail alone."""
    async with Workspace(slack_address) as slack, a_slack_world(redis, tmp_path / "data", slack, TOML + EVE) as office:
        await office.world.start()
        await slack.connected()
        yield office


@dataclass(frozen=True)
class Seats:
    """With what Bo and Cy answer, the card that they see in Slack, and the one in Eve's mailbox."""

    office: SlackWorld
    record: RequestRecord
    terminals: dict[str, Client]
    keys: dict[str, AsyncClient]
    browsers: dict[str, Browser]
    shown: Message
    mailed: Letter

    async def ready(self, way: Way, person: str, word: Word) -> Awaitable[object]:
        """An answer that has only to be sent, by somebody who sees the card as it came."""
        asked = self.record.request
        body: dict[str, object] = {"vote": word, "digest": asked.digest}
        match way:
            case "cli":
                return asyncio.to_thread(self.terminals[person].act, asked.id, "answer", body)
            case "api":
                return self.keys[person].post(f"/v1/requests/{asked.id}/answer", json=body)
            case "console":
                page = await self.browsers[person].get(f"/requests/{asked.id}")
                form = page.form(f"/requests/{asked.id}/answer")
                return self.browsers[person].post(*sent(form, word.title()))
            case "slack":
                presser = {"bo": self.office.bo, "cy": self.office.cy}[person]
                return presser.presses(word.title(), in_=self.shown, version=0)
            case "email":
                return self.office.world.reply("eve", self.mailed, word)


@asynccontextmanager
async def seated(office: SlackWorld) -> AsyncGenerator[Seats]:
    """Anna asks in Slack, and everybody has what they answer with."""
    await office.anna.says("#ops", "@sayso press bell")
    shown, [record] = await office.card("#ops", "Approve"), await office.world.requests()
    mailed = await office.world.next_mail("eve", about="Press bell?")
    async with AsyncExitStack() as open_ones:
        api = await open_ones.enter_async_context(beside(office.world))
        console, two = Console(api), ("bo", "cy")
        terminals = {person: open_ones.enter_context(connect(office.world.folder, person)) for person in two}
        keys = {person: await api.client(person) for person in two}
        browsers = {person: await console.browser(person) for person in two}
        yield Seats(office, record, terminals, keys, browsers, shown, mailed)


def heard(events: Sequence[Event]) -> list[tuple[int, str, str]]:
    """Every answer to the run's request, counted or not: the number of its event, its way, and what became of it."""
    found = list[tuple[int, str, str]]()
    for number, event in enumerate(events):
        match event:
            case VoteCast() | RequestRevoked():
                found.append((number, event.vote.channel, event.type))
            case AnswerNoted():
                found.append((number, event.channel, event.outcome))
            case _:
                pass
    return found


async def all_ready(seats: Seats) -> list[Awaitable[object]]:
    """64 answers, in turn an approval and a denial, by each way in turn."""
    people = ("bo", "cy")
    return [await seats.ready(WAYS[n % 5], people[n // 10 % 2], WORDS[n % 2]) for n in range(ANSWERS)]


async def sent_at_once(seats: Seats, answers: Sequence[Awaitable[object]]) -> None:
    """All of them are sent, and the run has heard each."""
    world, run_id = seats.office.world, seats.record.request.run_id
    before = len(heard(await world.events(run_id)))

    await asyncio.gather(*answers)

    async def have_all_been_heard() -> bool:
        return len(heard(await world.events(run_id))) == before + ANSWERS

    await until(have_all_been_heard, what="all of them are heard")


async def test_64_answers_to_one_request_have_one_outcome_and_a_denial_before_the_start_wins(
    office: SlackWorld,
) -> None:
    async with seated(office) as seats:
        await sent_at_once(seats, await all_ready(seats))
        await office.world.ended(seats.record.request.run_id)
        await office.world.quiet()

    events = await office.world.events(seats.record.request.run_id)
    told, decided = heard(events), [event.decision.state for event in events if isinstance(event, RequestDecided)]
    starts = [number for number, event in enumerate(events) if isinstance(event, ToolStarted)]
    outcomes = Counter(became for _, _, became in told)
    assert Counter(way for _, way, _ in told) == Counter(WAYS[number % 5] for number in range(ANSWERS))
    assert (len(decided), len(starts)) == (1, decided == ["approved"] and not outcomes["request_revoked"])
    assert office.world.workshop.effects == ["press bell"] * len(starts)
    # Denials that did not stop it came after the start, and say so.
    assert outcomes["too_late"] == (ANSWERS // 2 if starts else 0)
    assert all(number > starts[0] for number, _, became in told if became == "too_late")


@pytest.mark.long
async def test_of_64_answers_before_anything_may_start_a_denial_wins_whatever_came_first(office: SlackWorld) -> None:
    async with seated(office) as seats:
        world, run_id = office.world, seats.record.request.run_id
        await world.steer(run_id, "pause")
        await sent_at_once(seats, await all_ready(seats))
        await world.steer(run_id, "resume")
        await world.ended(run_id)

    assert (await world.request(seats.record.request.id)).state in {"denied", "revoked"}
    assert world.workshop.started == []


@pytest.mark.long
async def test_of_64_answers_after_the_start_none_changes_anything(office: SlackWorld) -> None:
    async with seated(office) as seats:
        world, request = office.world, seats.record.request
        pressing, answers = world.workshop.hold("bell"), await all_ready(seats)
        await world.decide("cy", seats.record, "approve")
        await until(lambda: world.workshop.started, what="the tool has started")
        await sent_at_once(seats, answers)
        pressing.set()

        assert await world.summary(request.run_id) == "done: ok: press bell: done"

    outcomes = Counter(became for _, _, became in heard(await world.events(request.run_id)))
    assert outcomes == {"vote_cast": 1, "already_decided": ANSWERS // 2, "too_late": ANSWERS // 2}
