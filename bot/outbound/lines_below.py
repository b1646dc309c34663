"""A line below a card calls whoever is asked by it: whoever does not hear it there gets a card of their own.

They do not see the card either: they have left the place, or nothing can be said there any more.
"""

import asyncio
from collections.abc import Collection, Sequence

import structlog

from agents.events import CardReplaced
from agents.requests import PersonId, RequestId
from agents.requests.record import RequestRecord, after
from bot.outbound.calls import Calls
from bot.outbound.lockouts import LockedOut
from bot.outbound.sending import CardToSend, Reach, Sender
from bot.requests.card_updates import newest_of
from bot.requests.decisions import Decisions
from bot.requests.opening import cards_of, placement
from bot.requests.stored import TRIES
from bot.store import Commit
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.journal import Journal, record_write
from bot.store.outbox_entry import Tell
from channels import Address, ChannelRefused, ChannelUnauthorized

log = structlog.stdlib.get_logger()


class LinesBelow:
    """Says lines below cards."""

    def __init__(
        self, journal: Journal, decisions: Decisions, reach: Reach, calls: Calls, sender: Sender, locked_out: LockedOut
    ) -> None:
        self._journal, self._decisions, self._people, self._channels = journal, decisions, reach.people, reach.channels
        self._failures, self._calls, self._sender, self._locked_out = reach.failures, calls, sender, locked_out

    async def say(self, line: Tell, there: Address, request_id: RequestId) -> str:
        """Say `line` to those of its people who are still asked, and give the others a card; the entry is done with.

        Returns why that can't be; else "". Raises ChannelUnavailable.
        """
        record, _, _ = await self._decisions.request(request_id)
        asked = self._calls.still_asked(record, line.card.mentions)
        # At once, so that they share what is looked up.
        sees = await asyncio.gather(*(self._sees(one, line, there) for one in asked))
        seeing = [one for one, is_so in zip(asked, sees, strict=True) if is_so]
        heard = seeing if seeing and await self._said(line, there, record, seeing) else []
        return await self._done(line, there, request_id, {*asked} - {*heard})

    async def _sees(self, person: PersonId, line: Tell, there: Address) -> bool:
        """Return whether `person` is still reached at `there`: they see it, or it is their own and has not changed."""
        channel, contact = self._channels.get(there.channel), self._people.contact(person)
        if channel is None or contact is None:
            return False
        try:
            now = await channel.address(contact, line.thread if there.is_shared else "", anew=True)
        except ChannelUnauthorized as error:
            await self._locked_out.note(line.id, error)
            return False
        return now is not None and (now.is_shared, now.to) == (there.is_shared, there.to)

    async def _said(self, line: Tell, there: Address, record: RequestRecord, people: Sequence[PersonId]) -> bool:
        card = await self._calls.naming(line.card, record, people, anew=True)
        try:
            await self._sender.below(CardToSend(line, card, line.id), self._channels[there.channel], there)
        except ChannelUnauthorized as error:
            await self._locked_out.note(line.id, error)
            return False
        except ChannelRefused as error:
            log.info("not said in its place", outgoing_id=line.id, error=str(error))
            return False
        return True

    async def _done(self, line: Tell, there: Address, request_id: RequestId, unheard: Collection[PersonId]) -> str:
        """Take `line` off the outbox, and in the same commit give each of `unheard` who is still asked a card."""
        for _ in range(TRIES):
            record, version, now = await self._decisions.request(request_id)
            request, card = record.request, cards_of(record, self._people, now)
            made = [
                placement(request, card(one), one, first=there.channel, alone=True)
                for one in self._calls.still_asked(record, sorted(unheard))
                if await self._holds_only(record, one, there)
            ]
            events = [
                CardReplaced(at=now, request_id=request.id, person=each.holder.person, why="unseen", holder=each.holder)
                for each in made
            ]
            written = await self._journal.write(
                Commit(
                    run_id=line.run_id,
                    events=events,
                    sent=line.id,
                    records=[record_write(after(record, events), version, before=request.expires_at)] if made else [],
                    outgoing=[each.outgoing for each in made],
                    deliveries=[each.delivery for each in made],
                    limit=MAX_EVENTS_AT_ALL,
                )
            )
            match written.state:
                case "full":
                    return "the run has no room for another card"
                case "late":  # nobody is asked any more
                    unheard = ()
                case "conflict":
                    continue
                case _:
                    return ""
        raise RuntimeError(f"{request_id} changed {TRIES} times while a line below its card was said")

    async def _holds_only(self, record: RequestRecord, person: PersonId, there: Address) -> bool:
        """Return whether the card at `there` is the newest of `person`: one on its way tells them itself."""
        newest = next((one for one in newest_of(record) if one.person == person), None)
        placed = await self._failures.placed(newest.delivery_id) if newest else None
        if placed is None or placed.delivery is None or not placed.stands:
            return False
        at = placed.delivery.address
        return (at.channel, at.to, at.is_shared) == (there.channel, there.to, there.is_shared)
