"""Changed requests: a new revision in front of everybody who may decide, or the same card sent once more."""

import secrets
from collections.abc import Set
from dataclasses import replace
from datetime import datetime

from agents.events import PersonSaid, RequestRevised
from agents.events.requests import Edited as ByDecider
from agents.requests import Author, AuthoredLine, Remark, Request
from agents.requests.record import RequestRecord, after
from agents.text import ends_of
from bot.archive.keeper import Archive
from bot.people.directory import People
from bot.policy.answers import Statement
from bot.policy.attachments import attachments, contents, list_contents
from bot.policy.digest import call_digest
from bot.policy.edits import Edited, changed_names
from bot.policy.judgements import Answer, Remarked, judgements
from bot.render.cards import remark
from bot.requests.card_updates import moved
from bot.requests.opening import placing
from bot.requests.reassignment.timing import Timing
from bot.store import Commit, Once, Wake, WorkItem
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.journal import Journal, outbox_entry, record_write
from bot.store.lists import counted_as
from bot.store.outbox_entry import Tell

# All of it goes into the model's context, with every step.
_HEAD_CHARS, _TAIL_CHARS = 6_000, 2_000


class Revisions:
    """Changes what stands in front of people. `edits`: the channels that can change a card where it stands."""

    def __init__(self, journal: Journal, people: People, edits: Set[str], archive: Archive, timing: Timing) -> None:
        self._journal, self._people, self._edits, self._archive = journal, people, edits, archive
        self._timing = timing

    def revising(self, record: RequestRecord, version: int, revised: RequestRevised) -> Commit:
        """New cards for everyone, old votes void; who held the old card gets the new one, which says what changed.

        Where there are steps, the first is in force again.
        """
        now, stands = revised.at, after(record, [revised])
        request = stands.request
        holders, outgoing, deliveries = placing(stands, self._people, now)
        outgoing = [*outgoing, *map(outbox_entry, moved(record, self._edits, now))]
        event = revised.model_copy(update={"holders": holders, "policy": request.policy.name})
        return Commit(
            run_id=request.run_id,
            events=[event],
            records=[record_write(after(record, [event]), version, before=request.expires_at)],
            outgoing=outgoing,
            deliveries=deliveries,
            wake=self._timing.wake(stands, now),
            files=list_contents(request),
        )

    def remarking(
        self,
        record: RequestRecord,
        version: int,
        statement: Statement,
        answer: Answer,
        judgement: Remarked,
        told: Tell | None,
    ) -> Commit:
        """Return the commit that puts a requester's words on a new card for everybody.

        Approvals of the older card do not count for the new one. `told` is what the requester hears of it.
        """
        old, now, words = record.request, answer.at, ends_of(judgement.text, _HEAD_CHARS, _TAIL_CHARS)
        said = PersonSaid(
            at=now,
            said_id=statement.reply_id,
            person=answer.person,
            text=words,
            files=attachments(statement.files),
            proof=statement.proof,
        )
        with self._people.speaking_to(""):
            line = remark(answer.person, words, self._people)
        wrote = Author(person=answer.person, part="wrote")
        nonce = secrets.token_hex(16)  # so that no answer to the older card has the digest of this one
        changes = {
            "nonce": nonce,
            "remarks": (*old.remarks, Remark(person=answer.person, text=words, at=now)),
            "changes": (AuthoredLine(text=line, by=(wrote,), is_remark=True),),
        }
        if old.call:
            changes["digest"] = call_digest(old.run_id, old.id, nonce, old.call, old.requesters)
        request = old.model_copy(update={**changes, "revision": old.revision + 1})
        revised = RequestRevised(at=now, by=answer.person, request=request.asking(), proof=statement.proof)
        commit = self.revising(record, version, revised)
        return replace(
            commit,
            events=[said, *commit.events],
            once=Once(old.id, statement.reply_id, judgements.dump_json(judgement, round_trip=True)),
            counts=counted_as(judgement.type, now - old.opened_at),
            outgoing=[*commit.outgoing, *([outbox_entry(told)] if told else [])],
            wake=[*commit.wake, Wake(WorkItem("run", old.run_id))],
            files=contents(statement.files),
            limit=MAX_EVENTS_AT_ALL,
        )

    def editing(
        self,
        record: RequestRecord,
        version: int,
        statement: Statement,
        judgement: Edited,
        request: Request,
        now: datetime,
    ) -> Commit:
        """Return the commit that puts an edit in front of everybody.

        Whoever made it is told by the card of the new revision, which they get as well.
        """
        old = record.request
        if judgement.is_own:
            revised = RequestRevised(
                at=now,
                by=statement.person,
                request=request.asking(),
                proof=statement.proof,
            )
        else:
            edited = ByDecider(
                before=old.call.arguments if old.call else {},
                changed=changed_names(old.call, request.call) if old.call and request.call else (),
                reply_id=statement.reply_id,
                proof=statement.proof,
            )
            revised = RequestRevised(at=now, by=statement.person, request=request.asking(), edited=edited)
        commit = self.revising(record, version, revised)
        return replace(
            commit,
            once=Once(old.id, statement.reply_id, judgements.dump_json(judgement, round_trip=True)),
            counts=counted_as(judgement.type, now - old.opened_at),
            wake=[*commit.wake, Wake(WorkItem("run", old.run_id))],
            limit=MAX_EVENTS_AT_ALL,
        )
