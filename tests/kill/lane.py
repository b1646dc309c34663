"""Everything that one worker needs around it, and the people who answer: stories are told here, and checked."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from agents.events import Event, RequestDecided, RequestOpened, RunEnded, RunStarted, ToolStarted, read_event
from bot.store import _SCRIPTS  # pyright: ignore[reportPrivateUsage]
from bot.store.embedded import EmbeddedRedis
from tests.kill.parts import ToolName
from tests.servers.lines import TOP, Message, Server
from tests.servers.resp import Redis, texts
from tests.servers.traps import When
from tests.waiting import wait_until

TOML = """
[people.anna]
name = "Anna Ames"
email = "anna@corp.example"

[people.bo]
name = "Bo Berg"
email = "bo@corp.example"

[policies.production]
approvers = ["person:bo"]
approve_by_email = true
expires_after = "4h"

[limits]
triggers_per_person = "100000/h"
"""

QUICK = {"SHARDS": "2", "LEASE_S": "1", "REDELIVERY_S": "1", "SWEEP_S": "0.1", "GRACE_S": "1"}
STORY_WITHIN_S = 40.0
IT_HAPPENED, IT_DID_NOT = "it happened", "it did not happen, ask again"


@dataclass(frozen=True, order=True)
class Point:
    """Where a worker is killed: at the `nth` call of `name` in its story, at Redis, the tool or the desk."""

    name: str
    when: When
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.when} {self.name}" + (f" #{self.nth}" if self.nth > 1 else "")


@dataclass
class Story:
    """One run and what people saw of it. `calls_before_unknown` is how often its tool had been called when they were
    asked whether it happened.
    """

    name: str
    tool: ToolName
    kills: int = 0
    sprung: int = 0
    cards: list[Message] = field(default_factory=list[Message])
    calls_before_unknown: list[int] = field(default_factory=list[int])
    events: list[Event] = field(default_factory=list[Event])
    calls: list[Message] = field(default_factory=list[Message])

    def problems(self) -> list[str]:
        """What is not as it was promised; nothing when all is well."""
        kinds = Counter(event.type for event in self.events)
        decided = Counter(event.request_id for event in self.events if isinstance(event, RequestDecided))
        opened = [event.request.id for event in self.events if isinstance(event, RequestOpened)]
        ended = [event.outcome for event in self.events if isinstance(event, RunEnded)]
        effects, calls = sum(call["has_effect"] for call in self.calls), len(self.calls)
        keys = {call["key"] for call in self.calls}
        approved = [event.request_id for event in self.events if isinstance(event, ToolStarted)]
        found = {
            "the run did not end once, and well": ended != ["done"],
            "it was started more than once": kinds["run_started"] != 1,
            "a request was not decided exactly once": sorted(opened) != sorted(decided) or {*decided.values()} != {1},
            "an attempt names no decided request": any(request not in decided for request in approved),
            f"{effects} effects": effects != 1,
            "no call at all": calls == 0,
            f"{len(keys)} keys for one effect": self.tool == "honours" and len(keys) != 1,
            "asked about a tool that honours its key": self.tool == "honours" and bool(self.calls_before_unknown),
            f"called {self.calls_before_unknown} times before anybody was asked": any(
                count > place + 1 for place, count in enumerate(self.calls_before_unknown)
            ),
            f"{calls} calls, people were asked {len(self.calls_before_unknown)} times": self.tool != "honours"
            and calls > 1 + len(self.calls_before_unknown),
        }
        return [what for what, is_wrong in found.items() if is_wrong]


class Lane:
    """A Redis, a proxy, a recorder, a desk and one worker at a time. Stories of one lane come one after the other."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._pid = 0
        self._cards_seen = 0

    def __enter__(self) -> Self:
        """Start the servers, and the first worker."""
        with ExitStack() as stack:
            self.folder = Path(tempfile.mkdtemp(prefix="sayso-"))
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.server = stack.enter_context(EmbeddedRedis(self.folder / "data", self.folder / "run"))
            url = self.server.start()
            self.redis = Redis(url)
            stack.callback(self.redis.close)
            self._load_scripts()
            self.proxy = stack.enter_context(Server("tests.servers.redis_proxy", url))
            self.recorder = stack.enter_context(Server("tests.servers.recorder"))
            self.desk = stack.enter_context(Server("tests.servers.desk"))
            self._nursery = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.kill.worker", "nursery"],
                    cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0,
                )
            )  # fmt: skip
            assert self._nursery.stdin
            stack.callback(self._nursery.stdin.close)
            self._heard()
            (self.folder / "sayso.toml").write_text(TOML)
            self._environ = {f"SAYSO_{name}": value for name, value in QUICK.items()} | {
                "SAYSO_REDIS_URL": f"redis://127.0.0.1:{self.proxy.said['redis_port']}/0",
                "SAYSO_SECRET_KEY": secrets.token_hex(16),
                "SAYSO_CONFIG": str(self.folder / "sayso.toml"),
                "SAYSO_DATA_DIR": str(self.folder / "home"),
                "DESK": str(self.desk.said["port"]),
                "RECORDER": str(self.recorder.said["port"]),
                "LOG": str(self.folder / "log"),
            }
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End them all."""
        self._stack.close()

    def tell(self, tool: ToolName, *kills: Point) -> Story:
        """One story from its trigger to its end; the worker is killed at each of `kills`, one life each."""
        story = Story(f"story-{secrets.token_hex(4)}", tool)
        self._be_alive()
        left = list(kills)
        self._arm(left)
        self._put(story.name, {"person": "anna", "text": f"{tool} {story.name}", "story": story.name})
        give_up_at = time.monotonic() + STORY_WITHIN_S
        while not self._is_over(story):
            assert time.monotonic() < give_up_at, self._post_mortem(story)
            if not self.is_alive():
                story.kills += 1
                self._count_sprung(story)
                self._be_alive()
                self._arm(left)
            for card in self._new_cards():
                if card["thread"] == story.name:
                    self._answer(story, card)
        self._count_sprung(story)
        wait_until(lambda: self.is_quiet() or not self.is_alive(), 15, "quiet")
        self._be_alive()
        wait_until(self.is_quiet, 15, "quiet")
        story.events = self._events(story.name)
        story.calls = self._calls(story.name)
        return story

    def seen(self) -> list[str]:
        """Every named point that was passed since the last trap was set, in order."""
        return [
            *self.proxy.ask(do="seen")["seen"],
            *self.recorder.ask(do="seen")["seen"],
            *self.desk.ask(do="seen")["seen"],
        ]

    def is_alive(self) -> bool:
        """Whether the worker lives."""
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return False
        return True

    def is_quiet(self) -> bool:
        """Whether nothing is left to be looked at or to be sent."""
        return not any(self.redis.ask("EXISTS", f"{{s{shard}}}:{name}") for shard in (0, 1) for name in ("wake", "outbox"))

    def kill(self) -> None:
        """Kill the worker now, wherever it is."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        wait_until(lambda: not self.is_alive(), 10, "death")

    def log(self) -> str:
        """What the workers wrote."""
        return (self.folder / "log").read_text()

    def _be_alive(self) -> None:
        if self._pid and self.is_alive():
            return
        assert self._nursery.stdin
        self._nursery.stdin.write(json.dumps(self._environ) + "\n")
        self._nursery.stdin.flush()
        self._pid = int(self._heard()["pid"])

    def _heard(self) -> Message:
        assert self._nursery.stdout
        return json.loads(self._nursery.stdout.readline())

    def _arm(self, left: list[Point]) -> None:
        for server in (self.proxy, self.recorder, self.desk):
            server.ask(do="clear")
        if left:
            point = left.pop(0)
            where = {"honours": self.recorder, "careless": self.recorder, "keyless": self.recorder}.get(point.name)
            where = where or (self.desk if point.name in {"send", "update"} else self.proxy)
            where.ask(do="arm", name=point.name, nth=point.nth, when=point.when, pid=self._pid)

    def _count_sprung(self, story: Story) -> None:
        story.sprung += sum(server.ask(do="seen")["sprung"] for server in (self.proxy, self.recorder, self.desk))

    def _put(self, key: str, body: Message) -> None:
        self.desk.ask(do="put", key=key, body=body)

    def _new_cards(self) -> list[Message]:
        found: list[Message] = self.desk.ask(do="cards", after=self._cards_seen, wait_s=0.05)["cards"]
        self._cards_seen += len(found)
        return found

    def _answer(self, story: Story, shown: Message) -> None:
        """People tell the truth: they look at what really happened before they say so."""
        story.cards.append(shown)
        form = shown["card"]["form"]
        if form is None:
            return
        said, text = "approve", "approve"
        if form["format"] == "choice":
            calls = self._calls(story.name)
            story.calls_before_unknown.append(len(calls))
            said, text = "free_text", IT_HAPPENED if any(call["has_effect"] for call in calls) else IT_DID_NOT
        token = form["token"]
        self._put(f"answer {token}", {"person": shown["person"], "token": token, "said": said, "text": text})

    def _is_over(self, story: Story) -> bool:
        return any(shown["card"]["title"].startswith(("Done:", "Failed:")) for shown in story.cards)

    def _calls(self, story: str) -> list[Message]:
        return [call for call in self.recorder.ask(do="calls")["calls"] if call["story"] == story]

    def _events(self, story: str) -> list[Event]:
        for key in texts(self.redis.ask("KEYS", "{s*}:run:*")):
            entries = self.redis.ask("XRANGE", key, "-", "+")
            assert isinstance(entries, list)
            events = [read_event(fields[1]) for _, fields in entries]  # pyright: ignore
            if isinstance(events[0], RunStarted) and events[0].thread == story:
                return events
        return []

    def _post_mortem(self, story: Story) -> str:
        events = [event.type for event in self._events(story.name)]
        return f"{story.name} is not over; its events: {events}; the end of the log:\n{self.log()[-6_000:]}"

    def _load_scripts(self) -> None:
        for script in _SCRIPTS.values():
            self.redis.ask("SCRIPT", "LOAD", script.text)
