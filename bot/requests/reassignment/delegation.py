"""A request that somebody hands on to somebody else: judged like an answer, and written with cards that say so."""

from collections.abc import Collection, Iterable, Set
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import ClassVar

from agents.events import RequestReassigned
from agents.requests import Anyone, PersonId
from agents.requests.moves import SeatsPassed
from agents.requests.record import RequestRecord, after, as_reassigned
from agents.run import Run
from agents.text import one_line
from bot.config.tables import CHANNELS
from bot.errors import NotFound
from bot.people.absences import Absences
from bot.people.directory import QUESTION, People
from bot.people.noted import NotedTables
from bot.people.recognition import as_known_now, may_have_sat
from bot.policy import judge
from bot.policy.answers import Statement, answer_above, behind_word, unwrapped
from bot.policy.approvers.delegation import Objection, candidates, objection, passed, stood_in_for
from bot.policy.approvers.steps import can_go_on
from bot.policy.approvers.who import who_of
from bot.policy.judgements import Act, Answer, Delegated, DelegationRefused, Judgement, Unclear, judgements
from bot.render.cards import notice
from bot.render.due import away_words, involved_in, not_handed_on
from bot.render.words import asking_now
from bot.requests.reassignment import reassigning, took_part
from bot.requests.reassignment.timing import Timing
from bot.store import Commit, Once, Store, Wake, WorkItem
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.journal import outbox_entry, record_write
from bot.store.lists import counted_as
from bot.store.outbox_entry import Tell, tell_about
from channels.email.reply.against import speaks_against
from language import say

Outgoing = tuple[str, bytes]
"""An outbox entry as a commit wants it."""

REASON_CHARS = 500
"""It stands on every card, and is kept with the policy."""
_NAME_CHARS = 100
_WORDS = ("delegation.word", "delegation.reason-word")


@dataclass(frozen=True, slots=True)
class HandOn:
    """Somebody's wish that `to` decides in their place, with a `reason` for people.

    `to_nobody` says why `to` names nobody, where the file has that id and it may mean two people.
    """

    act: ClassVar[Act] = "hand_on"
    to: PersonId
    reason: str = ""
    to_nobody: str = ""


def wish_of(record: RequestRecord, statement: Statement, people: People) -> HandOn | None:
    """Return to whom `statement` wants `record` handed on; None for anything else.

    It is a window that asks for just that and knows people by the ids that are theirs for ever, or a text of nothing
    but a line `delegate: PERSON` and at most one `reason: TEXT`, by somebody who may decide the approval: whom a
    question asks may answer it with any text.
    """
    if statement.said == "hand_on" and (to := str(statement.filled.get("to", ""))):
        return HandOn(PersonId(one_line(to, _NAME_CHARS)), statement.text)
    may = who_of(record).approve
    is_vote = record.request.format == "approval"
    if not is_vote or statement.said != "free_text" or statement.person not in may:
        return None
    text = answer_above(statement, lambda line: behind_word(line, *_WORDS)[0] != "") or statement.text
    lines = [behind_word(line, *_WORDS) for line in unwrapped(text).splitlines() if line.strip()]
    said = [text for _, text in lines]
    if not all(said) or tuple(key for key, _ in lines) not in (_WORDS[:1], _WORDS):
        return None
    return _named(said[0], said[1] if len(said) > 1 else "", people)


def _named(text: str, reason: str, people: People) -> HandOn:
    """Return the wish with the person of a mail address or an id; with anything else as a name that nobody has."""
    address = text.removeprefix("mailto:").strip("<> ")
    if found := people.by_email(address):
        return HandOn(PersonId(found.id), reason)
    name = one_line(text.removeprefix("person:"), _NAME_CHARS)
    try:
        return HandOn(people.named(name), reason)
    except NotFound as error:
        return HandOn(PersonId(name), reason, to_nobody=f"{error}." if people.is_here(name) else "")


class Delegation:
    """Hands requests on. `edits`: the channels that can change a card where it stands."""

    def __init__(self, store: Store, people: People, edits: Set[str], timing: Timing) -> None:
        self._store, self._people, self._edits, self._timing = store, people, edits, timing
        self.absences, self._noted = Absences(store, people), NotedTables(store)

    async def judged(
        self, record: RequestRecord, answer: Answer, wish: HandOn
    ) -> tuple[Judgement, RequestReassigned | None]:
        """Judge a wish to hand `record` on; with the move that does it, None where nothing changes."""
        known = as_known_now(record, self._people)
        if (closed := judge.objection(known, answer, self._people.all())) is not None:
            return closed, None
        if speaks_against(wish.reason):
            return Unclear(why=judge.AGAINST), None
        if wish.to_nobody:
            return DelegationRefused(kind="left", why=f"{say('delegation.refused')} {wish.to_nobody}"), None
        name = record.request.policy.name
        await self._people.look_up_policy(name)
        if why := await self._objection(record, known, answer, wish.to):
            accepts = self._people.may_take(known, answer.at)
            found = {*candidates(involved_in(record, self._people), accepts, answer.person)} - {wish.to}
            could_be = sorted(found - await took_part(self._store, self._people, record, found))
            said = not_handed_on(why, wish.to, name, self._people, could_be)
            return DelegationRefused(kind=why, why=said), None
        wanted = RequestReassigned(
            at=answer.at,
            request_id=record.request.id,
            why="delegated",
            moves=(passed(record.asked, answer.person, wish.to, self._people.may_take(record, answer.at)),),
            by=answer.person,
            person=answer.person,
            reason=one_line(wish.reason, REASON_CHARS),
            proof=answer.proof,
        )
        return Delegated(person=answer.person, to=wish.to), wanted

    async def _objection(
        self, record: RequestRecord, known: RequestRecord, answer: Answer, to: PersonId
    ) -> Objection | None:
        """Return why it is not handed on to somebody; `known` is the record as it counts now."""
        accepts = self._people.may_take(known, answer.at)
        if why := objection(answer.person, to, involved_in(record, self._people), accepts):
            return why
        return "took_part" if await took_part(self._store, self._people, record, {to}) else None

    def delegating(
        self,
        record: RequestRecord,
        version: int,
        statement: Statement,
        judgement: Delegated,
        wanted: RequestReassigned,
        told: Tell | None,
    ) -> Commit:
        """Return the commit by which another decides for somebody, as it was `wanted` and judged.

        `told` is what the person who handed it on hears.
        """
        request, now = record.request, wanted.at
        made = reassigning(record, wanted, self._people, self._edits)
        stands = after(record, [made.event])
        return Commit(
            run_id=request.run_id,
            events=[made.event],
            records=[record_write(stands, version, before=request.expires_at)],
            once=Once(request.id, statement.reply_id, judgements.dump_json(judgement, round_trip=True)),
            counts=counted_as(judgement.type, now - request.opened_at),
            outgoing=[*made.outgoing, *([outbox_entry(told)] if told else [])],
            deliveries=made.deliveries,
            # Its status line names who may decide.
            wake=[*self._timing.wake(stands, now), Wake(WorkItem("run", request.run_id))],
            limit=MAX_EVENTS_AT_ALL,
        )

    async def stood_in(self, record: RequestRecord, now: datetime, run: Run | None = None) -> list[RequestReassigned]:
        """Return what goes from those who are away to their stand-ins, who stays asked, and who is back; nothing is
        written.

        `run` is that of a request that is still to be opened; where there is none, it is read.

        Nobody hears of the same absence twice, and for nobody somebody stands in who may not decide it. Raises
        WaitsForFile while a newer file than ours names who asked or stands in and ours does not.
        """
        policy, known = record.request.policy, as_known_now(record, self._people)
        out = {*who_of(known).out, *may_have_sat(record, self._people)}
        absent = await self.absences.at(now, policy)
        told = [one.person for one in record.asked.away if one.until and self._people.is_here(one.person)]
        made = [_gone(record, SeatsPassed(out=one, until=now), now) for one in told if one not in absent]
        away = {one: gone for one, gone in absent.items() if one not in out}
        involved = involved_in(record, self._people)
        if not any(one in away and one not in involved.voters for one in who_of(record).approve):
            return made
        await self._people.look_up_policy(policy.name)
        stand_ins = {one.to for one in away.values() if one.to}
        named = [gone.to for one, gone in (await self.absences.all()).items() if one in away and gone.to]
        await self._noted.check_joined((*record.askers, *named), self._people)
        kept_out = await took_part(self._store, self._people, record, stand_ins, run)
        takes, stands = self._people.may_take(record, now), reduce(as_reassigned, made, record)

        def accepts(seat: Anyone) -> Collection[PersonId]:
            return [one for one in takes(seat) if one not in kept_out]

        as_held = involved._replace(who=replace(involved.who, asked=record.asked))
        for move in stood_in_for(away, as_held, accepts):
            made.append(_gone(record, move, now))
            stands = as_reassigned(stands, made[-1])
        asked = who_of(stands).approve
        for person in asked:
            if person not in away or person in involved.voters:
                continue
            until, to = away[person]
            if not any((one.person, one.until) == (person, until) for one in stands.asked.away):
                stands_in = to if to in asked and to != person else None
                made.append(_gone(record, SeatsPassed(out=person, asked=stands_in, until=until), now))
        return made

    async def standing_in(self, record: RequestRecord, version: int, now: datetime) -> Commit | None:
        """Return the commit that hands on what people hold of `record` who are away; None where nothing changes."""
        events = await self.stood_in(record, now)
        if not events or record.state != "open" or now >= record.request.expires_at:
            return None
        *first, last = events
        together = last.model_copy(update={"moves": tuple(move for event in events for move in event.moves)})
        made = reassigning(record, together, self._people, self._edits)
        final = last.model_copy(update={"holders": made.event.holders})
        stands = after(record, [*first, final])
        return Commit(
            run_id=record.request.run_id,
            events=[*first, final],
            records=[record_write(stands, version, before=record.request.expires_at)],
            outgoing=[*made.outgoing, *self.told_of(stands, events, now)],
            deliveries=made.deliveries,
            wake=[*self._timing.wake(stands, now), Wake(WorkItem("run", record.request.run_id))],
            limit=MAX_EVENTS_AT_ALL,
        )

    def told_of(self, record: RequestRecord, events: Iterable[RequestReassigned], now: datetime) -> list[Outgoing]:
        """Return the word to whoever asked that people are away for whom nobody stands in; none where somebody does.

        The operators hear it where too few are left without them.
        """
        request, away = record.request, [one.person for one in events if one.person and not one.to]
        gone, told = [one for one in record.asked.away if one.person in away], list[Outgoing]()
        askers = asking_now(record.askers, self._people) if gone else ()
        operators = self._people.alerted(now) if gone and self._is_left_with_too_few(record) else ()
        for person in dict.fromkeys((*askers, *operators)):
            with self._people.speaking_to(person):
                words = [f"{away_words(one, self._people)}." for one in gone]
                title = say("delegation.away-title", title=request.title.removesuffix("?"))
                words.append(say("delegation.away-nobody"))
                if person in operators:
                    words.append(say("delegation.away-do"))
                card = notice(title, " ".join(words), now, request.id)
            told.append(outbox_entry(tell_about(request, person, card, CHANNELS if person in operators else None)))
        return told

    def _is_left_with_too_few(self, record: RequestRecord) -> bool:
        """Return whether those who are here and not away are too few for an approval."""
        away = {one.person for one in record.asked.away if not one.to}
        here = [one for one in who_of(record).named if self._people.is_here(one) and one not in away]
        return record.request.policy.name != QUESTION and not can_go_on(who_of(record), record.approved_by, here)

    def seeming_away(
        self, record: RequestRecord, version: int, person: PersonId, now: datetime, offer: Tell | None
    ) -> Commit | None:
        """Return the commit that notes that somebody who is asked seems to be away; None where nothing changes.

        Nothing is handed on by it. `offer` tells them how they can do that.
        """
        is_asked = person in who_of(record).approve and person not in involved_in(record, self._people).voters
        is_known = any(one.person == person for one in record.asked.away)
        if not is_asked or is_known or record.state != "open" or now >= record.request.expires_at:
            return None
        made = reassigning(record, _gone(record, SeatsPassed(out=person), now), self._people, self._edits)
        return Commit(
            run_id=record.request.run_id,
            events=[made.event],
            records=[record_write(after(record, [made.event]), version, before=record.request.expires_at)],
            outgoing=[*made.outgoing, *([outbox_entry(offer)] if offer else [])],
            deliveries=made.deliveries,
            wake=[Wake(WorkItem("run", record.request.run_id))],
            limit=MAX_EVENTS_AT_ALL,
        )


def _gone(record: RequestRecord, move: SeatsPassed, now: datetime) -> RequestReassigned:
    to = (move.into,) if move.into else ()
    return RequestReassigned(at=now, request_id=record.request.id, why="absent", moves=(move,), person=move.out, to=to)
