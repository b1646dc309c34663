"""Who is called by name where several people share a card: whoever is asked, once, and nobody who can't decide.

A place of many notifies those whom a message there names, when it is posted and no more. So the card names those who
are asked by then, and a line below it whoever is asked later. Whom a card names is kept before it is sent, so that a
try of which nobody knows how it ended names the same people; whom a line names is written in one commit with it.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from agents.requests import AllOf, AnyOf, Anyone, DeliveryId, PersonId, Rule
from agents.requests.record import RequestRecord
from bot.outbound.failures import DeliveryFailures
from bot.people.directory import People, refs_of_seat
from bot.people.offers import waits_for
from bot.render.cards import notice
from bot.store import Store
from bot.store.indexes import keep_call
from bot.store.journal import outgoing_id
from bot.store.outbox_entry import Delivery, PlaceCard, Tell
from channels import Address, Card, Channel, ChannelError
from language import say

Called = Mapping[DeliveryId, PersonId]
"""People by the delivery by which they are asked."""


class LineBelow(NamedTuple):
    """A `line` that mentions the people of the deliveries `called`, and the `card` above it as it is kept then."""

    line: Tell
    card: Delivery
    called: tuple[DeliveryId, ...]


class Calls:
    """Finds who is to be called."""

    def __init__(self, store: Store, people: People, failures: DeliveryFailures) -> None:
        self._store, self._people, self._failures = store, people, failures

    async def on_card(self, entry: PlaceCard, record: RequestRecord, channel: Channel, to: Address) -> Called:
        """Return whom the card of `entry` names that is to stand at `to`: the same with each try."""
        asked = json.dumps(dict(await self._asked(entry, record, channel, to)))
        kept = json.loads(await keep_call(self._store.client, entry.request_id, entry.delivery_id, asked))
        return {DeliveryId(delivery_id): PersonId(person) for delivery_id, person in kept.items()}

    async def below(
        self, entry: PlaceCard, record: RequestRecord, channel: Channel, first: Delivery
    ) -> LineBelow | None:
        """Return the line that calls the person of `entry` below the card of `first`, which they share; None where that
        card or a line below it has called them.

        Others whom nothing has called are called with them.
        """
        if first.delivery is None or entry.delivery_id in first.called:
            return None
        asked = await self._asked(entry, record, channel, first.delivery.address)
        called = {one: person for one, person in asked.items() if one not in first.called}
        if entry.delivery_id not in called:
            return None
        there = first.delivery.address
        with self._people.speaking_to(""):
            card = notice(say("notice.asked-as-well", title=record.request.title), "", entry.card.at)
        line = Tell(
            id=outgoing_id(entry.run_id),
            run_id=entry.run_id,
            person=entry.person,
            reach=(there.channel,),
            card=card.model_copy(update={"mentions": tuple(called.values())}),
            thread=entry.thread,
            request_id=entry.request_id,
            beside=there.model_copy(update={"thread": there.thread or first.delivery.handle}),
        )
        return LineBelow(line, first.model_copy(update={"called": (*first.called, *called)}), tuple(called))

    def still_asked(self, record: RequestRecord, people: Collection[str]) -> tuple[PersonId, ...]:
        """Return those of `people` whose decision is waited for now."""
        return tuple(one for one in map(PersonId, people) if waits_for(record, one, self._people))

    async def naming(self, card: Card, record: RequestRecord, people: Collection[str], *, anew: bool = False) -> Card:
        """`card` with a mention of those of `people` who are still asked.

        With `anew` Slack is asked now whom its groups stand for: those whom it notifies.
        """
        asked = self.still_asked(record, people)
        refs = [ref for ref in _refs(record.asked.rule) if ref.startswith("group:")] if len(asked) > 1 else []
        groups = tuple(self._people.wholly_among(asked, await self._people.look_up(refs, anew=anew)))
        return card.model_copy(update={"mentions": asked, "groups": groups})

    async def _asked(
        self, entry: PlaceCard, record: RequestRecord, channel: Channel, to: Address
    ) -> dict[DeliveryId, PersonId]:
        """Return those who are asked and see what stands at `to`."""
        newest = dict[PersonId, Delivery]()
        for holder in record.holders:
            placed = await self._failures.placed(holder.delivery_id) if holder.person else None
            if placed and placed.asks and placed.revision == record.request.revision:
                newest[placed.person] = placed
        asked = {newest[one].id: one for one in self.still_asked(record, newest)}
        return {
            delivery_id: person
            for delivery_id, person in asked.items()
            if delivery_id == entry.delivery_id or await self._sees(person, entry, channel, to)
        }

    async def _sees(self, person: PersonId, entry: PlaceCard, channel: Channel, to: Address) -> bool:
        """Return whether `person` has their card at `to` as well; who can't be looked up now is called by their own."""
        contact = self._people.contact(person)
        with suppress(ChannelError):
            there = await channel.address(contact, entry.thread) if contact else None
            return there is not None and (there.is_shared, there.to) == (True, to.to)
        return False


def _refs(rule: Rule) -> Sequence[str]:
    match rule:
        case Anyone():
            return refs_of_seat(rule)
        case AllOf() | AnyOf():
            return [ref for part in rule.of for ref in _refs(part)]
