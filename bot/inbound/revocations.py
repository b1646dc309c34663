"""`revoke s0g-…` as a message: a standing approval ends, whoever of those it concerns writes that, wherever."""

import re

from agents.requests import PersonId, RunId
from agents.text import first_line
from bot.errors import Conflict, NotFound
from bot.people.directory import People
from bot.people.refusals import Refusals
from bot.people.rights import Rights
from bot.policy.standing import Standing
from bot.render.cards import notice
from bot.requests.standing.approvals import StandingApprovals
from bot.store import Commit
from bot.store.ids import derived_id
from bot.store.journal import Journal, outbox_entry
from bot.store.outbox_entry import Tell
from channels import Trigger
from language import say

_REVOKES = re.compile(r"revoke\s+(s[0-9]{1,2}g-[a-z2-7]{13})[.!]?", re.IGNORECASE)
_REASON_CHARS = 500


class Revocations:
    """Takes messages that end a standing approval. It is no vote: like a denial, it counts from every proven sender."""

    def __init__(self, journal: Journal, standing: StandingApprovals, people: People, rights: Rights) -> None:
        self._journal, self._standing, self._people, self._rights = journal, standing, people, rights
        self._refusals = Refusals(journal.store)

    async def take(self, inbound_id: str, channel: str, trigger: Trigger) -> bool:
        """End what the message names; False where it is none of these. Raises Conflict for whom it does not concern."""
        # A new mail begins with its subject. What answers a mail that asked nothing may end something all the same.
        lines = [line.strip() for line in trigger.text.splitlines() if line.strip()]
        named = [(found[1].lower(), at) for at, line in enumerate(lines[:2]) if (found := _REVOKES.fullmatch(line))]
        if not named or trigger.others:
            return False
        person, (standing_id, at) = PersonId(trigger.person), named[0]
        with self._people.speaking_to(person):
            found = await self._of(person, standing_id, channel, trigger.evidence)
        reason = first_line("\n".join(lines[at + 1 :]), _REASON_CHARS)
        await self._standing.revoke(standing_id, person, reason, channel=channel, evidence=trigger.evidence)
        told = self._told(inbound_id, channel, trigger, found)
        await self._journal.write(Commit(run_id=told.run_id, outgoing=[outbox_entry(told)]))
        return True

    async def _of(self, person: PersonId, standing_id: str, channel: str, evidence: str) -> Standing:
        try:
            found = await self._standing.one(standing_id)
        except NotFound as error:
            raise Conflict(error.what, error.do) from error
        if person in self._standing.concerned(found) or self._rights.of_person(person).sees_all:
            return found
        why, run_id = say("again.none", id=standing_id), found.approval.run_id
        note = self._refusals.note
        await note(person, "answer", why, channel, evidence=evidence, run_id=run_id, is_hidden=True)
        raise Conflict(why, say("again.listed"))

    def _told(self, inbound_id: str, channel: str, trigger: Trigger, found: Standing) -> Tell:
        approval = found.approval
        with self._people.speaking_to(trigger.person):
            title = say("again.revoked-title", title=approval.title)
            card = notice(title, say("again.is-revoked", id=approval.id), found.now, approval.request_id)
        return Tell(
            id=derived_id("outgoing", approval.run_id, f"revoked by {inbound_id}"),
            run_id=RunId(approval.run_id),
            person=PersonId(trigger.person),
            reach=(channel,),
            card=card,
            thread=trigger.thread or approval.run_id,
            to=trigger.place,
        )
