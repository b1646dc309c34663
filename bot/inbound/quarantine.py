"""Messages that are not accepted as anybody's word: shown to people, told to those concerned, and never counted."""

import structlog

from agents.events import AnswerHeld
from agents.requests import PersonId, Request, RunId
from agents.requests.record import RequestRecord
from agents.text import first_line
from bot.inbound.absences import TOLD
from bot.inbound.quarantine_cards import held_answer, quarantine_note, stranger_card, unheard
from bot.outbound.dead_letter import Note
from bot.people.directory import People
from bot.people.offers import deciders
from bot.policy.answers import is_no_wish, is_withdrawal, names_only, stops_named
from bot.render.cards import notice
from bot.requests.decisions import Decisions
from bot.requests.stored import record_in
from bot.requests.tokens import Tokens
from bot.store import Commit, Once
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.ids import derived_id
from bot.store.journal import Journal, outbox_entry
from bot.store.outbox_entry import AnswerStranger, Delivery, tell_about, to_writer
from channels import Card, Quarantined, Trigger

log = structlog.stdlib.get_logger()

_DAY_S = 24 * 3600.0
_NOTICES = 10
_LISTED_A_DAY = 20
# A proven address proves nothing about its owner's intentions: we are nobody's way to send mail to a crowd.
_STRANGERS = 200
_OPEN_ONES = 3
_TOPIC_CHARS = 150


class Quarantine:
    """Holds what arrived, and says so."""

    def __init__(self, journal: Journal, decisions: Decisions, tokens: Tokens, people: People) -> None:
        self._journal, self._store, self._decisions = journal, journal.store, decisions
        self._tokens, self._people = tokens, people

    async def refuse(self, inbound_id: str, channel: str, trigger: Trigger, why: str, title: str) -> None:
        """Say so, but not for ever: a robot that answers each notice with a trigger gets a few a day. Whoever means to
        stop something must know that nothing is stopped.

        It ends no item: what else that says may still have to be done. Of one item the same is said once.
        """
        text = trigger.text
        stops = is_withdrawal(text) or is_no_wish(text) or names_only(text) or bool(stops_named(text))
        name, limit = (f"stops {trigger.person}", TOLD) if stops else (f"notices {trigger.person}", (_NOTICES, _DAY_S))
        if not await self._store.admit(name, inbound_id, *limit):
            return
        card = notice(title, why, await self._store.now(inbound_id), topic=first_line(trigger.text, _TOPIC_CHARS))
        await self._journal.send(to_writer(inbound_id, f"refused {title} {why}", channel, trigger, card))

    async def add(self, inbound_id: str, channel: str, item: Quarantined) -> None:
        """Show it to people, rather twice than never; it is not counted, and nobody can wave it through."""
        log.warning("quarantined", reasons=item.reasons, claims=item.claims)
        placed, now = await self._placed(item.token), await self._store.now(inbound_id)
        sender = self._people.name_of(item.person) if item.person else ""
        note = quarantine_note(item, sender, channel, now)
        record = None
        if placed:
            note = note.model_copy(update={"request_id": placed.request_id, "delivery_id": placed.id})
            record, _, _ = await self._decisions.request(placed.request_id)
            await self._note_answer(placed, record, note, inbound_id, item)
        if item.person:
            await self._notify_sender(item, note, record, inbound_id)
        elif item.stranger:
            await self._answer_stranger(item, note, inbound_id)
        if item.place and not await self._may_list(item, inbound_id):
            return await self._store.drop_inbound(inbound_id)
        return await self._store.hold(inbound_id, note.model_dump_json().encode())

    async def _may_list(self, item: Quarantined, inbound_id: str) -> bool:
        """Return whether the list has room for one more of this sender: it is bounded, and one must not fill it."""
        sender = item.stranger or item.person or item.claims
        return await self._store.admit(f"listed {sender}", inbound_id, _LISTED_A_DAY, _DAY_S)

    async def _placed(self, token: str | None) -> Delivery | None:
        """The card that a token names; whoever brings it back may be anybody."""
        delivery_id = self._tokens.read(token or "")
        body = await self._store.delivery(delivery_id) if delivery_id else None
        return Delivery.model_validate_json(body) if body else None

    async def _note_answer(
        self, placed: Delivery, record: RequestRecord, note: Note, inbound_id: str, item: Quarantined
    ) -> None:
        """The run's story says it, and the requester, who may be waiting for exactly this answer; a few times a day.

        Of a card that many see, for each stranger; of a stranger's press nobody else hears: anybody there can press.
        """
        stranger = item.stranger if item.place else ""
        if not await self._store.admit(f"notices {placed.id} {stranger}".rstrip(), inbound_id, _NOTICES, _DAY_S):
            return
        request = record.request
        event = AnswerHeld(
            at=note.at,
            request_id=placed.request_id,
            delivery_id=placed.id,
            inbound_id=inbound_id,
            person=PersonId(note.person) if note.person else None,
            claims=note.claims,
            channel=note.channel,
            why=note.why,
        )
        entries = [
            tell_about(request, requester, self._held(request, note, requester))
            for requester in record.askers
            if requester != note.person and not stranger
        ]
        await self._journal.write(
            Commit(
                run_id=placed.run_id,
                events=[event],
                once=Once(request.id, f"held {inbound_id}", b"held"),
                outgoing=[outbox_entry(entry) for entry in entries],
                limit=MAX_EVENTS_AT_ALL,
                is_there=True,
            )
        )

    async def _notify_sender(
        self, item: Quarantined, note: Note, record: RequestRecord | None, inbound_id: str
    ) -> None:
        """Tell the proven writer why the message does nothing, and what to do; a robot, a few times a day."""
        if not await self._store.admit(f"notices {item.person}", inbound_id, _NOTICES, _DAY_S):
            return
        open_ones = [] if record else await self._open_for(item.person)
        with self._people.speaking_to(item.person):
            card = unheard(note, record, open_ones, self._people)
        await self._journal.send(to_writer(inbound_id, "told", note.channel, item, card))

    def _held(self, request: Request, note: Note, requester: PersonId) -> Card:
        with self._people.speaking_to(requester):
            return held_answer(request, note, self._people)

    async def _open_for(self, person: str) -> list[RequestRecord]:
        """The newest requests that `person` can answer now."""
        marks = await self._store.lists.newest_requests(None, _OPEN_ONES, only_open=True, people=(person,))
        bodies = await self._store.lists.records_of([request_id for _, request_id in marks])
        records = [record for record in map(record_in, bodies) if record]
        return [record for record in records if record.state == "open" and person in deciders(record, self._people)]

    async def _answer_stranger(self, item: Quarantined, note: Note, inbound_id: str) -> None:
        """One polite notice a day to each, and not many in all; one in each place where they press or write."""
        if not await self._may_answer(item, inbound_id):
            return
        entry = AnswerStranger(
            id=derived_id("outgoing", inbound_id, "told"),
            run_id=RunId(inbound_id),
            to=f"only:{item.place}:{item.stranger}" if item.place else item.stranger,
            reach=(note.channel,),
            card=stranger_card(item, note.at),
            thread=item.thread or inbound_id,
        )
        await self._journal.send(entry)

    async def _may_answer(self, item: Quarantined, inbound_id: str) -> bool:
        if item.place:
            room = item.place.partition("/")[0]
            return await self._store.admit(f"stranger {item.stranger} in {room}", inbound_id, 1, _DAY_S)
        is_first = await self._store.admit(f"stranger {item.stranger}", inbound_id, 1, _DAY_S)
        return is_first and await self._store.admit("strangers", inbound_id, _STRANGERS, _DAY_S)
