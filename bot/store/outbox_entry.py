"""The entries that the outbox has still to send; and cards as they stand at people's addresses and in places."""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Protocol

from pydantic import ConfigDict, Field, TypeAdapter

from agents.requests import DeliveryId, Frozen, PersonId, Request, RequestId, RunId
from bot.store.ids import derived_id, new_id, shard_of
from channels import Address, Card, Placement
from language.stored import Stored


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


class _Entry(Stored, Frozen):
    """The fields of every entry.

    `reach` are the channels to try, in order; `person` is empty if it is for no person. The card is complete but for
    the token of its form, which is made when it is sent.
    """

    id: str
    run_id: RunId
    person: PersonId = PersonId("")
    reach: tuple[str, ...]
    card: Card
    thread: str


class PlaceCard(_Entry):
    """Put a request in front of somebody who may answer; with `place`, of all who are there (`slack:#release`).

    `again`: everything had failed, and an operator who has fixed something has it tried everywhere. `waits`: the card
    stands elsewhere, and goes to `reach` as well once these channels no longer refuse us. `alone`: it goes to no place
    where others see it. `together`: it stands in one message with others of the same API key.
    """

    kind: Literal["place"] = "place"
    request_id: RequestId
    delivery_id: DeliveryId
    revision: int
    again: bool = False
    waits: bool = False
    place: str = ""
    alone: bool = False
    together: bool = False


class UpdateCard(_Entry):
    """Show what became of a card that was placed. `again`: it was tried, and may have been shown after newer ones.

    `reminds`: its person is reminded of it, which stands in one message with others.
    """

    kind: Literal["update"] = "update"
    request_id: RequestId
    delivery_id: DeliveryId
    place: str = ""
    again: bool = False
    reminds: bool = False


class Tell(_Entry):
    """Say what became of something; with a form, ask again, for the delivery it names.

    With `to` it is said there first, to this person alone; with `place`, to all who are there; with `beside`, in the
    thread there, where a card stands that it is about. What was typed in its thread goes `to_absent` people alone, who
    do not see that. `login` is the page on which its person logs in, and where that leads back to: a link there is made
    when it is sent, for the channel that takes it.
    """

    kind: Literal["tell"] = "tell"
    request_id: RequestId | None = None
    delivery_id: DeliveryId | None = None
    revision: int = 0
    to: str = ""
    place: str = ""
    login: str = ""
    beside: Address | None = None
    to_absent: bool = False


class Writer(Protocol):
    """Whoever wrote something: the `thread` is where an answer belongs, the `place` where they alone read it."""

    @property
    def person(self) -> str: ...
    @property
    def thread(self) -> str: ...
    @property
    def place(self) -> str: ...


def to_writer(inbound_id: str, what: str, channel: str, writer: Writer, card: Card) -> Tell:
    """Return an entry that answers an inbound item where it was written; one of each kind, `what`, for each item."""
    return Tell(
        id=derived_id("outgoing", inbound_id, what),
        run_id=RunId(inbound_id),
        person=PersonId(writer.person),
        reach=(channel,),
        card=card,
        thread=writer.thread or inbound_id,
        to=writer.place,
    )


def tell_about(
    request: Request,
    person: PersonId,
    card: Card,
    reach: Sequence[str] | None = None,
    *,
    to: str = "",
    beside: Address | None = None,
    once: str = "",
    to_absent: bool = False,
) -> Tell:
    """Return an entry that tells somebody about a request, by the channels of its policy unless `reach` names others.

    `once`: there is one under this name, however often it is made; `to`, `beside` and `to_absent` are as in `Tell`.
    """
    return Tell(
        id=derived_id("outgoing", request.id, once) if once else new_id("outgoing", shard_of(request.id)),
        run_id=request.run_id,
        person=person,
        reach=tuple(request.policy.reach if reach is None else reach),
        card=card,
        thread=request.thread,
        request_id=request.id,
        to=to,
        beside=beside,
        to_absent=to_absent,
    )


class Alert(_Entry):
    """Say to operators what nobody else can hear."""

    kind: Literal["alert"] = "alert"


class AnswerStranger(_Entry):
    """Answer the plain address `to`, which is nobody's in the directory."""

    kind: Literal["stranger"] = "stranger"
    to: str


class ShowStatus(_Entry):
    """Show how a run stands, in one line. `again` is as for UpdateCard."""

    kind: Literal["status"] = "status"
    again: bool = False


class PostMail(_Entry):
    """No card: the bytes `raw` (base64), a whole mail of a tool's, go to the plain address `to`."""

    kind: Literal["mail"] = "mail"
    to: str
    raw: str


# What is brought to somebody through the first channel that takes it.
Delivered = PlaceCard | Tell | Alert
OutboxEntry = Annotated[
    PlaceCard | UpdateCard | Tell | Alert | AnswerStranger | ShowStatus | PostMail, Field(discriminator="kind")
]
_adapter: TypeAdapter[OutboxEntry] = TypeAdapter(OutboxEntry, config=ConfigDict(defer_build=True))


def read_entry(body: bytes) -> OutboxEntry:
    """The entry that `body` holds. Raises pydantic.ValidationError for anything else."""
    return _adapter.validate_json(body)


def request_of(entry: OutboxEntry) -> RequestId | None:
    """The request that `entry` is about."""
    return entry.request_id if isinstance(entry, PlaceCard | UpdateCard | Tell) else None


def place_for(entry: OutboxEntry) -> str:
    """The place of many that `entry` is for (`slack:#release`); empty where it is for a person."""
    return entry.place if isinstance(entry, PlaceCard | UpdateCard | Tell) else ""


class Delivery(Stored, Frozen):
    """A card in front of one person: what its token stands for. `delivery` is set once it was sent.

    `failed` says which channels did not bring it there, in their order, and why; it `found_nobody` where its person was
    not here then. `shares` is the delivery whose card it
    is, where one card stands for several people. `place` is set, and `person` empty, where it is for all who are there.
    `about` is the comment that it asks an answer to; then no answer to it is a vote. `asks`: by it its person is asked,
    and not only shown once more what they were asked before. `called` are the deliveries of those whom this card, where
    it stands for several people, or a line below it mentions. `together` is the API key with other requests of which it
    stands in one message.
    """

    id: DeliveryId
    run_id: RunId
    request_id: RequestId
    revision: int
    digest: str
    person: PersonId
    delivery: Placement | None = None
    failed: dict[str, str] = Field(default_factory=dict[str, str])
    found_nobody: bool = False
    shares: DeliveryId | None = None
    place: str = ""
    about: str = ""
    asks: bool = False
    called: tuple[DeliveryId, ...] = ()
    together: str = ""

    @property
    def stands(self) -> bool:
        """True if the card is somewhere now: it arrived, and did not come back."""
        return self.delivery is not None and self.delivery.address.channel not in self.failed

    @property
    def entries(self) -> tuple[str, ...]:
        """The outbox entries that may still bring it there."""
        return (placing_id(self.id), *(again_id(self.id, channel) for channel in self.failed))


_CARD = Card.model_fields


def places_card(body: bytes) -> bool:
    """Return whether an entry, as it is stored, is one that puts a card in front of somebody."""
    return b'"kind":"place"' in body


def shown_in(placing: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cards that these entries put in front of people, for the audit log.

    The first one is whole. Of the others there is only what differs in them, also where a default does, which an entry
    leaves out: one may go to many. Of what stands in one message with others nobody sees the card.
    """
    entries = [entry for entry in placing if not entry.get("together")]
    cards: list[tuple[str, dict[str, Any]]] = [
        (entry.get("person") or entry["place"], entry["card"] | {"receipt": ""}) for entry in entries
    ]
    first: dict[str, Any] = cards[0][1] if cards else {}
    shown = dict[str, dict[str, Any]]()
    for whom, card in cards:
        others = {
            name: card.get(name, _CARD[name].default) for name in (*first, *card) if first.get(name) != card.get(name)
        }
        differs = others if card != first else first
        shown.setdefault(json.dumps(differs, sort_keys=True), {"for": [], "card": differs})["for"].append(whom)
    return [*shown.values()]


def place_of(place: str) -> tuple[str, str]:
    """The channel of a place of many, and where it is in the channel's own terms: `slack:#release`."""
    channel, _, to = place.partition(":")
    return channel, to


def topic_in(entry: OutboxEntry, request: Request) -> str:
    """Return the thread's subject for this person: a requester's own words, else the title of its first card."""
    if entry.person in request.requesters and request.topic:
        return request.topic
    return "" if isinstance(entry, PlaceCard) else request.title
