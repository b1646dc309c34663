"""Choosing the next step: the model where there is one, the agent's plain rules where there is none."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from agents import Agent, no_facts
from agents.changes import change_of, changed_in, is_unfounded, may_be_called
from agents.context import BUDGET_TOKENS, render
from agents.context.pruning import authors
from agents.deploy.results import is_not_seen, is_out_of_sight, live_already, serves_another
from agents.events import (
    ContextFetched,
    Event,
    PersonSaid,
    RequestDecided,
    RunEnded,
    StepChosen,
    StepFailed,
    StepRefused,
    ThoughtDropped,
)
from agents.model.failures import after, is_for_operators, is_worth_waiting, retry_delay_s
from agents.model.protocol import Chosen, Failed, Model
from agents.model.rules import Rules
from agents.requests import Author, Fact, RunId, StepId
from agents.run import PendingStep, Run, fold
from agents.steps import CallTool, Done, ModelCall, Step, asked_name, is_by_model
from bot.execution.executor import gate_of
from bot.render.cards import Words
from bot.render.words import failure_name
from bot.runs.append import EventLog, RunSnapshot
from bot.runs.budgets import Budgets
from bot.runs.moves import Execute, Think, next_move
from bot.store import Commit
from bot.store.ids import new_id, shard_of
from language import say
from language.lists import either
from language.recorded import trouble_of

log = structlog.stdlib.get_logger()

_PREFETCH_S = 20.0
_TEXT_CHARS = 32_768


Noted = Callable[[Agent, Run, Chosen | Failed, datetime], Awaitable[None]]


class Thinker:
    """Chooses steps for every agent. `models` are by agent name; an agent without one rehearses.

    `noted` hears of each call of a model.
    """

    def __init__(self, models: Mapping[str, Model], noted: Noted | None = None) -> None:
        self._models, self._rules, self._noted = models, Rules(), noted

    async def think(self, agent: Agent, run: Run, events: Sequence[Event], now: datetime) -> list[Event]:
        """The events of one thought: what was looked up, and the step or why there is none."""
        found: list[Event] = []
        if run.facts is None:
            found.append(await self.look_up(agent, run, now))
            run, events = fold(found, run), [*events, *found]
        return [*found, *await self._choose(agent, run, events, now)]

    async def look_up(self, agent: Agent, run: Run, now: datetime) -> ContextFetched:
        """Look up what the agent nearly always needs before its first step."""
        return ContextFetched(at=now, facts=await _prefetch(agent, run))

    def asks_a_model(self, agent: Agent, run: Run) -> bool:
        """Return whether the next step is for a model to choose, and not for plain rules."""
        return (
            agent.name in self._models
            and not run.rules_only
            and after([failure.kind for failure in run.failures]) == "model"
        )

    async def _choose(self, agent: Agent, run: Run, events: Sequence[Event], now: datetime) -> list[Event]:
        # Plain rules read the run, which holds what a model is shown of it. Of a long story that takes a while.
        known = dict.fromkeys(run.read_by)
        read_by = tuple(one for one in await asyncio.to_thread(authors, events) if one not in known)
        began = time.monotonic()
        if self.asks_a_model(agent, run):
            chosen = await self._models[agent.name].choose(agent, run, events)
            if self._noted:
                await self._noted(agent, run, chosen, now)
            if isinstance(chosen, Chosen):
                chosen = replace(chosen, step=completed(agent, run, chosen.step))
        else:
            chosen = await self._rules.choose(agent, run, events)
        _log(agent, run, chosen, time.monotonic() - began)
        if isinstance(chosen, Failed):
            return [_failed(run, chosen, now)]
        event = _chosen(agent, run, chosen, now, read_by)
        match chosen:
            case Chosen(step=Done() as done):
                return await self._ending(agent, run, chosen, event, done, now)
            case Chosen(step=CallTool() as step) if _is_model(agent, chosen) and (
                live := _repeated(run, events, step, now)
            ):
                why = say("deploy.live-already", version=live, environment=step.arguments["environment"])
                return [event, StepRefused(at=now, step_id=event.step_id, error=why)]
            case Chosen():
                return [event]

    async def _ending(
        self, agent: Agent, run: Run, chosen: Chosen, event: StepChosen, done: Done, now: datetime
    ) -> list[Event]:
        """End the run. A model's word that a wish is fulfilled is refused once, where no tool has done what it takes.

        Where it stands all the same, it is told beside what code finds to be so by then. What the run has seen live is
        looked up once more where it may be so no longer.
        """
        words_of = "model" if _is_model(agent, chosen) else "code"
        events: list[Event] = [event]
        is_false = words_of == "model" and is_unfounded(agent, run, done)
        if agent.prefetch is not no_facts and (is_false or is_out_of_sight(run, now)):
            events.append(await self.look_up(agent, run, now))
        if is_false:
            tools = may_be_called(agent, run)
            if tools and not run.end_refused and not fold(events, run).budget.reached:
                why = say("run.not-done", tools=either(tools))
                return [*events, StepRefused(at=now, step_id=event.step_id, error=why)]
        now_run, summary = fold(events, run), done.summary[:_TEXT_CHARS]
        change = change_of(agent, now_run, by_rules=words_of == "code")
        if words_of == "model" and change == "changed" and serves_another(now_run, now):
            change = "partly" if len(changed_in(run)) > 1 else "failed"
        elif words_of == "model" and change == "changed" and is_not_seen(now_run, now):
            change = "unknown"
        end = RunEnded(
            at=now,
            outcome=done.outcome,
            summary=summary,
            words_of=words_of,
            change=change,
            says_live=done.says_live if words_of == "code" else {},
        )
        return [*events, end]


def completed(agent: Agent, run: Run, step: Step) -> Step:
    """The step that is taken for one that a model chose."""
    try:
        return agent.completes(run, step)
    except Exception:
        log.exception("the agent could not complete a step", agent=agent.name)
        return step


async def _prefetch(agent: Agent, run: Run) -> tuple[Fact, ...]:
    """Return what the agent nearly always needs; a look-up that breaks is a fact like any other."""
    try:
        async with asyncio.timeout(_PREFETCH_S):
            return await agent.prefetch(run)
    except Exception as error:
        log.exception("prefetch failed", agent=agent.name)
        return (Fact(label="prefetch failed", text=f"{type(error).__name__}: {error}"[:500]),)


def _chosen(agent: Agent, run: Run, chosen: Chosen, now: datetime, read_by: tuple[Author, ...]) -> StepChosen:
    step = chosen.step
    step_id = StepId(new_id("step", shard_of(run.id)))
    gate = gate_of(agent, step)
    return StepChosen(at=now, step_id=step_id, step=step, gate=gate, call=chosen.call, read_by=read_by)


def _repeated(run: Run, events: Sequence[Event], step: CallTool, now: datetime) -> str:
    """Return what is live already where a model calls for it once more; empty where somebody may have wished that."""
    heard = (event.at for event in events if isinstance(event, PersonSaid | RequestDecided))
    return live_already(run, step, now, max(heard, default=None))


def _is_model(agent: Agent, chosen: Chosen) -> bool:
    """Return whether a model chose, and no rules."""
    return bool(agent.prompt) and is_by_model(chosen.call)


def _failed(run: Run, failed: Failed, now: datetime) -> StepFailed:
    retry_at = None
    # Plain rules and people have nothing to wait for.
    is_asked_again = after([*(failure.kind for failure in run.failures), failed.kind]) == "model"
    if is_asked_again and is_worth_waiting(failed.kind):
        wait_s = failed.retry_after_s or retry_delay_s(len(run.failures) + 1)
        retry_at = now + timedelta(seconds=wait_s)
    return StepFailed(
        at=now,
        kind=failed.kind,
        detail=failed.detail,
        retry_at=retry_at,
        call=failed.call,
        fallback=failed.fallback,
    )


def _log(agent: Agent, run: Run, chosen: Chosen | Failed, latency_s: float) -> None:
    """One line for each decision: what it was, of what, and at what price."""
    call = chosen.call
    decision = chosen.step.type if isinstance(chosen, Chosen) else f"failed: {chosen.kind}"
    level = log.debug
    if isinstance(chosen, Failed):
        level = log.warning if is_worth_waiting(chosen.kind) else log.error
    level(
        "step",
        agent=agent.name,
        run=run.id,
        run_id=run.id,  # as every other line of a run has it
        step=run.steps + 1,
        decision=decision,
        tool=chosen.step.tool if isinstance(chosen, Chosen) and isinstance(chosen.step, CallTool) else "",
        confidence=call.confidence,
        model=call.model,
        prompt=call.prompt,
        input_hash=call.input_hash,
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        cost_usd=call.cost_usd,
        latency_s=round(latency_s, 3),
    )


# Tells the operators, each in their own words: near which id, and what.
Alert = Callable[[str, Words], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class AfterThought:
    """What follows from a thought, and is appended with it: it `opens` a request, or `starts` the effect of a step."""

    opens: Callable[[RunSnapshot], Awaitable[Commit | None]]
    starts: Callable[[RunSnapshot, Sequence[Event], PendingStep], Awaitable[RunSnapshot | None]]


# Each loss of the race is an event of somebody else's.
_TRIES = 100
# One bad key fails every step of every run; one mail an hour says it, of each model.
_ALERT_AGAIN_S = 3600.0


class ModelTurn:
    """Has the next step chosen and appended, and everything counted that it cost."""

    def __init__(self, log: EventLog, thinker: Thinker, budgets: Budgets, alert: Alert) -> None:
        self._store, self._log, self._thinker = log.journal.store, log, thinker
        self.budgets, self._alert = budgets, alert

    async def think(self, agent: Agent, told: RunSnapshot, follows: AfterThought) -> RunSnapshot | None:
        """The run with one thought more, and with what follows from it; None: read again.

        Where something else came first, and the model would be shown the very same, the thought holds all the same.
        Else it is dropped, and what it cost is written down.
        """
        run = told.run
        if run.facts is None and self._thinker.asks_a_model(agent, run):
            # Of its own: under another number it would not be what the model was shown.
            return await self._log.append(told, [await self._thinker.look_up(agent, run, told.now)])
        thought = await self._thinker.think(agent, run, told.events, told.now)
        await self._alert_operators(run, thought)
        call = _asked(thought)
        if call is not None:
            return await self._keep(told, thought, call, follows)
        # Plain rules say it again, so nothing is lost where it is not appended.
        then = told.then(thought)
        move = next_move(then.run, then.now)
        if isinstance(move, Execute):
            await self.budgets.note(then.run, then.events, then.now)
            return await follows.starts(told, thought, move.pending)
        return await self._append(told, thought, follows)

    async def _keep(
        self, told: RunSnapshot, thought: Sequence[Event], call: ModelCall, follows: AfterThought
    ) -> RunSnapshot:
        """The run with `thought`, or with the fact that it was dropped."""
        now = told
        for _ in range(_TRIES):
            if then := await self._append(now, thought, follows):
                return then
            now = await self._log.read(told.run.id)
            # A long story takes a while to render, which must not stop the event loop.
            if not await asyncio.to_thread(_holds, call, told, now):
                break
        if not call.input_tokens + call.output_tokens:  # it failed before it cost anything
            return now
        now = await self._log.add(now, ThoughtDropped(at=now.now, call=call))
        await self.budgets.note(now.run, now.events, now.now)
        return now

    async def _append(self, told: RunSnapshot, thought: Sequence[Event], follows: AfterThought) -> RunSnapshot | None:
        """Append the thought, after its cost counts for the agent's day: a crash in between must not hide the cost."""
        then = told.then(thought)
        await self.budgets.note(then.run, then.events, then.now)
        return await self._log.append(told, thought, opens=await follows.opens(then))

    async def _alert_operators(self, run: Run, thought: Sequence[Event]) -> None:
        """Alert operators to what only they can fix: a key, a bill or a refusal.

        The run itself goes on by its fallback model, or by plain rules.
        """
        for event in thought:
            if not isinstance(event, StepFailed) or not is_for_operators(event.kind):
                continue
            if await self._store.admit(f"alerts {event.kind} {asked_name(event.call)}", run.id, 1, _ALERT_AGAIN_S):
                await self._alert(run.id, partial(_unusable, event, run.id))


def _unusable(event: StepFailed, run_id: RunId) -> tuple[str, str]:
    """Return the title and the text of the alert about a model."""
    kind, detail = failure_name(event.kind), trouble_of(event.detail)
    told = {"model": event.call.model, "kind": kind, "detail": detail, "run": run_id}
    if event.fallback:
        return say("notice.alert-model-title"), say("notice.alert-model-fallback", fallback=event.fallback, **told)
    said = say("notice.alert-model", **told)
    return say("notice.alert-model-title"), said


def _asked(thought: Sequence[Event]) -> ModelCall | None:
    """The call of a model that a thought came from; None where plain rules chose."""
    calls = (event.call for event in thought if isinstance(event, StepChosen | StepFailed))
    return next((call for call in calls if is_by_model(call)), None)


def _holds(call: ModelCall, then: RunSnapshot, now: RunSnapshot) -> bool:
    """Return whether the run still wants a thought, and shows the same as it did `then`."""
    budget = call.context_tokens or BUDGET_TOKENS
    is_wanted = isinstance(next_move(now.run, now.now), Think)
    return is_wanted and render(now.run, now.events, budget) == render(then.run, then.events, budget)
