"""Messages in a thread where a run lives: an answer to its question, a withdrawal, or a word that steers it.

Words never approve. Beside an open approval only a requester's reach the run; see docs/decisions/0019.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from agents.events import AnswerNoted, Event, PersonSaid, RequestOpened, own
from agents.requests import PersonId, RequestId, RunId
from agents.run import Run, fold
from agents.text import ends_of
from bot.errors import Conflict
from bot.people.directory import People
from bot.people.refusals import Refusals
from bot.people.rights import Rights
from bot.policy.answers import ONLY_FILES, Statement, refuses
from bot.policy.approvers.concern import Concern, concern_of
from bot.policy.approvers.quorum import eligible
from bot.policy.attachments import attachments, contents
from bot.policy.judge import MOST_REMARKS, is_noted, is_question
from bot.policy.judgements import Asked, Unclear, judgements
from bot.policy.record import RequestRecord, after
from bot.render.cards import notice
from bot.render.words import feedback_text
from bot.requests.decisions import ANSWERED_AT_ONCE, Decisions, RequestRead
from bot.runs.children import busy_with
from bot.store import Commit, Once, Wake, WorkItem, Written
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.ids import inbound_of
from bot.store.journal import Journal, outbox_entry, outgoing_id, record_write
from bot.store.outbox_entry import Tell
from channels import ChannelUnavailable, Trigger
from channels.email.reply import read_reply
from language import say

log = structlog.stdlib.get_logger()

# A conflict means that the run has moved on, which it does not do for ever.
_TRIES = 1_000
# All of it goes into the model's context, with every step.
_HEAD_CHARS, _TAIL_CHARS = 6_000, 2_000
# A person says less; a robot with a person's account would have the model think without end.
_SAID, _SAID_PER_S = 60, 3600.0
# Longer than a request stays open, and than anything is brought to us again.
_REMEMBERED_S = 31 * 24 * 3600.0


_CALL = re.compile(r"\s*@[\w.-]+[ \t,:]*|\s*(?:wait|hold on)\s*[,.!]\s*", re.IGNORECASE)


class FollowUps:
    """Gives what follows in a thread to the run that lives there, once."""

    def __init__(self, journal: Journal, decisions: Decisions, people: People, rights: Rights) -> None:
        self._journal, self._store, self._decisions, self._people = journal, journal.store, decisions, people
        self._rights = rights

    async def take(self, inbound_id: str, channel: str, trigger: Trigger) -> bool:
        """Give the message to a run that lives in the thread; return whether one has taken it in, now or before.

        Raises ChannelUnavailable while that run has not started, Conflict, and Forbidden for whoever may not steer it.
        """
        for run_id in await self._homes(inbound_id, channel, trigger.within or trigger.thread):
            structlog.contextvars.bind_contextvars(run_id=run_id, person=trigger.person)
            if await self._given(run_id, inbound_id, channel, trigger):
                return True
        return False

    async def answers(self, inbound_id: str, channel: str, trigger: Trigger) -> bool:
        """Return whether a run in the thread asks a question that the writer may answer. Raises as `take` does."""
        for run_id in await self._homes(inbound_id, channel, trigger.within or trigger.thread):
            if asked := _asked(fold((await self._store.load(run_id)).events)):
                record = (await self._decisions.request(asked)).record
                is_question = record.request.format != "approval" and _is_answerable(record)
                if is_question and _may_answer(record, PersonId(trigger.person)):
                    return True
        return False

    async def _given(self, run_id: RunId, inbound_id: str, channel: str, trigger: Trigger) -> bool:
        """Return whether this run has taken the message in, now or before; False if it has ended without it."""
        for _ in range(_TRIES):
            events = (await self._store.load(run_id)).events
            run = fold(events)
            if await self._has_had(events, inbound_id):
                return True
            if run.ended:
                return False
            if await self._took(inbound_id, channel, trigger, run, concern_of(events)):
                return True
        raise RuntimeError(f"{run_id} changed {_TRIES} times while one message was given to it")

    async def _homes(self, inbound_id: str, channel: str, thread: str) -> Sequence[RunId]:
        """The run that lives in the thread, as it was when the message was first looked at; before it, the one child
        that it waits for: what is said now is about what happens now.
        """
        found = await self._store.threads.run_of(channel, thread)
        if found is None:
            return ()
        # In this order: the start of the run and the end of the waiting are one write.
        root = inbound_of(found)
        is_waiting = root != inbound_id and await self._store.lists.is_unread(root)
        if await self._store.length(found) == 0:
            if is_waiting:
                raise ChannelUnavailable("The message that begins the thread is not read yet", "What follows waits")
            return ()
        ways = " ".join((await busy_with(self._store, RunId(found)), found))
        pinned, _ = await self._store.remember(f"follows {inbound_id}", ways.encode(), _REMEMBERED_S)
        return tuple(dict.fromkeys(map(RunId, pinned.decode().split())))

    async def _has_had(self, events: Sequence[Event], inbound_id: str) -> bool:
        """Return whether the message had its effect before a crash: by now the same words could mean something else."""
        events = own(events)
        if any(isinstance(event, PersonSaid) and event.said_id == inbound_id for event in events):
            return True
        asked = [event.request.id for event in events if isinstance(event, RequestOpened)]
        return await self._store.threads.is_answer(asked, inbound_id)

    async def _took(self, inbound_id: str, channel: str, trigger: Trigger, run: Run, concern: Concern) -> bool:
        """Return whether the message has its effect now; False if the run changed meanwhile."""
        if not trigger.text.strip() and not trigger.files:
            log.info("ignored", reason="a message without words and files")
            return True
        asked = _asked(run)
        read = await self._decisions.request(asked) if asked else None
        record, version = (read.record, read.version) if read else (None, 0)
        person = PersonId(trigger.person)
        is_open = record is not None and _is_answerable(record)
        if record is None or record.request.format != "approval":
            if record is None or not is_open or not _may_answer(record, person):
                await self._check_steers(person, channel, run, concern, trigger.evidence)
                return _is_written(await self._say(inbound_id, channel, trigger, run, record, version))
            await self._decisions.decide(record.request.id, _statement(inbound_id, channel, trigger, record), read)
            return True
        # Whoever only answered something may take it back, as that does no harm, and steers nothing.
        may_steer = person in record.askers or (person in record.requesters and is_withdrawal(trigger.text))
        if read and may_steer:
            return await self._of_requester(inbound_id, channel, trigger, run, read)
        if not is_open:
            await self._check_steers(person, channel, run, concern, trigger.evidence)
            return _is_written(await self._say(inbound_id, channel, trigger, run, record, version))
        return _is_written(await self._comment(inbound_id, channel, trigger, record, version))

    async def _check_steers(self, person: PersonId, channel: str, run: Run, concern: Concern, evidence: str) -> None:
        """Check that words of somebody may steer the run in whose thread they stand. Raises Forbidden."""
        who = self._rights.of_person(person, evidence)
        if denied := self._rights.denial(who, "write", concern, run.id, is_known=True):
            await Refusals(self._store).refuse(who, "write", denied, channel, run.id)

    async def _of_requester(self, inbound_id: str, channel: str, trigger: Trigger, run: Run, read: RequestRead) -> bool:
        """Words of somebody who asked for it: they take it back, answer a question, stand on every card, or steer."""
        record, version, _ = read
        question = record.question_for(PersonId(trigger.person))
        takes_back = refuses(called(trigger.text)) if question else is_withdrawal(trigger.text)
        if not takes_back and record.state != "open":
            with self._people.speaking_to(trigger.person):
                told = say("notice.stop-it") if _is_answerable(record) else ""
            return _is_written(await self._say(inbound_id, channel, trigger, run, record, version, told))
        if not takes_back:
            await self._admit_words(run.id, trigger.person, inbound_id)
            if question is None and len(record.request.remarks) >= MOST_REMARKS:
                raise Conflict(say("run.remarks-full", count=MOST_REMARKS), say("run.remarks-full-do"))
        statement = _statement(inbound_id, channel, trigger, record)
        if takes_back:
            reason = trigger.text if len(trigger.text.split()) > 1 else ""
            statement = replace(statement, said="deny", reason=ends_of(reason, _HEAD_CHARS, _TAIL_CHARS))
        elif not trigger.text.strip():
            statement = replace(statement, text=ONLY_FILES)
        await self._decisions.decide(record.request.id, statement, read)
        return True

    async def _admit_words(self, run_id: RunId, person: str, inbound_id: str) -> None:
        if not await self._store.admit(f"said {run_id} {person}", inbound_id, _SAID, _SAID_PER_S):
            raise Conflict(say("run.said-too-much", count=_SAID), say("run.said-too-much-do"))

    async def _say(
        self,
        inbound_id: str,
        channel: str,
        trigger: Trigger,
        run: Run,
        record: RequestRecord | None,
        version: int,
        told: str = "",
    ) -> Written:
        """A message of the run, whose writer is one of its requesters from now on, and is `told` something."""
        await self._admit_words(run.id, trigger.person, inbound_id)
        said = PersonSaid(
            at=self._store.about_now(),
            said_id=inbound_id,
            person=PersonId(trigger.person),
            channel=channel,
            text=ends_of(trigger.text, _HEAD_CHARS, _TAIL_CHARS),
            files=attachments(trigger.files),
            evidence=trigger.evidence,
        )
        joined = after(record, [said]) if record else None
        log.info("said to a run", said_id=inbound_id)
        is_told = record and told and channel not in ANSWERED_AT_ONCE
        reply = _reply(channel, trigger, record, told, said.at) if record and is_told else None
        return await self._journal.write(
            Commit(
                run_id=run.id,
                events=[said],
                expect=run.seq,
                records=[record_write(joined, version)] if joined and joined != record else (),
                once=Once(run.id, inbound_id, b"said"),
                outgoing=[outbox_entry(reply)] if reply else (),
                wake=[Wake(WorkItem("run", run.id))],
                files=contents(trigger.files),
                limit=MAX_EVENTS_AT_ALL,
            )
        )

    async def _comment(
        self, inbound_id: str, channel: str, trigger: Trigger, record: RequestRecord, version: int
    ) -> Written:
        """Kept as an answer that did not count, for people to read; its writer is told so each time.

        Where whoever decides asks something, it goes to whoever asked as a question.
        """
        request, person = record.request, PersonId(trigger.person)
        if not is_noted(record, person):
            return Written("committed")
        asks = record.state == "open" and _may_answer(record, person) and is_question(trigger.text)
        judgement = Asked(whom=request.askers) if asks else Unclear()
        noted = AnswerNoted(
            at=await self._store.now(request.id),
            request_id=request.id,
            reply_id=inbound_id,
            person=person,
            channel=channel,
            text=ends_of(trigger.text, _HEAD_CHARS, _TAIL_CHARS),
            outcome=judgement.type,
            files=attachments(trigger.files),
            evidence=trigger.evidence,
        )
        told = [] if channel in ANSWERED_AT_ONCE else [self._about_comment(channel, trigger, record, judgement)]
        brought = await self._decisions.comments.bring(record, [noted], is_public=_is_public(trigger, record))
        log.info("typed beside an approval", request_id=request.id)
        return await self._journal.write(
            Commit(
                run_id=request.run_id,
                events=brought.events,
                records=[record_write(after(record, brought.events), version)],
                once=Once(request.id, inbound_id, judgements.dump_json(judgement)),
                counts={judgement.type: 1},
                outgoing=[*map(outbox_entry, told), *brought.outgoing],
                deliveries=brought.deliveries,
                files=contents(trigger.files),
                limit=MAX_EVENTS_AT_ALL,
            )
        )

    def _about_comment(self, channel: str, trigger: Trigger, record: RequestRecord, judgement: Asked | Unclear) -> Tell:
        """Return the entry that tells somebody what became of the words they typed beside an approval."""
        with self._people.speaking_to(trigger.person):
            text = say("notice.press") if record.state == "open" else say("notice.too-late-to-type")
            text = text if _may_answer(record, PersonId(trigger.person)) else say("notice.waits-for-others")
            if isinstance(judgement, Asked):
                text = feedback_text(judgement, record.request, self._people)
            return _reply(channel, trigger, record, text, self._store.about_now())


def is_withdrawal(text: str) -> bool:
    """Return whether a requester's words plainly take back the request: a denial, or `cancel`, or `stop`."""
    return read_reply(called(text)).said == "deny"


def called(text: str) -> str:
    """`text` without the names and words that only call somebody."""
    bare, before = text, ""
    while bare != before:
        bare, before = _CALL.sub("", bare, count=1) if _CALL.match(bare) else bare, bare
    return bare


def _is_public(trigger: Trigger, record: RequestRecord) -> bool:
    """Return whether it was typed in the thread where it was asked: whoever asked has read it already."""
    return trigger.thread == record.request.thread


def _is_written(written: Written) -> bool:
    if written.state == "full":
        raise Conflict(say("run.run-full"), say("run.run-full-do"))
    return written.state in {"committed", "repeat"}


def _reply(channel: str, trigger: Trigger, record: RequestRecord, text: str, at: datetime) -> Tell:
    """Return the entry that tells somebody about their message, in the place where they wrote it."""
    request = record.request
    return Tell(
        id=outgoing_id(request.id),
        run_id=request.run_id,
        person=PersonId(trigger.person),
        reach=(channel,),
        card=notice(say("card.about", title=request.title), text, at, request.id),
        thread=request.thread,
        request_id=request.id,
        to=trigger.place,
    )


def _asked(run: Run) -> RequestId | None:
    """Return the request that words in the run's thread may be about: the open one, or the next effect's approval."""
    pending = run.pending
    if run.open or pending is None or pending.request is None or pending.decision is None:
        return run.open
    return pending.request.id


def _is_answerable(record: RequestRecord) -> bool:
    return record.state == "open" or (record.state == "approved" and record.began_at is None)


def _may_answer(record: RequestRecord, person: PersonId) -> bool:
    return person in eligible(record.request.policy, record.requesters)


def _statement(inbound_id: str, channel: str, trigger: Trigger, record: RequestRecord) -> Statement:
    """Typed words as an answer to a question as it stands: whoever writes in its thread has it before them."""
    return Statement(
        reply_id=inbound_id,
        person=PersonId(trigger.person),
        channel=channel,
        revision=record.request.revision,
        digest=record.request.digest,
        said="free_text",
        text=trigger.text,
        evidence=trigger.evidence,
        files=trigger.files,
        place=trigger.place,
        is_public=_is_public(trigger, record),
    )
