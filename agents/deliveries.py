"""The facts of where cards stand. They belong to the union in `agents.events`."""

from typing import Literal

from agents.requests import DeliveryId, Happened, Holder, PersonId, RequestId


class CardDelivered(Happened):
    """One person holds the card, at `to`; `handle` is what the channel finds it by.

    `is_shared`: others see it there. `shares` is the delivery whose card it is, where that stands for several people;
    `place` is as in `Holder`.
    """

    type: Literal["card_delivered"] = "card_delivered"
    schema_version: Literal[1] = 1
    request_id: RequestId
    delivery_id: DeliveryId
    revision: int
    person: PersonId
    channel: str
    to: str = ""
    thread: str = ""
    handle: str = ""
    is_shared: bool = False
    shares: DeliveryId | None = None
    place: str = ""


class CardReplaced(Happened):
    """One person got another card of a request, `holder`; None: nothing was sent yet, to keep them from a flood.

    After a `comment` the cards that they had can be answered as before. For any other reason an approval with one of
    those counts no longer: it may be in other hands.
    """

    type: Literal["card_replaced"] = "card_replaced"
    schema_version: Literal[1] = 1
    request_id: RequestId
    person: PersonId
    why: Literal["comment", "unbound", "seen_by_others", "upgrade"]
    holder: Holder | None = None


class DeliveryFailed(Happened):
    """One person, or a place, could not be reached: `channel` lists what was tried."""

    type: Literal["delivery_failed"] = "delivery_failed"
    schema_version: Literal[1] = 1
    request_id: RequestId
    delivery_id: DeliveryId
    person: PersonId
    channel: str
    error: str
    place: str = ""
