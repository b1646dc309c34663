"""Changed requests: a new revision in front of everybody who may decide, or the same card sent once more."""

import secrets
from collections.abc import Set
from dataclasses import replace
from datetime import datetime

from agents import ToolRefused
from agents.events import PersonSaid, RequestRevised
from agents.events.requests import Edited
from agents.requests import GatedCall, PersonId, Remark, Request, RequestId
from agents.run import fold
from agents.state import editors_of
from agents.text import ends_of
from bot.archive.keeper import Archive
from bot.people.directory import People
from bot.people.recognition import may_have_sat, with_doubles, with_other_ids
from bot.policy.answers import Statement
from bot.policy.approvers.quorum import barred, can_be_met
from bot.policy.approvers.steps import restarted
from bot.policy.attachments import attachments, contents, list_contents
from bot.policy.digest import call_digest
from bot.policy.edits import changed_names, edited_request
from bot.policy.judgements import Answer, Judgement, Remarked, judgements
from bot.policy.record import RequestRecord, after, as_revised
from bot.render.cards import remark
from bot.render.edits import changes_between
from bot.requests.card_updates import moved
from bot.requests.opening import ever_eligible, placing, with_objectors
from bot.requests.reassignment.timing import Timing
from bot.requests.stored import TRIES, read_request
from bot.store import Commit, Once, Wake, WorkItem
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.journal import Journal, outbox_entry, record_write
from bot.store.lists import counted_as
from bot.store.outbox_entry import Tell
from language import say

# All of it goes into the model's context, with every step.
_HEAD_CHARS, _TAIL_CHARS = 6_000, 2_000


class Revisions:
    """Changes what stands in front of people. `edits`: the channels that can change a card where it stands."""

    def __init__(self, journal: Journal, people: People, edits: Set[str], archive: Archive, timing: Timing) -> None:
        self._journal, self._people, self._edits, self._archive = journal, people, edits, archive
        self._timing = timing

    async def revise(
        self, request_id: RequestId, by: PersonId, call: GatedCall, title: str, *, channel: str, evidence: str
    ) -> Request | None:
        """Put a changed call in front of people as a new revision; None when it is no longer open.

        `evidence` is how the `channel` knew who changed it. Raises ToolRefused for a value that no approval can be
        bound to, and where nobody could approve it.
        """
        for _ in range(TRIES):
            record, version, now = await read_request(self._journal.store, self._archive, request_id)
            old = record.request
            if record.state != "open" or old.call is None:
                return None
            with self._people.speaking_to(""):
                changes = changes_between(old.call, call)
            run = with_other_ids(fold((await self._journal.store.load(old.run_id)).events), self._people)
            try:
                request = edited_request(with_objectors(old, run, call), old.call, call, None, editors_of(run, call))
            except ValueError as error:
                names = ", ".join(changed_names(old.call, call))
                raise ToolRefused(say("answer.edit-no-value", names=names)) from error
            self._check_can_be_met(record, request)
            request = request.model_copy(update={"title": title, "changes": changes})
            changed = RequestRevised(at=now, by=by, request=request, channel=channel, evidence=evidence)
            written = await self._journal.write(self.revising(record, version, changed))
            if written.state == "committed":
                return request
        raise RuntimeError(f"{request_id} changed {TRIES} times while it was revised")

    def _check_can_be_met(self, record: RequestRecord, request: Request) -> None:
        """Check that a change that takes somebody's approval away leaves enough people. Raises ToolRefused.

        Whoever has left is another matter, of `departures`.
        """
        left, policy = self._left(record, request), with_doubles(request.policy, self._people)
        if {*self._left(record, record.request)} - {*left} and not can_be_met(policy, left):
            who = self._people.names_of(left) if left else say("words.nobody")
            raise ToolRefused(say("run.amend-too-few", policy=policy.name, left=who, quorum=policy.quorum))

    def _left(self, record: RequestRecord, request: Request) -> list[PersonId]:
        policy, here = with_doubles(request.policy, self._people), self._people.all()
        out = barred(policy, request.requesters).union(may_have_sat(as_revised(record, request), self._people))
        return [one for one in ever_eligible(policy, request.requesters) if one in here and one not in out]

    def revising(self, record: RequestRecord, version: int, revised: RequestRevised) -> Commit:
        """New cards for everyone, old votes void; who held the old card gets the new one, which says what changed.

        Where there are steps, the first is in force again.
        """
        now, request = revised.at, revised.request.under(restarted(revised.request.policy, revised.at))
        event = revised.model_copy(update={"request": request})
        stands = after(record, [event])
        holders, outgoing, deliveries = placing(request, self._people, now, stands)
        outgoing = [*outgoing, *map(outbox_entry, moved(record, self._edits, now))]
        event = event.model_copy(update={"holders": holders})
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
            channel=answer.channel,
            text=words,
            files=attachments(statement.files),
            evidence=statement.evidence,
        )
        with self._people.speaking_to(""):
            line = remark(answer.person, words, self._people)
        nonce = secrets.token_hex(16)  # so that no answer to the older card has the digest of this one
        changes = {
            "nonce": nonce,
            "remarks": (*old.remarks, Remark(person=answer.person, text=words, at=now)),
            "changes": (line,),
        }
        if old.call:
            changes["digest"] = call_digest(old.run_id, old.id, nonce, old.call, old.requesters)
        request = old.model_copy(update={**changes, "revision": old.revision + 1})
        revised = RequestRevised(
            at=now, by=answer.person, request=request, channel=answer.channel, evidence=statement.evidence
        )
        commit = self.revising(record, version, revised)
        return replace(
            commit,
            events=[said, *commit.events],
            once=Once(old.id, statement.reply_id, judgements.dump_json(judgement)),
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
        judgement: Judgement,
        request: Request,
        now: datetime,
    ) -> Commit:
        """Return the commit that puts the edit of somebody who decides in front of everybody.

        Whoever made it is told by the card of the new revision, which they get as well.
        """
        old = record.request
        edited = Edited(
            before=old.call.arguments if old.call else {},
            changed=changed_names(old.call, request.call) if old.call and request.call else (),
            reply_id=statement.reply_id,
            channel=statement.channel,
            evidence=statement.evidence,
        )
        revised = RequestRevised(at=now, by=statement.person, request=request, edited=edited)
        commit = self.revising(record, version, revised)
        return replace(
            commit,
            once=Once(old.id, statement.reply_id, judgements.dump_json(judgement)),
            counts=counted_as(judgement.type, now - old.opened_at),
            wake=[*commit.wake, Wake(WorkItem("run", old.run_id))],
            limit=MAX_EVENTS_AT_ALL,
        )
