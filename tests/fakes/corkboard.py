"""A second way to reach people, without a wire: cards are pinned to a board, and whoever reads one writes below it.

Who is in the `room` sees one board for all, and everybody else has one of their own. It keeps the contract of channels:
what was written is handed over until it was accepted, and one key is one card.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from channels import (
    Accept,
    Address,
    Card,
    ChannelRefused,
    ChannelUnavailable,
    Contact,
    Inbound,
    Newest,
    Placement,
    Reading,
    Reply,
    RequestLookup,
)


@dataclass
class Corkboard:
    """The channel `name`. Nobody in `banned` may have a card here, be it a person or a place (`room`, `#release`).

    `pinned` are cards by their key, `closed` what was pinned over them last; `sends` is where each card went up, again
    where it was sent again. Those in `away` are reached nowhere; cards for whoever is `locked_out` wait.
    """

    name: str = "slack"
    edits: bool = True
    banned: set[str] = field(default_factory=set[str])
    room: set[str] = field(default_factory=set[str])
    away: set[str] = field(default_factory=set[str])
    locked_out: set[str] = field(default_factory=set[str])
    pinned: dict[str, tuple[Address, Card]] = field(default_factory=dict[str, tuple[Address, Card]])
    closed: dict[str, Card] = field(default_factory=dict[str, Card])
    sends: list[Address] = field(default_factory=list[Address])
    _written: asyncio.Queue[Inbound] = field(default_factory=asyncio.Queue[Inbound])
    _notes: "count[int]" = field(default_factory=count)

    def card(self, person: str) -> Card | None:
        """The card that asks `person`."""
        return next((card for to, card in self.pinned.values() if to.person == person and card.form), None)

    def at(self, to: str) -> list[Card]:
        """The cards at one place, in the order in which they went up."""
        return [card for address, card in self.pinned.values() if address.to == to]

    def write(
        self,
        person: str,
        text: str,
        card: Card | None = None,
        *,
        picks: Sequence[int] = (),
        filled: dict[str, str] | None = None,
        place: str = "",
    ) -> None:
        """`person` answers their card, or another one; with a `place` where others see it."""
        card = card or self.card(person)
        assert card is not None
        assert card.form is not None
        said = "approve" if text == "approve" else "deny" if text == "deny" else "free_text"
        reply = Reply(
            person=person,
            token=card.form.token,
            said=said,
            text=text,
            picks=tuple(picks),
            filled=filled or {},
            is_shared=bool(place),
            place=place,
        )
        raw, key = reply.model_dump_json().encode(), f"{card.form.token} {next(self._notes)}"
        self._written.put_nowait(
            Inbound(channel=self.name, key=key, raw=raw, size_bytes=len(raw), received_at=datetime.now(UTC))
        )

    async def receive(self, accept: Accept, desk: RequestLookup) -> None:
        """Hand over what was written."""
        while True:
            await accept(await self._written.get())

    async def read(self, inbound: Inbound) -> Reading:
        """`approve` and `deny` are decisions, all else is a comment."""
        return Reply.model_validate(json.loads(inbound.raw))

    async def address(self, contact: Contact, thread: str, *, anew: bool = False) -> Address | None:
        """Everybody walks past the board; those in the room share one for each thread."""
        if contact.id in self.away:
            return None
        is_here = contact.id in self.room
        to = "room" if is_here else contact.id
        return Address(channel=self.name, person=contact.id, to=to, thread=thread, is_shared=is_here)

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        """Pin it, once; or say it to one person alone."""
        if not self.banned.isdisjoint((to.person, to.to)):
            raise ChannelRefused(f"{to.to} may not have a card here", "Ask the janitor")
        if not self.locked_out.isdisjoint((to.person, to.to)):
            raise ChannelUnavailable("The door to the board is locked", "Come again later")
        self.sends.append(to)
        self.pinned.setdefault(key, (to, card))
        return Placement(key=key, address=to, handle=key)

    async def update(self, delivery: Placement, card: Card, key: str, newest: Newest | None = None) -> None:
        """Pin something over it."""
        assert key
        self.closed[delivery.key] = card
