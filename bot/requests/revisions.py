"""Changed requests: a new revision in front of everybody who may decide, or the same card sent once more."""

import secrets
from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import datetime

from agents.events import PersonSaid, RequestFrozen, RequestRevised
from agents.events.requests import Edited as ByDecider
from agents.requests import Author, AuthoredLine, Remark, Request
from agents.requests.record import RequestRecord, after
from agents.run import Run
from agents.text import ends_of
from bot.people.directory import People
from bot.policy.answers import Statement
from bot.policy.attachments import attachments, contents, list_contents
from bot.policy.digest import call_digest
from bot.policy.edits import Edited, changed_names
from bot.policy.judgements import Answer, Remarked, judgements
from bot.render.cards import remark
from bot.requests.card_updates import moved
from bot.requests.freezes import FrozenRequests, environment_of
from bot.requests.opening import placing
from bot.requests.reassignment.timing import Timing
from bot.store import Commit, Once, Wake, WorkItem
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.journal import outbox_entry, place_of_call, record_write
from bot.store.lists import counted_as
from bot.store.outbox_entry import Tell

# All of it goes into the model's context, with every step.
_HEAD_CHARS, _TAIL_CHARS = 6_000, 2_000


class Revisions:
    """Changes what stands in front of people. `edits`: the channels that can change a card where it stands."""

    def __init__(self, people: People, edits: Set[str], timing: Timing, freezes: FrozenRequests) -> None:
        self._people, self._edits, self._timing, self._freezes = people, edits, timing, freezes

    def revising(
        self, record: RequestRecord, version: int, revised: RequestRevised, beside: Sequence[RequestFrozen] = ()
    ) -> Commit:
        """New cards for everyone, old votes void; who held the old card gets the new one, which says what changed.

        Where there are steps, the first is in force again. `beside` is what freezes it from now on.
        """
        now, stands = revised.at, after(record, [revised, *beside])
        request = stands.request
        holders, outgoing, deliveries = placing(stands, self._people, now)
        outgoing = [*outgoing, *map(outbox_entry, moved(record, self._edits, now))]
        event = revised.model_copy(update={"holders": holders, "policy": request.policy.name})
        written = record_write(after(record, [event, *beside]), version, before=request.expires_at)
        if (was_in := place_of_call(record.request)) != written.place:
            written = replace(written, was_in=was_in)
        return Commit(
            run_id=request.run_id,
            events=[event, *beside],
            records=[written],
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
        commit = self.revising(after(record, [said]), version, revised)
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

    async def editing(
        self,
        record: RequestRecord,
        version: int,
        statement: Statement,
        judgement: Edited,
        request: Request,
        now: datetime,
        run: Run,
    ) -> Commit:
        """Return the commit that puts an edit of what `run` asks in front of everybody.

        Whoever made it is told by the card of the new revision, which they get as well. Where it is for another
        environment by now, what freezes that one freezes it.
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
        found = await self._freezes.on(environment_of(after(record, [revised])), old.id)
        is_moved = found.freeze != record.frozen
        frozen = [RequestFrozen(at=now, request_id=old.id, freeze=found.freeze)] if is_moved else []
        told = self._freezes.told(request, run, found.freeze, now) if is_moved and found.freeze else []
        commit = self.revising(record, version, revised, frozen)
        return replace(
            commit,
            outgoing=[*commit.outgoing, *map(outbox_entry, told)],
            frozen=found.number,
            once=Once(old.id, statement.reply_id, judgements.dump_json(judgement, round_trip=True)),
            counts=counted_as(judgement.type, now - old.opened_at),
            wake=[*commit.wake, Wake(WorkItem("run", old.run_id))],
            limit=MAX_EVENTS_AT_ALL,
        )
