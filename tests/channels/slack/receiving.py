"""A Slack channel that receives from the fake, and what stands around it: a store, a desk, people."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from pydantic import JsonValue

from bot.computing import in_time
from channels import (
    Address,
    AnswerForm,
    Card,
    ChannelRefused,
    Contact,
    Inbound,
    Newest,
    Overview,
    Placement,
    Reading,
    WorkGroup,
    WorkRow,
)
from channels.slack import SlackChannel
from channels.slack.api import Api
from channels.slack.members import KEEPS_S, Members
from language import Language
from tests.channels.email.mails import People
from tests.fakes.slack.driver import Person, Workspace
from tests.kit.acts import vote
from tests.kit.waiting import until

TOKEN = "3k7qp2xv9rt4mzs8a"
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
QUICK_S = (0.0, 0.05, 0.1, 0.2)


def asked_each_time(api: Api) -> Members:
    """Return look-ups by a clock on which what is known is always too old."""
    return Members(api, count(step=KEEPS_S + 1).__next__)


class NoWayOut:
    """Sends nothing."""

    async def address(self, contact: Contact, thread: str, *, anew: bool = False) -> Address | None:
        return None

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        raise AssertionError("nothing is sent here")

    async def update(self, delivery: Placement, card: Card, key: str, newest: Newest | None = None) -> None:
        raise AssertionError("nothing is sent here")


@dataclass
class Store:
    """The items that were accepted. `fails` loses one; `door` is shut while nothing may be stored yet."""

    kept: dict[str, Inbound] = field(default_factory=dict[str, Inbound])
    came: list[str] = field(default_factory=list[str])
    fails: bool = False
    door: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.door.set()

    async def accept(self, inbound: Inbound) -> None:
        self.came.append(inbound.key)
        await self.door.wait()
        if self.fails:
            raise ConnectionError("the store is away")
        self.kept.setdefault(inbound.key, inbound)


@dataclass
class Desk:
    """Cards by their tokens; `fails` when what it looks into is away. `wrong` says why a field may not hold `wrong`."""

    cards: dict[str, Card] = field(default_factory=dict[str, Card])
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    fails: bool = False
    can_be_asked: str = ""
    wrong: dict[str, str] = field(default_factory=dict[str, str])

    async def card(self, token: str, person: str) -> Card:
        self.asked.append((token, person))
        if self.fails:
            raise ConnectionError("the store is away")
        if token not in self.cards:
            raise ChannelRefused("This card is none of ours", "Ask for a new one")
        return self.cards[token]

    async def misfits(self, token: str, filled: Mapping[str, str]) -> Mapping[str, str]:
        if self.fails:
            raise ConnectionError("the store is away")
        return {name: why for name, why in self.wrong.items() if filled.get(name) == "wrong"}

    def usage(self) -> str:
        return self.can_be_asked

    async def overview(self, person: str) -> Overview:
        cards = self.cards.items()
        rows = tuple(WorkRow(title=card.title, opened_at=NOON, expires_at=NOON, token=token) for token, card in cards)
        return Overview(waiting=(WorkGroup(name="production", rows=rows),) if rows else ())


@dataclass
class Office:
    """A channel that receives. `reports` is what it said of its line, newest last."""

    slack: Workspace
    channel: SlackChannel
    store: Store
    desk: Desk
    reports: list[tuple[bool, str]]

    async def stored(self, count: int = 1) -> list[Inbound]:
        """Everything that was accepted, as soon as it is so much."""

        async def found() -> list[Inbound] | None:
            return list(self.store.kept.values()) if len(self.store.kept) >= count else None

        return await until(found, what=f"{count} things are stored")

    async def read(self) -> Reading:
        """Return what the newest thing means."""
        return await self.channel.read((await self.stored())[-1])


def contact(person: Person, **changes: Any) -> Contact:
    """The person, as the directory lists them."""
    return Contact(id=person.name, name=person.name.capitalize(), slack=person.id).model_copy(update=changes)


def home(overview: Overview) -> dict[str, JsonValue]:
    """An App Home with a button, and a line for each card."""
    button: dict[str, JsonValue] = {
        "type": "button",
        "action_id": "ask",
        "text": {"type": "plain_text", "text": "Ask sayso…"},
    }
    lines: list[JsonValue] = [
        {"type": "section", "text": {"type": "plain_text", "text": f"Waiting on you: {row.title}"}}
        for group in overview.waiting
        for row in group.rows
    ]
    return {"type": "home", "blocks": [{"type": "actions", "elements": [button]}, *lines]}


def approval(**changes: Any) -> Card:
    """The card that asks for a deployment."""
    form = AnswerForm(token=TOKEN, format="approval", acts=vote(), until=datetime(2026, 3, 3, 16, 0, tzinfo=UTC))
    return Card(title="Deploy 4f2a to production?", at=NOON, exact="x" * 2_000, form=form).model_copy(update=changes)


def asking(format_: str, **changes: Any) -> Card:
    """A question of this format."""
    form = AnswerForm.model_validate(
        {"token": TOKEN, "format": format_, "until": datetime(2026, 3, 3, 16, 0, tzinfo=UTC), **changes}
    )
    return approval(title="Which one?", exact="", form=form)


def office_of(
    slack: Workspace,
    *people: Contact,
    bot_token: str | None = None,
    app_token: str | None = None,
    language: Language = "en",
    is_stop: Callable[[str], bool] = lambda _: False,
) -> Office:
    """An office for `people` that does not receive yet."""
    api = Api(bot_token or slack.bot_token, slack.base_url)
    reports = list[tuple[bool, str]]()

    async def report(connected: bool, why: str) -> None:
        reports.append((connected, why))

    channel = SlackChannel(
        api=api,
        app_token=app_token or slack.app_token,
        signing_secret=slack.signing_secret,
        directory=People(*people),
        members=asked_each_time(api),
        sends=NoWayOut(),
        home=home,
        is_order=lambda text: text.startswith("deploy ") and text.endswith(" to production"),
        is_stop=is_stop,
        language=language,
        report=report,
        in_time=in_time,
        now=lambda: NOON,
        delays_s=QUICK_S,
        refused_s=0.05,
        look_s=0.05,
        check_s=0.05,
    )
    return Office(slack, channel, Store(), Desk(), reports)


@contextlib.asynccontextmanager
async def receiving(office: Office, *, connected: bool = True) -> AsyncGenerator[Office]:
    """The office while it receives in Socket Mode."""
    task = asyncio.ensure_future(office.channel.receive(office.store.accept, office.desk))
    try:
        if connected:
            await office.slack.connected()
        yield office
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def stored(kind: str, body: dict[str, Any]) -> Inbound:
    """Something as it was stored."""
    raw = json.dumps({"kind": kind, "body": body}).encode()
    return Inbound(channel="slack", key="k", raw=raw, size_bytes=len(raw), can_wait=False, received_at=NOON)
