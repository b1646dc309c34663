"""What is not accepted as anybody's word: shown to people, told to whom it concerns, and never counted."""

import structlog

from agents.requests import PersonId, RunId
from bot.cards import notice
from bot.dead import Note
from bot.decisions import Decisions
from bot.journal import Journal, outbox_entry, outgoing_id
from bot.outgoing import Outgoing, Placed
from bot.store import Commit
from bot.tokens import Tokens
from channels import Held, Trigger

log = structlog.stdlib.get_logger()

_NOTICES, _NOTICES_PER_S = 10, 24 * 3600.0


class Holding:
    """Holds what arrived, and says so."""

    def __init__(self, journal: Journal, decisions: Decisions, tokens: Tokens) -> None:
        self._journal, self._store, self._decisions, self._tokens = journal, journal.store, decisions, tokens

    async def refuse(self, inbound_id: str, channel: str, trigger: Trigger, why: str) -> None:
        """Say so, but not for ever: a robot that answers each notice with a trigger gets a few a day."""
        if not await self._store.admit(f"notices {trigger.person}", inbound_id, _NOTICES, _NOTICES_PER_S):
            return await self._store.drop_inbound(inbound_id)
        entry = Outgoing(
            id=outgoing_id(inbound_id),
            kind="tell",
            run_id=RunId(inbound_id),
            person=PersonId(trigger.person),
            reach=(channel,),
            card=notice("No run was started", why, await self._store.now(inbound_id)),
            thread=trigger.thread or inbound_id,
        )
        await self._journal.write(Commit(run_id=inbound_id, outgoing=[outbox_entry(entry)], inbound=inbound_id))
        return None

    async def hold(self, inbound_id: str, channel: str, held: Held) -> None:
        """Show it to people, rather twice than never; it is not counted, and nobody can wave it through."""
        log.warning("held", reasons=held.reasons, claims=held.claims)
        claims = f"claims to be from {held.claims}" if held.claims else "is from nobody we know"
        now = await self._store.now(inbound_id)
        note = Note(kind="held", what=f"a message that {claims}", why="; ".join(held.reasons), at=now)
        delivery_id = self._tokens.read(held.token or "")
        body = await self._store.delivery(delivery_id) if delivery_id else None
        if body:
            await self._tell_held(Placed.model_validate_json(body), note, inbound_id)
        await self._store.hold(inbound_id, note.model_dump_json().encode())

    async def _tell_held(self, placed: Placed, note: Note, inbound_id: str) -> None:
        """The requester may be waiting for exactly this answer."""
        record, _, now = await self._decisions.request(placed.request_id)
        if not await self._store.admit(f"notices {placed.id}", inbound_id, _NOTICES, _NOTICES_PER_S):
            return
        for requester in record.request.requesters:
            text = (
                f"{note.what[0].upper()}{note.what[1:]} was not accepted as an answer: {note.why}. Nothing was decided."
            )
            entry = Outgoing(
                id=outgoing_id(placed.id),
                kind="tell",
                run_id=placed.run_id,
                person=requester,
                reach=record.request.policy.reach,
                card=notice(f"An answer was held: {record.request.title}", text, now, inbound_id),
                thread=record.request.thread,
            )
            await self._journal.write(Commit(run_id=placed.run_id, outgoing=[outbox_entry(entry)]))
