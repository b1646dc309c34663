"""What people see: cards that they can answer, and how stories ended, in each of the places where that is shown."""

import asyncio
import re
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field

from httpx2 import AsyncClient, HTTPError

from channels import Contact
from channels.email.local import maildir
from channels.email.local.letters import Letter, letters
from tests.fakes.slack.driver import Message, Workspace
from tests.servers.lines import Message as Json
from tests.storm.facts import PEOPLE, Shown, Story, Way
from tests.storm.house import NAMES, House
from tests.waiting import passes

_STORY = re.compile(r"story-\d+-\d+x")
_ENDED = re.compile(r"(Done|Stopped|Cancelled|Failed)\b")
_ASKS = re.compile(r"\? \[\w+\]$")
_WORDS: dict[str, Shown] = {"Done": "done", "Stopped": "stopped", "Cancelled": "cancelled", "Failed": "failed"}
_STATES: dict[str, Shown] = {"done": "done", "cancelled": "cancelled"}
_OFTEN_S = 0.3


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
    """Looks again and again while `looking` runs. `cards` are all that were ever there, by story.

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

    def open(self, clients: dict[str, AsyncClient], places: tuple[str, ...]) -> None:
        """People have keys from now on, and Bo reads in these `places` of Slack."""
        self._clients, self._places = clients, places

    def contact(self, person: str) -> Contact:
        """A person as mails name them."""
        return Contact(id=person, name=NAMES[person], email=f"{person}@corp.example")

    async def looking(self) -> None:
        """Look for ever."""
        while True:
            began = time.monotonic()
            await self.look()
            await passes(max(_OFTEN_S, time.monotonic() - began))

    async def look(self) -> None:
        """Look everywhere once; where nobody answers, what was seen last still stands."""
        for look in (self._requests, self._messages, self._mails, self._ends):
            with suppress(HTTPError, OSError):
                await look()

    async def live(self) -> list[str]:
        """What can still be answered: messages with a button, and open requests."""
        found = [
            f"{story}: {' '.join(one.buttons)} in {one.channel}"
            for one in await self._live()
            if (story := _story_in(one.words))
        ]
        answer = await self._clients["dan"].get("/v1/requests", params={"state": "open", "limit": "200"})
        return found + [f"{_story_in(one['title'])}: open" for one in answer.json()["requests"]]

    def _note(self, card: Card) -> None:
        if card.story in self.stories and card.id not in self.cards[card.story]:
            self.cards[card.story][card.id] = card
            self.moved_at = time.monotonic()

    def _show(self, name: str, shown: Shown) -> None:
        if story := self.stories.get(name):
            before = len(story.shown)
            story.show(shown)
            if len(story.shown) > before:
                self.moved_at = time.monotonic()

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
        for person in ("cy", "anna"):
            for letter in await asyncio.to_thread(self._new_mails, person):
                story = _story_in(f"{letter.subject}\n{letter.text}")
                if person == "anna" and (ended := _ENDED.match(letter.text)):
                    self._show(story, _WORDS[ended[1]])
                elif person == "cy" and _ASKS.search(letter.subject) and not letter.subject.startswith("Re:"):
                    self._note(Card(f"mail {letter.id}", story, person, "mail", time.monotonic(), letter=letter))

    def _new_mails(self, person: str) -> list[Letter]:
        """What has arrived since the last look; whoever has read a mail throws it away."""
        folder = self.house.host.dovecot.maildir(f"{person}@corp.example")
        paths = list(maildir.every_mail(folder)) if folder.exists() else []
        found = [letter for letter in letters(folder) if letter.id not in self._seen] if paths else []
        self._seen |= {letter.id for letter in found}
        for path in paths:
            path.unlink(missing_ok=True)
        return found

    async def _ends(self) -> None:
        for story in [story for story in self.stories.values() if story.was_taken and not story.shown]:
            await self.look_for_end(story)

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
