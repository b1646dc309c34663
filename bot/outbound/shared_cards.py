"""One card for all who see the same place, in one revision of a request.

The delivery that is first to claim a place has its card there, and the others share it. A claim passes on only when the
card of the one who has it can't come to stand there any more, so two workers never place two. A lock would
end by time, beside a slow sender.
"""

from dataclasses import dataclass
from datetime import timedelta

from agents.requests import DeliveryId, PersonId
from bot.outbound.failures import DeliveryFailures
from bot.people.directory import People
from bot.store import Store, WorkItem
from bot.store.indexes import claim_place
from bot.store.outbox_entry import Delivery, OutboxEntry, PlaceCard
from channels import Address, Channel, ChannelUnavailable, Placement

# A channel that is away keeps many cards waiting, and each of them those that share it.
_SOONEST_S, _LATEST_S = 0.1, 30.0


class ClaimPending(ChannelUnavailable):
    """Another delivery's card is on its way to the same place; no failure, and over as soon as that one is there."""


@dataclass(frozen=True, slots=True)
class Stands:
    """The card is there already: that of the delivery with this `id`."""

    id: DeliveryId
    delivery: Placement


@dataclass(frozen=True, slots=True)
class RefusedThere:
    """The channel did not take the card for this very place: `why`."""

    why: str


class CardClaims:
    """Finds whose card stands, or is to stand, where several people see it."""

    def __init__(self, store: Store, failing: DeliveryFailures) -> None:
        self._store, self._failing = store, failing

    async def at(self, to: Address, entry: PlaceCard) -> Stands | RefusedThere | None:
        """Return what became of the one card at `to`; None if `entry` is to place it. Raises ClaimPending."""
        if not to.is_shared:
            return None
        client, place = self._store.client, f"{entry.revision} {to.channel} {to.to} {to.thread}"
        mine = entry.delivery_id
        first = await claim_place(client, entry.request_id, place, mine)
        if first == mine:
            return None
        is_coming, theirs = await self._placed(first)
        if theirs and (delivery := _standing(theirs, to.channel)):
            return Stands(first, delivery)
        if theirs and to.channel in theirs.failed and not entry.again:
            return RefusedThere(theirs.failed[to.channel])
        if not is_coming and await claim_place(client, entry.request_id, place, mine, follows=first) == mine:
            return None
        raise ClaimPending("The same card is on its way to where others see it as well", "This one follows it")

    async def come_back(self, entry: OutboxEntry) -> None:
        """Have `entry` looked at again: soon, and later when its card has waited for long. No failure is counted."""
        now = await self._store.now(entry.id)
        waited_s = (now - entry.card.at).total_seconds()
        wait_s = min(max(waited_s / 4, _SOONEST_S), _LATEST_S)
        await self._store.come_back(WorkItem("out", entry.id), now + timedelta(seconds=wait_s))

    async def settled(self, delivery_id: DeliveryId) -> Delivery | None:
        """Return a card as it stands, or as it never came to stand. Raises ClaimPending while it is on its way."""
        placed = await self._failing.placed(delivery_id)
        if placed is None or placed.stands:
            return placed
        is_coming, placed = await self._placed(delivery_id)
        if is_coming:
            raise ClaimPending("The card itself is still on its way", "Its update follows it")
        return placed

    async def _placed(self, delivery_id: DeliveryId) -> tuple[bool, Delivery | None]:
        """Return whether a card may still come to stand somewhere, and how it stands."""
        before, placed = None, await self._failing.placed(delivery_id)
        while placed and placed != before:
            for entry in placed.entries:
                if await self._store.is_waiting(entry):
                    return True, placed
            # What no longer waits may have arrived since the card was read.
            before, placed = placed, await self._failing.placed(delivery_id)
        return False, placed


def nobodys_own(delivery: Placement) -> Placement:
    """`delivery` as it is kept: what others see as well is at no person's address."""
    address = delivery.address
    kept = address.model_copy(update={"person": ""}) if address.is_shared else address
    return delivery.model_copy(update={"address": kept})


async def theirs_now(placed: Delivery, delivery: Placement, channel: Channel, people: People) -> Placement | None:
    """Return where the person of a card is shown what became of it; None where that is nowhere.

    Somebody else may read by now what was the address of its person. Who has left is shown nothing more; a mail goes
    to the address that its person has now, and a card that would be changed stays as it is.
    """
    me, there = reader_of(placed, delivery), delivery.address
    if me is None:
        return delivery
    contact = people.contact(people.ids_of(me)[0])
    now = await channel.address(contact, "") if contact else None
    if now is None or now.to == there.to:
        return delivery if now else None
    return None if channel.edits else delivery.model_copy(update={"address": there.model_copy(update={"to": now.to})})


def reader_of(placed: Delivery, delivery: Placement) -> PersonId | None:
    """Return who alone sees a card; None where many do."""
    return None if delivery.address.is_shared else placed.person or None


def _standing(placed: Delivery, channel: str) -> Placement | None:
    """Return the place of the card of `placed` in `channel`, if others see it there."""
    found = placed.delivery
    is_there = found is not None and found.address.channel == channel and found.address.is_shared
    return found if is_there and channel not in placed.failed else None
