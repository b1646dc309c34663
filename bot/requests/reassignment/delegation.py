"""A request that somebody hands on to somebody else: judged like an answer, and written with cards that say so."""

from collections.abc import Collection, Iterable, Set
from dataclasses import dataclass
from datetime import datetime

from agents.events import RequestReassigned
from agents.requests import Anyone, Away, HandedOn, PersonId, PolicySnapshot
from agents.run import Run
from agents.text import one_line
from bot.errors import NotFound
from bot.people.absences import Absences
from bot.people.directory import People
from bot.people.recognition import as_known_now, may_have_sat, with_doubles
from bot.policy.answers import Statement, answer_above, unwrapped
from bot.policy.approvers.delegation import Objection, candidates, handed_on, objection, stood_in_for
from bot.policy.approvers.quorum import barred, eligible
from bot.policy.judge import AGAINST, delegation_objection
from bot.policy.judgements import Answer, Delegated, DelegationRefused, Judgement, Unclear, judgements
from bot.policy.record import RequestRecord, after
from bot.render.cards import notice
from bot.render.due import away_words, involved_in, not_handed_on
from bot.requests.reassignment import reassigning, took_part
from bot.requests.reassignment.timing import Timing
from bot.store import Commit, Once, Store, Wake, WorkItem
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.journal import outbox_entry, outgoing_id, record_write
from bot.store.lists import counted_as
from bot.store.outbox_entry import Tell
from channels.email.reply.against import speaks_against
from language import in_all, say

Outgoing = tuple[str, bytes]
"""An outbox entry as a commit wants it."""

REASON_CHARS = 500
"""It stands on every card, and is kept with the policy."""
_NAME_CHARS = 100


@dataclass(frozen=True, slots=True)
class HandOn:
    """Somebody's wish that `to` decides in their place, with a `reason` for people.

    `to_nobody` says why `to` names nobody, where the file has that id and it may mean two people.
    """

    to: PersonId
    reason: str = ""
    to_nobody: str = ""


def wish_of(record: RequestRecord, statement: Statement, people: People) -> HandOn | None:
    """Return to whom `statement` wants `record` handed on; None for anything else.

    It is a window that asks for just that and knows people by the ids that are theirs for ever, or a text of nothing
    but a line `delegate: PERSON` and at most one `reason: TEXT`, by somebody who may decide the approval: whom a
    question asks may answer it with any text.
    """
    if statement.hands_on_to:
        return HandOn(PersonId(one_line(statement.hands_on_to, _NAME_CHARS)), statement.text)
    may = eligible(record.request.policy, record.requesters)
    is_vote = record.request.format == "approval"
    if not is_vote or statement.said != "free_text" or statement.asks or statement.person not in may:
        return None
    text = answer_above(statement, lambda line: _key(line.partition(":")[0]) != "") or statement.text
    lines = [line.partition(":") for line in unwrapped(text).splitlines() if line.strip()]
    keys = [_key(key) for key, _, _ in lines]
    if not lines or not all(text.strip() for _, _, text in lines) or keys not in (["to"], ["to", "reason"]):
        return None
    said = [text.strip() for _, _, text in lines]
    return _named(said[0], said[1] if len(said) > 1 else "", people)


def _key(word: str) -> str:
    keys = {"to": "delegation.word", "reason": "delegation.reason-word"}
    return next((key for key, name in keys.items() if word.strip().casefold() in in_all(name)), "")


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
        self._absences = Absences(store, people)

    async def judged(
        self, record: RequestRecord, answer: Answer, wish: HandOn
    ) -> tuple[Judgement, PolicySnapshot | None]:
        """Judge a wish to hand `record` on; with the policy that holds after it, None where nothing changes."""
        known = as_known_now(record, self._people)
        if (closed := delegation_objection(known, answer)) is not None:
            return closed, None
        if speaks_against(wish.reason):
            return Unclear(why=AGAINST), None
        if wish.to_nobody:
            return DelegationRefused(kind="left", why=f"{say('delegation.refused')} {wish.to_nobody}"), None
        reason = one_line(wish.reason, REASON_CHARS)
        given = HandedOn(person=answer.person, to=wish.to, reason=reason)
        policy = await self._after(record, given, answer)
        if isinstance(policy, PolicySnapshot):
            return Delegated(person=answer.person, to=wish.to), policy
        asked = known.request.policy
        accepts = self._people.may_take(asked, answer.at)
        found = {*candidates(asked, involved_in(record, self._people), accepts, answer.person)} - {wish.to}
        could_be = sorted(found - await took_part(self._store, self._people, record, found))
        why = not_handed_on(policy, wish.to, asked, self._people, could_be)
        return DelegationRefused(kind=policy, why=why), None

    async def _after(self, record: RequestRecord, given: HandedOn, answer: Answer) -> PolicySnapshot | Objection:
        policy = as_known_now(record, self._people).request.policy
        await self._people.look_up_policy(policy.name)
        accepts = self._people.may_take(policy, answer.at)
        if why := objection(policy, given.person, given.to, involved_in(record, self._people), accepts):
            return why
        is_free = not await took_part(self._store, self._people, record, {given.to})
        return handed_on(policy, given, accepts) if is_free else "took_part"

    def delegating(
        self,
        record: RequestRecord,
        version: int,
        statement: Statement,
        answer: Answer,
        policy: PolicySnapshot,
        told: Tell | None,
    ) -> Commit:
        """Return the commit that puts `policy` in force, by which the last one in its list decides for another.

        `told` is what the person who handed it on hears.
        """
        request, given = record.request, policy.handed_on[-1]
        made = reassigning(
            record,
            policy,
            "delegated",
            self._people,
            self._edits,
            answer.at,
            by=answer.person,
            person=given.person,
            reason=given.reason,
        )
        event = made.event.model_copy(update={"proof": statement.proof})
        stands = after(record, [event])
        judgement = Delegated(person=given.person, to=given.to)
        return Commit(
            run_id=request.run_id,
            events=[event],
            records=[record_write(stands, version, before=request.expires_at)],
            once=Once(request.id, statement.reply_id, judgements.dump_json(judgement, round_trip=True)),
            counts=counted_as(judgement.type, answer.at - request.opened_at),
            outgoing=[*made.outgoing, *([outbox_entry(told)] if told else [])],
            deliveries=made.deliveries,
            # Its status line names who may decide.
            wake=[*self._timing.wake(stands, answer.at), Wake(WorkItem("run", request.run_id))],
            limit=MAX_EVENTS_AT_ALL,
        )

    async def stood_in(self, record: RequestRecord, now: datetime, run: Run | None = None) -> list[RequestReassigned]:
        """Return what goes from those who are away to their stand-ins, and who stays asked; nothing is written.

        `run` is that of a request that is still to be opened; where there is none, it is read.

        Nobody hears of the same absence twice, and for nobody somebody stands in who may not decide it.
        """
        policy, known = record.request.policy, as_known_now(record, self._people)
        out = {*barred(known.request.policy, known.requesters), *may_have_sat(record, self._people)}
        away = {one: gone for one, gone in (await self._absences.at(now, policy)).items() if one not in out}
        involved = involved_in(record, self._people)
        asked = [one for one in eligible(policy, record.requesters) if one in away and one not in involved.voters]
        if not asked:
            return []
        await self._people.look_up_policy(policy.name)
        stand_ins = {one.to for one in away.values() if one.to}
        kept_out = await took_part(self._store, self._people, record, stand_ins, run)
        takes, made = self._people.may_take(policy, now), list[RequestReassigned]()

        def accepts(seat: Anyone) -> Collection[PersonId]:
            return [one for one in takes(seat) if one not in kept_out]

        for given in stood_in_for(with_doubles(policy, self._people), away, involved, accepts):
            policy = handed_on(policy, given, accepts)
            made.append(_gone(record, policy, given.person, now, given.to))
        asked = eligible(policy, record.requesters)
        for person in asked:
            if person in away and person not in involved.voters and not _is_told(policy, person, away[person].until):
                until, to = away[person]
                others = tuple(one for one in policy.away if one.person != person)
                gone = Away(person=person, until=until, to=to if to in asked and to != person else None)
                policy = policy.model_copy(update={"away": (*others, gone)})
                made.append(_gone(record, policy, person, now))
        return made

    async def standing_in(self, record: RequestRecord, version: int, now: datetime) -> Commit | None:
        """Return the commit that hands on what people hold of `record` who are away; None where nothing changes."""
        events = await self.stood_in(record, now)
        if not events or record.state != "open" or now >= record.request.expires_at:
            return None
        *first, last = events
        made = reassigning(record, last.policy, "absent", self._people, self._edits, now, person=last.person)
        final = made.event.model_copy(update={"to": last.to})
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
        """Return the word to whoever asked that people are away for whom nobody stands in; none where somebody does."""
        request, away = record.request, [one.person for one in events if one.person and not one.to]
        if not away or not request.askers:
            return []
        requester = request.askers[0]
        with self._people.speaking_to(requester):
            gone = [one for one in record.request.policy.away if one.person in away]
            text = " ".join(f"{away_words(one, self._people)}." for one in gone)
            title = say("delegation.away-title", title=request.title.removesuffix("?"))
            card = notice(title, f"{text} {say('delegation.away-nobody')}", now, request.id)
        entry = Tell(
            id=outgoing_id(request.id),
            run_id=request.run_id,
            person=requester,
            reach=tuple(request.policy.reach),
            card=card,
            thread=request.thread,
            request_id=request.id,
        )
        return [outbox_entry(entry)]

    def seeming_away(
        self, record: RequestRecord, version: int, person: PersonId, now: datetime, offer: Tell | None
    ) -> Commit | None:
        """Return the commit that notes that somebody who is asked seems to be away; None where nothing changes.

        Nothing is handed on by it. `offer` tells them how they can do that.
        """
        policy, voters = record.request.policy, involved_in(record, self._people).voters
        is_asked = person in eligible(policy, record.requesters) and person not in voters
        is_known = any(one.person == person for one in policy.away)
        if not is_asked or is_known or record.state != "open" or now >= record.request.expires_at:
            return None
        seen = policy.model_copy(update={"away": (*policy.away, Away(person=person))})
        made = reassigning(record, seen, "absent", self._people, self._edits, now, person=person)
        return Commit(
            run_id=record.request.run_id,
            events=[made.event],
            records=[record_write(after(record, [made.event]), version, before=record.request.expires_at)],
            outgoing=[*made.outgoing, *([outbox_entry(offer)] if offer else [])],
            deliveries=made.deliveries,
            wake=[Wake(WorkItem("run", record.request.run_id))],
            limit=MAX_EVENTS_AT_ALL,
        )


def _gone(
    record: RequestRecord, policy: PolicySnapshot, person: PersonId, now: datetime, to: PersonId | None = None
) -> RequestReassigned:
    return RequestReassigned(
        at=now, request_id=record.request.id, why="absent", policy=policy, person=person, to=(to,) if to else ()
    )


def _is_told(policy: PolicySnapshot, person: PersonId, until: datetime) -> bool:
    return any((one.person, one.until) == (person, until) for one in policy.away)
