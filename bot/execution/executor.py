"""Making effects: an attempt with a lease, its result, and what is left of attempts whose owner died."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from pydantic import BaseModel, ValidationError

from agents import Agent, CommandResult, Outcome, Pending, Tool, ToolRefused
from agents.events import ToolFinished, ToolOrphaned, ToolQueued, ToolWaits
from agents.requests import AttemptId, Effect, PersonId, RunId
from agents.run import PendingStep, Run
from agents.state import Attempt
from agents.steps import CallTool, Step
from agents.text import one_line
from bot.errors import TookTooLong
from bot.execution.command_lock import CommandLock, Holder, Queued
from bot.execution.results import Contents, finished, waits, waits_s
from bot.execution.runner import Lost, NeverStarted, Runner
from bot.execution.runner_files import Given
from bot.execution.tool_context import ChildRuns, Find, Guarded, HeldAttempt, NobodyKnows, NotStarted, StepContext
from bot.outbound.announcements import Announcements
from bot.render.views import summary_in
from bot.requests.stored import of_attempt
from bot.store import Commit, Store, StoreError, StoreUnavailable, WorkItem
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.indexes import note_handle
from bot.store.journal import WorkQueue
from bot.store.watch import ended
from bot.telemetry import OFF, Telemetry, ToolUse
from language import say

log = structlog.stdlib.get_logger()

_PAUSE_S = 0.5
# For so many leases more a command of another machine is not given up: as long as a worker there takes to start again.
_LEASES_MORE = 3
_GIVE_UP_S = 0.5
# A report may come after the last look.
_HANDLE_S = 86_400.0


async def prepare(agent: Agent, run: Run, step: CallTool) -> tuple[Tool[BaseModel], BaseModel, Effect]:
    """The tool, its checked arguments and the exact effect they have now. Raises ToolRefused in words."""
    tool = agent.tool(step.tool)
    if tool is None:
        raise ToolRefused(say("agent.no-tool", agent=agent.name, tool=repr(step.tool)))
    try:
        args = tool.args.model_validate(step.arguments)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ToolRefused(say("agent.arguments-wrong", tool=tool.name, problems=problems)) from error
    except Exception as error:
        log.exception("arguments could not be checked", agent=agent.name, tool=tool.name)
        why = f"{type(error).__name__}: {error}"
        raise ToolRefused(say("agent.arguments-unchecked", tool=tool.name, why=why)) from error
    return tool, args, await _effect(tool, args, run)


async def _effect(tool: Tool[BaseModel], args: BaseModel, run: Run) -> Effect:
    """Return the effect the tool would have.

    Nothing has happened yet, so any error here is a refusal.
    """
    try:
        async with asyncio.timeout(tool.timeout_s):
            return await (tool.prepare_for(args, run) if tool.prepare_for else tool.prepare(args))
    except ToolRefused:
        raise
    except TimeoutError as error:
        raise ToolRefused(say("run.prepare-too-slow", tool=tool.name, seconds=f"{tool.timeout_s:.0f}")) from error
    except Exception as error:
        log.exception("a tool could not be prepared", tool=tool.name)
        why = f"{type(error).__name__}: {error}"
        raise ToolRefused(say("run.prepare-failed", tool=tool.name, why=why)) from error


@dataclass
class _Looked:
    """How far a waiting attempt has read its run, and behind whom it waited then."""

    seq: int = 0
    behind: Holder | None = None


@dataclass
class _Adopted:
    """The adoption of an earlier owner's command: `find` says what that gave; whether its tool has heard it."""

    find: Find
    is_heard: bool = False

    async def __call__(self, attempt_id: AttemptId) -> CommandResult | NeverStarted | Lost:
        found = await self.find(attempt_id)
        self.is_heard = True
        return found


class Executor:
    """Runs attempts in the background, so that nothing else waits for them.

    `host` names this data directory, and a copy of it.
    `mask` takes the secrets of this installation out of what commands print and tools give.
    """

    def __init__(
        self,
        store: Store,
        queue: WorkQueue,
        runner: Runner,
        agents: Mapping[str, Agent],
        children: ChildRuns,
        announcing: Announcements,
        host: str,
        mask: Callable[[str], str],
        telemetry: Telemetry = OFF,
    ) -> None:
        self.mask, self.telemetry = mask, telemetry
        self._store, self._queue, self._runner, self.agents, self.host = store, queue, runner, agents, host
        self._children, self.announcing, self._turns = children, announcing, CommandLock(store)
        self._running: dict[AttemptId, asyncio.Task[None]] = {}
        self._detachable: set[AttemptId] = set()
        self._never_begun: set[AttemptId] = set()

    def begin(
        self,
        run: Run,
        pending: PendingStep,
        tool: Tool[BaseModel],
        args: BaseModel,
        attempt: Attempt,
        cover: Guarded | None,
    ) -> None:
        """Make the effect of an attempt that has just been recorded; `cover` is what must hold when it begins."""
        self._spawn(run, pending, tool, args, attempt, None, cover)

    def never_begin(self, attempt_id: AttemptId) -> None:
        """Note an attempt that may be recorded, and that this process does not begin."""
        self._never_begun.add(attempt_id)

    async def take_back(self, run_id: RunId, attempt_id: AttemptId) -> None:
        """End an attempt that was recorded and did not begin, unless a program was told to; its run looks again."""
        await self._orphan(run_id, attempt_id, may_have_started=False, is_own=True)

    async def look_after(self, run: Run, pending: PendingStep, attempt: Attempt) -> datetime | None:
        """Return until when an attempt's owner counts as alive; None when something has happened to it just now."""
        state, until = await self._store.lease(run.id, attempt.id)
        if state == "alive":
            return until
        if state == "gone":
            return None
        if attempt.id in self._running or await self._take_over(run, pending, attempt):
            await self._store.renew(run.id, attempt.id)
        elif again := self._hears_by(run, pending, attempt, until):
            return again
        else:
            await self._orphan(run.id, attempt.id, may_have_started=None)
        return None

    def _hears_by(self, run: Run, pending: PendingStep, attempt: Attempt, until: datetime) -> datetime | None:
        """Return when to look again at what another machine may still run; None once nothing is to be heard of it.

        A worker that is restarted leaves its command to the runner, which tells its result to Redis, and to its
        successor there, which adopts it.
        """
        tool, now = self._tool_of(run, pending), self._store.about_now(run.id)
        lease = timedelta(seconds=self._store.lease_s)
        may_run = tool is not None and tool.runs_command and attempt.queued is None and attempt.host != self.host
        return now + lease / 2 if may_run and now < until + _LEASES_MORE * lease else None

    def _tool_of(self, run: Run, pending: PendingStep) -> Tool[BaseModel] | None:
        agent = self.agents.get(run.started.agent) if run.started else None
        return agent.tool(pending.step.tool) if agent and isinstance(pending.step, CallTool) else None

    async def _take_over(self, run: Run, pending: PendingStep, attempt: Attempt) -> bool:
        """Adopt what a dead owner's command gave or still gives; False when there is nothing to adopt."""
        tool = self._tool_of(run, pending)
        if tool is None or not tool.runs_command or not isinstance(pending.step, CallTool) or attempt.queued:
            return False
        published = await self._store.result(attempt.id)
        if published is None and attempt.host != self.host:
            return False
        # Another machine may have this name as well, in a copy of the data directory: its result counts as much.
        adopt: Find = self._runner.adopt if published is None else _already(published)
        log.info("adopting", attempt_id=attempt.id)
        self._spawn(run, pending, tool, tool.args.model_validate(pending.step.arguments), attempt, adopt)
        return True

    @property
    def count(self) -> int:
        """The number of tools that are executed here, or wait for their turn."""
        return len(self._running)

    async def leave(self, within_s: float) -> None:
        """Leave commands to their runners at once, let the rest end within `within_s`, then give up every lease."""
        for attempt_id in self._detachable & self._running.keys():
            self._running[attempt_id].cancel()
        for limit_s in (within_s, _GIVE_UP_S):
            if self._running:
                _, left = await asyncio.wait(self._running.values(), timeout=limit_s)
                for task in left:
                    task.cancel()

    def _spawn(
        self,
        run: Run,
        pending: PendingStep,
        tool: Tool[BaseModel],
        args: BaseModel,
        attempt: Attempt,
        adopt: Find | None,
        cover: Guarded | None = None,
    ) -> None:
        queued = partial(self._queued, run.id, attempt.id, _Looked())
        adopted = _Adopted(adopt) if adopt else None
        held = HeldAttempt(self._runner, attempt.id, self._turns, self.mask, queued, adopted, cover)
        now, announcing = self._store.about_now(run.id), self.announcing
        hands = StepContext(run, pending.id, now, self._children, held, announcing=announcing)
        work = self._attempt(run, tool, args, attempt, hands, queued if cover else None, adopted)
        task = asyncio.create_task(work, name=f"attempt {attempt.id}")
        self._running[attempt.id] = task
        if tool.runs_command:
            self._detachable.add(attempt.id)
        task.add_done_callback(lambda done: self._forget(attempt.id, done))

    def _forget(self, attempt_id: AttemptId, done: asyncio.Task[None]) -> None:
        self._running.pop(attempt_id, None)
        self._detachable.discard(attempt_id)
        if not done.cancelled() and (error := done.exception()):
            log.warning("left to whoever finds its lease ended", attempt_id=attempt_id, error=str(error))

    async def _attempt(
        self,
        run: Run,
        tool: Tool[BaseModel],
        args: BaseModel,
        attempt: Attempt,
        hands: StepContext,
        queued: Queued | None,
        adopted: _Adopted | None,
    ) -> None:
        run_id, began = run.id, time.monotonic()
        structlog.contextvars.bind_contextvars(run_id=run_id, attempt_id=attempt.id)
        renewing = asyncio.create_task(self._renew(run_id, attempt.id))
        try:
            outcome = await self._execute(run_id, tool, args, attempt, hands, queued)
            if adopted and not adopted.is_heard and isinstance(outcome, Outcome) and outcome.error:
                # Such as one whose environment is called otherwise since: that says nothing of what was begun.
                log.warning("a tool did not ask what came of its command", tool=tool.name, error=outcome.error)
                outcome = NobodyKnows
        except asyncio.CancelledError:
            await ended([renewing])
            await self._store.renew(run_id, attempt.id, 0)
            raise
        finally:
            renewing.cancel()
        name, seconds, error = run.started.agent if run.started else "", time.monotonic() - began, _error_of(outcome)
        self.telemetry.tool_used(ToolUse(run_id, run.steps, name, tool.name, seconds, error))
        match outcome:
            case Outcome():
                now = self._store.about_now(run_id)
                await self._finish(run_id, tool, *finished(now, attempt.id, outcome, self.mask))
            case Pending():
                until = attempt.started_at + timedelta(seconds=waits_s(tool, args))
                await self._finish(run_id, tool, waits(self._store.about_now(run_id), attempt, until, outcome))
            case _:
                await self._end_own(run_id, attempt.id, may_have_started=outcome is NobodyKnows)

    async def _execute(
        self,
        run_id: RunId,
        tool: Tool[BaseModel],
        args: BaseModel,
        attempt: Attempt,
        hands: StepContext,
        queued: Queued | None,
    ) -> Outcome | Pending | type[NotStarted] | type[NobodyKnows]:
        """Return the outcome of the effect.

        This is the edge of a job: whatever a tool raises becomes its error, unless it is that Redis is away.
        """
        log.debug("tool starts", tool=tool.name)
        # A command has its own time-out, kept by its runner; waiting for its turn must not count.
        limit_s = None if tool.runs_command else tool.timeout_s
        try:
            # A command asks by itself, right before it begins.
            if not tool.runs_command and not await self._may_begin(run_id, attempt.id, queued):
                return NotStarted
            async with asyncio.timeout(limit_s):  # from here on: what takes too long has begun
                return await tool.execute(args, attempt.effect, hands)
        except (NotStarted, NobodyKnows) as found:
            return type(found)
        except ToolRefused as error:
            return Outcome("", str(error), refused=not hands.done)
        except (TimeoutError, TookTooLong) as late:
            if not tool.idempotent:
                return NobodyKnows
            error = say("run.tool-too-slow", tool=tool.name, seconds=f"{tool.timeout_s:.0f}")
            return Outcome("", str(late) if isinstance(late, TookTooLong) else error, unknown=True)
        except StoreUnavailable as error:  # ours, and no word of the tool's: what we began for it may be there
            log.warning("Redis is away from a tool", tool=tool.name, error=str(error))
            await asyncio.sleep(_PAUSE_S)  # it may be away from this alone: a full node of a cluster says so at once
            return NobodyKnows
        except Exception as error:
            log.exception("tool failed", tool=tool.name)
            return Outcome("", f"{type(error).__name__}: {error}")

    async def _may_begin(self, run_id: RunId, attempt_id: AttemptId, queued: Queued | None) -> bool:
        """Return False once the attempt was denied or called off, in a pause, or where its lease may be another's.

        The lease is looked at last: whoever was stopped since then must not act on it.
        """
        try:
            is_wanted = queued is None or await queued(None)
            return is_wanted and await self._store.holds(run_id, attempt_id)
        except StoreError as error:
            log.warning("not begun, as Redis does not say whether it is wanted", error=str(error))
            return False

    async def _finish(
        self, run_id: RunId, tool: Tool[BaseModel], event: ToolFinished | ToolWaits, files: Contents = ()
    ) -> None:
        """A result must not be lost while this process lives, however long Redis is away or full."""
        ends = "waits" if isinstance(event, ToolWaits) else "error" if event.error else "ok"
        ends = "unknown" if isinstance(event, ToolFinished) and event.unknown else ends
        (log.warning if ends in {"error", "unknown"} else log.debug)("tool ended", tool=tool.name, decision=ends)
        while True:
            try:
                if isinstance(event, ToolWaits):  # before it waits: a report finds it from then on, or not yet
                    keep_s = (event.until - event.at).total_seconds() + _HANDLE_S
                    await note_handle(self._store, event.handle, run_id, keep_s)
                await self._store.finish_tool(run_id, event.attempt_id, event, files)
                return await self._queue.notify(WorkItem("run", run_id))
            except StoreError as error:
                log.warning("result kept in memory until Redis takes it", error=str(error))
                await asyncio.sleep(_PAUSE_S)

    async def _end_own(self, run_id: RunId, attempt_id: AttemptId, *, may_have_started: bool) -> None:
        """End an attempt of this process that has no result, however long Redis is away."""
        if not may_have_started:
            self.never_begin(attempt_id)
        while True:
            try:
                return await self._orphan(run_id, attempt_id, may_have_started=may_have_started, is_own=True)
            except StoreError as error:
                log.warning("an attempt without a result is noted once Redis answers", error=str(error))
                await asyncio.sleep(_PAUSE_S)

    async def _orphan(
        self, run_id: RunId, attempt_id: AttemptId, *, may_have_started: bool | None, is_own: bool = False
    ) -> None:
        """End an attempt. With None its run says whether it may have started, as it is when that is written."""
        now, told, begun = await self._store.now(run_id), "conflict", may_have_started
        while told == "conflict":
            run = await self._store.run(run_id)
            begun = self._may_have_started(run, attempt_id) if may_have_started is None else may_have_started
            event = ToolOrphaned(at=now, attempt_id=attempt_id, may_have_started=begun)
            record = await of_attempt(self._store, run, event)
            told = await self._store.orphan(run_id, attempt_id, event, seq=run.seq, is_own=is_own, record=record)
        if told == "committed":
            self._never_begun.discard(attempt_id)
            log.warning("the owner of an attempt is gone", attempt_id=attempt_id, may_have_started=begun)
            await self._queue.notify(WorkItem("run", run_id))

    def _may_have_started(self, run: Run, attempt_id: AttemptId) -> bool:
        """Return True unless the attempt waits for its turn, or this process never began it."""
        attempt = run.pending.attempt if run.pending else None
        is_queued = attempt is not None and attempt.id == attempt_id and attempt.queued is not None
        return not is_queued and attempt_id not in self._never_begun

    async def _queued(self, run_id: RunId, attempt_id: AttemptId, looked: "_Looked", behind: Holder | None) -> bool:
        """Record behind whom the attempt waits, if that is news; return whether its run still wants it."""
        while True:
            if looked.seq == await self._store.length(run_id) and looked.behind == behind:
                return True
            run = await self._store.run(run_id)
            pending = run.pending
            attempt = pending.attempt if pending and not pending.revoked else None
            is_wanted = not (run.is_cancelled or run.is_paused)
            if attempt is None or attempt.id != attempt_id or attempt.is_stopped or not is_wanted:
                return False
            before = attempt.queued.behind if attempt.queued else None
            if before == (behind.run_id if behind else None):
                looked.seq, looked.behind = run.seq, behind
                return True
            event = ToolQueued(
                at=await self._store.now(run_id),
                attempt_id=attempt_id,
                behind=behind.run_id if behind else None,
                requester=await self._requester_of(behind.run_id) if behind else PersonId(""),
                within_s=self._turns.locks.lease_s if behind and behind.run_id == run_id else 0.0,
            )
            record = await of_attempt(self._store, run, event)
            records, limit = [record] if record else [], MAX_EVENTS_AT_ALL
            noted = Commit(run_id=run_id, events=[event], records=records, expect=run.seq, limit=limit)
            written = await self._store.commit(noted)
            if written.state == "committed":
                log.info("waits for its turn" if behind else "its turn has come", behind=str(behind or ""))
                await self._queue.notify(WorkItem("run", run_id))
            if written.state != "conflict":
                return written.state == "committed"

    async def _requester_of(self, run_id: RunId) -> PersonId:
        """Whoever asked for another run, by its line in lists: its events may be many."""
        [line] = await self._store.lists.summaries_of([run_id])
        run = summary_in(line)
        return run.requester if run else PersonId("")

    async def _renew(self, run_id: RunId, attempt_id: AttemptId) -> None:
        wait_s = self._store.lease_s / 3
        while True:
            await asyncio.sleep(wait_s)
            try:
                await self._store.renew(run_id, attempt_id)
                wait_s = self._store.lease_s / 3
            except StoreError as error:
                log.warning("lease not renewed", error=str(error))
                wait_s = _PAUSE_S


def _error_of(outcome: Outcome | Pending | type[NotStarted] | type[NobodyKnows]) -> str:
    """Return the kind of the error that an execution ended with, without its words; empty where there is none."""
    match outcome:
        case Outcome():
            return "unknown" if outcome.unknown else "tool_error" if outcome.error else ""
        case Pending():
            return ""
        case _:
            return "unknown" if outcome is NobodyKnows else "not_started"


def _already(published: bytes) -> Find:
    async def found(_: AttemptId) -> CommandResult:
        given = Given(**json.loads(published))
        return CommandResult(given.exit_code, given.output, given.is_cut)

    return found


_ERROR_CHARS = 500


def gate_now(agent: Agent, tool: Tool[BaseModel], args: BaseModel) -> str | None:
    """The policy that must approve the call, None for no gate. Raises ToolRefused where the gate does, or can't say."""
    try:
        return _said(tool.gate(args))
    except ToolRefused:
        raise
    except Exception as error:
        log.exception("a gate broke", agent=agent.name, tool=tool.name)
        said = one_line(f"{type(error).__name__}: {error}", _ERROR_CHARS)
        raise ToolRefused(say("agent.gate-broke", tool=tool.name, agent=agent.name, why=said)) from error


def _said(policy: object) -> str | None:
    """Check the value a gate returned; its author need not have had its types checked. Raises TypeError."""
    if policy is None or isinstance(policy, str):
        return policy
    raise TypeError(f"it gave back {type(policy).__name__}, neither a policy's name nor None")


def gate_of(agent: Agent, step: Step) -> str | None:
    """The policy that a chosen step needs; None for no gate. What can't be judged is judged where it is prepared."""
    if not isinstance(step, CallTool) or (tool := agent.tool(step.tool)) is None:
        return None
    try:
        return gate_now(agent, tool, tool.args.model_validate(step.arguments))
    except Exception:  # noqa: BLE001 - before anything is done it is asked again, and refused there
        return None
