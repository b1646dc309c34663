"""Thoughts of runs, each paid once: a model takes its time, and meanwhile anything may happen to the run."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from agents import Agent
from agents.context import BUDGET_TOKENS, render
from agents.events import Event, StepChosen, StepFailed, ThoughtDropped
from agents.model import is_for_operators
from agents.run import Run
from agents.steps import RULES, ModelCall
from bot.appending import Appending, Told
from bot.budgets import Budgets
from bot.moves import Think, next_move
from bot.store import Store
from bot.thinking import Thinker

# Tells the operators: near which id, a title, a text.
Alert = Callable[[str, str, str], Awaitable[None]]

# Each loss of the race is an event of somebody else's.
_TRIES = 100
# One bad key fails every step of every run; one mail an hour says it.
_ALERT_AGAIN_S = 3600.0


class Thoughts:
    """Has the next step chosen and appended, and everything counted that it cost."""

    def __init__(self, store: Store, appending: Appending, thinker: Thinker, budgets: Budgets, alert: Alert) -> None:
        self._store, self._appending, self._thinker = store, appending, thinker
        self._budgets, self._alert = budgets, alert

    async def think(self, agent: Agent, told: Told) -> Told | None:
        """The run with one thought more; None: read again.

        Where something else came first, and the model would be shown the very same, the thought holds all the same.
        Else it is dropped, and what it cost is written down.
        """
        run = told.run
        if run.facts is None and self._thinker.asks_a_model(agent, run):
            # Of its own: under another number it would not be what the model was shown.
            return await self._appending.append(told, [await self._thinker.look_up(agent, run, told.now)])
        thought = await self._thinker.think(agent, run, told.events, told.now)
        await self._alert_operators(run, thought)
        call = _asked(thought)
        if call is None:  # plain rules say it again
            return await self._append(told, thought)
        return await self._keep(told, thought, call)

    async def _keep(self, told: Told, thought: Sequence[Event], call: ModelCall) -> Told:
        """The run with `thought`, or with the fact that it was dropped."""
        now = told
        for _ in range(_TRIES):
            if then := await self._append(now, thought):
                return then
            now = await self._appending.read(told.run.id)
            # A long story takes a while to render, which must not stop the event loop.
            if not await asyncio.to_thread(_holds, call, told, now):
                break
        if not call.input_tokens + call.output_tokens:  # it failed before it cost anything
            return now
        now = await self._appending.add(now, ThoughtDropped(at=now.now, call=call))
        await self._budgets.note(now.run, now.events, now.now)
        return now

    async def _append(self, told: Told, thought: Sequence[Event]) -> Told | None:
        """What it cost counts for the agent's day before it is written: a crash in between must not hide it."""
        then = told.then(thought)
        await self._budgets.note(then.run, then.events, then.now)
        return await self._appending.append(told, thought)

    async def _alert_operators(self, run: Run, thought: Sequence[Event]) -> None:
        """Only an operator can mend a key, a bill or a refusal; the run itself goes on by plain rules."""
        for event in thought:
            if not isinstance(event, StepFailed) or not is_for_operators(event.kind):
                continue
            if await self._store.admit(f"alerts {event.kind}", run.id, 1, _ALERT_AGAIN_S):
                text = f"{event.call.model} answers {event.kind}: {event.detail}. {run.id} goes on by plain rules."
                await self._alert(run.id, "The model can't be used", text)


def _asked(thought: Sequence[Event]) -> ModelCall | None:
    """The call of a model that a thought came from; None where plain rules chose."""
    calls = (event.call for event in thought if isinstance(event, StepChosen | StepFailed))
    return next((call for call in calls if not call.rehearsal and call.model != RULES), None)


def _holds(call: ModelCall, then: Told, now: Told) -> bool:
    """Whether the run still wants a thought, and shows the same as it did `then`."""
    budget = call.context_tokens or BUDGET_TOKENS
    is_wanted = isinstance(next_move(now.run, now.now), Think)
    return is_wanted and render(now.run, now.events, budget) == render(then.run, then.events, budget)
