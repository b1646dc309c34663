"""The single writer of votes and decisions: judge, write if nothing has changed since, or judge again."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from agents.events import (
    CardReplaced,
    Event,
    RequestReassigned,
    RequestRevoked,
    StepRefused,
)
from agents.requests import Closed, Decision, PersonId, Request, RequestId, RunId, Vote, bound_to
from agents.requests.moves import StepBegan
from agents.requests.record import RequestRecord, after
from agents.run import Run
from bot.archive.keeper import Archive
from bot.errors import Conflict, WaitsForFile
from bot.people.directory import People
from bot.people.noted import NotedTables
from bot.people.offers import offers
from bot.people.recognition import as_known_now, is_stranger
from bot.people.rights import Action, Rights, is_free
from bot.policy.answers import Statement, decided_by, events_of, picks_stop, read_answer, stops_named
from bot.policy.approvers.concern import concern_of
from bot.policy.approvers.who import who_of
from bot.policy.attachments import contents
from bot.policy.due import Due
from bot.policy.edits import Edited, EditRefused
from bot.policy.judge import STOPS, is_kept, is_noted, judge, needed_later, not_theirs, ways_for
from bot.policy.judgements import (
    AlreadyDecided,
    Answer,
    Asked,
    Counted,
    Decided,
    Delegated,
    DelegationRefused,
    GlassUnconfirmed,
    Judgement,
    Last,
    Late,
    NotThisWay,
    OutOfDate,
    Remarked,
    Replied,
    Revoked,
    StopOrAnswer,
    TooLate,
    Unclear,
    judgements,
)
from bot.render.cards import asked_again, became_of, closed_card, notice
from bot.render.due import held_back
from bot.render.request_card import with_notes
from bot.render.words import asking_now, decided, feedback_text, has_no_room, how_to_approve, stands, taken_back
from bot.requests.card_updates import moved, newest_of, updates_for
from bot.requests.comments import Brought, Comments
from bot.requests.edits import Edit, judged
from bot.requests.freezes import FrozenRequests
from bot.requests.opening import Placement, placement
from bot.requests.reassignment import Reassignment, reassigning
from bot.requests.reassignment.delegation import Delegation, HandOn
from bot.requests.reassignment.timing import Timing
from bot.requests.revisions import Revisions
from bot.requests.standing.sessions import SessionGrants
from bot.requests.stored import TRIES, RequestRead, copies_of, long_closed, read_request
from bot.store import Commit, Once, Wake, WorkItem
from bot.store.attachments import content_of, whole_lists
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.journal import Journal, outbox_entry, record_write
from bot.store.lists import EXPIRED, GLASS_BROKEN, counted_as
from bot.store.outbox_entry import OutboxEntry, Tell, tell_about
from channels import Card
from language import say

log = structlog.stdlib.get_logger()

Change = Edit | HandOn
"""What somebody wants to be otherwise: arguments of the call, or who decides in their place."""

# Whoever answers by a robot gets no more cards than a person could read.
_RENEWS_AFTER = timedelta(minutes=10)
# Whoever answers through these hears at once what became of it.
ANSWERED_AT_ONCE = {"cli", "api", "console", ""}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an answer: its judgement, the request as it stands now, and both in `words`.

    It `is_heard` if it is no answer, and stopped something else.
    """

    judgement: Judgement
    record: RequestRecord
    words: str
    is_heard: bool = False

    @property
    def counts(self) -> bool:
        """True if the answer did something, and that holds."""
        did = Counted | Decided | Revoked | Remarked | Asked | Replied | Edited | Delegated
        return isinstance(self.judgement, did) and stands(self.judgement, self.record)


class Decisions:
    """Answers to requests, and their expiry. `edits`: the channels that can change a card where it stands."""

    def __init__(
        self, journal: Journal, people: People, edits: Set[str] = frozenset(), archive: Archive | None = None
    ) -> None:
        self._journal, self._people, self._edits = journal, people, edits
        self._archive = archive or Archive(None)
        self._rights = Rights(people, journal.store.about_now)
        self.comments = Comments(journal.store, people, edits)
        self.timing, self.noted = Timing(journal.store, people, edits), NotedTables(journal.store)
        self.freezes = FrozenRequests(journal, people, edits, self._archive)
        self.revisions = Revisions(people, edits, self.timing, self.freezes)
        self.delegation = Delegation(journal.store, people, edits, self.timing)
        self.sessions = SessionGrants(journal, people)

    async def request(self, request_id: str) -> RequestRead:
        """A request's record, its version and the time. Raises NotFound, and Unavailable if the archive is away."""
        return await read_request(self._journal.store, self._archive, request_id)

    async def lists(self, request: Request) -> dict[str, str]:
        """All of the lists whose beginnings stand on the cards of `request`, by their hashes."""
        return await whole_lists(self._journal.store.client, request)

    async def file(self, run_id: str, sha256: str) -> bytes | None:
        """The bytes of a file beside a run; None when they are kept no longer."""
        return await content_of(self._journal.store.client, run_id, sha256)

    async def answer(
        self,
        request_id: RequestId,
        statement: Statement,
        read: RequestRead | None = None,
        change: Change | None = None,
    ) -> Outcome:
        """`decide`, and return the outcome, for the person to be told at once.

        Raises NotFound, and Conflict for words that stop another run; a vote that names one in its reason is a vote,
        and what is filled in or picked an answer.
        """
        others = {*stops_named(statement.text)} - {request_id, *([read.record.request.run_id] if read else [])}
        if others and statement.is_in_words and change is None:
            raise Conflict(say("run.stop-other", named=", ".join(sorted(others))), say("run.stop-other-do"))
        judgement, written = await self._decide(request_id, statement, read, None, change)
        record = written or (await self.request(request_id)).record
        with self._people.speaking_to(statement.person):
            return Outcome(judgement, record, feedback_text(judgement, record, self._people))

    async def decide(
        self,
        request_id: RequestId,
        statement: Statement,
        read: RequestRead | None = None,
        inbound: str | None = None,
        change: Change | None = None,
    ) -> Judgement:
        """Judge `statement` and commit it; asking twice with the same `reply_id` gives the same. Raises NotFound.

        With a `change` it is no vote: other arguments void those that were given and are put in front of everybody, and
        seats that are handed on have somebody else decide. `read` is the request as the caller has just read it: where
        anything has changed since, it is read and judged anew. `inbound` is the item in the request's shard that has
        its effect with it.
        """
        return (await self._decide(request_id, statement, read, inbound, change))[0]

    async def _decide(
        self,
        request_id: RequestId,
        statement: Statement,
        read: RequestRead | None,
        inbound: str | None,
        change: Change | None,
        said_to: RequestId | None = None,
    ) -> tuple[Judgement, RequestRecord | None]:
        """The judgement, and the record that was written with it; None where it was written before.

        `said_to` is the request that a denial, or an answer to who asked back, was said to, where it counts for the one
        in its place: said once more it comes to that one first, and there it must be known.
        """
        for _ in range(TRIES):
            found, read = read or await self.request(request_id), None
            record, version, now = found
            if found.is_archived:
                return await self._archived(record, statement), record
            with self._people.speaking_to(statement.person):  # a form is filled in as people there write dates
                known = as_known_now(record, self._people)
                answer = await self._answer(known, statement, now, change)
                judgement, changed = await self._judged(record, answer, change)
            is_picked = picks_stop(record.request, answer)
            is_no = answer.act in STOPS or answer.about or is_picked
            if is_no and isinstance(judgement, Late):
                may_be = is_picked or not isinstance(judgement, AlreadyDecided)
                if newer := await self.asked_anew(record, is_picked=is_picked) if may_be else None:
                    statement = await self._picked_anew(newer, statement) if is_picked else statement
                    return await self._decide(newer, statement, None, inbound, None, said_to or request_id)
            if is_no and isinstance(judgement, Last):
                judgement = judgement.model_copy(update={"copies": await self._copies(record, answer.person)})
            if isinstance(judgement, Counted):  # nobody knows what one more vote makes beside one of who is missing
                if any(map(self._people.is_missing, _voted(record))) or self._may_be_needed(known, answer.person):
                    raise WaitsForFile(say("error.half-taken"), say("error.half-taken-do"))
                await self.check_joined(_voted(record))
            if isinstance(changed, Request) and isinstance(judgement, Edited):
                run = await self._run_of(record)()
                commit = await self.revisions.editing(record, version, statement, judgement, changed, now, run)
            elif isinstance(changed, RequestReassigned) and isinstance(judgement, Delegated):
                told = self._notice(record, answer, judgement, statement) if _is_told_later(statement) else None
                commit = self.delegation.delegating(record, version, statement, judgement, changed, told)
            elif isinstance(judgement, Remarked):
                told = self._notice(record, answer, judgement, statement) if _is_told_later(statement) else None
                commit = self.revisions.remarking(record, version, statement, answer, judgement, told)
            else:
                _, *other_ids = self._people.ids_of(answer.person)
                facts = events_of(known, answer, judgement, statement, tuple(other_ids))
                brought = await self.comments.bring(record, facts, is_public=statement.is_public)
                commit = self._commit(record, version, statement, answer, judgement, brought)
            if said_to and commit.once:
                commit = replace(commit, once=replace(commit.once, about=said_to))
            wake = [*commit.wake, *self._look_at_who_left(record, commit.events)]
            written = await self._journal.write(replace(commit, inbound=inbound, wake=wake))
            if written.state == "repeat":
                if inbound:
                    await self._journal.store.drop_inbound(inbound)
                await self.sessions.follow(record, is_repeat=True)
                return judgements.validate_json(written.outcome), None
            if written.state == "committed":
                run_id = record.request.run_id
                await asyncio.sleep(0)  # the run goes on first; while that is written, there is time for a line
                log.info("answer", run_id=run_id, request_id=request_id, person=answer.person, outcome=judgement.type)
                now_stands = after(record, commit.events)
                await self.sessions.follow(now_stands)
                return judgement, now_stands
        raise RuntimeError(f"{request_id} changed {TRIES} times while one answer was judged")

    async def _answer(self, known: RequestRecord, statement: Statement, now: datetime, change: Change | None) -> Answer:
        """Return what somebody says as an act on a request; what may stop its run is of somebody who may."""
        is_asked = known.question_for(statement.person) is not None
        answer = read_answer(known.request, statement, now, is_asked=is_asked)
        if answer.may_stop:
            may_stop = await self.may("cancel", statement.person, await self._run_of(known)())
            answer = answer.model_copy(update={"may_stop": may_stop})
        return answer.of(change.act) if change else answer

    def _look_at_who_left(self, record: RequestRecord, events: Sequence[Event]) -> list[Wake]:
        """Return what has an open request looked at that changed without somebody it names, who has left by our file.

        Their vote did not count, and no card of what stands was made for them. Whichever process works may know that
        file no more as it looks, or may never see it: by that somebody is here who must not wait for nothing.
        """
        stands = after(record, events)
        named = {*who_of(record).named, *_voted(record)}
        is_concerned = bool(events) and stands.state == "open" and not all(map(self._people.is_here, named))
        return [Wake(WorkItem("ask", record.request.id))] if is_concerned else []

    async def _archived(self, record: RequestRecord, statement: Statement) -> Judgement:
        """The judgement of an answer to a request that has left Redis."""
        log.info("answer to an archived request", request_id=record.request.id, person=statement.person)
        copies = await self._copies(record, statement.person) if statement.said == "deny" else ()
        return long_closed(record).model_copy(update={"copies": copies})

    async def _copies(self, record: RequestRecord, person: PersonId) -> tuple[RunId, ...]:
        """Return the runs that were made from that of a request and go on, where `person` has a say: whoever comes too
        late with a no would read that nothing begins.
        """
        ids = self._people.ids_of(person)

        def has_say(copy: Run) -> bool:
            return not concern_of(copy).everybody.isdisjoint(ids)

        return tuple(await copies_of(self._journal.store, record.request.run_id, has_say))

    async def _judged(
        self, record: RequestRecord, answer: Answer, change: Change | None
    ) -> tuple[Judgement, Request | RequestReassigned | None]:
        """Return the judgement, and the request that an edit makes of this one, or who is asked instead."""
        known = as_known_now(record, self._people)
        if is_stranger(record, known, answer.person):
            return not_theirs(known, answer, self._people.all()), None
        if isinstance(change, Edit):
            judgement, after_it = await judged(record, answer, change, self._people, self._run_of(record))
            return judgement, after_it and _to_write(after_it, record)
        if change:
            return await self.delegation.judged(record, answer, change)
        return judge(known, answer, self._people.all()), None

    def _may_be_needed(self, known: RequestRecord, person: PersonId) -> bool:
        """Return whether another step needs somebody as soon as those are back who may only be missing in a file."""
        return bool(missing := self._people.missing) and person in needed_later(known, {*self._people.all(), *missing})

    async def asked_anew(self, record: RequestRecord, *, is_picked: bool = False) -> RequestId | None:
        """The approval of the same step that is asked for by now, or waits for its start: a no counts for that one, and
        so does an answer to who asked back. A stop that `is_picked` also counts where it is asked once more what became
        of that step.

        Whoever says either has what came before it in front of them, and would read that there is nothing to answer.
        """
        pending = (await self._run_of(record)()).pending
        request = pending.request if pending and pending.id == record.request.step_id else None
        if request is None or request.id == record.request.id:
            return None
        return request.id if request.format == "approval" or (is_picked and request.purpose == "unknown") else None

    async def _picked_anew(self, request_id: RequestId, statement: Statement) -> Statement:
        """Return a stop that was picked of an earlier try as what it is of the one that is asked about by now."""
        request = (await self.request(request_id)).record.request
        if request.format == "approval":
            return replace(statement, said="deny", picks=(), given=None)
        now = bound_to(request, "request").model_copy(update={"unbound": statement.binding.unbound})
        return replace(statement, binding=now)

    async def check_joined(self, named: Iterable[PersonId]) -> None:
        """Raise WaitsForFile where a newer file than ours names one of these: they have not left."""
        await self.noted.check_joined(named, self._people)

    async def may(self, action: Action, person: PersonId, run: Run, *, is_known: bool = True) -> bool:
        """Return whether somebody may do it to a run. Raises WaitsForFile where another file may say that they do."""
        who = self._rights.of_person(person, None)
        denied = self._rights.denial(who, action, concern_of(run), run.id, is_known=is_known)
        if denied:
            await self.noted.check_rights(person, self._people)
        return is_free(denied)

    def _run_of(self, record: RequestRecord) -> Callable[[], Awaitable[Run]]:
        async def run() -> Run:
            return await self._journal.store.run(record.request.run_id)

        return run

    def _commit(
        self,
        record: RequestRecord,
        version: int,
        statement: Statement,
        answer: Answer,
        judgement: Judgement,
        brought: Brought,
    ) -> Commit:
        request = record.request
        renewal = self._renewal(record, answer, judgement, statement, brought)
        events = [*brought.events, *renewal.events]
        move = judgement.next_step if isinstance(judgement, Counted) else None
        began = self._next_step(after(record, events), move, answer.at) if move else None
        events += [began.event] if began else []
        now_stands = after(record, events)
        is_final = now_stands.state != record.state
        is_heard = _is_told_later(statement) or answer.channel in request.policy.reach
        is_seen = isinstance(judgement, Counted | Revoked | Decided) and answer.channel in self._edits  # on the card
        # Of what starts, or ends, the end is told. A card that was sent before says that it starts right away. Whoever
        # says whether a run goes on knows of its pause, and an end is no start.
        is_yes = now_stands.state in {"approved", "answered"} and request.purpose != "go_on"
        is_held = is_final and is_yes and held_back(record) != ""
        is_told = is_heard and not is_seen and (is_held or not isinstance(judgement, Decided))
        is_told = is_told and is_kept(record, answer.person, judgement)
        # Whoever takes back what they asked for has no card to see it on.
        has_card = bool(record.cards_of(answer.person))
        has_copies = isinstance(judgement, Decided | Revoked) and bool(judgement.copies)
        is_told = is_told or (is_final and (has_copies or not has_card) and _is_told_later(statement))
        is_told = is_told or renewal.is_last
        placed = renewal.placement
        before = record if is_held else None
        closing = self._closing(now_stands, answer.person, answer.at, before) if is_final else ()
        outgoing: list[OutboxEntry] = [*closing]
        is_counted = isinstance(judgement, Counted)
        outgoing += moved(now_stands, self._edits, answer.at) if is_counted and not began else []
        outgoing += [self._notice(now_stands, answer, judgement, statement, before)] if is_told and not placed else []
        is_broken = isinstance(judgement, Decided) and judgement.decision.broke_glass
        is_late_no = isinstance(judgement, TooLate) and request.again is not None  # what it ends is ended in a turn too
        is_bounded = isinstance(judgement, Counted | Decided | Revoked) and record.state == "open"
        return Commit(
            run_id=request.run_id,
            events=events,
            records=[record_write(now_stands, version, before=request.expires_at if is_bounded else None)],
            once=Once(request.id, statement.reply_id, judgements.dump_json(judgement, round_trip=True)),
            counts=counted_as(judgement.type, answer.at - request.opened_at) | ({GLASS_BROKEN: 1} if is_broken else {}),
            outgoing=[
                *brought.outgoing,
                *map(outbox_entry, outgoing),
                *([placed.outgoing] if placed else []),
                *(began.outgoing if began else ()),
            ],
            deliveries=[
                *brought.deliveries,
                *([placed.delivery] if placed else []),
                *(began.deliveries if began else ()),
            ],
            # A vote that counts wakes it as well: its status names who is left.
            wake=[
                *([Wake(WorkItem("run", request.run_id))] if is_final or is_counted or is_late_no else []),
                *(self.timing.wake(now_stands, answer.at) if began else []),
                *([Wake(WorkItem("glass", request.id))] if is_broken else []),
            ],
            asleep=[WorkItem("ask", request.id)] if is_final else [],
            files=contents(statement.files) if events else (),
            limit=MAX_EVENTS_AT_ALL,
        )

    def _next_step(self, record: RequestRecord, move: StepBegan, now: datetime) -> Reassignment:
        """Return what puts the next step in force, where the votes that `record` has by now met the one before."""
        wanted = RequestReassigned(at=now, request_id=record.request.id, why="next_step", moves=(move,))
        return reassigning(record, wanted, self._people, self._edits)

    def _renewal(
        self, record: RequestRecord, answer: Answer, judgement: Judgement, statement: Statement, brought: Brought
    ) -> "_Renewal":
        """Another card for whoever could answer better, where the one they hold can't be changed and its answers bind.

        Somebody's robot that answers each of them gets one in ten minutes, and what came to the newest card does not
        make it void before that. What others have seen approves nothing from now on: another card is sent with that.
        """
        own, bound = record.cards_of(answer.person), answer.binding
        if not (_is_no_vote(judgement) and own and record.state == "open") or answer.channel in self._edits:
            return _Renewal()
        if (delivery_id := bound.card) is None:  # not an answer to a card, but typed somewhere
            return _Renewal()
        is_current = bound.revision == record.request.revision
        is_live = delivery_id in own and delivery_id not in record.replaced and is_current
        is_lost = is_live and bound.is_exposed
        is_newest_lost = is_lost and delivery_id == own[-1]
        is_sent = is_noted(record, answer.person) and (is_newest_lost or not _is_renewed(record, answer))
        if not (is_sent or is_lost):
            return _Renewal()
        is_void = is_live and (bound.is_exposed or bool(bound.unbound))
        replaced = CardReplaced(
            at=answer.at,
            request_id=record.request.id,
            person=answer.person,
            why="seen_by_others" if bound.is_exposed else "unbound" if bound.unbound else "comment",
            void=(delivery_id,) if is_void else (),
        )
        if not is_sent:
            return _Renewal([replaced], is_last=is_newest_lost)
        with self._people.speaking_to(answer.person):
            card = asked_again(record, judgement, self._people, answer.at)
            card = with_notes(card, after(record, brought.events), self._people)
        placed = placement(record.request, card, answer.person, first=answer.channel)
        return _Renewal([replaced.model_copy(update={"holder": placed.holder})], placed)

    def _notice(
        self,
        record: RequestRecord,
        answer: Answer,
        judgement: Judgement,
        statement: Statement,
        before: RequestRecord | None = None,
    ) -> Tell:
        """Return the notice of an answer's outcome, for the place where it was given, if there is one; with what holds
        it back as the request stood `before`.

        If the person can answer better and the channel can change its card, the notice is the card to answer once more.
        """
        request = record.request
        with self._people.speaking_to(answer.person):
            text, about = feedback_text(judgement, record, self._people), say("card.about", title=request.title)
            again = asked_again(record, judgement, self._people, answer.at)
            if answer.channel not in self._edits and _is_no_vote(judgement):
                text = f"{became_of(judgement, record, self._people)} {self._where_to_answer(record, answer)}".strip()
            text = f"{text} {held_back(before)}".rstrip() if before else text
        card = notice(about, text, answer.at, request.id)
        entry = tell_about(request, answer.person, card, (answer.channel,), to=statement.place)
        own = record.cards_of(answer.person)
        is_again = isinstance(judgement, NotThisWay | OutOfDate | Unclear | StopOrAnswer | EditRefused)
        if not own or not is_again or answer.channel not in self._edits:
            return entry
        # Each revision made everybody a card: the newest one is of this revision.
        return entry.model_copy(update={"card": again, "delivery_id": own[-1], "revision": request.revision})

    def _where_to_answer(self, record: RequestRecord, answer: Answer) -> str:
        """Return the sentence on the card of whoever gets none with this notice; empty where they can do nothing."""
        own = record.cards_of(answer.person)
        if not own or not offers(record, self._people, answer.person, answer.channel, answer.at).has_form:
            return ""
        if own[-1] not in record.replaced:
            return say("notice.renewed")
        ways = [way for way in ways_for(record.request) if way != answer.channel]
        return say(
            "notice.exposed", ways=how_to_approve(record.request.id, ways, has_no_room=has_no_room(record.request))
        )

    def _closing(
        self, record: RequestRecord, decider: PersonId | None, now: datetime, before: RequestRecord | None = None
    ) -> Sequence[OutboxEntry]:
        """Shows every holder of a card that it is closed, with what holds it back as the request stood `before`; a mail
        goes only to those who did not close it.

        Whoever breaks the glass need not be asked, and has no card: they are told.
        """
        request = record.request
        if record.decision is None:
            return []
        newest = {self._people.ids_of(holder.person)[0]: holder.delivery_id for holder in newest_of(record)}
        news = [delivery_id for person, delivery_id in newest.items() if person != decider]
        by_glass = asking_now((vote.person for vote in record.votes if vote.breaks_glass), self._people)
        without_card = [person for person in by_glass if person not in newest and person != decider]
        return [
            *updates_for(
                request, record.holders, self._edits, lambda person: self._closed(record, person, now, before), news
            ),
            *(tell_about(request, person, self._closed(record, person, now, before)) for person in without_card),
        ]

    def _closed(self, record: RequestRecord, person: PersonId, now: datetime, before: RequestRecord | None) -> Card:
        """The card for `person` that says who has decided."""
        with self._people.speaking_to(person):
            sentence = decided(record.decision, self._people) if record.decision else ""
            if record.state == "revoked":
                sentence += " " + taken_back(record, self._people)
            sentence = f"{sentence} {held_back(before)}".rstrip() if before else sentence
            return closed_card(record.request, sentence, now, closes=False)

    async def look(self, request_id: RequestId) -> None:
        """Do one thing that is due for `request_id`: remind, escalate, expire; and be woken for the next."""
        for _ in range(TRIES):
            record, version, now = read = await self.request(request_id)
            due = self.timing.due(record, now)
            if read.is_archived:
                return
            if self._people.half_taken and now < record.request.expires_at:
                return  # nobody is reminded or asked in place of who is only missing; the schedule brings it back
            settling = self._settling(record, version, now)
            written = await self._journal.write(settling or await self._due(record, version, due, now))
            if written.state == "full":
                written = await self._journal.write(self.timing.expiring(record))
            if written.state == "committed":
                if due and due.moment <= now:
                    log.info("done when due", request_id=request_id, kind=due.kind)
                return
        raise RuntimeError(f"{request_id} changed {TRIES} times while it was looked at")

    async def _due(self, record: RequestRecord, version: int, due: Due | None, now: datetime) -> Commit:
        match due:
            case Due(moment=moment) if moment > now:
                return self.timing.waiting(record, version, now)
            case Due(kind="reminder"):
                return await self.timing.reminding(record, version, due, now)
            case Due(kind="escalation"):
                return await self.timing.escalating(record, version, now)
            case _:
                return self.closing(record, version, "expired", "", now)

    async def settle(self, request_id: RequestId) -> None:
        """Do what the votes of an open request say by now: too few of them counted as the last one came."""
        for _ in range(TRIES):
            record, version, now = await self.request(request_id)
            commit = None if self._people.half_taken else self._settling(record, version, now)
            if commit is None or (await self._journal.write(commit)).state in {"late", "full"}:
                return
        raise RuntimeError(f"{request_id} changed {TRIES} times while its votes were counted")

    def _settling(self, record: RequestRecord, version: int, now: datetime) -> Commit | None:
        """Return the commit of the decision, or of the next step, that votes make where no new one has come.

        Somebody is here again whose vote nobody had found void, or is asked for another part as well.
        """
        request, made = record.request, self.timing.made_by_votes(record, now)
        if isinstance(made, Decision):
            events = decided_by(record, made)
            written = record_write(after(record, events), version, before=request.expires_at)
            counts = counted_as("decided", now - request.opened_at)
            return replace(self._closed_by(record, version, events), records=[written], counts=counts)
        if made is None:
            return None
        began = self._next_step(record, made, now)
        stands = after(record, [began.event])
        return Commit(
            run_id=request.run_id,
            events=[began.event],
            records=[record_write(stands, version, before=request.expires_at)],
            outgoing=began.outgoing,
            deliveries=began.deliveries,
            wake=[*self.timing.wake(stands, now), Wake(WorkItem("run", request.run_id))],
            limit=MAX_EVENTS_AT_ALL,
        )

    async def close(self, request_id: RequestId, state: Closed, why: str) -> None:
        """Close `request_id` from the side of its run, unless people were first."""
        for _ in range(TRIES):
            record, version, now = read = await self.request(request_id)
            if read.is_archived:
                return
            written = await self._journal.write(self.closing(record, version, state, why, now))
            if written.state == "committed":
                return
        raise RuntimeError(f"{request_id} changed {TRIES} times while it was closed")

    async def supersede(
        self, record: RequestRecord, version: int, why: str, now: datetime, then: Sequence[Event] = ()
    ) -> None:
        """Replace an approval that does not cover what would be executed; nothing if it has changed meanwhile.

        What is to happen `then` is written with it. What somebody denied is taken back, and nobody is asked anew.
        """
        if record.stopped:
            return await self.take_back(record, version, record.stopped, now)
        commit = self.closing(record, version, "superseded", why, now)
        if commit.events:
            commit = replace(commit, events=[*commit.events, *then])
        await self._journal.write(commit)
        return None

    async def take_back(self, record: RequestRecord, version: int, stop: Vote, now: datetime) -> None:
        """Take an approval back because of a denial whose sender was told that it came too late: nothing had begun.

        Nothing if it has changed meanwhile. Whoever denied it hears of it as well.
        """
        revoked = RequestRevoked(at=now, request_id=record.request.id, vote=stop)
        await self._journal.write(self._closed_by(record, version, [revoked]))

    def closing(
        self,
        record: RequestRecord,
        version: int,
        state: Closed,
        why: str,
        now: datetime,
        newer: Request | None = None,
    ) -> Commit:
        """Return the commit that closes a request for nobody's word; only a lost wake-up if it is closed already.

        `newer` replaces it. A program whose approval is superseded is told, and asks again by itself: nobody would read
        what its run asked anew.
        """
        request = record.request
        is_unused = state == "superseded" and record.state == "approved"
        if record.state != "open" and not is_unused:
            return Commit(
                run_id=request.run_id,
                asleep=[WorkItem("ask", request.id)],
                wake=[Wake(WorkItem("run", request.run_id))],
            )
        decision = Decision(state=state, by=(), reason=why, at=now)
        if newer:
            by = newer.requesters[:1]
            decision = decision.model_copy(update={"newer_run": newer.run_id, "newer_by": by})
        is_asked_by_program = state == "superseded" and request.program and request.purpose == "gate"
        refused = [StepRefused(at=now, step_id=request.step_id, error=why)] if is_asked_by_program else []
        closed = self._closed_by(record, version, [*decided_by(record, decision), *refused])
        return replace(closed, counts={EXPIRED: 1} if state == "expired" else {})

    def _closed_by(self, record: RequestRecord, version: int, events: Sequence[Event]) -> Commit:
        request, closed = record.request, after(record, events)
        return Commit(
            run_id=request.run_id,
            events=events,
            records=[record_write(closed, version)],
            outgoing=[outbox_entry(entry) for entry in self._closing(closed, None, events[0].at)],
            wake=[Wake(WorkItem("run", request.run_id))],
            asleep=[WorkItem("ask", request.id)],
            limit=MAX_EVENTS_AT_ALL,
        )


@dataclass(frozen=True, slots=True)
class _Renewal:
    """The events and placement that are written when somebody gets another card; `is_last`: they hold none now."""

    events: Sequence[Event] = ()
    placement: Placement | None = None
    is_last: bool = False


def _voted(record: RequestRecord) -> tuple[PersonId, ...]:
    """Return who has approved, also in a step that is over."""
    return (*(vote.person for vote in record.votes), *record.asked.filled)


def _is_no_vote(judgement: Judgement) -> bool:
    """Return whether its writer could answer better."""
    asks = GlassUnconfirmed | StopOrAnswer | Asked
    return isinstance(judgement, NotThisWay | Unclear | asks | EditRefused | DelegationRefused)


def _is_renewed(record: RequestRecord, answer: Answer) -> bool:
    """Return whether this person got another card just now, and has to wait for the next one."""
    last = record.renewed_at.get(answer.person)
    return last is not None and answer.at < last + _RENEWS_AFTER


def _to_write(edited: Request, record: RequestRecord) -> Request:
    """Return an edit as it is written: who may be whom is found out each time, and stands nowhere."""
    parts = {one: part for one, part in edited.parts.items() if part != "maybe" or one in record.request.parts}
    return edited.model_copy(update={"parts": parts})


def _is_told_later(statement: Statement) -> bool:
    return bool(statement.place) or statement.channel not in ANSWERED_AT_ONCE
