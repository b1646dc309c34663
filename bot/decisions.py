"""The single writer of votes and decisions: judge, write if nothing has changed since, or judge again."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime

import structlog

from agents.events import AnswerNoted, Event, RequestDecided, RequestRevised, RequestRevoked, VoteCast
from agents.requests import Closed, Decision, GatedCall, PersonId, Request, RequestId, Vote
from bot.answers import Statement, read_answer
from bot.asking import changes_between, placing
from bot.cards import asked_again, closed_card, decided, notice, told
from bot.digest import call_digest
from bot.files import attachments, contents
from bot.journal import Journal, outbox_entry, outgoing_id, record_write
from bot.judge import (
    Answer,
    Counted,
    Decided,
    Judgement,
    NotThisWay,
    OutOfDate,
    Revoked,
    Unclear,
    judge,
    judgements,
)
from bot.outgoing import Outgoing
from bot.people import People
from bot.records import RequestRecord, after
from bot.store import Commit, Once, Wake
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.updates import changed, updates_for

log = structlog.stdlib.get_logger()

# An answer that does not count gets a sentence back; one person's robot that keeps answering does not for ever.
_NOTED_AT_MOST = 50
# Conflicts come from other answers to the same request, and each of those that wins is progress.
_TRIES = 1_000


class NoSuchRequest(Exception):
    """There is no request of that id."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an answer, the request as it stands now, and both in `words`."""

    judgement: Judgement
    record: RequestRecord
    words: str

    @property
    def counts(self) -> bool:
        """Whether the answer did something."""
        return isinstance(self.judgement, Counted | Decided | Revoked)


class Decisions:
    """Answers, expiry and withdrawal of requests. `edits`: the channels that can change a card where it stands."""

    def __init__(self, journal: Journal, people: People, edits: Set[str] = frozenset()) -> None:
        self._journal, self._people, self._edits = journal, people, edits

    async def request(self, request_id: str) -> tuple[RequestRecord, int, datetime]:
        """A request's record, its version and the time. Raises NoSuchRequest."""
        found = await self._journal.store.record(request_id)
        if found is None:
            raise NoSuchRequest(f"There is no request {request_id}. `sayso requests` lists the open ones")
        return RequestRecord.model_validate_json(found.body), found.version, found.now

    async def answer(self, request_id: RequestId, statement: Statement) -> Outcome:
        """What became of `statement`, for whoever is to be told at once. Raises NoSuchRequest."""
        judgement = await self.decide(request_id, statement)
        record, _, _ = await self.request(request_id)
        return Outcome(judgement, record, told(judgement, record.request, self._people))

    async def decide(self, request_id: RequestId, statement: Statement) -> Judgement:
        """What became of `statement`; asking twice with the same `reply_id` gives the same. Raises NoSuchRequest."""
        for _ in range(_TRIES):
            record, version, now = await self.request(request_id)
            answer = read_answer(record.request, statement, now)
            judgement = judge(record, answer)
            written = await self._journal.write(self._commit(record, version, statement, answer, judgement))
            if written.state == "repeat":
                return judgements.validate_json(written.outcome)
            if written.state == "committed":
                log.info("answer", request_id=request_id, person=answer.person, outcome=judgement.type)
                return judgement
        raise RuntimeError(f"{request_id} changed {_TRIES} times while one answer was judged")

    def _commit(
        self, record: RequestRecord, version: int, statement: Statement, answer: Answer, judgement: Judgement
    ) -> Commit:
        request = record.request
        events = _facts(record, answer, judgement, statement)
        now_stands = after(record, events)
        is_final = now_stands.state != record.state
        is_heard = bool(statement.place) or answer.channel in request.policy.reach
        is_seen = isinstance(judgement, Counted | Revoked) and answer.channel in self._edits  # on the card itself
        is_told = is_heard and not is_seen and _is_noted(record, answer.person) and not isinstance(judgement, Decided)
        outgoing = self._closing(now_stands, answer.person, answer.at) if is_final else []
        moved = self._moved(now_stands, answer.at) if isinstance(judgement, Counted) else []
        outgoing += moved
        outgoing += [self._tell(record, answer, judgement, statement.place)] if is_told else []
        is_bounded = isinstance(judgement, Counted | Decided | Revoked)
        return Commit(
            run_id=request.run_id,
            events=events,
            records=[
                record_write(
                    now_stands, version, before=request.expires_at if is_bounded and record.state == "open" else None
                )
            ],
            once=Once(request.id, statement.reply_id, judgements.dump_json(judgement), judgement.type),
            outgoing=[outbox_entry(entry) for entry in outgoing],
            wake=[Wake(f"run {request.run_id}")] if is_final or moved else [],  # its line of status names who is left
            asleep=[f"ask {request.id}"] if is_final else [],
            files=contents(statement.files) if events else (),
            limit=MAX_EVENTS_AT_ALL,
        )

    def _tell(self, record: RequestRecord, answer: Answer, judgement: Judgement, place: str) -> Outgoing:
        """What became of an answer, said in its `place` if it has one; where the person can answer better, with the
        card to answer once more.
        """
        request, text = record.request, told(judgement, record.request, self._people)
        entry = Outgoing(
            id=outgoing_id(request.id),
            kind="tell",
            run_id=request.run_id,
            person=answer.person,
            reach=(answer.channel,),
            card=notice(f"About: {request.title}", text, answer.at, request.id),
            thread=request.thread,
            request_id=request.id,
            to=place,
        )
        own = [holder.delivery_id for holder in record.holders if holder.person == answer.person]
        if not own or not isinstance(judgement, NotThisWay | OutOfDate | Unclear):
            return entry
        again = {
            "card": asked_again(request, judgement, self._people, answer.at),
            # Each revision made everybody a card: the newest one is of this revision.
            "delivery_id": own[-1],
            "revision": request.revision,
        }
        return entry.model_copy(update=again)

    def _closing(self, record: RequestRecord, decider: PersonId | None, now: datetime) -> list[Outgoing]:
        """Shows every holder of a card that it is closed; a mail goes only to those who did not close it."""
        request = record.request
        if record.decision is None:
            return []
        sentence = decided(record.decision, self._people)
        if record.state == "revoked":
            sentence += f" Taken back by {self._people.name_of(decider or '')} before it started."
        newest = {holder.person: holder.delivery_id for holder in record.holders if holder.person}
        news = [delivery_id for person, delivery_id in newest.items() if person != decider]
        card = closed_card(request, sentence, now, closes=False)
        return updates_for(request, record.holders, self._edits, card, news)

    def _moved(self, record: RequestRecord, now: datetime) -> list[Outgoing]:
        """Shows that something has changed, wherever a card can be changed."""
        return updates_for(record.request, record.holders, self._edits, changed(record.request.title, now))

    async def expire(self, request_id: RequestId) -> None:
        """Close `request_id` if its time is over; wake up again when it is not."""
        record, _, now = await self.request(request_id)
        if record.state == "open" and now < record.request.expires_at:
            wake = Wake(f"ask {request_id}", record.request.expires_at)
            await self._journal.write(Commit(run_id=record.request.run_id, wake=[wake]))
            return
        await self.close(request_id, "expired", None, "")

    async def close(self, request_id: RequestId, state: Closed, by: PersonId | None, why: str) -> RequestRecord:
        """Close `request_id` from the side of the run or its requester, unless people were first."""
        for _ in range(_TRIES):
            record, version, now = await self.request(request_id)
            commit = self.closing(record, version, state, by, why, now)
            written = await self._journal.write(commit)
            if written.state == "committed":
                return record
        raise RuntimeError(f"{request_id} changed {_TRIES} times while it was closed")

    async def supersede(self, record: RequestRecord, version: int, why: str, now: datetime) -> None:
        """Replace an approval that does not cover what would be executed; nothing if it has changed meanwhile."""
        await self._journal.write(self.closing(record, version, "superseded", None, why, now))

    def closing(
        self, record: RequestRecord, version: int, state: Closed, by: PersonId | None, why: str, now: datetime
    ) -> Commit:
        """What closing writes; nothing but a lost wake-up when it is closed already."""
        request = record.request
        is_unused = state == "superseded" and record.state == "approved"
        if record.state != "open" and not is_unused:
            return Commit(run_id=request.run_id, asleep=[f"ask {request.id}"], wake=[Wake(f"run {request.run_id}")])
        decision = Decision(state=state, by=(by,) if by else (), reason=why, at=now)
        event = RequestDecided(at=now, request_id=request.id, decision=decision)
        closed = after(record, [event])
        return Commit(
            run_id=request.run_id,
            events=[event],
            records=[record_write(closed, version)],
            outgoing=[outbox_entry(entry) for entry in self._closing(closed, by, now)],
            wake=[Wake(f"run {request.run_id}")],
            asleep=[f"ask {request.id}"],
            limit=MAX_EVENTS_AT_ALL,
        )

    async def revise(self, request_id: RequestId, by: PersonId, call: GatedCall, title: str) -> Request | None:
        """Put a changed call in front of people as a new revision; None when it is no longer open."""
        for _ in range(_TRIES):
            record, version, now = await self.request(request_id)
            old = record.request
            if record.state != "open" or old.call is None:
                return None
            request = old.model_copy(
                update={
                    "revision": old.revision + 1,
                    "title": title,
                    "call": call,
                    "digest": call_digest(old.run_id, old.id, old.nonce, call, old.requesters),
                    "changes": changes_between(old.call, call),
                }
            )
            written = await self._journal.write(self._revising(record, version, request, by, now))
            if written.state == "committed":
                return request
        raise RuntimeError(f"{request_id} changed {_TRIES} times while it was revised")

    def _revising(self, record: RequestRecord, version: int, request: Request, by: PersonId, now: datetime) -> Commit:
        """New cards for everyone, old votes void; who held the old card gets the new one, which says what changed."""
        holders, outgoing, deliveries = placing(request, self._people, now)
        outgoing = [*outgoing, *map(outbox_entry, self._moved(record, now))]
        event = RequestRevised(at=now, by=by, request=request, holders=holders)
        return Commit(
            run_id=request.run_id,
            events=[event],
            records=[record_write(after(record, [event]), version, before=request.expires_at)],
            outgoing=outgoing,
            deliveries=deliveries,
        )


def _is_noted(record: RequestRecord, person: PersonId) -> bool:
    return record.noted.get(person, 0) < _NOTED_AT_MOST


def _facts(record: RequestRecord, answer: Answer, judgement: Judgement, statement: Statement) -> list[Event]:
    """What a judgement adds to the run's story; a robot that answers for ever adds nothing more."""
    request_id, now, files = record.request.id, answer.at, attachments(statement.files)
    match judgement:
        case Counted():
            return [VoteCast(at=now, request_id=request_id, vote=judgement.vote, files=files)]
        case Decided(vote=Vote() as vote):
            cast = VoteCast(at=now, request_id=request_id, vote=vote, files=files)
            return [cast, RequestDecided(at=now, request_id=request_id, decision=judgement.decision)]
        case Decided():
            return [RequestDecided(at=now, request_id=request_id, decision=judgement.decision, files=files)]
        case Revoked():
            return [RequestRevoked(at=now, request_id=request_id, vote=judgement.vote, files=files)]
        case _ if not _is_noted(record, answer.person):
            return []
        case _:
            noted = AnswerNoted(
                at=now,
                request_id=request_id,
                reply_id=statement.reply_id,
                person=answer.person,
                channel=answer.channel,
                text=statement.text,
                outcome=judgement.type,
                files=files,
            )
            return [noted]
