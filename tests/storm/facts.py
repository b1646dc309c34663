"""What is known of a storm from outside: what people said and were shown, what tools did, what was disturbed."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, get_args

from tests.fakes.slack.driver import Message as SlackMessage
from tests.kill.parts import ToolName
from tests.servers.lines import Message

Kind = Literal["approve", "deny", "both", "requester", "stranger", "late", "cancel", "pause"]
Way = Literal["slack", "mail", "console", "api"]
AskedBy = Literal["slack", "mail", "api"]
Shown = Literal["done", "stopped", "cancelled", "failed"]
Setup = Literal["one", "cluster", "sentinel"]
KINDS: tuple[Kind, ...] = get_args(Kind)
WAYS: tuple[Way, ...] = get_args(Way)
SETUPS: tuple[Setup, ...] = get_args(Setup)

PEOPLE = {"slack": "bo", "mail": "cy", "api": "dan", "console": "eve"}
"""Who decides in which way."""
REQUESTERS = ("anna", "fay", "gus", "hal", "ida", "jon", "kim", "lou")
"""Who wants something over HTTP, in turn: Slack takes one message a second for each, which says how it ended."""
APPROVERS = {
    "by_slack": ("bo", "dan"),
    "by_mail": ("cy", "dan"),
    "by_console": ("eve", "dan"),
    "by_api": ("dan", "eve"),
    "briefly": ("bo", "dan"),
}
"""The policies, and whose approval counts in each."""


@dataclass(frozen=True)
class Plot:
    """What somebody wants, and what people are going to do about it."""

    name: str
    kind: Kind
    tool: ToolName
    asked_by: AskedBy
    way: Way

    @property
    def policy(self) -> str:
        """The policy that the call needs."""
        return "briefly" if self.kind == "late" else f"by_{self.way}"

    @property
    def requester(self) -> str:
        """Who wants it."""
        number = int("".join(filter(str.isdigit, self.name.rpartition("-")[2])))
        return REQUESTERS[number % len(REQUESTERS)] if self.asked_by == "api" else "anna"

    @property
    def is_in_slack(self) -> bool:
        """Whether messages about it are sent to Slack."""
        return self.asked_by == "slack" or "bo" in APPROVERS[self.policy]

    @property
    def text(self) -> str:
        """What is written to sayso."""
        return f"{self.tool} {self.name} {self.policy}"


@dataclass(frozen=True)
class Said:
    """One vote of a person. `counts` is false if it came when it can't count any more. `at` as calls are timed."""

    person: str
    approves: bool
    at: float
    counts: bool = True


@dataclass
class Story:
    """A plot and what came of it. `was_taken` once whoever was told has promised to keep it.

    `run_id` and `message` are what it was begun with, over HTTP and in Slack. `calls_before_unknown` is how often its
    tool had been called each time people said whether it happened.
    """

    plot: Plot
    was_taken: bool = False
    run_id: str = ""
    message: SlackMessage | None = None
    said: list[Said] = field(default_factory=list[Said])
    shown: list[Shown] = field(default_factory=list[Shown])
    calls: list[Message] = field(default_factory=list[Message])
    calls_before_unknown: list[int] = field(default_factory=list[int])

    def show(self, outcome: Shown) -> None:
        """Somebody was shown this end of it."""
        if self.shown[-1:] != [outcome]:
            self.shown.append(outcome)

    @property
    def effects(self) -> list[Message]:
        """The calls that changed something outside."""
        return [call for call in self.calls if call["has_effect"]]


@dataclass
class Facts:
    """All of it. `live` names what can still be answered though its story is over; `done` counts what was disturbed.

    `setup` is which Redis it was: a single one, a cluster, or a master under Sentinel.
    """

    setup: Setup = "one"
    stories: list[Story] = field(default_factory=list[Story])
    live: list[str] = field(default_factory=list[str])
    done: Counter[str] = field(default_factory=Counter[str])
    skipped: list[str] = field(default_factory=list[str])

    @property
    def approvals(self) -> int:
        """How often somebody approved something."""
        return sum(said.approves for story in self.stories for said in story.said)
