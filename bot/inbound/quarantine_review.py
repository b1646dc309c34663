"""The operators' review of quarantined mail: discard it, or ask the person whose word it claims to be.

Neither makes it anybody's word: who wrote it can answer again, in a way that proves it.
"""

from collections.abc import Sequence
from contextlib import suppress

import structlog

from agents.requests import PersonId, RequestId, RunId
from bot.config.tables import CHANNELS
from bot.errors import Conflict, NotFound
from bot.inbound.quarantine_cards import was_it_you
from bot.outbound.dead_letter import Note
from bot.people.directory import People
from bot.requests.decisions import Decisions
from bot.store.ids import derived_id
from bot.store.journal import Journal
from bot.store.outbox_entry import Tell
from language import say
from language.dates import in_words

log = structlog.stdlib.get_logger()


def elsewhere_first(channel: str, channels: Sequence[str]) -> tuple[str, ...]:
    """`channels` with `channel` as the last one: whoever reads somebody's mail may not read the rest."""
    return tuple(sorted(channels, key=lambda name: name == channel))


class QuarantineReview:
    """Clears the list of what is quarantined or was given up on. `by` says in the log who did it."""

    def __init__(self, journal: Journal, decisions: Decisions, people: People) -> None:
        self._journal, self._store, self._decisions, self._people = journal, journal.store, decisions, people

    async def all(self) -> list[tuple[str, Note]]:
        """Return the list, the oldest first."""
        notes = {name: Note.model_validate_json(body) for name, body in (await self._store.lists.dead()).items()}
        return sorted(notes.items(), key=lambda pair: pair[1].at)

    async def requeue(self, some_id: str, by: str) -> str:
        """Have a dead letter tried again; what was done, in words. Raises Conflict, also for a quarantined message."""
        note, _ = await self._noted(some_id, "error.no-dead-letter")
        if note.kind == "quarantined":
            raise Conflict(say("notice.not-requeued"), say("notice.not-requeued-do", message=some_id))
        if not await self._store.lists.requeue(note.item):
            raise Conflict(say("notice.quarantine-changed", message=some_id), say("notice.quarantine-changed-do"))
        log.warning("dead letter tried again", item=str(note.item), by=by, why=note.why)
        return say("notice.requeued", message=some_id)

    async def discard(self, some_id: str, by: str) -> str:
        """Forget a quarantined message; what was done, in words. Raises Conflict."""
        note, body = await self._quarantined(some_id)
        if not await self._store.lists.discard(some_id, body):
            raise Conflict(say("notice.quarantine-changed", message=some_id), say("notice.quarantine-changed-do"))
        await self._store.drop_inbound(some_id)
        log.warning("message in quarantine discarded", inbound_id=some_id, by=by, claims=note.claims, why=note.why)
        return say("notice.quarantine-discarded", message=some_id)

    def can_confirm(self, note: Note) -> bool:
        """Return whether there is somebody to ask who was not asked yet."""
        return not note.person and not note.asked_at and self._people.by_email(note.claims) is not None

    async def confirm(self, some_id: str, by: str) -> str:
        """Have the person asked whose word it claims to be; what was done, in words. Raises Conflict.

        At that person's own place in the directory, and through another channel than the message's where there is
        one. The message itself stays what it is.
        """
        note, body = await self._quarantined(some_id)
        if note.asked_at:
            return say("notice.quarantine-asked-before", name=self._name(note), when=in_words(note.asked_at))
        person = self._person(note)
        about = await self._request(note, person)
        now = await self._store.now(some_id)
        with self._people.speaking_to(person):
            card = was_it_you(note, about, now)
        entry = Tell(
            id=derived_id("outgoing", some_id, "confirm"),
            run_id=RunId(some_id),
            person=person,
            reach=elsewhere_first(note.channel, CHANNELS),
            card=card,
            thread=f"{some_id}-confirm",
        )
        await self._journal.send(entry)
        asked = note.model_copy(update={"asked_by": by, "asked_at": now})
        await self._store.lists.renote(some_id, body, asked.model_dump_json().encode())
        log.warning("message in quarantine asked about", inbound_id=some_id, by=by, person=person, why=note.why)
        return say("notice.quarantine-asked", name=self._people.name_of(person))

    async def _quarantined(self, some_id: str) -> tuple[Note, bytes]:
        """The note of a quarantined message, also as the store has it. Raises Conflict."""
        note, body = await self._noted(some_id, "error.no-quarantined")
        if note.kind != "quarantined":
            text = say("notice.quarantine-dead-letter", message=some_id)
            raise Conflict(text, say("notice.quarantine-dead-letter-do"))
        return note, body

    async def _noted(self, some_id: str, missing: str) -> tuple[Note, bytes]:
        """The note of something in the list, also as the store has it. Raises NotFound in the words `missing`."""
        body = None
        with suppress(NotFound):
            body = await self._store.lists.note(some_id)
        if body is None:
            raise NotFound(say(missing, message=some_id), say("error.dead-listed"))
        return Note.model_validate_json(body), body

    def _person(self, note: Note) -> PersonId:
        """Return the person whose word the message claims to be. Raises Conflict."""
        if note.person:
            text = say("notice.quarantine-certain", name=self._name(note))
            raise Conflict(text, say("notice.quarantine-certain-do"))
        contact = self._people.by_email(note.claims)
        if contact is None:
            raise Conflict(say("notice.quarantine-claims-nobody"), say("notice.quarantine-claims-nobody-do"))
        return PersonId(contact.id)

    def _name(self, note: Note) -> str:
        contact = self._people.by_email(note.claims)
        return self._people.name_of(note.person or (contact.id if contact else note.claims))

    async def _request(self, note: Note, person: PersonId) -> RequestId | None:
        """The request to answer again, if it is open and `person` holds a card of it."""
        if not note.request_id:
            return None
        record, _, _ = await self._decisions.request(note.request_id)
        is_asked = any(holder.person == person for holder in record.holders)
        return record.request.id if record.state == "open" and is_asked else None
