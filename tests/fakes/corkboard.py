"""A second way to reach people, without a wire: cards are pinned to a board, and whoever reads one writes below it.

It keeps the contract of channels: what was written is handed over until it was accepted, and one key is one card.
"""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from channels import (
    Accept,
    Address,
    Card,
    ChannelRefused,
    Contact,
    Delivery,
    Desk,
    Inbound,
    Reading,
    Reply,
)


@dataclass
class Corkboard:
    """The channel `name`. Nobody in `banned` may have a card here; `pinned` and `closed` are cards by their key."""

    name: str = "slack"
    edits: bool = True
    banned: set[str] = field(default_factory=set[str])
    pinned: dict[str, tuple[Address, Card]] = field(default_factory=dict[str, tuple[Address, Card]])
    closed: dict[str, Card] = field(default_factory=dict[str, Card])
    _written: asyncio.Queue[Inbound] = field(default_factory=asyncio.Queue[Inbound])

    def card(self, person: str) -> Card | None:
        """The card that asks `person`."""
        return next((card for to, card in self.pinned.values() if to.person == person and card.form), None)

    def write(self, person: str, text: str) -> None:
        """`person` answers their card."""
        card = self.card(person)
        assert card is not None
        assert card.form is not None
        raw = json.dumps({"person": person, "token": card.form.token, "text": text}).encode()
        self._written.put_nowait(
            Inbound(channel=self.name, key=card.form.token, raw=raw, size_bytes=len(raw), received_at=datetime.now(UTC))
        )

    async def receive(self, accept: Accept, desk: Desk) -> None:
        """Hand over what was written."""
        while True:
            await accept(await self._written.get())

    async def read(self, inbound: Inbound) -> Reading:
        """`approve` and `deny` are decisions, all else is a comment."""
        found = json.loads(inbound.raw)
        said = found["text"] if found["text"] in ("approve", "deny") else "free_text"
        return Reply(person=found["person"], token=found["token"], said=said, text=found["text"])

    async def address(self, contact: Contact, thread: str) -> Address | None:
        """Everybody walks past the board."""
        return Address(channel=self.name, person=contact.id, to=contact.id, thread=thread)

    async def send(self, card: Card, to: Address, key: str) -> Delivery:
        """Pin it, once."""
        if to.person in self.banned:
            raise ChannelRefused(f"{to.person} may not have a card here", "Ask the janitor")
        self.pinned.setdefault(key, (to, card))
        return Delivery(key=key, address=to, handle=key)

    async def update(self, delivery: Delivery, card: Card, key: str) -> None:
        """Pin something over it."""
        assert key
        self.closed[delivery.key] = card
