"""What a program does itself once people have approved it: it begins once, and says what came of it.

The start is recorded by the same script as that of our own tools, so that of a start, a denial and a freeze one wins.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import structlog
from pydantic import JsonValue

from agents import Agent, Outcome, ToolRefused
from agents.events import Event, ToolFinished, ToolOrphaned, ToolStarted
from agents.relay import ProceedArgs
from agents.requests import AttemptId, Decision, GatedCall, PersonId, RequestId, RunId
from agents.requests.proof import Proof
from agents.requests.record import RequestRecord
from agents.run import PendingStep, Run, fold
from agents.state import made_for
from agents.steps import CallTool
from agents.text import quote
from bot.archive.keeper import Archive
from bot.execution.approval_guard import ApprovalGuard, call_of
from bot.execution.executor import Executor, gate_now, prepare
from bot.execution.results import finished
from bot.people.directory import People
from bot.policy.recheck import too_old
from bot.render.outcome import how_ended
from bot.render.views import ReportView, came_of, line_of
from bot.render.words import frozen_words, state_word
from bot.requests.decisions import Decisions
from bot.requests.stored import RequestRead
from bot.runs.moves import Execute, next_move
from bot.store import Commit, NotReplicated, Wake, WorkItem
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.ids import new_id, shard_of
from bot.store.journal import Journal
from language import say
from language.dates import in_words

log = structlog.stdlib.get_logger()

# What a worker has still to write of a run is looked for a few times, some of them apart: no worker may be up.
_LOOKS, _AT_ONCE, _APART_S = 20, 4, 0.1

OUTSIDE_S = 30 * 86_400.0
"""So long the end of what a program began is waited for, before people are asked whether it happened."""


@dataclass(frozen=True, slots=True)
class Beginner:
    """The owner of the API key with which a program begins something, and how we know."""

    name: PersonId
    proof: Proof | None


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt that has begun at exactly these `arguments`, whose `digest` people approved.

    With `came_of` it has ended: the program said so.
    """

    at: datetime
    arguments: dict[str, JsonValue]
    digest: str
    decision: Decision
    came_of: ReportView | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nothing begins, or ends: it is `open`, or `held` for now; it is `closed`; people saw something else
    (`moved`); another attempt has `begun`, or this one did and was given up; its end was told `otherwise`.
    """

    kind: Literal["open", "held", "closed", "moved", "begun", "otherwise"]
    what: str
    do: str


class ProgramStarts:
    """Records that a program begins what was approved, and what it says came of it."""

    def __init__(
        self,
        journal: Journal,
        decisions: Decisions,
        people: People,
        guard: ApprovalGuard,
        executor: Executor,
        archive: Archive,
    ) -> None:
        self._journal, self._store, self._decisions, self._people = journal, journal.store, decisions, people
        self._guard, self._executor, self._archive = guard, executor, archive
        self._agents: Mapping[str, Agent] = executor.agents

    async def start(self, request_id: RequestId, attempt: str, by: Beginner, digest: str | None) -> Begun | Refused:
        """Begin `attempt`: of all attempts at a request one does, and that one is told so each time.

        `digest` is of what the program is about to do, if it says so. Raises NotFound, and StoreUnavailable where it
        may be recorded all the same: the same attempt again tells, until people were asked what came of it.
        """
        began = time.monotonic()
        for look in range(_LOOKS):
            if look > _AT_ONCE:
                await asyncio.sleep(_APART_S)
            read = await self._decisions.request(request_id)
            answer = self._answered(read, attempt, digest)
            if answer is None:
                for_s = await self._store.unread_for_s()
                if for_s is not None and for_s >= time.monotonic() - began:  # a stop may be among it
                    continue
                answer = await self._try(read, attempt, by)
            if isinstance(answer, Begun):
                events = await self._events(read)
                run = fold(events)
                begun = replace(answer, came_of=came_of(made_for(run.made, read.record.request.id)))
                answer = _given_up(read, run, events) or (begun if await self._may_be_told(read, events) else None)
            if answer:
                return answer
        return Refused("held", say("program.unsettled"), say("program.held-do"))

    def _answered(self, read: RequestRead, attempt: str, digest: str | None) -> Begun | Refused | None:
        """Return what the request alone answers; None where the attempt may begin as far as that says."""
        record, request = read.record, read.record.request
        is_other = digest is not None and digest != request.digest
        moved = Refused("moved", say("program.moved"), say("program.moved-do")) if is_other else None
        if record.attempt is not None:
            if record.called == attempt and record.started_at and request.call and record.decision:
                asked_for = _args_of(request.call).arguments
                return moved or Begun(record.started_at, asked_for, request.digest, record.decision)
            at = in_words(record.started_at) if record.started_at else "?"
            return Refused("begun", say("program.begun", name=record.begun_by, when=at), say("program.begun-do"))
        if record.state == "open":
            return Refused("open", say("program.open"), say("program.open-do"))
        if record.state == "superseded" and record.decision and record.decision.reason:
            return _closed(record.decision.reason)
        if record.state != "approved" or read.is_archived:
            return _closed(say("program.closed", state=state_word(record.state)))
        why = too_old(record, read.now)
        return _closed(why) if why else moved

    async def _may_be_told(self, read: RequestRead, events: Sequence[Event]) -> bool:
        """Return whether the attempt that began may be told so: it is taken back no more, and no fail-over loses it."""
        record = read.record
        if record.attempt is None or read.is_archived or _end_of(events, record.attempt):
            return record.attempt is not None
        return await self._store.tell_start(record.request.run_id, record.attempt)

    async def _try(self, read: RequestRead, attempt: str, by: Beginner) -> Refused | None:
        """Begin what is approved, if all of it still stands; None where that, or what came first, is to be read."""
        record, version, now = read
        if record.stopped and await self._guard.taken_back(record.request.id):
            return None
        run = await self._store.run(record.request.run_id)
        pending = _to_begin(run, record, now)
        if not isinstance(pending, PendingStep):
            return pending
        found = await self._covered(run, pending, read)
        if isinstance(found, Refused):
            if found.kind == "closed":
                await self._journal.queue.notify(WorkItem("run", run.id))  # it ends now
            return found
        call, frozen = found
        attempt_id, reports = AttemptId(new_id("attempt", shard_of(run.id))), _args_of(call).reports
        started = ToolStarted(
            at=now,
            step_id=pending.id,
            attempt_id=attempt_id,
            tool=call.tool,
            effect=call.effect,
            request_id=record.request.id,
            idempotent=False,
            host="",
            changes=reports,
            by=by.name,
            proof=by.proof,
            called=attempt,
            unreported=not reports,
        )
        written = self._guard.as_started(record, version, call, started, now, frozen)
        if written is None:
            return None
        if not await self._store.is_replicated(run.id):
            raise NotReplicated
        line = line_of(fold([started], run))
        outside_s = OUTSIDE_S if reports else 0.0  # a lease that nobody ends would keep the run from the archive
        start = await self._store.start_tool(run.id, run.seq, attempt_id, started, written, line, outside_s=outside_s)
        if start.state == "unconfirmed":
            if reports:  # what nobody reports stays begun: the same attempt is told so later
                await self._executor.take_back(run.id, attempt_id)
            raise NotReplicated
        if start.state != "started":
            return None
        log.info("a program began", run_id=run.id, request_id=record.request.id, attempt_id=attempt_id, who=by.name)
        await self._journal.queue.notify(WorkItem("run", run.id))
        return None  # what is recorded says so to each who asks

    async def _covered(self, run: Run, pending: PendingStep, read: RequestRead) -> tuple[GatedCall, int] | Refused:
        """Return the call as it would be made now, if the approval covers exactly that and nothing holds it, and the
        number of the freezes that were looked at.

        An approval that does not is over with that, whoever comes back.
        """
        record, version, now = read
        agent = self._agents.get(run.started.agent) if run.started else None
        if agent is None or not isinstance(pending.step, CallTool):
            return _closed(say("program.not-its-own"))
        try:
            tool, args, effect = await prepare(agent, run, pending.step)
            gate = gate_now(agent, tool, args)
        except ToolRefused as error:
            await self._decisions.noted.check_policy(pending.gate or "", self._people)
            return _closed(str(error))
        if not tool.begun_outside or gate != pending.gate:
            return _closed(say("program.not-its-own"))
        call = call_of(tool, args, effect)
        found = await self._guard.frozen(run, call)
        if found.freeze:
            why = say("program.frozen", why=frozen_words(found.freeze, self._people))
            return Refused("held", why, say("program.held-do"))
        why = await self._guard.why_not(run, record, call, now)
        if await self._guard.holds_tools():  # read after whoever is here: they may be here again
            return Refused("held", say("error.half-taken"), say("error.half-taken-do"))
        if why:
            await self._decisions.supersede(record, version, why, now)
            return _closed(why)
        return call, found.number

    async def finish(
        self, request_id: RequestId, attempt: str, by: Beginner, *, ok: bool, summary: str
    ) -> ToolFinished | Refused:
        """Keep what a program says came of its attempt: the first word stands, and the same one again changes nothing.

        Raises NotFound and StoreUnavailable.
        """
        record, _, now = read = await self._decisions.request(request_id)
        attempt_id = record.attempt
        if attempt_id is None or record.called != attempt:
            return Refused("held", say("program.not-begun"), say("program.not-begun-do"))
        said = Outcome(summary) if ok else Outcome("", summary)
        event, _ = finished(now, attempt_id, said, self._executor.mask)
        event = event.model_copy(update={"by": by.name})
        while (first := await self._finished(read, attempt_id)) is None:
            if read.is_archived or not await self._keep(record.request.run_id, event):
                return Refused("closed", say("program.not-kept"), say("program.not-kept-do"))
        if (first.output, first.error) == (event.output, event.error):
            return first
        told = quote(first.error or first.output, _TOLD_CHARS)
        return Refused("otherwise", say("program.finished-otherwise", text=told), say("program.finished-otherwise-do"))

    async def _keep(self, run_id: RunId, event: ToolFinished) -> bool:
        """Keep the word of a program, unless the run is to be read again; False where no word can be kept any more.

        A run does not end while an attempt is under way. Any other word is kept as the run was read, or not.
        """
        events, item = (await self._store.load(run_id)).events, WorkItem("run", run_id)
        if not events or _end_of(events, event.attempt_id):
            return bool(events)
        run = fold(events)
        if run.pending and run.pending.attempt and run.pending.attempt.id == event.attempt_id:
            is_kept = await self._store.finish_tool(run_id, event.attempt_id, event)
            await self._journal.queue.notify(item)
            return is_kept
        late = Commit(run_id=run_id, events=[event], expect=run.seq, wake=[Wake(item)], limit=MAX_EVENTS_AT_ALL)
        return (await self._journal.write(late)).state != "full"

    async def _finished(self, read: RequestRead, attempt_id: AttemptId) -> ToolFinished | None:
        return _end_of(await self._events(read), attempt_id)

    async def _events(self, read: RequestRead) -> Sequence[Event]:
        """Return what happened in the run of a request, here or in the archive."""
        run_id = read.record.request.run_id
        archived = await self._archive.run(run_id) if read.is_archived else None
        return archived.events if archived else (await self._store.load(run_id)).events


_TOLD_CHARS = 200


def _given_up(read: RequestRead, run: Run, events: Sequence[Event]) -> Refused | None:
    """Return why an attempt that has begun is not told so again: no word came of it, and people settle that."""
    begun, attempt = made_for(run.made, read.record.request.id), read.record.attempt
    # A late word does not make it one that may go on.
    gone = (event for event in events if isinstance(event, ToolOrphaned) and event.attempt_id == attempt)
    is_lost = any(event.may_have_started for event in gone)
    if begun is None or not (is_lost or begun.by or begun.state in {"left", "unknown", "not_done"}):
        return None
    when, said = in_words(begun.started_at), _end_of(events, attempt) if attempt else None
    if said is None:
        return Refused("begun", say("program.given-up", when=when), say("program.given-up-do"))
    told = quote(said.error or said.output, _TOLD_CHARS)
    return Refused("begun", say("program.given-up-said", when=when, text=told), say("program.given-up-said-do"))


def _end_of(events: Sequence[Event], attempt_id: AttemptId) -> ToolFinished | None:
    """Return the first word on the end of an attempt."""
    ends = (event for event in events if isinstance(event, ToolFinished) and event.attempt_id == attempt_id)
    return next(ends, None)


def _args_of(call: GatedCall) -> ProceedArgs:
    """Return what the relay keeps of a call: the `arguments` of the program's own, and what the program says of it."""
    return ProceedArgs.model_validate(call.arguments)


def _to_begin(run: Run, record: RequestRecord, now: datetime) -> PendingStep | Refused | None:
    """Return the step that can begin now, which waits for nothing but that; None where the run is ahead of the record.

    Then somebody has begun it, or taken it back, since that was read.
    """
    if made_for(run.made, record.request.id):
        return None
    move = next_move(run, now)
    if isinstance(move, Execute) and move.pending.attempt is None:
        request = move.pending.request
        if request and request.id == record.request.id:
            return move.pending
    if run.ended or run.is_cancelled:
        why = how_ended(run.ended) if run.ended else say("program.stopped")
        return _closed(say("program.over", how=why))
    return Refused("held", say("program.paused"), say("program.held-do")) if run.is_paused else None


def _closed(what: str) -> Refused:
    return Refused("closed", what, say("program.closed-do"))
