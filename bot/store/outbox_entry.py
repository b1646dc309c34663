"""What must still be sent, as it stands in the outbox; and cards as they stand at people's addresses and in places."""

import base64
import hashlib
from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from agents.requests import DeliveryId, Frozen, PersonId, Request, RequestId, RunId
from channels import Card, Placement


def placing_id(delivery_id: DeliveryId) -> str:
    """The outbox entry that places a card: while it is there, the card is on its way."""
    head, _, tail = delivery_id.partition("-")
    return f"{head[:-1]}o-{tail}"


def again_id(delivery_id: DeliveryId, channel: str) -> str:
    """The outbox entry that places a card again after `channel` gave it back; one per delivery and channel."""
    digest = hashlib.sha256(f"{delivery_id} {channel}".encode()).digest()
    tail = base64.b32encode(digest)[: len(delivery_id.partition("-")[2])].decode().lower()
    return f"{delivery_id.partition('-')[0][:-1]}o-{tail}"


def nearest_first(channels: Iterable[str], came_from: str) -> tuple[str, ...]:
    """`channels` in their order, but for the one that something came from: people are answered there first."""
    return tuple(sorted(channels, key=lambda name: name != came_from))


class OutboxEntry(Frozen):
    """One card for one person.

    `place` puts a request in front of somebody who may answer; `update` shows what became of one that was placed;
    `tell` says what became of something, and so does `alert`, to operators; a `tell` with a form asks again, for the
    delivery it names. `stranger` answers the plain address `to`, which is nobody's in the directory; a `tell` with `to`
    is said there first, to this person alone. `status` shows how a run stands, in one line. `mail` is no card: the
    bytes `raw` (base64), a whole mail of a tool's, go to the plain address `to`. `reach` are the
    channels to try, in order. The card is complete but for the token of its form, which is made when it is sent.
    `again`: everything had failed, and an operator who has fixed something has it tried everywhere. `waits`: the card
    stands elsewhere, and goes to `reach` as well once these channels no longer refuse us. `place` is set,
    and `person` empty, where it is for all who are there (`slack:#release`).
    """

    id: str
    kind: Literal["place", "update", "tell", "alert", "stranger", "status", "mail"]
    run_id: RunId
    person: PersonId
    reach: tuple[str, ...]
    card: Card
    thread: str
    request_id: RequestId | None = None
    delivery_id: DeliveryId | None = None
    revision: int = 0
    again: bool = False
    waits: bool = False
    to: str = ""
    place: str = ""
    raw: str = ""


class Delivery(Frozen):
    """A card in front of one person: what its token stands for. `delivery` is set once it was sent.

    `failed` says which channels did not bring it there, in their order, and why. `shares` is the delivery whose card it
    is, where one card stands for several people. `place` is set, and `person` empty, where it is for all who are there.
    """

    id: DeliveryId
    run_id: RunId
    request_id: RequestId
    revision: int
    digest: str
    person: PersonId
    delivery: Placement | None = None
    failed: dict[str, str] = Field(default_factory=dict[str, str])
    shares: DeliveryId | None = None
    place: str = ""

    @property
    def stands(self) -> bool:
        """Whether it is somewhere now: it arrived, and did not come back."""
        return self.delivery is not None and self.delivery.address.channel not in self.failed

    @property
    def entries(self) -> tuple[str, ...]:
        """The outbox entries that may still bring it there."""
        return (placing_id(self.id), *(again_id(self.id, channel) for channel in self.failed))


def place_of(place: str) -> tuple[str, str]:
    """The channel of a place of many, and where it is in the channel's own terms: `slack:#release`."""
    channel, _, to = place.partition(":")
    return channel, to


def topic_in(entry: OutboxEntry, request: Request) -> str:
    """What the thread is called at this person's: as they wrote it who asked, and by its first card for others."""
    if entry.person in request.requesters and request.topic:
        return request.topic
    return "" if entry.kind == "place" else request.title
