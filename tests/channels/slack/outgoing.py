"""The shared parts of tests of the way out: marks in memory, a clock that moves Slack's too, a sender of all that."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from channels import Address, AnswerForm, Card, Contact, Line
from channels.slack.api import Api
from channels.slack.members import Members
from channels.slack.rate_limit import Paced, Rates
from channels.slack.sender import Clocks, SlackSender
from tests.fakes.marks import MemoryMarks
from tests.fakes.slack.driver import Person, Workspace
from tests.kit.acts import vote

AT = datetime(2026, 3, 3, 14, 2, tzinfo=UTC)
FORM = AnswerForm(token="s0d-x", format="approval", acts=vote(), until=AT)
CARD = Card(title="Deploy v1.2.0 to production?", at=AT, facts=(Line(label="Who asks", text="Anna"),), form=FORM)
DONE = Card(title="Approved by Bo", at=AT, closes=True)


@dataclass(frozen=True)
class People:
    """A directory of those who are in a test."""

    everyone: Sequence[Contact]

    def contacts(self) -> Sequence[Contact]:
        return self.everyone

    def contact(self, person: str) -> Contact | None:
        return next((each for each in self.everyone if each.id == person), None)

    def by_email(self, address: str) -> Contact | None:
        return next((each for each in self.everyone if each.email == address), None)


class Clock:
    """Seconds that pass only while somebody waits for them; Slack's pass with them."""

    def __init__(self, slack: Workspace) -> None:
        self._slack = slack
        self.slept_s = 0.0

    def passing(self) -> float:
        return self.slept_s

    async def moves(self, seconds: float) -> None:
        """Let so much time pass."""
        self.slept_s += seconds
        await self._slack.moves_clock(seconds)

    sleep = moves


def contact(person: Person) -> Contact:
    return Contact(id=person.name, name=person.name.capitalize(), slack=person.id)


def direct(person: Person, thread: str = "") -> Address:
    """The DM of `person`."""
    return Address(channel="slack", person=person.name, to=person.id, thread=thread)


def shared(channel: str, thread: str) -> Address:
    """A thread that many see."""
    return Address(channel="slack", person="bo", to=channel, thread=thread, is_shared=True)


def paced(slack: Workspace, clock: Clock | None = None, rates: Rates | None = None, *, timeout_s: int = 15) -> Paced:
    """Calls of one process."""
    clock = clock or Clock(slack)
    return Paced(Api(slack.bot_token, slack.base_url, timeout_s), clock.passing, clock.sleep, rates)


def a_sender(
    slack: Workspace,
    *people: Person,
    marks: MemoryMarks | None = None,
    clock: Clock | None = None,
    timeout_s: int = 15,
    shared_channels: Collection[str] = (),
) -> SlackSender:
    """Return what one process sends with; a second one with the same `marks` is the next process, or another one."""
    clock = clock or Clock(slack)
    api = paced(slack, clock, timeout_s=timeout_s)
    members = Members(api, clock.passing)
    directory = People([contact(person) for person in people])
    clocks = Clocks(time.time, clock.passing, clock.sleep)
    return SlackSender(api, members, marks or MemoryMarks(), directory, clocks, shared_channels)
