"""Choosing the next step: the model where there is one, the agent's plain rules where there is none."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from agents import Agent
from agents.events import ContextFetched, Event, RunEnded, StepChosen, StepFailed
from agents.failures import after
from agents.model import Chosen, Failed, Model, is_worth_waiting, retry_delay_s
from agents.requests import Fact, StepId
from agents.run import Run, fold
from agents.steps import RULES, CallTool, Done, ModelCall
from bot.gating import gate_of
from bot.ids import new_id, shard_of

log = structlog.stdlib.get_logger()

_PREFETCH_S = 20.0
_TEXT_CHARS = 32_768
REHEARSAL = "rehearsal"


class Thinker:
    """Chooses steps for every agent. `models` are by agent name; an agent without one rehearses."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        self._models = models

    async def think(self, agent: Agent, run: Run, events: Sequence[Event], now: datetime) -> list[Event]:
        """The events of one thought: what was looked up, and the step or why there is none."""
        found: list[Event] = []
        if run.facts is None:
            found.append(await self.look_up(agent, run, now))
            run, events = fold(found, run), [*events, *found]
        return [*found, *await self._choose(agent, run, events, now)]

    async def look_up(self, agent: Agent, run: Run, now: datetime) -> ContextFetched:
        """What the agent nearly always needs before its first step."""
        return ContextFetched(at=now, facts=await _prefetch(agent, run))

    def asks_a_model(self, agent: Agent, run: Run) -> bool:
        """Whether the next step is for a model to choose, and not for plain rules."""
        return agent.name in self._models and after([failure.kind for failure in run.failures]) == "model"

    async def _choose(self, agent: Agent, run: Run, events: Sequence[Event], now: datetime) -> list[Event]:
        began = time.monotonic()
        if self.asks_a_model(agent, run):
            chosen = await self._models[agent.name].choose(agent, run, events)
        else:
            chosen = _by_rules(agent, run)
        _log(agent, run, chosen, time.monotonic() - began)
        match chosen:
            case Chosen():
                return _chosen(agent, run, chosen, now)
            case Failed():
                return [_failed(run, chosen, now)]


async def _prefetch(agent: Agent, run: Run) -> tuple[Fact, ...]:
    """What the agent nearly always needs; a look-up that breaks is a fact like any other."""
    try:
        async with asyncio.timeout(_PREFETCH_S):
            return await agent.prefetch(run)
    except Exception as error:
        log.exception("prefetch failed", agent=agent.name)
        return (Fact(label="prefetch failed", text=f"{type(error).__name__}: {error}"[:500]),)


def _by_rules(agent: Agent, run: Run) -> Chosen:
    call = ModelCall(model=REHEARSAL, rehearsal=True) if agent.prompt else ModelCall(model=RULES, rehearsal=False)
    try:
        return Chosen(agent.fallback(run), call)
    except Exception as error:
        log.exception("the agent's own rules failed", agent=agent.name)
        summary = f"The {agent.name} agent's own rules failed: {type(error).__name__}: {error}"[:500]
        return Chosen(Done(outcome="failed", summary=summary), call)


def _chosen(agent: Agent, run: Run, chosen: Chosen, now: datetime) -> list[Event]:
    step = chosen.step
    step_id = StepId(new_id("step", shard_of(run.id)))
    event = StepChosen(at=now, step_id=step_id, step=step, gate=gate_of(agent, step), call=chosen.call)
    if isinstance(step, Done):
        words_of = "model" if agent.prompt and not chosen.call.rehearsal else "code"
        return [event, RunEnded(at=now, outcome=step.outcome, summary=step.summary[:_TEXT_CHARS], words_of=words_of)]
    return [event]


def _failed(run: Run, failed: Failed, now: datetime) -> StepFailed:
    retry_at = None
    # Plain rules and people have nothing to wait for.
    is_asked_again = after([*(failure.kind for failure in run.failures), failed.kind]) == "model"
    if is_asked_again and is_worth_waiting(failed.kind):
        wait_s = failed.retry_after_s or retry_delay_s(len(run.failures) + 1)
        retry_at = now + timedelta(seconds=wait_s)
    return StepFailed(at=now, kind=failed.kind, detail=failed.detail, retry_at=retry_at, call=failed.call)


def _log(agent: Agent, run: Run, chosen: Chosen | Failed, latency_s: float) -> None:
    """One line for each decision: what it was, of what, and at what price."""
    call = chosen.call
    decision = chosen.step.type if isinstance(chosen, Chosen) else f"failed: {chosen.kind}"
    level = log.error if isinstance(chosen, Failed) and not is_worth_waiting(chosen.kind) else log.info
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
