"""Failed deliveries: a card that one channel does not deliver is recorded and reported, and another way is tried."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import structlog

from agents.events import DeliveryFailed, RunStarted
from agents.requests import DeliveryId, PersonId, Request, RunId
from agents.requests.record import RequestRecord
from bot.people.directory import People
from bot.people.offers import waits_for
from bot.render.cards import moved, unreached
from bot.requests.decisions import Decisions
from bot.requests.opening import card_for
from bot.store import Commit
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.journal import Journal, outbox_entry
from bot.store.lists import NOT_DELIVERED
from bot.store.outbox_entry import Delivery, PlaceCard, Tell, again_id, nearest_first, tell_about
from channels import Card, Channel

log = structlog.stdlib.get_logger()

_ERROR_CHARS = 1_000
# Conflicts come from other events of the same run, and each of those is progress.
_TRIES = 1_000
# Longer than a request stays open.
_TOLD_S = 31 * 24 * 3600.0


class Stood(NamedTuple):
    """A delivery as it was read, None where there is none, and the number of its run's events by then."""

    placed: Delivery | None
    seq: int


class DeliveryFailures:
    """Knows which ways to somebody are left. Each delivery fails once in each channel, however often that is said."""

    def __init__(self, journal: Journal, decisions: Decisions, people: People, channels: Mapping[str, Channel]) -> None:
        self._journal, self._store, self._decisions, self._people = journal, journal.store, decisions, people
        self._channels = channels

    async def fail(
        self, delivery_id: DeliveryId, channel: str, why: str, *, places_again: bool
    ) -> Literal["failed", "known", "over"]:
        """Note that `channel` did not bring a delivery to its person, and tell whoever waits for the answer.

        With `places_again` the card is placed anew through the channels that are left, under the same delivery, so that
        an answer to either counts. All of it is one commit, fenced by the run's length: two that say the same at once
        have one effect. `over`: there is nothing to answer any more, or a newer revision was placed.
        """
        for _ in range(_TRIES):
            placed = await self.placed(delivery_id)
            if placed is None:
                return "over"
            again, seq = await self.stands(delivery_id, placed.run_id)
            placed = again or placed
            if channel in placed.failed:
                return "known"
            record, _, _ = await self._decisions.request(placed.request_id)
            if record.state != "open" or record.request.revision != placed.revision:
                return "over"
            commit = await self._commit(placed, record, channel, why[:_ERROR_CHARS], seq, places_again=places_again)
            written = await self._journal.write(commit)
            if written.state == "full":
                return "over"
            if written.state == "committed":
                log.warning("delivery failed", delivery_id=delivery_id, channel=channel, error=why[:_ERROR_CHARS])
                return "failed"
        raise RuntimeError(f"{delivery_id} changed {_TRIES} times while a failure was noted")

    async def _commit(
        self, placed: Delivery, record: RequestRecord, channel: str, why: str, seq: int, *, places_again: bool
    ) -> Commit:
        now, request = await self._store.now(placed.id), record.request
        found_nobody = not (placed.place or self._people.is_here(placed.person))
        failed = placed.model_copy(update={"failed": {**placed.failed, channel: why}, "found_nobody": found_nobody})
        ways = await self._ways(request, failed)
        others = [person for person in await self._others(record) if person != placed.person]
        reach = await self._reach_of_requester(placed.run_id)
        told = [requester for requester in record.askers if requester != placed.person]
        outgoing = list[tuple[str, bytes]]()
        for requester in told:
            with self._people.speaking_to(requester):
                card = unreached(request, placed, channel, ways, others, why, self._people, now)
            outgoing.append(outbox_entry(tell_about(request, requester, card, reach)))
        if places_again:
            again = self._again(request, placed, channel, card_for(record, self._people, placed.person, now))
            outgoing.append(outbox_entry(again))
        event = DeliveryFailed(
            at=now,
            request_id=request.id,
            delivery_id=placed.id,
            person=placed.person,
            channel=channel,
            error=why,
            place=placed.place,
        )
        return Commit(
            run_id=placed.run_id,
            events=[event],
            expect=seq,
            deliveries=[(placed.id, failed.model_dump_json().encode())],
            outgoing=outgoing,
            counts={f"{NOT_DELIVERED}{channel}": 1},
            limit=MAX_EVENTS_AT_ALL,
        )

    def _again(self, request: Request, placed: Delivery, channel: str, card: Card) -> PlaceCard:
        """The entry that looks for another way; where none is left it becomes a dead letter and an alert."""
        return PlaceCard(
            id=again_id(placed.id, channel),
            run_id=placed.run_id,
            person=placed.person,
            reach=request.policy.reach,
            card=card,
            thread=request.thread,
            request_id=request.id,
            delivery_id=placed.id,
            revision=request.revision,
            place=placed.place,
        )

    async def moved(self, delivery_id: DeliveryId, channel: str, why: str) -> None:
        """Tell those who wait for the answer that the place where all see a card does not take it, once per request.

        Whoever is asked has it alone now. Rather twice than never.
        """
        placed = await self.placed(delivery_id)
        if placed is None:
            return
        told = f"moved {placed.request_id} {placed.revision} {channel}"
        if await self._store.remembered(told):
            return
        record, _, _ = await self._decisions.request(placed.request_id)
        now = await self._store.now(placed.id)
        reach = await self._reach_of_requester(placed.run_id)
        news = list[Tell]()
        for requester in record.askers:
            with self._people.speaking_to(requester):
                card = moved(record.request, channel, why[:_ERROR_CHARS], now)
            news.append(tell_about(record.request, requester, card, reach))
        await self._journal.send(*news)
        await self._store.remember(told, b"1", _TOLD_S)
        log.warning("a place did not take a card", delivery_id=delivery_id, channel=channel, error=why[:_ERROR_CHARS])

    async def stands(self, delivery_id: DeliveryId, run_id: RunId) -> Stood:
        """The card, and how many events its run has: what is written by it is fenced by that."""
        body, seq = await self._store.delivery_in(run_id, delivery_id)
        return Stood(Delivery.model_validate_json(body) if body else None, seq)

    async def placed(self, delivery_id: DeliveryId) -> Delivery | None:
        """The card as it stands at its person's."""
        body = await self._store.delivery(delivery_id)
        return Delivery.model_validate_json(body) if body else None

    async def _ways(self, request: Request, placed: Delivery) -> list[str]:
        """The channels through which the person of `placed` may still be reached."""
        contact = self._people.contact(placed.person)
        if contact is None:
            return []
        left = [(name, self._channels.get(name)) for name in request.policy.reach if name not in placed.failed]
        return [name for name, channel in left if channel and await channel.address(contact, request.thread)]

    async def _others(self, record: RequestRecord) -> list[PersonId]:
        """Return those for whom it waits who have the card in this revision, or whom some channel may still reach."""
        found: list[PersonId] = []
        for holder in record.holders:
            if not waits_for(record, holder.person, self._people):
                continue
            placed = await self.placed(holder.delivery_id)
            is_current = placed is not None and placed.revision == record.request.revision
            if placed and is_current and await self._ways(record.request, placed):
                found.append(placed.person)
        return found

    async def _reach_of_requester(self, run_id: str) -> tuple[str, ...]:
        """Return the channels for the requester: first the one the trigger came from."""
        first = await self._store.events_after(run_id, 0, 1)
        came_from = first[0].channel if first and isinstance(first[0], RunStarted) else ""
        return nearest_first(self._channels, came_from)
