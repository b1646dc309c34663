"""What a store out of a backup must not do by itself: what it holds as unfinished may be done since.

Every run that had not ended is paused, so that people look at it before it goes on; who resumes it resumes those that
it started. What it asked is superseded, open or approved: an answer after the backup is forgotten, and one that comes
again must not count. The review of a broken glass, which nobody could resume, is asked anew by itself. An attempt
without an end is UNKNOWN where it can't be repeated. What came in and was not handled, and mails of tools that were to
be sent, are dead letters. Standing approvals are revoked: one may have been revoked since, or its uses spent. Absences
are ended: one may have been since, and whoever stood in would decide once more.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from agents.events import Event, RequestDecided, RunPaused, ToolOrphaned
from agents.requests import PersonId, RequestId, RunId
from agents.review import reviewed_of
from agents.run import Run
from agents.state import left_to_next, orphaned_again
from bot.audit.log import AuditLog
from bot.errors import Unavailable
from bot.outbound.dead_letter import Note
from bot.people.absences import Absences
from bot.people.directory import People
from bot.requests.decisions import Decisions
from bot.requests.standing.kept import KeptStandings
from bot.requests.stored import of_attempt
from bot.store import Commit, Keys, StoreError, Wake, WorkItem
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.journal import Journal
from bot.store.outbox_entry import PostMail, read_entry
from language import say
from language.dates import in_words
from language.recorded import recorded


@dataclass(frozen=True, slots=True)
class Held:
    """The numbers of runs that were paused, of requests that were closed, of dead letters that were made, and of
    standing approvals that were revoked.

    `requesters` asked for those runs; `away` are those whose absence is to be ended.
    """

    runs: int = 0
    requests: int = 0
    items: int = 0
    standing: int = 0
    requesters: tuple[PersonId, ...] = ()
    away: tuple[PersonId, ...] = ()

    def beside(self, run: Run, events: Sequence[Event]) -> "Held":
        """Return the same with one run more, which `events` paused."""
        closed = sum(isinstance(event, RequestDecided) for event in events)
        who = (run.started.requester,) if run.started else ()
        requesters = tuple(dict.fromkeys((*self.requesters, *who)))
        return replace(self, runs=self.runs + 1, requests=self.requests + closed, requesters=requesters)


class Holding:
    """Holds what was unfinished. Asked again after a crash it does the rest."""

    def __init__(self, journal: Journal, decisions: Decisions, people: People) -> None:
        self._journal, self._store, self._decisions, self._people = journal, journal.store, decisions, people

    async def hold(self, as_of: datetime) -> Held:
        """Hold all that had not ended at `as_of`. Raises Unavailable for what this release can't read."""
        held = Held()
        for run_id in await self._store.lists.runs():
            try:
                held = await self._hold_run(RunId(run_id), as_of, held)
            except ValueError as error:
                raise Unavailable(
                    f"The run {run_id} can't be read by this release of sayso",
                    "Put the store back anew, and restore it with the release that it is from",
                ) from error
        away = tuple(await Absences(self._store, self._people).all())
        return replace(held, items=await self._hold_work(), standing=await self._revoke_standing(as_of), away=away)

    async def _hold_run(self, run_id: RunId, as_of: datetime, held: Held) -> Held:
        run = await self._after_attempts(run_id)
        if run.started is None or run.ended:
            return held
        if run.restored_from == as_of:  # before a crash, after which nobody was told
            return held.beside(run, await self._held_before(run_id, as_of))
        now, request_id = await self._store.now(run_id), _asked(run)
        above = run.started.parent
        paused = RunPaused(at=now, restored_from=as_of, parent=above and above.run_id)
        if request_id is None:
            commit = Commit(run_id=run_id, wake=[Wake(WorkItem("run", run_id))], limit=MAX_EVENTS_AT_ALL)
        else:
            record, version, _ = await self._decisions.request(request_id)
            with self._people.speaking_to(""):
                why = say("run.restored", at=in_words(as_of))
            commit = self._decisions.closing(record, version, "superseded", why, now)
        events: Sequence[Event] = [*commit.events, *([] if reviewed_of(run) else [paused])]
        commit = replace(commit, events=events, expect=run.seq)
        written = await self._journal.write(commit)
        if written.state != "committed":
            raise StoreError(f"{run_id} changed while it was restored", "Stop every process of sayso, and begin anew")
        return held if reviewed_of(run) else held.beside(run, events)

    async def _held_before(self, run_id: RunId, as_of: datetime) -> Sequence[Event]:
        """Return the events by which a run was paused."""
        events = (await self._store.load(run_id)).events
        [*_, paused] = (one for one in events if isinstance(one, RunPaused) and one.restored_from == as_of)
        return [one for one in events if one.at == paused.at]

    async def _after_attempts(self, run_id: RunId) -> Run:
        """The run once nobody is making an effect in it any more: whoever did is not in this store."""
        run = await self._store.run(run_id)
        attempt = run.pending.attempt if run.pending else None
        if attempt is None:
            return await self._asked_first(run)
        gone = ToolOrphaned(at=await self._store.now(run_id), attempt_id=attempt.id, may_have_started=True)
        await self._store.renew(run_id, attempt.id, lease_s=0)
        record = await of_attempt(self._store, run, gone)
        if await self._store.orphan(run_id, attempt.id, gone, record=record) != "committed":
            records = [record] if record else []
            await self._journal.write(Commit(run_id=run_id, events=[gone], records=records, expect=run.seq))
        return await self._asked_first(await self._store.run(run_id))

    async def _asked_first(self, run: Run) -> Run:
        """`run`, in which people are asked whether an attempt had its effect, where the next loses its approval."""
        if left_to_next(run.pending) is None or _asked(run) is None:
            return run
        first = orphaned_again(run.pending, await self._store.now(run.id))
        await self._journal.write(Commit(run_id=run.id, events=first, expect=run.seq, limit=MAX_EVENTS_AT_ALL))
        return await self._store.run(run.id)

    async def _revoke_standing(self, as_of: datetime) -> int:
        """End all standing approvals that could be used; return how many those were."""
        with self._people.speaking_to(""):
            return await KeptStandings(self._store).revoke_all(say("run.restored", at=in_words(as_of)))

    async def end_absences(self, of: Sequence[PersonId]) -> None:
        """End all absences, once those whom they are `of` were told: after that nobody knows them any more."""
        for person in of:
            await AuditLog(self._store).note("absence_ended", people=(person,), outcome="restored", proof=None)
        await self._store.client.do("DEL", Keys(0).absences)

    async def _hold_work(self) -> int:
        """Make dead letters of what would have an effect that it may have had; return how many such letters wait.

        Those of before a crash are among them, as nobody was told of them.
        """
        why = recorded("trouble.restored")
        async for item in self._scheduled():
            now = await self._store.now(item.id)
            note = Note(kind="dead", what=str(item), why=why, at=now, member=str(item))
            # None was tried, and all of them were acknowledged: however many there are, none makes room for another.
            await self._store.give_up(item, note.model_dump_json().encode(), most=None)
        notes = map(Note.model_validate_json, (await self._store.lists.dead()).values())
        return sum(note.why == why for note in notes)

    async def _scheduled(self) -> AsyncIterator[WorkItem]:
        for shard in range(self._store.shards):
            for member in await self._store.client.do("ZRANGE", Keys(shard).wake, 0, -1):
                item = WorkItem.parse(member.decode())
                if item.kind == "in" or (item.kind == "out" and await self._is_mail_of_a_tool(item)):
                    yield item

    async def _is_mail_of_a_tool(self, item: WorkItem) -> bool:
        body = await self._store.outgoing(item.id)
        return body is not None and isinstance(read_entry(body), PostMail)


def _asked(run: Run) -> RequestId | None:
    """The request that people could answer, or that allows what has not begun: neither may count any more."""
    if run.open is not None:
        return run.open
    pending = run.pending
    is_allowed = pending is not None and pending.decision is not None
    if pending is None or not is_allowed or pending.has_begun or pending.unknown:
        return None
    return pending.request.id if pending.request else None
