"""Messages in a thread where a run lives: an answer to its question, a stop, or a word that steers it.

Words never approve. Beside an open approval only a requester's reach the run; see docs/decisions/0019. What answers a
closed request of a run is such a message as well.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

import structlog

from agents.events import AnswerNoted, Event, PersonSaid, RunCancelled, own
from agents.relay import RELAY
from agents.requests import PersonId, RequestId, RunId, bound_to
from agents.requests.proof import Proof
from agents.requests.record import RequestRecord, after
from agents.review import reviewed_of
from agents.run import Run, fold
from agents.text import ends_of, first_line
from bot.errors import Conflict, Forbidden, NotFound, WaitsForFile
from bot.inbound.proving import SaidElsewhere, proof_of
from bot.people.directory import People
from bot.people.offers import deciders, offers
from bot.people.recognition import as_known_now
from bot.people.refusals import Refusals
from bot.people.rights import Action, Denied, Rights
from bot.policy.answers import (
    HEAD_CHARS,
    ONLY_FILES,
    TAIL_CHARS,
    Statement,
    answers_review,
    as_denial,
    given,
    is_stop,
    is_withdrawal,
    may_be_answer,
    may_mean_stop,
    no_in_words,
    refuses,
    stop_in,
    takes_back,
)
from bot.policy.approvers.concern import concern_of
from bot.policy.approvers.who import who_of
from bot.policy.attachments import attachments, contents
from bot.policy.judge import MOST_REMARKS, is_noted, is_question
from bot.policy.judgements import Asked, TooLate, Unclear, judgements
from bot.policy.stops import may_be_stop
from bot.render.cards import notice
from bot.render.words import copies_go_on, decided, ends_standing, feedback_text, wish_of
from bot.requests.decisions import ANSWERED_AT_ONCE, Decisions, RequestRead
from bot.requests.opening import thread_of
from bot.requests.standing.kept import KeptStandings
from bot.requests.stored import copies_of
from bot.runs.children import Children, busy_with
from bot.store import Commit, Once, Wake, WorkItem, Written
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.ids import derived_id, inbound_of, is_a, run_of
from bot.store.indexes import has_effect, question_above, runs_of_thread, said_to
from bot.store.journal import Journal, outbox_entry, outgoing_id, record_write
from bot.store.outbox_entry import Delivery, Tell, tell_about
from channels import SESSION, ChannelUnavailable, Trigger
from channels.email.reply import is_courtesy, read_reply
from language import say
from language.dates import in_words
from language.recorded import recorded

log = structlog.stdlib.get_logger()

# A conflict means that the run has moved on, which it does not do for ever.
_TRIES = 1_000
_TITLE_CHARS = 80
# A person says less; a robot with a person's account would have the model think without end.
_SAID, _SAID_PER_S = 60, 3600.0
# Longer than a request stays open, and than anything is brought to us again.
_REMEMBERED_S = 31 * 24 * 3600.0

# How an attempt stands whose effect may be there, or come, though nobody knows of its end.
_MAY_HAVE_BEGUN = {"running", "left", "unknown"}

# What became of a message in one run: it ended before, it took it in, or it was stopped by it.
_Taken = Literal["ended", "taken", "stopped"]

# What words do in one run that are no wish: they answer what it asks, deny or take back what waits, or end it.
_Does = Literal["answer", "deny", "stop"]


class FollowUps:
    """Gives what follows in a thread to the run that lives there, once."""

    def __init__(
        self, journal: Journal, decisions: Decisions, people: People, rights: Rights, children: Children
    ) -> None:
        self._journal, self._store, self._decisions, self._people = journal, journal.store, decisions, people
        self._rights, self._children, self._kept = rights, children, KeptStandings(journal.store)

    async def take(self, inbound_id: str, channel: str, trigger: Trigger) -> bool:
        """Give the message to a run that lives in the thread; return whether one has taken it in, now or before.

        Raises ChannelUnavailable while that run has not started, or the message above is not known yet, Conflict, and
        Forbidden for whoever may not steer it.
        """
        homes = await self._homes(inbound_id, channel, trigger)
        if not homes and trigger.is_below_new:
            raise ChannelUnavailable("The message above was posted just now", "What follows waits until it is known")
        is_no = bool(homes) and is_withdrawal(trigger.text)
        goes_on = is_no and not (await self._run(homes[-1])).ended
        said = await self._beside_review(homes, inbound_id, channel, trigger)
        is_taken = await self._take(homes, inbound_id, channel, said, None) or said is not trigger
        if goes_on and is_taken:
            await self._tell_what_holds(homes[-1], inbound_id, channel, trigger)
        return is_taken

    async def unheard(self, said_id: str, channel: str, trigger: Trigger, first: str) -> bool:
        """Tell whoever wrote the message `first` that the run that it began goes on, or the one that took it in, if it
        does, though it was edited; of what was deleted, only where it began the run. Return whether there is a run.

        Raises ChannelUnavailable while `first` is not read yet.
        """
        run = await self._run(RunId(run_of(first)))
        if not run.started and await self._store.lists.is_unread(first):
            raise ChannelUnavailable("What was edited or deleted is not read yet", "What is said of that waits")
        word = "notice.deleted" if trigger.deleted else "notice.edited"
        if not run.started and trigger.edited and (had := await self._that_had(first)):
            run, word = had, "notice.edited-word"
        if run.started and not run.ended:
            told = self._told(channel, trigger, run, say(word, id=run.id), self._store.about_now(run.id))
            told = told.model_copy(update={"id": derived_id("outgoing", run.id, f"unheard {said_id}")})
            await self._journal.send(told)
        return run.started is not None

    async def _that_had(self, inbound_id: str) -> Run | None:
        """Return the run that a message was given to as words or as an answer; None where none has it."""
        ways = await self._store.remembered(said_to(inbound_id)) or b""
        for run_id in map(RunId, ways.decode().split()):
            events = (await self._store.load(run_id)).events
            run = fold(events)
            if await self._had(run, events, inbound_id):
                return run
        return None

    async def _tell_what_holds(self, run_id: RunId, said_id: str, channel: str, trigger: Trigger) -> None:
        """Tell whoever says no in the thread of a session what may still be done there without asking: they may have
        meant that by it, as nothing says which of its messages they answer.
        """
        run = await self._run(run_id)
        if channel in ANSWERED_AT_ONCE or not self._has_say(trigger, run):
            return
        if text := await self._what_holds(run, trigger.person):
            told = self._told(channel, trigger, run, text, self._store.about_now(run.id))
            told = told.model_copy(update={"id": derived_id("outgoing", run_id, f"holds {said_id}")})
            await self._journal.send(told)

    async def _what_holds(self, run: Run, person: str) -> str:
        """Return which standing approvals hold in the session of a run, and how they end; empty where none does."""
        asked = [one.request for one in run.requests.values() if one.request.program and one.request.requesters]
        holds = await self._kept.in_session(asked[-1]) if asked else []
        with self._people.speaking_to(person):
            return " ".join(f"{say('again.holds', id=one)} {say('again.end-it', id=one)}" for one in holds)

    async def answered(self, statement: Statement, record: RequestRecord) -> bool:
        """Give words in answer to a request to its run; False for an answer, and where the run does not take them.

        Those are a stop, or a no that is pressed, of something else than what it answers by its own rules, and other
        words that a message brings in answer to a closed question: of those nothing may speak against it that their
        writer wrote and saw all of them. By the card of somebody else, or pressed, they answer no question.
        """
        request, no = record.request, no_in_words(statement)
        said_id, channel, words = statement.reply_id, statement.channel, no or statement.text
        stop = stop_in(request, words)
        stops = is_stop(stop)
        trigger = SaidElsewhere(
            person=statement.person,
            text=stop if stops else words,
            thread=request.thread,
            proof=statement.proof,
            follows=True,
            place=statement.place,
            files=statement.files,
        )
        # An old mail can be sent to another's card: a stop in it does no harm.
        is_theirs = statement.binding.addressee in {None, statement.person} and not statement.for_people
        is_sure = is_theirs and not statement.unsure and channel not in ANSWERED_AT_ONCE
        if no and request.format == "approval" and record.began_at is None:
            return False
        run, about = await self._run(request.run_id), None if no or not is_theirs else request.id
        if not run.started or await has_effect(self._store.client, [request.id], said_id):
            return False
        if await self._store.remembered(said_to(said_id)) is None:  # else it had its effect before
            does, of = await self._first(run, trigger, channel, about) if stops else (None, None)
            # What is too late for the next approval as well is told of the one that is answered.
            is_next = of and of.request.id != request.id and (request.format != "approval" or _is_answerable(of))
            is_own = does == "answer" or (does == "deny" and not is_next)
            if is_own or not (stops or (is_sure and _is_said_to_run(record, trigger.text))):
                return False
            if not (does or await self._may("write", statement.person, run)):
                return False
        homes = await self._pinned(said_id, request.run_id, trigger)
        return await self._take(homes, said_id, channel, trigger, record)

    async def named(self, said_id: str, channel: str, trigger: Trigger, some_id: str) -> None:
        """Give a stop to the run that it names by its own id or by that of a request, wherever it is written.

        Raises Conflict where no such run goes on that its writer may see, and Forbidden where they may not stop it.
        """
        person, run_id = PersonId(trigger.person), RunId(some_id)
        try:
            if is_a(some_id, "request"):
                run_id = (await self._decisions.request(some_id)).record.request.run_id
            run = await self._run(run_id)
        except NotFound:
            run = Run()
        if not run.started or not await self._may("see", person, run, is_known=False):
            raise Conflict(say("run.stop-none", named=some_id), say("run.stop-which-do"))
        read = await self._asked(run)
        record = read.record if read else None
        if not await self._take(await self._pinned(said_id, run_id, trigger), said_id, channel, trigger, record):
            raise Conflict(say("run.stop-none", named=some_id), say("run.stop-which-do"))

    async def _take(
        self, homes: Sequence[RunId], said_id: str, channel: str, trigger: Trigger, answers: RequestRecord | None
    ) -> bool:
        """Whoever stops a run stops the child that it waits for first, which may be about to start something."""
        is_taken = False
        for run_id in homes:
            structlog.contextvars.bind_contextvars(run_id=run_id, person=trigger.person)
            try:
                taken = await self._given(run_id, said_id, channel, trigger, answers)
            except Forbidden:
                if is_taken:  # they may stop the child alone
                    return True
                raise
            if taken == "taken":
                return True
            if taken == "stopped":  # and with it those below it, before its turn comes
                await self._children.stop_all(await self._run(run_id))
                is_taken = True
        if is_taken or not homes:
            return is_taken
        if not is_stop(trigger.text):
            return answers is None and await self._is_late(homes[-1], said_id, channel, trigger)
        if above := await self._above(homes[-1]):
            name = f"{said_id} above {homes[-1]}"  # that one may end meanwhile as well, and the next is looked for
            return await self._take(await self._pinned(name, above, trigger), said_id, channel, trigger, answers)
        return await self._is_over(homes[-1], said_id, channel, trigger, answers)

    async def _above(self, run_id: RunId) -> RunId | None:
        """Return the run that goes on and started one that has ended, or one above that: it may start another."""
        run = await self._run(run_id)
        while run.started and run.started.parent:
            run = await self._run(run.started.parent.run_id)
            if run.started and not run.ended:
                return run.id
        return None

    async def _beside_review(self, homes: Sequence[RunId], inbound_id: str, channel: str, trigger: Trigger) -> Trigger:
        """Answer a review with words below its card, where they fit and their writer is asked; return what they say to
        `homes`, which it reviews: its reason. Other words are returned as they are.
        """
        read = await self._review(channel, trigger)
        if read is None or read.record.request.run_id in homes:
            return trigger
        request = read.record.request
        if self._is_answer(read.record, trigger):
            unbound = _unbound(channel, trigger, read.record, self._people)
            await self._decisions.decide(
                request.id, _statement(inbound_id, channel, trigger, read.record, unbound), read
            )
        return trigger.model_copy(update={"text": stop_in(request, trigger.text)})

    async def answers_review(self, channel: str, trigger: Trigger) -> bool:
        """Return whether words answer a review below its card, whatever else they stop by its id."""
        read = await self._review(channel, trigger)
        return read is not None and self._is_answer(read.record, trigger)

    async def _review(self, channel: str, trigger: Trigger) -> RequestRead | None:
        """Return the review that words fit, in whole or in part, and below whose card they stand."""
        for run_id in await runs_of_thread(self._store, channel, trigger.within or trigger.thread):
            for one in (await self._run(run_id)).requests.values():
                read = (
                    await self._decisions.request(one.request.id) if answers_review(one.request, trigger.text) else None
                )
                if read and await self._is_below_card(read.record, trigger):
                    return read
        return None

    def _is_answer(self, record: RequestRecord, trigger: Trigger) -> bool:
        """Return whether words that fit a question answer it: it is open, and asks their writer."""
        known = as_known_now(record, self._people)
        return known.state == "open" and PersonId(trigger.person) in who_of(known).approve and not trigger.is_edit

    async def answers(
        self, inbound_id: str, channel: str, trigger: Trigger, *, freezes: bool, is_beside: bool = False
    ) -> bool:
        """Return whether a run in the thread asks a question that these words may answer. Raises as `take` does."""
        person, text = PersonId(trigger.person), trigger.text
        for run_id in await self._plain_homes(inbound_id, channel, trigger):
            read = await self._asked(await self._run(run_id))
            if read and may_be_answer(read.record, person, text, freezes=freezes, is_beside=is_beside):
                return True
        return False

    async def take_consent(self, inbound_id: str, channel: str, trigger: Trigger) -> None:
        """Take a typed yes beside something else where an approval is asked for: its writer reads that it is none."""
        for run_id in await self._plain_homes(inbound_id, channel, trigger):
            read = await self._asked(await self._run(run_id))
            is_vote = read is not None and read.record.request.format == "approval"
            if read and is_vote and not _asks(read.record, trigger.person, self._people):
                await self._given(run_id, inbound_id, channel, trigger, None)

    async def _given(
        self, run_id: RunId, inbound_id: str, channel: str, trigger: Trigger, answers: RequestRecord | None
    ) -> _Taken:
        """Return what became of the message in this run, now or before."""
        for _ in range(_TRIES):
            events = (await self._store.load(run_id)).events
            run = fold(events)
            if had := await self._had(run, events, inbound_id):
                return had
            if run.ended:
                return "ended"
            if taken := await self._took(inbound_id, channel, trigger, run, answers):
                return taken
        raise RuntimeError(f"{run_id} changed {_TRIES} times while one message was given to it")

    async def _homes(self, inbound_id: str, channel: str, trigger: Trigger) -> Sequence[RunId]:
        """The newest run that goes on in the thread, as it was when the message was first looked at; before it, the one
        child that it waits for: what is said now is about what happens now. The newest where none goes on.

        A no is for the newest whose people have a say with its writer among them, where there is one.
        While a file is half taken, what began a run may wait for long, and an older run comes first.
        """
        over, live, waits = list[RunId](), list[RunId](), False
        known = await runs_of_thread(self._store, channel, trigger.within or trigger.thread)
        for found in known:
            # In this order: the start of the run and the end of the waiting are one write.
            root = inbound_of(found)
            is_waiting = root != inbound_id and await self._store.lists.is_unread(root)
            run = await self._run(found)
            if not run.started and is_waiting and not self._people.half_taken:
                raise ChannelUnavailable("The message that begins the thread is not read yet", "What follows waits")
            waits = waits or (not run.started and is_waiting)
            if run.started and not run.ended:
                if thread_of(run).startswith(SESSION):
                    return await self._pinned(inbound_id, await self._in_session(trigger, known) or found, trigger)
                if not is_withdrawal(trigger.text) or self._has_say(trigger, run):
                    return await self._pinned(inbound_id, found, trigger)
                live.append(found)
            elif run.started:
                over.append(found)
        if waits and not live:  # no count of tries ends that
            raise WaitsForFile(say("error.half-taken"), say("error.half-taken-do"))
        newest = next(iter((*live, *over)), None)
        return await self._pinned(inbound_id, newest, trigger) if newest else ()

    async def _plain_homes(self, inbound_id: str, channel: str, trigger: Trigger) -> Sequence[RunId]:
        """Return the same; none where nobody knows which. What else the message says, such as a freeze, is heard."""
        try:
            return await self._homes(inbound_id, channel, trigger)
        except Conflict:
            return ()

    async def _in_session(self, trigger: Trigger, known: Sequence[RunId]) -> RunId | None:
        """Return the run of a session that waits for its writer, or that they may still stop; None where none does.

        Raises Conflict where several do, as nothing in the thread says which of them is meant.
        """
        found = list[RequestRecord]()
        for run_id in known:
            run = await self._run(run_id)
            read = await self._asked(run) if run.started and self._has_say(trigger, run) else None
            if read and _is_answerable(read.record):
                found.append(read.record)
        if len(found) > 1:
            names = "; ".join(f"{one.request.id} ({first_line(one.request.title, _TITLE_CHARS)})" for one in found)
            raise Conflict(say("run.which-of-session", names=names), say("run.which-of-session-do"))
        return found[0].request.run_id if found else None

    async def _pinned(self, inbound_id: str, found: RunId, trigger: Trigger) -> Sequence[RunId]:
        ways = " ".join(await self._family(found, trigger))
        pinned, _ = await self._store.remember(said_to(inbound_id), ways.encode(), _REMEMBERED_S)
        return tuple(map(RunId, pinned.decode().split()))

    async def _family(self, run_id: RunId, trigger: Trigger) -> Sequence[RunId]:
        """Return which runs a message to one is for: the child that it waits for, or that one's, and then the run.

        Who stops something in a review, also one that is over, means what is reviewed, where that began nothing yet.
        """
        run = await self._run(run_id)
        reviewed = reviewed_of(run)
        says = [stop_in(one.request, trigger.text) for one in run.requests.values()] or [trigger.text]
        if reviewed and any(map(is_stop, says)):
            record = (await self._decisions.request(reviewed.request_id)).record
            if record.began_at is None:
                return await self._family(reviewed.run_id, trigger)
        return tuple(dict.fromkeys((await busy_with(self._store, run_id, PersonId(trigger.person)), run_id)))

    async def _run(self, run_id: RunId) -> Run:
        return await self._store.run(run_id)

    async def _had(self, run: Run, events: tuple[Event, ...], inbound_id: str) -> Literal["taken", "stopped"] | None:
        """Return what became of the message before a crash: by now the same words could mean something else."""
        for event in own(events):
            if isinstance(event, PersonSaid | RunCancelled) and event.said_id == inbound_id:
                return "taken" if isinstance(event, PersonSaid) else "stopped"
        return "taken" if await has_effect(self._store.client, tuple(run.requests), inbound_id) else None

    async def _took(
        self,
        inbound_id: str,
        channel: str,
        trigger: Trigger,
        run: Run,
        answers: RequestRecord | None,
    ) -> _Taken | None:
        """Return what the message did now; None if the run changed meanwhile.

        Where it `answers` a request, it answers no other one.
        """
        if not trigger.text.strip() and not trigger.files:
            if channel == "email":  # it may have its words in its subject
                raise Conflict(say("run.no-words"), say("run.no-words-do"))
            log.info("ignored", reason="a message without words and files")
            return "taken"
        read = await self._asked(run)
        record, version = (read.record, read.version) if read else (None, 0)
        was = run.requests.get(record.request.id) if record else None
        if record and was and (record.state, record.began_at) != (was.state, was.began_at):
            return None  # and this message, taken by somebody else, may have changed it
        may_answer = answers is None and not trigger.is_edit
        does = await self._does(trigger, channel, run, read, may_answer=may_answer)
        if does == "stop":
            return await self._stop(inbound_id, channel, trigger, run, record, version)
        if does and read and record:
            unbound = _unbound(channel, trigger, record, self._people) if does == "answer" else ""
            statement = _statement(inbound_id, channel, trigger, record, unbound)
            statement = as_denial(record.request, statement) if does == "deny" else statement
            await self._decisions.decide(record.request.id, statement, read)
            return "taken"
        person = PersonId(trigger.person)
        is_vote = record is not None and record.request.format == "approval"
        asks = record is not None and is_vote and _asks(record, person, self._people)
        if read and asks and read.record.state == "open":
            return await self._remark(inbound_id, channel, trigger, read)
        if record and is_vote and not asks and _is_answerable(record):
            may_cancel = self._denied("cancel", person, run) is None
            return _taken(await self._comment(inbound_id, channel, trigger, record, version, may_cancel=may_cancel))
        if not asks:
            await self._check_steers(person, run, proof_of(channel, trigger))
        told = self._about_words(trigger, run, record, answers)
        return _taken(await self._say(inbound_id, channel, trigger, run, record, version, told))

    async def _asked(self, run: Run) -> RequestRead | None:
        """Return what words in the run's thread may be about: its open request, or the next effect's approval."""
        pending, asked = run.pending, run.open
        if asked is None and pending and pending.decision and pending.request:
            asked = pending.request.id
        return await self._decisions.request(asked) if asked else None

    async def _first(
        self, run: Run, trigger: Trigger, channel: str, about: RequestId | None
    ) -> tuple[_Does | None, RequestRecord | None]:
        """Return what a no that is said to a run, or to what goes on above it once it is over, does first, and of which
        request. It answers none but `about`.
        """
        of = (await self._above(run.id) if run.ended else None) or run.id
        for run_id in await self._family(of, trigger):
            one = await self._run(run_id)
            read = await self._asked(one)
            record = read.record if read else None
            may_answer = record is not None and record.request.id == about
            if does := await self._does(trigger, channel, one, read, may_answer=may_answer):
                return does, record
        return None, None

    async def _does(
        self, trigger: Trigger, channel: str, run: Run, read: RequestRead | None, *, may_answer: bool
    ) -> _Does | None:
        """Return what words do in a run that asks what was `read`, or is about to do what that approved, or has begun
        to; None where they are only said. It is the one place that says whose no does what.

        A no is a denial, which may come too late, of whoever decides, and of whoever asked or answered something, who
        take it back: that does no harm, and steers nothing. A stop of whoever may stop the run ends it, but where it
        takes back what waits, or also fits an open question of theirs: they are asked about that first, and once.
        """
        person, stops = PersonId(trigger.person), is_stop(trigger.text)
        known = as_known_now(read.record, self._people) if read else None
        if read is None or known is None or known.request.format != "approval":
            may_cancel = stops and await self._may("cancel", person, run)
            if known and may_answer and known.state == "open" and person in who_of(known).approve:
                # What code itself asks has an answer that stops the run by itself.
                fits = may_mean_stop(known.request, trigger.text) or given(known.request, trigger.text)
                if not may_cancel or (fits and person not in self._people.by_now(known.doubts)):
                    return "answer"
            return "stop" if may_cancel else None
        record = read.record
        asks, waits = _asks(record, person, self._people), _is_answerable(record)
        if stops and not waits and (asks or await self._may("cancel", person, run)):
            return "stop"
        if takes_back(trigger.text, is_asked=known.question_for(person) is not None):
            may = offers(record, self._people, person, channel, read.now)
            counts = "deny" in may or isinstance(may.why_not.get("deny"), TooLate)
            if asks or person in self._people.by_now(record.requesters):
                return "deny"
            if counts and await self._is_about(record, trigger):
                return "deny"
        return "stop" if stops and waits and await self._may("cancel", person, run) else None

    async def _may(self, action: Action, person: PersonId, run: Run, *, is_known: bool = True) -> bool:
        """Return whether somebody may do it to a run. Raises WaitsForFile where another file may say that they do."""
        return await self._decisions.may(action, person, run, is_known=is_known)

    def _denied(self, action: Action, person: PersonId, run: Run, *, is_known: bool = True) -> Denied | None:
        who = self._rights.of_person(person, None)
        return self._rights.denial(who, action, concern_of(run), run.id, is_known=is_known)

    async def _is_about(self, record: RequestRecord, trigger: Trigger) -> bool:
        """Return whether a no is plainly about what is asked: a bare one may be meant for a colleague, where it is not
        said to us, nor right below the card.
        """
        return refuses(trigger.text) or trigger.is_addressed or await self._is_below_card(record, trigger)

    async def _is_below_card(self, record: RequestRecord, trigger: Trigger) -> bool:
        for holder in record.holders:
            body = await self._store.delivery(holder.delivery_id)
            placed = Delivery.model_validate_json(body) if body else None
            if placed and placed.delivery and placed.delivery.handle == (trigger.within or trigger.thread):
                return True
        return False

    def _has_say(self, trigger: Trigger, run: Run) -> bool:
        """Return whether somebody may steer the run, or was asked in it."""
        person = PersonId(trigger.person)
        return self._was_asked(person, run) or not self._denied("write", person, run)

    def _was_asked(self, person: PersonId, run: Run) -> bool:
        """Return whether somebody was asked in the run, under whichever id."""
        return not run.asked.isdisjoint(self._people.ids_of(person))

    async def _copies(self, trigger: Trigger, run_id: RunId) -> list[RunId]:
        """Return the runs that were made from it and go on, where whoever wrote has a say."""
        return await copies_of(self._store, run_id, lambda copy: self._has_say(trigger, copy))

    async def _check_steers(self, person: PersonId, run: Run, proof: Proof) -> None:
        """Check that words may steer the run in whose thread they stand. Raises Forbidden and WaitsForFile."""
        who = self._rights.of_person(person, proof)
        if denied := self._rights.denial(who, "write", concern_of(run), run.id, is_known=True):
            await self._decisions.noted.check_rights(person, self._people)
            await Refusals(self._store).refuse(who, "write", denied, run.id)

    async def _remark(self, inbound_id: str, channel: str, trigger: Trigger, read: RequestRead) -> _Taken:
        """Words of somebody who asked for it: they answer a question, or stand on every card."""
        record = read.record
        question = as_known_now(record, self._people).question_for(PersonId(trigger.person))
        above = await question_above(self._store, channel, trigger.within or trigger.thread) if question else ""
        await self._admit_words(record.request.run_id, trigger.person, inbound_id)
        if question is None and len(record.request.remarks) >= MOST_REMARKS:
            raise Conflict(say("run.remarks-full", count=MOST_REMARKS), say("run.remarks-full-do"))
        statement = _statement(inbound_id, channel, trigger, record)
        # What stands below one question is no answer to a newer one.
        about = above if record.comment(above) else ""
        statement = replace(statement, text=trigger.text if trigger.text.strip() else ONLY_FILES, about=about)
        await self._decisions.decide(record.request.id, statement, read)
        return "taken"

    async def _stop(
        self,
        inbound_id: str,
        channel: str,
        trigger: Trigger,
        run: Run,
        record: RequestRecord | None,
        version: int,
    ) -> _Taken | None:
        """End the run by the word of somebody who may: what runs is finished, and nothing begins after it.

        No limit of words stands in its way. It is written in one commit with what its writer is told.
        """
        person, at = PersonId(trigger.person), self._store.about_now(run.id)
        pending = run.pending.id if run.pending and not run.queued else None
        made = (one for one in reversed(run.made) if one.changes and one.step_id == pending and not one.never_began)
        began = next((one for one in made if one.state in _MAY_HAVE_BEGUN), None)
        facts: list[Event] = [self._words(inbound_id, channel, trigger, at)]
        if record and record.state == "approved" and record.began_at is not None:
            facts.append(_noted(inbound_id, channel, trigger, record, "too_late", at))
        facts.append(RunCancelled(at=at, by=person, proof=proof_of(channel, trigger), said_id=inbound_id))
        stands = after(record, facts) if record else None
        copies = await self._copies(trigger, run.id)
        with self._people.speaking_to(person):
            late = "answer.too-late-program" if began and began.begun_by else "notice.stopped-late"
            told = say(late, when=in_words(began.started_at)) if began else say("notice.stopped")
            told += ends_standing(record) + copies_go_on(copies)
        # The end of the run tells whoever asked for it; of what runs, and goes on, they must know now.
        is_asker = run.started is not None and run.started.requester == person and run.started.parent is None
        is_told = channel not in ANSWERED_AT_ONCE and (began is not None or bool(copies) or not is_asker)
        log.info("stopped by words", said_id=inbound_id)
        written = await self._journal.write(
            Commit(
                run_id=run.id,
                events=facts,
                expect=run.seq,
                records=[record_write(stands, version)] if stands and stands != record else (),
                once=Once(run.id, inbound_id, b"said"),
                outgoing=[outbox_entry(self._told(channel, trigger, run, told, at))] if is_told else (),
                wake=[Wake(WorkItem("run", run.id))],
                files=contents(trigger.files),
                limit=MAX_EVENTS_AT_ALL,
            )
        )
        return "stopped" if _taken(written) else None

    async def _is_over(
        self, run_id: RunId, inbound_id: str, channel: str, trigger: Trigger, answers: RequestRecord | None
    ) -> bool:
        """Tell somebody who may stop the run, or was asked in it, that it has ended; return whether they are told."""
        run, person, at = await self._run(run_id), PersonId(trigger.person), self._store.about_now(run_id)
        if not run.ended or channel in ANSWERED_AT_ONCE or not self._has_say(trigger, run):
            return False
        begun = [one for one in run.made if (one.changes or one.begun_by) and not one.never_began]
        made = [one for one in begun if one.request_id] or begun
        copies = await self._copies(trigger, run_id)
        allowed = run.requests.get(made[-1].request_id) if made and made[-1].request_id else None
        holds = await self._what_holds(run, person)
        with self._people.speaking_to(person):
            told = say("notice.stop-after-end")
            if made:
                # Of what a program does with no word of what came of it, nobody knows whether it is over.
                late = "notice.stop-after-start" if made[-1].changes else "answer.too-late-program"
                told = say(late, when=in_words(made[-1].started_at))
                told += "" if holds else ends_standing(allowed)
            told = f"{told} {holds}".rstrip()
            told += copies_go_on(copies)
        # The answer to a review may be for the run that it reviews, which did not ask it.
        noted = answers is not None and answers.request.run_id == run.id and is_noted(answers, person)
        read = await self._decisions.request(answers.request.id) if answers and noted else None
        facts = [_noted(inbound_id, channel, trigger, read.record, "already_decided", at)] if read else []
        written = await self._journal.write(
            Commit(
                run_id=run.id,
                events=facts,
                records=[record_write(after(read.record, facts), read.version)] if read else (),
                once=Once(run.id, inbound_id, b"said"),
                outgoing=[outbox_entry(self._told(channel, trigger, run, told, at))],
                files=contents(trigger.files) if facts else (),
                limit=MAX_EVENTS_AT_ALL,
            )
        )
        return written.state in {"committed", "repeat"}

    async def _is_late(self, run_id: RunId, said_id: str, channel: str, trigger: Trigger) -> bool:
        """Take what somebody who was asked writes to us right below the card for an answer, though its run has ended;
        return whether it is one. They are told who decided: as a wish, an answer that comes late would begin something.
        """
        run = await self._run(run_id)
        is_asked = self._was_asked(PersonId(trigger.person), run)
        if not (is_asked and trigger.is_addressed) or trigger.is_edit or channel in ANSWERED_AT_ONCE:
            return False
        for request_id in run.requests:
            read = await self._decisions.request(request_id)
            if await self._is_below_card(read.record, trigger):
                statement = _statement(said_id, channel, trigger, read.record)
                is_no = read.record.request.format == "approval" and is_withdrawal(trigger.text)
                statement = as_denial(read.record.request, statement) if is_no else statement
                await self._decisions.decide(request_id, statement, read)
                return True
        return False

    def _about_words(
        self, trigger: Trigger, run: Run, record: RequestRecord | None, answers: RequestRecord | None
    ) -> str:
        """Return what somebody is told whose words went to the run, where the run is paused, they speak beside what is
        approved, answer a closed request, may mean a stop among others, or speak to a program, which reads none; else
        nothing.
        """
        with self._people.speaking_to(trigger.person):
            if run.started and run.started.agent == RELAY:
                return _unread(trigger, run, record)
            if run.state == "paused":
                told = [say("notice.stop-paused", id=run.id)]
            elif record and record.request.format == "approval" and _is_answerable(record):
                return say("notice.stop-it")
            else:
                told = [say("notice.stop-run")] if may_be_stop(trigger.text) else []
            if answers and answers.decision:
                told = [say("notice.words-passed-on", decided=decided(answers.decision, self._people)), *told]
            return " ".join(told)

    def _words(self, inbound_id: str, channel: str, trigger: Trigger, at: datetime) -> PersonSaid:
        return PersonSaid(
            at=at,
            said_id=inbound_id,
            person=PersonId(trigger.person),
            text=ends_of(trigger.text, HEAD_CHARS, TAIL_CHARS),
            files=attachments(trigger.files),
            proof=proof_of(channel, trigger),
        )

    def _told(self, channel: str, trigger: Trigger, run: Run, text: str, at: datetime) -> Tell:
        """Return the entry that tells somebody about their words to a run, in the place where they wrote them."""
        with self._people.speaking_to(trigger.person):
            card = notice(say("card.about", title=wish_of(run.started, _TITLE_CHARS)), text, at, run.id)
        return Tell(
            id=outgoing_id(run.id),
            run_id=run.id,
            person=PersonId(trigger.person),
            reach=(channel,),
            card=card,
            thread=thread_of(run),
            to=trigger.place,
        )

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
        said = self._words(inbound_id, channel, trigger, self._store.about_now(run.id))
        joined = after(record, [said]) if record else None
        is_less = record is not None and record.state == "open" and joined != record
        joins = [Wake(WorkItem("ask", record.request.id))] if record and is_less else []
        log.info("said to a run", said_id=inbound_id)
        reply = self._told(channel, trigger, run, told, said.at) if told and channel not in ANSWERED_AT_ONCE else None
        return await self._journal.write(
            Commit(
                run_id=run.id,
                events=[said],
                expect=run.seq,
                records=[record_write(joined, version)] if joined and joined != record else (),
                once=Once(run.id, inbound_id, b"said"),
                outgoing=[outbox_entry(reply)] if reply else (),
                # Whoever writes decides no more: where too few are left, others are asked at once.
                wake=[Wake(WorkItem("run", run.id)), *joins],
                files=contents(trigger.files),
                limit=MAX_EVENTS_AT_ALL,
            )
        )

    async def _comment(
        self, inbound_id: str, channel: str, trigger: Trigger, record: RequestRecord, version: int, *, may_cancel: bool
    ) -> Written:
        """Kept as an answer that did not count, for people to read; its writer is told so each time.

        Where whoever decides asks something, it goes to whoever asked as a question.
        """
        request, person = record.request, PersonId(trigger.person)
        if not is_noted(record, person):
            return Written("committed")
        now = await self._store.now(request.id)
        asks = is_question(trigger.text) and "ask" in offers(record, self._people, person, channel, now)
        judgement = Asked(whom=request.askers) if asks else Unclear()
        noted = _noted(inbound_id, channel, trigger, record, judgement.type, await self._store.now(request.id))
        about = self._about_comment(channel, trigger, record, judgement, may_cancel=may_cancel)
        told = [] if channel in ANSWERED_AT_ONCE else [about]
        brought = await self._decisions.comments.bring(record, [noted], is_public=_is_public(trigger, record))
        log.info("typed beside an approval", request_id=request.id)
        return await self._journal.write(
            Commit(
                run_id=request.run_id,
                events=brought.events,
                records=[record_write(after(record, brought.events), version)],
                once=Once(request.id, inbound_id, judgements.dump_json(judgement, round_trip=True)),
                counts={judgement.type: 1},
                outgoing=[*map(outbox_entry, told), *brought.outgoing],
                deliveries=brought.deliveries,
                files=contents(trigger.files),
                limit=MAX_EVENTS_AT_ALL,
            )
        )

    def _about_comment(
        self, channel: str, trigger: Trigger, record: RequestRecord, judgement: Asked | Unclear, *, may_cancel: bool
    ) -> Tell:
        """Return the entry that tells somebody what became of the words they typed beside an approval.

        `may_cancel`: a stop of theirs ends the run.
        """
        person, is_open = PersonId(trigger.person), record.state == "open"
        now = self._store.about_now(record.request.id)
        may = offers(record, self._people, person, channel, now)
        may_stop = not is_open and ("deny" in may or may_cancel)
        with self._people.speaking_to(person):
            press = "notice.answer-the-card" if channel == "email" else "notice.press"
            text = say(press) if is_open else say("notice.too-late-to-type")
            if is_open and (why := may.why_not.get("approve")):
                text = say("notice.no-yes", why=feedback_text(why, record, self._people))
            is_theirs = person in deciders(record, self._people) if is_open else may_stop
            text = text if is_theirs else say("notice.waits-for-others" if is_open else "notice.others-may-stop")
            if isinstance(judgement, Asked):
                text = feedback_text(judgement, record, self._people)
            return _reply(channel, trigger, record, text, now)


def _unread(trigger: Trigger, run: Run, record: RequestRecord | None) -> str:
    """Return what somebody is told who speaks to a program: it asks, may begin what it asked for, or has begun it.

    Colleagues talk below a card as well. As long as it may begin, what asks nothing may be meant to hold it.
    """
    begun = [one.started_at for one in run.made if one.begun_by]
    may_begin = record is not None and _is_answerable(record) and record.request.purpose != "unknown"
    is_meant = trigger.is_addressed or (may_begin and not trigger.text.rstrip().endswith("?"))
    if not (may_be_stop(trigger.text) or (is_meant and not is_courtesy(read_reply(trigger.text)))):
        return ""
    if begun and not may_begin:
        return say("notice.unread-begun", when=in_words(begun[-1]))
    return say("notice.unread")


def _is_said_to_run(record: RequestRecord, text: str) -> bool:
    """Return whether words in answer to a closed question say something: no thanks, and not the same once more."""
    if record.request.format == "approval" or record.state == "open" or not text.strip():
        return False
    known, again = record.decision.given if record.decision else None, given(record.request, text)
    return not is_courtesy(read_reply(text)) and (again is None or known is None or again.text != known.text)


def _is_public(trigger: Trigger, record: RequestRecord) -> bool:
    """Return whether it was typed in the thread where it was asked: whoever asked has read it already."""
    return trigger.thread == record.request.thread


def _taken(written: Written) -> _Taken | None:
    if written.state == "full":
        raise Conflict(say("run.run-full"), say("run.run-full-do"))
    return "taken" if written.state in {"committed", "repeat"} else None


def _noted(
    inbound_id: str, channel: str, trigger: Trigger, record: RequestRecord, outcome: str, at: datetime
) -> AnswerNoted:
    return AnswerNoted(
        at=at,
        request_id=record.request.id,
        reply_id=inbound_id,
        person=PersonId(trigger.person),
        binding=bound_to(record.request, "thread"),
        text=ends_of(trigger.text, HEAD_CHARS, TAIL_CHARS),
        outcome=outcome,
        files=attachments(trigger.files),
        proof=proof_of(channel, trigger),
    )


def _reply(channel: str, trigger: Trigger, record: RequestRecord, text: str, at: datetime) -> Tell:
    """Return the entry that tells somebody about their message, in the place where they wrote it."""
    request = record.request
    card = notice(say("card.about", title=request.title), text, at, request.id)
    return tell_about(request, PersonId(trigger.person), card, (channel,), to=trigger.place)


def _is_answerable(record: RequestRecord) -> bool:
    return record.state == "open" or (record.state == "approved" and record.began_at is None)


def _asks(record: RequestRecord, person: str, people: People) -> bool:
    """Return whether `person` is one of those who asked for it, under whichever id."""
    return person in people.by_now(record.askers)


def _unbound(channel: str, trigger: Trigger, record: RequestRecord, people: People) -> str:
    """Return why a message in the thread of a run answers no question of it.

    References say little: whoever knows the thread can have an answer to a mail of their own sent there, and an old one
    can be sent again. Whoever asked for the run knows what it asks, and may steer it by any words.
    """
    if channel != "email":
        return ""
    is_theirs = _asks(record, trigger.person, people)
    return trigger.weakness or ("" if is_theirs else recorded("reason.other-thread"))


def _statement(inbound_id: str, channel: str, trigger: Trigger, record: RequestRecord, unbound: str = "") -> Statement:
    """Typed words as an answer to a question as it stands: whoever writes in its thread has it before them.

    `unbound` says why nothing shows that.
    """
    return Statement(
        reply_id=inbound_id,
        person=PersonId(trigger.person),
        binding=bound_to(record.request, "thread").model_copy(update={"unbound": unbound}),
        said="free_text",
        text=trigger.text,
        proof=proof_of(channel, trigger),
        files=trigger.files,
        place=trigger.place,
        is_public=_is_public(trigger, record),
        is_typed=True,
    )
