"""The budgets of runs and of an agent's day, and the question whether a run goes on."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypedDict

from agents.budgets import Day, Limits, Spent, spent_by_day
from agents.events import CardDelivered, ContinuationAsked, Event, Why
from agents.model.failures import NOT_SENT, after
from agents.requests import StepId
from agents.run import GO_ON, STOP, USE_RULES, Run
from agents.text import one_line
from bot.config.tables import AgentConfig
from bot.people.directory import People
from bot.render.transcript import lines
from bot.store.ids import new_id, shard_of
from bot.store.timers import Days
from language import say, say_many
from language.lists import both
from language.numbers import dollars, whole

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
        """The question whether `run` goes on, in the language that is spoken. It says what was used as of now."""
        _, by = self._by(run)
        used = _used(day.spent, day.limits) if why == "day" and day else _used(run.budget.spent, run.budget.limits)
        more = _more(day.spent, day.limits, by) if why == "day" and day else _more_of_run(run, why)
        rules = why in {"failures", "too_long"} and _lacks_steps(run)
        answers = {"go_on": say(GO_ON), "more": more, "stop": say(STOP)}
        words = (
            _said(run, why),
            say("run.used-today" if why == "day" else "run.used-so-far", used=used),
            say("run.answers-rules", rules=say(USE_RULES), **answers) if rules else say("run.answers", **answers),
        )
        return ContinuationAsked(
            at=now,
            step_id=StepId(new_id("step", shard_of(run.id))),
            why=why,
            question="\n".join(words),
            story=self._story(events),
            rules=rules,
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
    agent = run.started.agent if run.started else "?"
    match why:
        case "steps" | "tokens" | "cost":
            return say("run.asks-used-up", agent=agent)
        case "day":
            return say("run.asks-day", agent=agent)
        case "failures":
            return say("run.asks-no-step" if _lacks_steps(run) else "run.asks-failures", agent=agent)
        case "too_long":
            return say("run.asks-too-long", agent=agent, why=_too_long(run))
        case "repeated":
            return say("run.asks-repeated", agent=agent)


def _lacks_steps(run: Run) -> bool:
    """Return whether its model gives no steps: plain rules may begin with what was asked for all the same."""
    return after([failure.kind for failure in run.failures]) == "people"


def _too_long(run: Run) -> str:
    last = run.failures[-1] if run.failures else None
    if last and last.kind == NOT_SENT:  # says what is too long, and what to do
        return last.detail
    return say("run.start-with-less", why=last.detail if last else "")


def _used(spent: Spent, limits: Limits) -> str:
    cost = dollars(spent.cost_usd)
    parts = (
        _counted("run.used-steps", "run.used-steps-of", spent.steps, limits.steps),
        _counted("run.used-tokens", "run.used-tokens-of", spent.tokens, limits.tokens),
        say("run.used-cost-of", used=cost, limit=dollars(limits.cost_usd)) if limits.cost_usd else cost,
    )
    unpriced = f" {say('run.used-unpriced', count=whole(spent.unpriced))}" if spent.unpriced else ""
    return f"{', '.join(parts)}{unpriced}"


def _counted(alone: str, of_some: str, used: int, limit: int) -> str:
    if limit:
        return say_many(of_some, limit, used=whole(used), count=whole(limit))
    return say_many(alone, used, count=whole(used))


def _more_of_run(run: Run, why: Why) -> str:
    budget = run.budget
    match why:
        case "repeated":
            return say("run.more-repeated")
        case "failures" | "too_long":
            more = say("run.more-failures") if why == "failures" else say("run.more-too-long")
            if budget.limits.reached(budget.spent):
                more = say("run.more-also", first=more, also=_more(budget.spent, budget.limits, budget.by))
            return say("run.more-then-fails", more=more) if why == "too_long" else more
        case _:
            return _more(budget.spent, budget.limits, budget.by)


def _more(spent: Spent, limits: Limits, by: Limits) -> str:
    reached = limits.reached(spent)
    if not reached:
        return say("run.more-goes-on")
    parts = {
        "steps": say_many("run.more-steps", by.steps, count=whole(by.steps)),
        "tokens": say_many("run.more-tokens", by.tokens, count=whole(by.tokens)),
        "cost": say("run.more-cost", cost=dollars(by.cost_usd)),
    }
    return say("run.more-allows", what=both([parts[name] for name in reached]))
