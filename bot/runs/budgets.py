"""The budgets of runs and of an agent's day, and the question whether a run goes on."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypedDict

from agents.budgets import Day, Limits, Spent, spent_by_day
from agents.events import GO_ON, STOP_HERE, CardDelivered, ContinuationAsked, Event, Why
from agents.model.failures import NOT_SENT
from agents.requests import StepId
from agents.run import Run
from agents.text import one_line
from bot.config.tables import AgentConfig
from bot.people.directory import People
from bot.render.transcript import lines
from bot.store.ids import new_id, shard_of
from bot.store.timers import Days

# What led to it, told on a card: the last few lines, each short.
_STORY_LINES, _LINE_CHARS = 10, 180


class Allowance(TypedDict):
    """The limits of a run, as `RunStarted` records them."""

    max_steps: int
    max_tokens: int
    max_cost_usd: float


def allowance(agents: Mapping[str, AgentConfig], agent: str) -> Allowance:
    """Return the limits of a new run of `agent`, by the `agents` of the settings."""
    config = agents.get(agent, AgentConfig())
    return Allowance(max_steps=config.max_steps, max_tokens=config.max_tokens, max_cost_usd=config.max_cost_usd)


def allowance_of_child(agents: Mapping[str, AgentConfig], agent: str, parent: Run) -> Allowance:
    """The same for a child, which has the size of its parent where its agent has no limit. See `set_aside`."""
    own, by = allowance(agents, agent), parent.budget.by
    return Allowance(
        max_steps=own["max_steps"],
        max_tokens=own["max_tokens"] or by.tokens,
        max_cost_usd=own["max_cost_usd"] or by.cost_usd,
    )


def set_aside(parent: Run, child: Allowance, *, is_one_of_several: bool) -> Limits:
    """The tokens and dollars that `parent` gives `child` of what it has left; 0 where the parent has no limit.

    What other children that have not ended were given is not left. The only child of a step may have all the rest, each
    of several half of it. Where nothing is left it is next to nothing: the child thinks once, then people are asked.
    """
    left = parent.budget.limits.left(parent.spoken_for)
    if is_one_of_several:
        left = Limits(0, left.tokens and max(1, left.tokens // 2), left.cost_usd / 2)
    most = Limits(0, child["max_tokens"], child["max_cost_usd"]).within(left.tokens, left.cost_usd)
    return Limits(0, left.tokens and most.tokens, left.cost_usd and most.cost_usd)


class Budgets:
    """Counts the days of agents, and words the questions."""

    def __init__(self, days: Days, agents: Mapping[str, AgentConfig], people: People) -> None:
        self._days, self._agents, self._people = days, agents, people

    async def day(self, run: Run, now: datetime) -> Day | None:
        """Return what the agent of `run` has used today; None if it has no budget of the day.

        An answer to go on that `run` got today extends the day, once.
        """
        agent, by = self._by(run)
        if by == Limits():
            return None
        today = now.astimezone(UTC).date()
        spent, more = await self._days.look(agent, today)
        limits, raised = by.or_more(more), run.budget.day
        if raised and raised.at.astimezone(UTC).date() == today:
            extended = limits.extended(spent, by)
            limits = extended if await self._days.extend(agent, today, raised.step_id, extended) else limits
        return Day(agent, today, spent, limits)

    async def note(self, run: Run, events: Sequence[Event], now: datetime) -> None:
        """Count what `run`, whose events these are, has used today; before it is written, so that nothing is missed."""
        agent, by = self._by(run)
        today = now.astimezone(UTC).date()
        if by != Limits() and (spent := spent_by_day(events).get(today)):
            await self._days.note(agent, today, run.id, run.seq, spent)

    def question(
        self, run: Run, events: Sequence[Event], why: Why, day: Day | None, now: datetime
    ) -> ContinuationAsked:
        """The question whether `run` goes on. What it says was used is so as of now."""
        _, by = self._by(run)
        used = _used(day.spent, day.limits) if why == "day" and day else _used(run.budget.spent, run.budget.limits)
        more = _more(day.spent, day.limits, by) if why == "day" and day else _more_of_run(run, why)
        words = (
            _said(run, why),
            f"Used {'today' if why == 'day' else 'so far'}: {used}.",
            f"“{GO_ON}” {more}. “{STOP_HERE}” ends the run. Without an answer it ends as failed.",
        )
        return ContinuationAsked(
            at=now,
            step_id=StepId(new_id("step", shard_of(run.id))),
            why=why,
            question="\n".join(words),
            story=self._story(events),
        )

    def _story(self, events: Sequence[Event]) -> str:
        told = lines((event for event in events if not isinstance(event, CardDelivered)), self._people)
        return "\n".join(one_line(line, _LINE_CHARS) for line in list(told)[-_STORY_LINES:])

    def _by(self, run: Run) -> tuple[str, Limits]:
        agent = run.started.agent if run.started else ""
        config = self._agents.get(agent, AgentConfig())
        return agent, Limits(
            config.max_steps_per_day or 0, config.max_tokens_per_day or 0, config.max_cost_usd_per_day or 0.0
        )


def _said(run: Run, why: Why) -> str:
    agent = f"The {run.started.agent if run.started else '?'} agent"
    match why:
        case "steps" | "tokens" | "cost":
            return f"{agent} has used up what it may use in this run, and is not at its end."
        case "day":
            return f"{agent} has used up what all its runs together may use today (UTC)."
        case "failures":
            return f"{agent} gets nowhere: it failed three times in a row."
        case "too_long":
            return f"{agent} can't go on, as this run is too long for its model: {_too_long(run)}."
        case "repeated":
            return f"{agent} wants to do the same a third time, and twice the result was the same."


def _too_long(run: Run) -> str:
    last = run.failures[-1] if run.failures else None
    if last and last.kind == NOT_SENT:  # says what is too long, and what to do
        return last.detail
    return f"{last.detail if last else ''}. Start a new run with less text"


def _used(spent: Spent, limits: Limits) -> str:
    of_steps = f" of {limits.steps:,}" if limits.steps else ""
    of_tokens = f" of {limits.tokens:,}" if limits.tokens else ""
    of_cost = f" of {_dollars(limits.cost_usd)}" if limits.cost_usd else ""
    unpriced = f" (calls whose price is not known, counted as nothing: {spent.unpriced})" if spent.unpriced else ""
    return (
        f"{spent.steps:,}{of_steps} steps, {spent.tokens:,}{of_tokens} tokens, "
        f"{_dollars(spent.cost_usd)}{of_cost}{unpriced}"
    )


def _more_of_run(run: Run, why: Why) -> str:
    budget = run.budget
    match why:
        case "repeated":
            return "lets it do so once more; whoever must approve it is still asked"
        case "failures" | "too_long":
            also = f", and {_more(budget.spent, budget.limits, budget.by)}" if _reached(run) else ""
            fails = "; a run that is too long even then fails" if why == "too_long" else ""
            return f"lets it try again{'' if why == 'failures' else ' once'}{also}{fails}"
        case _:
            return _more(budget.spent, budget.limits, budget.by)


def _reached(run: Run) -> bool:
    return bool(run.budget.limits.reached(run.budget.spent))


def _more(spent: Spent, limits: Limits, by: Limits) -> str:
    reached = limits.reached(spent)
    if not reached:
        return "lets it go on"
    parts = {
        "steps": f"{by.steps:,} more {'step' if by.steps == 1 else 'steps'}",
        "tokens": f"{by.tokens:,} more tokens",
        "cost": f"{_dollars(by.cost_usd)} more",
    }
    return f"allows {' and '.join(parts[name] for name in reached)}"


def _dollars(amount: float) -> str:
    """`$0.50`; a part of a cent to four places."""
    return f"${amount:,.4f}" if 0 < amount < 0.01 else f"${amount:,.2f}"
