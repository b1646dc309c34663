"""The loop: fold, next move, perform, append; return where people or time are waited for."""

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from agents import Agent, Repeats, ToolRefused
from agents.changes import change_of, with_changes
from agents.events import Event, RunEnded, StepGated, StepRefused, ToolStarted
from agents.requests import (
    AttemptId,
    Author,
    AuthoredLine,
    Effect,
    Freeze,
    GatedCall,
    PersonId,
    PolicySnapshot,
    Request,
    RequestId,
    RunId,
    Vote,
)
from agents.requests.record import RequestRecord, after, approval_before, asked_before
from agents.run import PendingStep, Run
from agents.state import Attempt, orphaned_again
from agents.steps import CallTool, RequestHumanInput, Step
from bot.execution.approval_guard import ApprovalGuard, call_of
from bot.execution.executor import Executor, gate_now, gate_of, prepare
from bot.execution.results import poll_result, stop_outside
from bot.execution.tool_context import StepContext
from bot.outbound.notifier import asked_by
from bot.people.directory import People, refs_in
from bot.people.offers import deciders
from bot.people.recognition import doubles_in, with_other_ids
from bot.policy.approvers.who import who_at_first
from bot.policy.recheck import good_until, too_old
from bot.render.edits import changes_between
from bot.render.outcome import said_late
from bot.render.views import line_of
from bot.render.words import reason_given
from bot.requests.decisions import Decisions
from bot.requests.freezes import Found, FrozenRequests
from bot.requests.older import OlderRequests
from bot.requests.opening import (
    NotEnoughApprovers,
    gate_request,
    opening,
    question_request,
    raised_request,
    requesters_of,
    unknown_request,
)
from bot.requests.reassignment.paused import PausedRuns
from bot.requests.standing.uses import StandingUses, with_reasons
from bot.requests.stored import family_of
from bot.runs.append import EventLog, RunSnapshot
from bot.runs.children import Children
from bot.runs.endings import goes_on, summary_of, why_closed, with_what_goes_on
from bot.runs.moves import (
    Ask,
    Check,
    Close,
    End,
    Execute,
    Move,
    Raise,
    Stop,
    Think,
    Wait,
    next_move,
)
from bot.runs.thinking import AfterThought, ModelTurn
from bot.store import Commit, Line, NotReplicated, Once, RecordWrite, StoreError
from bot.store.ids import new_id, shard_of
from bot.store.journal import outbox_entry
from bot.telemetry import waits_that_ended
from language import say

log = structlog.stdlib.get_logger()

# A turn that looks this often at the same event is stuck, and people must hear of it.
_LOOKS = 100
# For a file that is right within seconds, and for 25,000 runs that wait for one.
_SOONEST, _LATEST = timedelta(seconds=2), timedelta(seconds=60)
# Workers of two releases, or with two files, run side by side while they are restarted one after the other.
_ROLLING = timedelta(minutes=10)


class NoPolicy(ToolRefused):
    """The settings do not say who decides: only people change that."""


class Loop:
    """Drives runs. Every turn starts from the events and ends in an append, or in nothing."""

    def __init__(
        self,
        log: EventLog,
        turn: ModelTurn,
        executor: Executor,
        children: Children,
        decisions: Decisions,
        people: People,
        freezes: FrozenRequests,
        standing: StandingUses | None = None,
    ) -> None:
        self._journal, self._store, self._decisions, self._people = log.journal, log.journal.store, decisions, people
        self._log, self._notifier, self._turn, self._budgets = log, log.notifier, turn, turn.budgets
        self._agents, self._executor, self._children = executor.agents, executor, children
        self.guard, self._freezes = ApprovalGuard(decisions, people, freezes, standing), freezes
        self._standing = standing
        self._older, self._paused = OlderRequests(log.journal, decisions, people), PausedRuns(log.journal, people)
        self._moving: dict[RunId, bool] = {}

    async def advance(self, run_id: RunId) -> None:
        """Move a run on until it waits for people, for a tool, for time, or has ended.

        A second call for a run that this process is moving makes the first one look again: thinking twice at once
        would be safe, but a model is paid for each thought.
        """
        if run_id in self._moving:
            self._moving[run_id] = True
            return
        try:
            self._moving[run_id] = True
            while self._moving[run_id]:
                self._moving[run_id] = False
                with self._executor.telemetry.turn(run_id):
                    await self._advance(run_id)
        finally:
            del self._moving[run_id]

    async def _advance(self, run_id: RunId) -> None:
        structlog.contextvars.bind_contextvars(run_id=run_id)
        told, looks, telemetry = None, Counter[int](), self._executor.telemetry
        while True:
            if told and told.is_at_rest:
                return
            told = told or await self._log.read(run_id)
            _name_request(told.run)
            if not looks:
                await self._decisions.sessions.end_after(told.run, told.events)
            for wait in () if looks else waits_that_ended(told.run, told.events):
                telemetry.went_on(wait)
            looks[told.run.seq] += 1
            if looks[told.run.seq] > _LOOKS:
                raise RuntimeError(f"{run_id} does not move on from event {told.run.seq}")
            await self._show(told)
            move = next_move(told.run, told.now)
            if isinstance(move, Think) and (day := await self._budgets.day(told.run, told.now)):
                move = next_move(told.run, told.now, day)
            if isinstance(move, Stop):
                await self._children.notify_parent(told.run, told.events)
                await self._tell_afterwards(told)
            if isinstance(move, Wait) and told.run.is_paused:
                await self._check_joined(told.run, move)
                await self._tell_in_pause(told)
            if isinstance(move, Wait | Stop):
                if await self._settle(told.run, move.until if isinstance(move, Wait) else None):
                    return
                told = None
            elif isinstance(move, Execute) and move.pending.attempt and not self._knows_half(told.run):
                with self._speaking_to_requester(told.run):
                    until = await self._executor.look_after(told.run, move.pending, move.pending.attempt)
                if until and await self._settle(told.run, until):
                    return
                told = None
            elif self._waits_for_file(told.run, move) or self._is_left_to_others(told, move):
                if await self._settle(told.run, told.now + self._looks_again(told)):
                    return
                told = None
            else:
                await self._check_joined(told.run, move)
                told = await self._perform(move, told)

    def _waits_for_file(self, run: Run, move: Move) -> bool:
        """Return whether a move might end for good what a file that is only half taken takes away: who is asked, whose
        approval counts, for whom a run acts, and by which agent; or do what they said no to meanwhile. Only what people
        said themselves goes on.
        """
        if run.started is None or not self._people.holds_tools or isinstance(move, Close):
            return False
        if not self._people.half_taken:
            return isinstance(move, Execute)
        if isinstance(move, End) and move.outcome == "cancelled":
            return False
        if self._knows_half(run):
            return True
        if isinstance(move, Check):
            return False
        is_gated = isinstance(move, Execute) and move.pending.gate is not None
        return is_gated or isinstance(move, Ask) or self._people.is_missing(run.started.requester)

    def _knows_half(self, run: Run) -> bool:
        """Return whether this process started on a file that is half taken, and never read what that may have lost: it
        would think and act by half of it, and give up on a command that runs.
        """
        is_known = run.started is None or run.started.agent in self._agents
        return bool(self._people.half_taken) and (not is_known or bool(self._people.unknown_guards))

    async def _check_joined(self, run: Run, move: Move) -> None:
        """Raise WaitsForFile where a newer file than ours names whom a run acts for, or who voted: by ours they would
        have left. Only what people said themselves goes on.
        """
        is_said = isinstance(move, Close | Check) or (isinstance(move, End) and move.outcome == "cancelled")
        if run.started and not is_said:
            named = {run.started.requester, *run.voters}
            await self._decisions.check_joined(one for one in named if not self._people.is_here(one))

    def _is_left_to_others(self, told: RunSnapshot, move: Move) -> bool:
        """Return whether a worker of another release may know the agent of a run that this one does not know."""
        if told.run.started is None or told.run.started.agent in self._agents or isinstance(move, Close | End):
            return False
        return told.now < told.events[-1].at + _ROLLING

    def _looks_again(self, told: RunSnapshot) -> timedelta:
        """Return how long a run waits for a file, or another worker: the longer, the less often it looks."""
        waited = told.now - told.events[-1].at if told.events else _SOONEST
        return min(max(waited / 2, _SOONEST), _LATEST)

    async def _show(self, told: RunSnapshot) -> None:
        """Have shown what is new about the run; a crash before this leaves the run awake, and whoever looks at it next
        has it shown.
        """
        if news := self._notifier.news(told.run, told.now):
            if news.outgoing:
                await self._journal.write(Commit(run_id=told.run.id, outgoing=news.outgoing))
            self._notifier.shown(news)

    async def _tell_afterwards(self, told: RunSnapshot) -> None:
        """Have what came of an effect told, once, to all who heard of the end of its run, where it came after that."""
        run = told.run
        if run.heard_after and said_late(run):
            once = Once(run.id, f"heard {len(run.heard_after)} {run.ended and run.ended.change}", b"")
            outgoing = self._notifier.outcome(run, told.now)
            await self._journal.write(Commit(run_id=run.id, once=once, outgoing=outgoing))

    async def _tell_in_pause(self, told: RunSnapshot) -> None:
        """Have whoever asked for a paused run told, each once, what became of it meanwhile, and the operators, where
        nobody who asked is left.
        """
        await self._paused.tell_of([told.run])
        for what, outgoing in self._notifier.in_pause(told.run, told.now).items():
            once = Once(told.run.id, what, b"")
            await self._journal.write(Commit(run_id=told.run.id, once=once, outgoing=outgoing))

    def _speaking_to_requester(self, run: Run) -> AbstractContextManager[None]:
        """Speak to whoever is told how a step of `run` ended; what others read as well is worded outside of this."""
        return self._people.speaking_to(run.started.requester if run.started else "")

    async def _settle(self, run: Run, until: datetime | None) -> bool:
        return await self._store.settle(run.id, run.seq, until, line_of(run))

    async def _perform(
        self, move: Think | Execute | Check | Ask | Raise | Close | End, told: RunSnapshot
    ) -> RunSnapshot | None:
        """Do it. What was appended is known without reading it back; None means: read again."""
        run, now = told.run, told.now
        agent = self._agents.get(run.started.agent) if run.started else None
        if agent is None and not isinstance(move, Close | End):
            move = End("failed", "no_agent")
        match move:
            case Think() if agent:
                if run.facts is None and (late := await self._children.began_too_late(run, told.events)):
                    return await self._log.append(told, [late])
                with self._speaking_to_requester(run):
                    return await self._turn.think(agent, told, self._after(agent))
            case Ask() if agent:
                return await self._ask(agent, told, move)
            case Raise(why):
                day = await self._budgets.day(run, now) if why == "day" else None
                if why == "day" and (day is None or not day.is_over):
                    return None  # another run's answer has extended it since
                with self._speaking_to_requester(run):
                    question = self._budgets.question(run, told.events, why, day, now)
                return await self._log.append(told, [question])
            case Execute(pending) if agent and isinstance(pending.step, CallTool):
                return await self._execute(agent, told, pending, pending.step)
            case Check(pending) if agent and pending.waits:
                hands = StepContext(run, pending.id, now, self._children, report=pending.waits.report)
                with self._speaking_to_requester(run):
                    event, files = await poll_result(agent, pending, hands, self._executor.mask)
                return await self._log.append(told, [event], files)
            case Close():
                with self._speaking_to_requester(run):
                    why = why_closed(move, run)
                state = "withdrawn" if move.request_id == run.open else "superseded"
                await self._decisions.close(move.request_id, state, why)
                return None
            case End():
                with self._speaking_to_requester(run):
                    asked = await stop_outside(agent, run.pending) if move.outcome == "cancelled" else ""
                    below = await self._children.stop_all(run)
                    left = [*filter(None, [asked or goes_on(run)]), *below.goes_on]
                    said = with_what_goes_on(summary_of(move, run, self._people), left)
                change = change_of(agent, with_changes(run, below.changes))
                end = RunEnded(at=now, outcome=move.outcome, summary=said, change=change)
                return await self._log.append(told, [end])
            case _:
                raise AssertionError(f"{move} needs an agent and a tool call")

    def _after(self, agent: Agent) -> AfterThought:
        """What is done with a thought of `agent` in the very append that records it."""

        async def start(told: RunSnapshot, thought: Sequence[Event], pending: PendingStep) -> RunSnapshot | None:
            if not isinstance(pending.step, CallTool):
                raise TypeError(f"{pending.id} starts no effect")
            if self._waits_for_file(told.run, Execute(pending)):
                return await self._log.append(told, thought)
            return await self._execute(agent, told, pending, pending.step, thought)

        return AfterThought(lambda then: self._question(agent, then), start)

    async def _question(self, agent: Agent, then: RunSnapshot) -> Commit | None:
        """What opens the question that was chosen last; None for any other step, and for a question that is refused."""
        match next_move(then.run, then.now):
            case Ask(purpose="question") as ask if not self._waits_for_file(then.run, ask):
                with self._people.speaking_to(""):
                    return await self._opening_of(agent, then, ask)
            case _:
                return None

    async def _opening_of(self, agent: Agent, then: RunSnapshot, ask: Ask) -> Commit | None:
        try:
            request = await self.request(agent, then.run, ask, then.now)
        except ToolRefused:  # the next turn says so
            return None
        return None if isinstance(request, NotEnoughApprovers) else await self._opening(request, then.run)

    async def _opening(self, request: Request, run: Run, repeats: Repeats | None = None) -> Commit:
        frozen = await self.frozen(request, run)
        freeze = frozen and frozen.freeze
        looked = await self._standing.look(request, run, repeats) if self._standing else None
        if self._standing and looked and looked.decision:
            commit = self._standing.opening(request, looked.decision, run.seq, freeze)
        else:
            self._executor.telemetry.asked(run.id, request.id)
            log.debug("asking", request_id=request.id, decision=request.purpose, digest=request.digest)
            commit = await self.asking(with_reasons(request, looked.why if looked else ()), run, run.seq, freeze)
        return self.with_freeze(commit, request, run, frozen)

    async def opening_of_program(self, request: Request, run: Run) -> Commit:
        """Return what opens the request of a program, of whose run nothing is written yet; in its session people may
        have allowed it before.
        """
        frozen = await self.frozen(request, run)
        freeze = frozen and frozen.freeze
        decision = await self._standing.in_session(request) if self._standing else None
        if self._standing and decision:
            commit = self._standing.opening(request, decision, 0, freeze)
        else:
            commit = await self.asking(request, run, 0, freeze)
        return self.with_freeze(commit, request, run, frozen)

    async def frozen(self, request: Request, run: Run) -> Found | None:
        """Return what freezes the call that `request` asks to be approved; None for a question.

        Raises WaitsForFile as `NotedTables.check_frozen` does: nobody would take back what the card says of that.
        """
        if request.call is None or request.purpose != "gate":
            return None
        found = await self.guard.frozen(run, request.call)
        await self._decisions.noted.check_frozen(found.freeze, self._people)
        return found

    def with_freeze(self, commit: Commit, request: Request, run: Run, frozen: Found | None) -> Commit:
        """Return `commit`, which opens `request`, with a word to the requester where it is frozen.

        Those who are told of a change of that are told once: what is opened by what stood before it would not hear.
        """
        if frozen is None:
            return commit
        told = self._freezes.told(request, run, frozen.freeze, request.opened_at) if frozen.freeze else []
        return replace(commit, outgoing=[*commit.outgoing, *map(outbox_entry, told)], frozen=frozen.number)

    async def asking(self, asked: Request, run: Run, expect: int, freeze: Freeze | None) -> Commit:
        """Return the commit that opens `asked` where `expect` events are written; those who stand in are asked at once.

        `run` is the run as it is then: of a run that a program begins, nothing is written yet.
        """
        delegation, said = self._decisions.delegation, asked_before(run.requests, asked)
        record = RequestRecord(request=asked, comments=said)
        absent = await delegation.stood_in(record, asked.opened_at, run)
        commit = opening(asked, self._people, expect, freeze, absent, said)
        told = delegation.told_of(after(record, absent), absent, asked.opened_at)
        return replace(commit, outgoing=[*commit.outgoing, *told]) if told else commit

    async def _refuse(
        self,
        told: RunSnapshot,
        pending: PendingStep,
        why: str,
        thought: Sequence[Event] = (),
        *,
        unapproved: bool = False,
    ) -> RunSnapshot | None:
        if pending.gate or isinstance(pending.step, RequestHumanInput):
            await self._decisions.noted.check_policy(pending.gate or "", self._people)
        refused = [StepRefused(at=told.now, step_id=pending.id, error=why, unapproved=unapproved)]
        return await self._log.append(told, [*thought, *(orphaned_again(told.run.pending, told.now) or refused)])

    async def _ask(self, agent: Agent, told: RunSnapshot, ask: Ask) -> RunSnapshot | None:
        run, now = told.run, told.now
        gate = gate_of(agent, ask.pending.step) if ask.purpose == "gate" else None
        if gate is not None and gate != ask.pending.gate:  # the settings may not know the one before any more
            return await self._gated_by(gate, told, ask.pending, ())
        try:
            request = await self.request(agent, run, ask, now)
        except ToolRefused as error:
            if self._people.half_taken:
                return None
            return await self._refuse(told, ask.pending, str(error), unapproved=isinstance(error, NoPolicy))
        if self._people.half_taken:  # since it was looked at
            return None
        if isinstance(request, NotEnoughApprovers):
            with self._speaking_to_requester(run):
                why = request.why
            return await self._refuse(told, ask.pending, why, unapproved=True)
        tool = agent.tool(ask.pending.step.tool) if isinstance(ask.pending.step, CallTool) else None
        supersedes = ask.purpose == "gate" and tool is not None and tool.supersedes
        if supersedes:  # first, so that a crash leaves the older one closed and this run still to ask
            await self._older.supersede(request)
        commit = await self._opening(request, run, tool.repeats if tool else None)
        if ask.purpose == "gate" and (before := approval_before(run.requests, ask.pending.id)):
            # Its cards were drawn when it was closed, before there was a request that they could name.
            commit = replace(commit, outgoing=[*commit.outgoing, *self._notifier.redrawn(before, now)])
        if ask.purpose == "unknown":
            commit = self._notifier.with_unknown(commit, run, request, now)
        opened = await self._log.write(told, commit)
        if supersedes and opened:  # whoever asked at the same moment did not see this one
            await self._older.supersede(request)
        return opened

    async def request(self, agent: Agent, run: Run, ask: Ask, now: datetime) -> Request | NotEnoughApprovers:
        """The request that `ask` opens; nothing is written. Raises ToolRefused."""
        pending = ask.pending
        if pending.raised:
            await self._people.look_up(self._people.tables.alerts)
            policy = self._notifier.go_on_policy(run, pending.raised.why, now)
            with self._speaking_to_requester(run):
                return raised_request(run, pending, pending.raised, policy, now)
        if ask.purpose == "question":
            with self._speaking_to_requester(run):
                _check_may_ask(agent, pending.step)
            await self._people.look_up(asked_by(run))
            policy = self._notifier.question_policy(run, now)
            if not who_at_first(policy, ()).seated:
                with self._speaking_to_requester(run):
                    raise ToolRefused(say("run.have-left"))
            return question_request(run, pending, policy, now, self._people.name_of)
        if not isinstance(pending.step, CallTool):
            raise TypeError(f"{ask.purpose} is about a tool call")
        if ask.purpose == "unknown":
            return await self._unknown(run, pending, title_of(agent, pending.step), now)
        policy = await self._policy(run, pending.gate or "", now)
        with self._speaking_to_requester(run):
            tool, args, effect = await prepare(agent, run, pending.step)
        call = call_of(tool, args, effect)
        if tool.supersedes and (why := await self._overtaken(run, call)):
            raise ToolRefused(why)
        known = with_other_ids(run, self._people)
        title, doubles = question_of(agent, pending.step, effect), doubles_in(who_at_first(policy, ()), self._people)
        no_way = self._people.without_way(policy)
        request = gate_request(known, pending, title, call, policy, now, doubles, self._people.name_of, no_way)
        if isinstance(request, Request) and pending.replaced:
            request = request.model_copy(update={"changes": _changes(pending.replaced, call)})
        if isinstance(request, Request) and (before := approval_before(run.requests, pending.id)):
            request = request.model_copy(update={"moved": _moved(before.request, call)})
        if isinstance(request, Request) and (denied := _denied(run, pending, call, self._people)):
            request = request.model_copy(update={"changes": (*request.changes, *denied)})
        if isinstance(request, NotEnoughApprovers):
            return replace(request, nobody=self._people.without_anybody(policy.name, now))
        return request

    async def _overtaken(self, run: Run, call: GatedCall) -> str:
        """Return why `run`, and what belongs to it, does not ask again for a place that others have asked for since, or
        both would go on for ever; empty where nobody has.
        """
        family = [one async for one in family_of(self._store, run.started.root)] if run.started else []
        own = {one.id for one in family}
        for record in (record for one in family for record in one.requests.values()):
            was, decision = record.request.call, record.decision
            is_place = was and (was.tool, was.effect.environment) == (call.tool, call.effect.environment)
            if is_place and decision and decision.newer_run and decision.newer_run not in own:
                return decision.reason
        return ""

    async def _unknown(self, run: Run, pending: PendingStep, title: str, now: datetime) -> Request | NotEnoughApprovers:
        """Return the question what became of an effect, to the nearest of whom somebody is here whose word counts."""
        record = run.requests[pending.request.id] if pending.request else None
        rules = record.asked.rules if record else ()
        await self._people.look_up((*(ref for rule in rules for ref in refs_in(rule)), *self._people.tables.alerts))
        if record:
            await self._people.look_up_policy(record.request.policy.name)
        policies = self._notifier.unknown_policies(run, record, now)
        made = [unknown_request(run, pending, title, one, now) for one in policies]
        heard = (one for one in made if isinstance(one, Request) and deciders(RequestRecord(request=one), self._people))
        return next(heard, made[0])

    async def _policy(self, run: Run, name: str, now: datetime) -> PolicySnapshot:
        """Return the policy as it stands now. Raises NoPolicy where it is not there, or not all of it is known."""
        await self._people.look_up_policy(name)
        policy = self._people.snapshot(name, now)
        with self._speaking_to_requester(run):
            if policy is None:
                raise NoPolicy(say("run.no-policy", policy=name))
            if problems := self._people.problems(name):
                raise NoPolicy(say("run.unresolved-policy", policy=name, why="; ".join(problems)))
        return policy

    async def _execute(
        self, agent: Agent, told: RunSnapshot, pending: PendingStep, step: CallTool, thought: Sequence[Event] = ()
    ) -> RunSnapshot | None:
        """Record an attempt and make the effect, if the approval covers exactly what would be done now.

        The `thought` that chose the step is recorded with it, where it was not before.
        """
        called = agent.tool(step.tool)
        # Also what nobody approves may go on by what came after a stop: an answer here or above, or a resumption.
        may_overtake = pending.request or (called and called.changes_world)
        # What was written to the run keeps a thought that is not recorded yet, and was paid for, from starting.
        if may_overtake and not told.is_heard and await self._journal.queue.hear_first() and not thought:
            return replace(await self._log.read(told.run.id), is_heard=True)
        run, now = told.then(thought).run, told.now
        try:
            with self._speaking_to_requester(run):
                tool, args, effect = await prepare(agent, run, step)
                gate = gate_now(agent, tool, args)
        except ToolRefused as error:
            return await self._refuse(told, pending, str(error), thought)
        if gate is not None and gate != pending.gate:
            if earlier := orphaned_again(run.pending, now):
                return await self._log.append(told, [*thought, *earlier])
            return await self._gated_by(gate, told, pending, thought)
        if tool.begun_outside and pending.request:
            return await self._wait_for_program(told, pending, pending.request.id, call_of(tool, args, effect))
        attempt_id = AttemptId(new_id("attempt", shard_of(run.id)))
        started = ToolStarted(
            at=now,
            step_id=pending.id,
            attempt_id=attempt_id,
            tool=tool.name,
            effect=effect,
            request_id=pending.request.id if pending.request else None,
            idempotent=tool.idempotent,
            host=self._executor.host,
            changes=tool.changes_world,
        )
        record = cover = None
        if pending.gate is not None:
            call = call_of(tool, args, effect)
            found = await self.guard.frozen(run, call)
            if found.freeze and pending.request:
                return await self._frozen(told, pending.request.id, found.freeze, found.number)
            if tool.supersedes and pending.request:  # whoever asked at the same moment may not have seen this one
                await self._older.supersede(pending.request)
            record = await self.guard.approved(run, call, started, found.number)
            if record is None:
                return None
            if record == "ask what happened":
                return await self._log.append(told, orphaned_again(run.pending, now))
            cover = self.guard.cover(agent, run, step, started, record)
            if await self.guard.holds_tools():  # since it was looked at
                return None
        then = told.then([*thought, started])
        if await self._start(told, thought, started, record, line_of(then.run)):
            attempt = Attempt(attempt_id, now, self._executor.host, tool.idempotent, effect)
            with self._speaking_to_requester(run):
                self._executor.begin(run, pending, tool, args, attempt, cover)
            await self._show(then)
            return replace(then, is_at_rest=True)
        return None

    async def _gated_by(
        self, gate: str, told: RunSnapshot, pending: PendingStep, thought: Sequence[Event]
    ) -> RunSnapshot | None:
        """Put another policy before a step. An approval under the one before is closed with that: a no to it counts for
        what is asked anew.
        """
        gated = StepGated(at=told.now, step_id=pending.id, gate=gate)
        if pending.request is None:
            return await self._log.append(told, [*thought, gated])
        record, version, now = await self._decisions.request(pending.request.id)
        await self._decisions.supersede(record, version, say("run.policy-is-now", policy=gate), now, [gated])
        return None

    async def _wait_for_program(
        self, told: RunSnapshot, pending: PendingStep, request_id: RequestId, call: GatedCall
    ) -> RunSnapshot | None:
        """Have an approved step wait until the program that asked begins it, as long as it may; None to look again."""
        run = told.run
        record, _, now = await self._decisions.request(request_id)
        if record.stopped and await self.guard.taken_back(request_id):
            return None
        found = await self.guard.frozen(run, call)
        if found.freeze and not too_old(record, now):
            return await self._frozen(told, request_id, found.freeze, found.number, at_most=good_until(record))
        if why := await self.guard.why_not(run, record, call, now):
            if self._people.half_taken:  # whoever approved it may be here again
                return None
            log.warning("not begun", request_id=request_id, reason=why)
            return await self._refuse(told, pending, why, unapproved=True)
        if pending.frozen:
            await self._freezes.note(request_id, None)
            return None
        is_at_rest = await self._settle(run, self.guard.good_until(record, call, now))
        return replace(told, is_at_rest=True) if is_at_rest else None

    async def _frozen(
        self, told: RunSnapshot, request_id: RequestId, freeze: Freeze, number: int, *, at_most: datetime | None = None
    ) -> RunSnapshot | None:
        """Have an approved step wait for the end of a freeze, which is told first; None to look again.

        It looks again `at_most` then, whether that has ended or not. Raises WaitsForFile where a newer file than ours
        may have the window no more: what waits for its end would not hear of that.
        """
        run = told.run
        if await self.guard.taken_back(request_id):
            return None
        await self._decisions.noted.check_frozen(freeze, self._people)
        if run.pending is None or run.pending.frozen != freeze.at_first():
            await self._freezes.note(request_id, freeze)
            return None
        until = min(filter(None, (freeze.until, at_most)), default=None)
        is_at_rest = await self._store.settle(run.id, run.seq, until, line_of(run), waits=request_id, frozen=number)
        return replace(told, is_at_rest=True) if is_at_rest else None

    async def _start(
        self,
        told: RunSnapshot,
        thought: Sequence[Event],
        started: ToolStarted,
        record: RecordWrite | None,
        line: Line | None,
    ) -> bool:
        """Record the start of an attempt; False when something has changed. Raises NotReplicated."""
        run_id, attempt_id = told.run.id, started.attempt_id
        if not await self._store.is_replicated(run_id):
            if thought:  # a model was paid for it
                await self._log.append(told, [*thought])
            raise NotReplicated
        try:
            start = await self._store.start_tool(run_id, told.run.seq, attempt_id, started, record, line, thought)
        except StoreError:  # it may be recorded all the same
            self._executor.never_begin(attempt_id)
            raise
        if start.state == "unconfirmed":
            self._executor.never_begin(attempt_id)
            await self._executor.take_back(run_id, attempt_id)
            raise NotReplicated
        return start.state == "started"


def _check_may_ask(agent: Agent, step: Step) -> None:
    """Raise ToolRefused for a question to people whom the settings do not let it ask."""
    to = step.to if isinstance(step, RequestHumanInput) else ()
    if others := [one for one in to if one not in agent.asks]:
        who = ", ".join(agent.asks) or say("agent.asks-requester-only")
        raise ToolRefused(say("agent.may-not-ask", agent=agent.name, others=", ".join(others), who=who))


def title_of(agent: Agent, step: CallTool) -> str:
    """Return the name of the call on cards: the tool's own wording of its checked arguments, else its name."""
    tool = agent.tool(step.tool)
    if tool is None or tool.title is None:
        return f"{step.tool}?"
    try:
        return f"{tool.title(tool.args.model_validate(step.arguments))}?"
    except Exception as error:  # noqa: BLE001 - the wording is the tool's own, and the arguments stand on the card
        log.warning("no title", agent=agent.name, tool=tool.name, error=f"{type(error).__name__}: {error}")
        return f"{step.tool}?"


def question_of(agent: Agent, step: CallTool, effect: Effect) -> str:
    """Return the title of the card that asks for exactly this effect."""
    tool = agent.tool(step.tool)
    if tool is None or tool.question is None:
        return title_of(agent, step)
    try:
        return f"{tool.question(tool.args.model_validate(step.arguments), effect)}?"
    except Exception as error:  # noqa: BLE001 - the wording is the tool's own, and the effect stands on the card
        log.warning("no question", agent=agent.name, tool=tool.name, error=f"{type(error).__name__}: {error}")
        return title_of(agent, step)


def _changes(replaced: tuple[Request, str], call: GatedCall) -> tuple[AuthoredLine, ...]:
    old, why = replaced
    changed = changes_between(old.call, call) if old.call else ()
    return tuple(AuthoredLine(text=text, by=()) for text in (say("run.earlier-approval", why=why), *changed))


def _moved(old: Request, new: GatedCall) -> dict[str, str]:
    """Return what versions meant, by their names, that mean something else in `new` than in `old`, or before that."""
    was, now = old.call.effect.versions if old.call else {}, new.effect.versions
    changed = {name: was[name] for name, meant in now.items() if was.get(name, meant) != meant}
    return {name: meant for name, meant in (old.moved | changed).items() if name in now}


def _denied(run: Run, pending: PendingStep, call: GatedCall, people: People) -> tuple[AuthoredLine, ...]:
    """Return who denied a call for the same in `run`, or withdrew it, and why: a model may choose it again, and people
    are asked, whatever standing approval there is. So they are of what was denied too late, and did not happen.
    """
    said_no = (one for one in run.results if one.is_no)
    nos = [one for one in said_no if one.step == pending.step or (one.call and one.call.is_for_same(call))]
    earlier = [(one.kind, _who_objected(run, one.by), one.text) for one in nos]
    late = [one for one in run.requests.values() if one.request.step_id == pending.id and one.stopped]
    earlier += [("revoked", _said_no(one.request, one.stopped), one.stopped.reason) for one in late if one.stopped]
    asked = {*requesters_of(run)}

    def said(kind: str, by: Sequence[PersonId]) -> str:
        # The no of whoever asked takes back what was approved as well.
        is_withdrawn = kind == "withdrawn" or (kind == "revoked" and asked.issuperset(by))
        return say("run.withdrawn-before" if is_withdrawn else "run.denied-before", names=people.names_of(by))

    def told(kind: str, by: tuple[Author, ...], why: str) -> AuthoredLine:
        names = said(kind, tuple(dict.fromkeys(one.person for one in by)))
        reason = reason_given(why)
        return AuthoredLine(text=f"{names} {reason}".rstrip(), by=by if reason else ())

    return tuple(told(kind, by, why) for kind, by, why in earlier if by)


def _said_no(request: Request, vote: Vote) -> tuple[Author, ...]:
    # By an older card they may have said no to another call.
    call = request.call if vote.binding.digest == request.digest else None
    return (Author(person=vote.person, part="objected", no_to=call.sha256 if call else ""),)


def _who_objected(run: Run, people: Sequence[PersonId]) -> tuple[Author, ...]:
    """Return `people` by what they said no to before this step was chosen, which was read then."""
    read = [one for one in run.read_by if one.part == "objected" and one.person in people]
    unread = (Author(person=one, part="objected") for one in people if all(one != each.person for each in read))
    return (*read, *unread)


def _name_request(run: Run) -> None:
    """From now on what is logged of `run` carries the request that its next step is about."""
    request = run.pending.request if run.pending else None
    structlog.contextvars.unbind_contextvars("request_id")
    if request:
        structlog.contextvars.bind_contextvars(request_id=request.id)
