"""Indexes made anew from the events, which are the only truth. Nothing is decided, sent or executed by it."""

from collections.abc import Iterator
from dataclasses import dataclass

from agents.events import CardDelivered, Event, RequestOpened, RequestRevised
from agents.requests import DeliveryId, RequestId, RunId
from agents.run import fold
from bot.outgoing import Placed
from bot.records import RequestRecord, records
from bot.store import Store
from bot.summary import summary_of
from channels import Address, Delivery


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many of each were made anew, and how many of them had differed."""

    runs: int = 0
    requests: int = 0
    differed: int = 0


async def rebuild(store: Store) -> Rebuilt:
    """Every record, summary and delivery, and a wake-up for whatever is not settled. Workers may run meanwhile."""
    found = Rebuilt()
    for run_id in await store.lists.runs():
        events = (await store.load(run_id)).events
        told = records(events)
        differed = [await _mend(store, record) for record in told.values()]
        for delivery_id, body in placed(events):
            await store.lists.restore_delivery(delivery_id, body)
        run = fold(events)
        if run.started:
            await store.lists.restore_summary(run_id, summary_of(run), run.started.at)
        if not run.ended:
            await store.lists.wake(f"run {run_id}", store.about_now())
        found = Rebuilt(found.runs + 1, found.requests + len(told), found.differed + sum(differed))
    return found


async def _mend(store: Store, record: RequestRecord) -> bool:
    """Whether the stored record differed from what the events say; it does not any more."""
    body, request = record.model_dump_json().encode(), record.request
    if record.state == "open":
        await store.lists.wake(f"ask {request.id}", request.expires_at)
    return await store.lists.restore_record(request.id, record.state, body)


def placed(events: tuple[Event, ...]) -> Iterator[tuple[DeliveryId, bytes]]:
    """The cards in front of people: (delivery id, body)."""
    sent = {event.delivery_id: event for event in events if isinstance(event, CardDelivered)}
    for event in events:
        if isinstance(event, RequestOpened | RequestRevised):
            for holder in event.holders:
                yield holder.delivery_id, _placed(event, holder.delivery_id, sent.get(holder.delivery_id))


def _placed(event: RequestOpened | RequestRevised, delivery_id: DeliveryId, sent: CardDelivered | None) -> bytes:
    request = event.request
    person = next(holder.person for holder in event.holders if holder.delivery_id == delivery_id)
    delivery = None
    if sent:
        address = Address(channel=sent.channel, person=person, to=sent.to, thread=sent.thread)
        delivery = Delivery(key=delivery_id, address=address, handle=sent.handle)
    made = Placed(
        id=delivery_id,
        run_id=RunId(request.run_id),
        request_id=RequestId(request.id),
        revision=request.revision,
        digest=request.digest,
        person=person,
        delivery=delivery,
    )
    return made.model_dump_json().encode()
