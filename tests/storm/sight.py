"""What people see: cards that they can answer, and how stories ended, in each of the places where that is shown."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from httpx2 import AsyncClient, HTTPError

from channels import Contact
from channels.email.local import maildir
from channels.email.local.letters import Letter, letters
from tests.fakes.slack.driver import Message, Workspace
from tests.kit.waiting import passes
from tests.servers.lines import Message as Json
from tests.storm.facts import PEOPLE, Shown, Story, Way
from tests.storm.house import NAMES, House

_STORY = re.compile(r"story-\d+-\d+x")
_ENDED = re.compile(r"(Done|Stopped|Cancelled|Failed)\b")
_ASKS = re.compile(r"\? \[\w+\]$")
_WORDS: dict[str, Shown] = {"Done": "done", "Stopped": "stopped", "Cancelled": "cancelled", "Failed": "failed"}
_STATES: dict[str, Shown] = {"done": "done", "cancelled": "cancelled"}
_ENDS = {"done", "failed", "cancelled"}
_OFTEN_S = 0.2
# Runs that stand in no list for an approver, and those that are older than the list is long.
_SELDOM_S = 3.0
_NEWEST_RUNS = "100"
_READERS = ("cy", "anna")


@dataclass(frozen=True)
class Card:
    """A card before one person. `is_unknown`: it asks whether something happened."""

    id: str
    story: str
    person: str
    way: Way
    seen_at: float
    is_unknown: bool = False
    request: str = ""
    digest: str = ""
    message: Message | None = None
    letter: Letter | None = None


@dataclass
class Sight:
    """Looks again and again while `looking` runs, once for all stories. `cards` are all that were ever there, by story.

    `moved_at` is when something new was seen last, `open_at` when each request was last seen open; of the stories
    `in_slack` a button can be pressed there just now.
    """

    house: House
    slack: Workspace
    stories: dict[str, Story]
    cards: dict[str, dict[str, Card]] = field(default_factory=lambda: defaultdict(dict[str, Card]))
    moved_at: float = 0.0
    open_at: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    in_slack: set[str] = field(default_factory=set[str])
    _seen: set[str] = field(default_factory=set[str])
    _news: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    _without_end: dict[str, Story] = field(default_factory=dict[str, Story])
    _all_looked_at: float = 0.0

    def open(self, clients: dict[str, AsyncClient], places: tuple[str, ...]) -> None:
        """People have keys from now on, and Bo reads in these `places` of Slack."""
        self._clients, self._places = clients, places

    def contact(self, person: str) -> Contact:
        """A person as mails name them."""
        return Contact(id=person, name=NAMES[person], email=f"{person}@corp.example")

    async def looking(self) -> None:
        """Look everywhere for ever, and nowhere later because another place is slow to answer."""
        async with asyncio.TaskGroup() as tasks:
            for look in (self._requests, self._messages, self._mails, self._ends):
                tasks.create_task(self._looking(look))

    async def _looking(self, look: Callable[[], Awaitable[None]]) -> None:
        """Look at one place for ever; where nobody answers, what was seen last still stands."""
        while True:
            began = time.monotonic()
            with suppress(HTTPError, OSError):
                await look()
            await passes(max(_OFTEN_S, time.monotonic() - began))

    async def news(self, story: str, within_s: float) -> None:
        """Returns once something was seen of the story that was not there the last time, or after `within_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):  # wait_for may take a cancellation for the end of its time
                await self._news[story].wait()
        self._news[story].clear()

    def begin(self, story: Story) -> None:
        """Look for it from now on, until its end was seen."""
        self.stories[story.plot.name] = self._without_end[story.plot.name] = story

    async def live(self) -> list[str]:
        """What can still be answered: messages with a button, and open requests."""
        found = [
            f"{story}: {' '.join(one.buttons)} in {one.channel}"
            for one in await self._live()
            if (story := _story_in(one.words))
        ]
        answer = await self._clients["dan"].get("/v1/requests", params={"state": "open", "limit": "200"})
        return found + [f"{_story_in(one['title'])}: open" for one in answer.json()["requests"]]

    def end(self, story: Story) -> None:
        """Nobody waits for news of it any more."""
        self._news.pop(story.plot.name, None)

    def _note(self, card: Card) -> None:
        if card.story in self.stories and card.id not in self.cards[card.story]:
            self.cards[card.story][card.id] = card
            self._moved(card.story)

    def _show(self, name: str, shown: Shown) -> None:
        if story := self.stories.get(name):
            before = len(story.shown)
            story.show(shown)
            if len(story.shown) > before:
                self._without_end.pop(name, None)
                self._moved(name)

    def _moved(self, name: str) -> None:
        self.moved_at = time.monotonic()
        self._news[name].set()

    async def _requests(self) -> None:
        answer = await self._clients["dan"].get("/v1/requests", params={"state": "open", "limit": "200"})
        if answer.status_code != 200:
            return
        for one in answer.json()["requests"]:
            story, now = _story_in(f"{one['title']} {one['call'] or ''}"), time.monotonic()
            is_unknown, self.open_at[one["id"]] = one["purpose"] == "unknown", now
            for way in ("api",) if is_unknown else ("api", "console"):
                some_id = f"{way} {one['id']} {one['revision']}"
                card = Card(some_id, story, PEOPLE[way], way, now, is_unknown, one["id"], one["digest"])
                self._note(card)

    async def _live(self) -> list[Message]:
        return [Message(each) for each in await self.slack.see("live")]

    async def _messages(self) -> None:
        live = await self._live()
        self.in_slack = {_story_in(message.words) for message in live}
        for message in live:
            if message.buttons[:1] == ["Approve"] and message.channel in self._places:
                story = _story_in(message.words)
                some_id = f"slack {message.channel} {message.ts}"
                self._note(Card(some_id, story, "bo", "slack", time.monotonic(), message=message))

    async def _mails(self) -> None:
        for person, found in (await asyncio.to_thread(self._new_mails)).items():
            for letter in found:
                story = _story_in(f"{letter.subject}\n{letter.text}")
                if person == "anna" and (ended := _ENDED.match(letter.text)):
                    self._show(story, _WORDS[ended[1]])
                elif person == "cy" and _ASKS.search(letter.subject) and not letter.subject.startswith("Re:"):
                    self._note(Card(f"mail {letter.id}", story, person, "mail", time.monotonic(), letter=letter))

    def _new_mails(self) -> dict[str, list[Letter]]:
        """What has arrived since the last look. Everybody throws mails away: full mailboxes take new ones slowly."""
        found: dict[str, list[Letter]] = {}
        for person in NAMES:
            folder = self.house.host.dovecot.maildir(f"{person}@corp.example")
            paths = list(maildir.every_mail(folder))
            if paths and person in _READERS:
                found[person] = [letter for letter in letters(folder) if letter.id not in self._seen]
                self._seen |= {letter.id for letter in found[person]}
            for path in paths:
                path.unlink(missing_ok=True)
        return found

    async def _ends(self) -> None:
        """Look at each message in Slack that began a story, and at each run that a list shows as ended.

        Now and then at every run: not all stand in that list.
        """
        is_time, ended = time.monotonic() > self._all_looked_at + _SELDOM_S, set[str]()
        if is_time:
            self._all_looked_at = time.monotonic()
        else:
            answer = await self._clients["dan"].get("/v1/runs", params={"limit": _NEWEST_RUNS})
            listed: list[Json] = answer.json()["runs"] if answer.status_code == 200 else []
            ended = {one["id"] for one in listed if one["state"] in _ENDS}
        begun = [story for story in self._without_end.values() if story.was_taken]
        due = [story for story in begun if story.message or is_time or story.run_id in ended]
        for error in await asyncio.gather(*map(self.look_for_end, due), return_exceptions=True):
            if error and not isinstance(error, HTTPError | OSError):
                raise error

    async def tell_of_stuck(self) -> None:
        """Print all that happened in the newest runs whose end was not seen."""
        with suppress(HTTPError, OSError):
            dan = self._clients["dan"]
            listed: list[Json] = (await dan.get("/v1/runs", params={"limit": _NEWEST_RUNS})).json()["runs"]
            for one in listed:
                if _story_in(str(one)) in self._without_end:
                    print((await dan.get(f"/v1/runs/{one['id']}/events")).text, flush=True)  # noqa: T201

    async def look_for_end(self, story: Story) -> None:
        """Look at where the story was begun, whether its end stands there."""
        name = story.plot.name
        if story.message:
            for said in await self.slack.messages(story.message):
                if said.user == "U0BOT" and (ended := _ENDED.match(said.text)) and name in f"{said.text} {said.words}":
                    self._show(name, _WORDS[ended[1]])
        elif story.run_id:
            answer = await self._clients[story.plot.requester].get(f"/v1/runs/{story.run_id}")
            if answer.status_code == 200 and (shown := _end_of(answer.json())):
                self._show(name, shown)


def _end_of(run: Json) -> Shown | None:
    if run["state"] == "failed":
        return "stopped" if run["word"] else "failed"
    return _STATES.get(run["state"])


def _story_in(text: str) -> str:
    found = _STORY.search(text)
    return found[0] if found else ""
