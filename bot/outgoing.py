"""What must still be sent, as it stands in the outbox; and cards as they stand at people's addresses."""

from typing import Literal

from agents.requests import DeliveryId, Frozen, PersonId, RequestId, RunId
from channels import Card, Delivery


def placing_id(delivery_id: DeliveryId) -> str:
    """The outbox entry that places a card: while it is there, the card is on its way."""
    head, _, tail = delivery_id.partition("-")
    return f"{head[:-1]}o-{tail}"


class Outgoing(Frozen):
    """One card for one person.

    `place` puts a request in front of somebody who may answer; `update` shows what became of one that was placed;
    `tell` says what became of something, and so does `alert`, to operators; a `tell` with a form asks again, for the
    delivery it names. `stranger` answers the plain address `to`, which is nobody's in the directory. `reach` are the
    channels to try, in order. The card is complete but for the token of its form, which is made when it is sent.
    """

    id: str
    kind: Literal["place", "update", "tell", "alert", "stranger"]
    run_id: RunId
    person: PersonId
    reach: tuple[str, ...]
    card: Card
    thread: str
    request_id: RequestId | None = None
    delivery_id: DeliveryId | None = None
    revision: int = 0
    to: str = ""


class Placed(Frozen):
    """A card in front of one person: what its token stands for. `delivery` is set once it was sent."""

    id: DeliveryId
    run_id: RunId
    request_id: RequestId
    revision: int
    digest: str
    person: PersonId
    delivery: Delivery | None = None
