"""A place where people talk in threads, without a wire: whatever is meant is put in as what the channel would read.

It keeps the contract of channels: an item is handed over until it was accepted, and one key is one card.
"""

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import TypeAdapter

from channels import Accept, Address, Card, Contact, Inbound, Newest, Placement, Reading, Reply, RequestLookup, Trigger

_READING: TypeAdapter[Reading] = TypeAdapter(Reading)


@dataclass
class Hallway:
    """The channel `slack`. `cards` are those that stand, in their order; `shown` what stands over a card by its key."""

    name: str = "slack"
    edits: bool = True
    cards: dict[str, tuple[Address, Card]] = field(default_factory=dict[str, tuple[Address, Card]])
    shown: dict[str, Card] = field(default_factory=dict[str, Card])
    _said: asyncio.Queue[Inbound] = field(default_factory=asyncio.Queue[Inbound])

    def item(self, reading: Reading, key: str = "", *, within: str = "", begins: str = "") -> Inbound:
        """`reading` as it arrives, under a key of its own unless it has one."""
        raw = _READING.dump_json(reading)
        return Inbound(
            channel=self.name,
            key=key or secrets.token_hex(8),
            raw=raw,
            size_bytes=len(raw),
            can_wait=False,
            within=within,
            begins=begins,
            token=reading.token if isinstance(reading, Reply) else "",
            received_at=datetime.now(UTC),
        )

    def begins(self, person: str, text: str, thread: str, key: str = "") -> Inbound:
        """`person` asks for something, in a message that begins `thread`."""
        return self.item(Trigger(person=person, text=text, thread=thread), key, begins=thread)

    def follows(
        self, person: str, text: str, thread: str, key: str = "", *, is_addressed: bool = False, **changes: object
    ) -> Inbound:
        """`person` writes in `thread`; unless it is addressed to us, it matters only where we know that thread."""
        said = Trigger(
            person=person, text=text, thread=thread, follows=True, is_addressed=is_addressed, place=f"{thread} {person}"
        ).model_copy(update=changes)
        return self.item(said, key, within="" if is_addressed else thread, begins=thread if is_addressed else "")

    def say(self, item: Inbound) -> None:
        """It arrives."""
        self._said.put_nowait(item)

    def to(self, person: str, about: str = "") -> list[Card]:
        """The cards of `person` with `about` in their title or text, oldest first."""
        return [
            card for to, card in self.cards.values() if to.person == person and about in f"{card.title} {card.summary}"
        ]

    async def receive(self, accept: Accept, desk: RequestLookup) -> None:
        """Hand over what was said."""
        while True:
            await accept(await self._said.get())

    async def read(self, inbound: Inbound) -> Reading:
        """Just what was put in."""
        return _READING.validate_json(inbound.raw)

    async def address(self, contact: Contact, thread: str, *, anew: bool = False) -> Address | None:
        """Everybody passes here."""
        return Address(channel=self.name, person=contact.id, to=contact.id, thread=thread)

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        """Put it up, once."""
        self.cards.setdefault(key, (to, card))
        return Placement(key=key, address=to, handle=f"at {key}")

    async def update(self, delivery: Placement, card: Card, key: str, newest: Newest | None = None) -> None:
        """Show something over it."""
        assert key
        self.shown[delivery.key] = card
