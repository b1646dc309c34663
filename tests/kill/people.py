"""People at the desk: they want things, see cards and answer them, and what they were promised is checked here."""

import random
import secrets
from collections import Counter
from dataclasses import dataclass, field

from agents.events import AnswerNoted, Event, RequestDecided, RequestOpened, RunEnded, RunStarted, ToolStarted
from tests.kill.parts import ToolName
from tests.kit.reading import runs_in
from tests.servers.lines import Message, Server
from tests.servers.resp import Redis

IT_HAPPENED, IT_DID_NOT = "it happened", "it did not happen, ask again"


@dataclass
class Story:
    """One run and what people saw of it. `calls_before_unknown` is how often its tool had been called each time they
    were asked whether it happened. The events and the calls are those of its end.
    """

    name: str
    tool: ToolName
    kills: int = 0
    sprung: int = 0
    outcome: str = ""
    calls_before_unknown: list[int] = field(default_factory=list[int])
    events: list[Event] = field(default_factory=list[Event])
    calls: list[Message] = field(default_factory=list[Message])
    seen: list[str] = field(default_factory=list[str])

    def problems(self) -> list[str]:
        """Return what is not as it was promised; nothing when all is well."""
        kinds = Counter(event.type for event in self.events)
        decided = Counter(event.request_id for event in self.events if isinstance(event, RequestDecided))
        opened = [event.request.id for event in self.events if isinstance(event, RequestOpened)]
        ended = [event.outcome for event in self.events if isinstance(event, RunEnded)]
        keys = {call["key"] for call in self.calls}
        calls, asked = len(self.calls), self.calls_before_unknown
        found = {
            f"it was started {kinds['run_started']} times": kinds["run_started"] != 1,
            f"it ended as {ended}": ended != ["done"],
            "a request was not decided exactly once": sorted(opened) != sorted(decided) or {*decided.values()} != {1},
            "executed without a decision": not self.is_decided_before_it_is_done(),
            f"{self.effects} effects": self.effects != 1,
            f"{len(keys)} keys for one effect": self.tool == "honours" and len(keys) != 1,
            "asked about a tool that honours its key": self.tool == "honours" and bool(asked),
            f"called {asked} times when people were asked": any(count > place + 1 for place, count in enumerate(asked)),
            f"{calls} calls, people were asked {len(asked)} times": self.tool != "honours" and calls > 1 + len(asked),
        }
        return [what for what, is_wrong in found.items() if is_wrong]

    @property
    def effects(self) -> int:
        """The number of times the world outside was changed."""
        return sum(call["has_effect"] for call in self.calls)

    @property
    def noted(self) -> list[str]:
        """The outcomes that people were told of answers that did not count."""
        return [event.outcome for event in self.events if isinstance(event, AnswerNoted)]

    def is_decided_before_it_is_done(self) -> bool:
        """Return whether each attempt stands behind an approval of the request that it names."""
        approved: set[str] = set()
        for event in self.events:
            if isinstance(event, RequestDecided) and event.decision.state == "approved":
                approved.add(event.request_id)
            if isinstance(event, ToolStarted) and event.request_id not in approved:
                return False
        return True


class People:
    """Anna, who wants things, and Bo, who decides. They tell the truth: they look at what really happened first.

    Of what they say the part `doubled`, drawn by `chance`, arrives twice.
    """

    def __init__(self, desk: Server, recorder: Server, doubled: float = 0, chance: random.Random | None = None) -> None:
        self._desk, self._recorder, self.doubled = desk, recorder, doubled
        self._chance = chance or random.Random(0)  # noqa: S311
        self.duplicates = 0
        self._answered = set[str]()
        self.shown: list[Message] = []
        self.stories: dict[str, Story] = {}

    def want(self, tool: ToolName) -> Story:
        """Anna wants `tool` used."""
        story = Story(f"story-{secrets.token_hex(5)}", tool)
        self.stories[story.name] = story
        self.put(story.name, {"person": "anna", "text": f"{tool} {story.name}", "story": story.name})
        return story

    def look(self, wait_s: float = 0.05) -> None:
        """Answer whatever has come."""
        cards: list[Message] = self._desk.ask(do="cards", after=len(self.shown), wait_s=wait_s)["cards"]
        self.shown += cards
        for shown in cards:
            if story := self.stories.get(shown["thread"]):
                self._see(story, shown)

    def calls(self, story: Story) -> list[Message]:
        """The calls of the story's tool so far."""
        return self._recorder.ask(do="calls", story=story.name)["calls"]

    def look_back(self, redis: Redis) -> None:
        """Find out what really happened in every story."""
        runs = [events for events in runs_in(redis).values() if isinstance(events[0], RunStarted)]
        by_story = {events[0].thread: events for events in runs if isinstance(events[0], RunStarted)}
        calls: list[Message] = self._recorder.ask(do="calls")["calls"]
        by_name: dict[str, list[Message]] = {}
        for call in calls:
            by_name.setdefault(call["story"], []).append(call)
        for story in self.stories.values():
            story.events, story.calls = by_story.get(story.name, []), by_name.get(story.name, [])

    def _see(self, story: Story, shown: Message) -> None:
        card = shown["card"]
        form = card.get("form")
        if card["title"].startswith(("Done:", "Failed:")):
            story.outcome = card["title"].partition(":")[0]
        if form is None:
            return
        said, text = "approve", "approve"
        if form["format"] == "choice":
            calls = self.calls(story)
            story.calls_before_unknown.append(len(calls))
            said, text = "free_text", IT_HAPPENED if any(call["has_effect"] for call in calls) else IT_DID_NOT
        token = form["token"]
        if token in self._answered:  # an approved card can still be denied, which nobody wants here
            return
        self._answered.add(token)
        self.put(f"answer {token}", {"person": shown["person"], "token": token, "said": said, "text": text})

    def put(self, key: str, body: Message) -> None:
        """A message arrives."""
        is_doubled = self._chance.random() < self.doubled
        self.duplicates += is_doubled
        for _ in range(1 + is_doubled):
            self._desk.ask(do="put", key=key, body=body)
