"""The use of a run, and the limits of it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date
from typing import Literal

from agents.events import ContinuationAsked, Event, RunForked, RunStarted, StepChosen, StepFailed, ThoughtDropped, Why
from agents.requests import Closed
from agents.steps import RULES, ModelCall


@dataclass(frozen=True, slots=True)
class Spent:
    """Steps that were chosen, tokens in and out, US dollars; `unpriced` calls had tokens, and no price is known."""

    steps: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0

    def after(self, call: ModelCall, steps: int) -> "Spent":
        """With `call`, which gave so many `steps`."""
        tokens = call.input_tokens + call.output_tokens
        return Spent(
            steps=self.steps + steps,
            tokens=self.tokens + tokens,
            cost_usd=self.cost_usd + (call.cost_usd or 0.0),
            unpriced=self.unpriced + (call.cost_usd is None and tokens > 0),
        )

    def beside(self, tokens: int, cost_usd: float) -> "Spent":
        """With what a child run used."""
        return replace(self, tokens=self.tokens + tokens, cost_usd=self.cost_usd + cost_usd)


@dataclass(frozen=True, slots=True)
class Limits:
    """As much may be used, before people are asked; 0 is no limit."""

    steps: int = 0
    tokens: int = 0
    cost_usd: float = 0.0

    def left(self, spent: Spent) -> "Limits":
        """Return what is left of the limits, never nothing: 0 would be no limit."""
        return Limits(
            self.steps and max(1, self.steps - spent.steps),
            self.tokens and max(1, self.tokens - spent.tokens),
            self.cost_usd and max(0.0001, self.cost_usd - spent.cost_usd),
        )

    def reached(self, spent: Spent) -> tuple[Literal["steps", "tokens", "cost"], ...]:
        """Return those of `steps`, `tokens` and `cost` that are used up."""
        pairs: tuple[tuple[Literal["steps", "tokens", "cost"], float, float], ...] = (
            ("steps", spent.steps, self.steps),
            ("tokens", spent.tokens, self.tokens),
            ("cost", spent.cost_usd, self.cost_usd),
        )
        return tuple(name for name, used, limit in pairs if 0 < limit <= used)

    def extended(self, spent: Spent, by: "Limits") -> "Limits":
        """With as much again as `by` says of whatever is used up, counted from what is used by now."""
        reached = self.reached(spent)
        return Limits(
            steps=spent.steps + max(by.steps, 1) if "steps" in reached else self.steps,
            tokens=spent.tokens + max(by.tokens, 1) if "tokens" in reached else self.tokens,
            # A cost that is lost in rounding would extend nothing.
            cost_usd=spent.cost_usd + max(by.cost_usd, 0.01) if "cost" in reached else self.cost_usd,
        )

    def within(self, tokens: int, cost_usd: float) -> "Limits":
        """With no more tokens and dollars than that; 0 is no limit."""
        return replace(
            self,
            tokens=min(self.tokens or tokens, tokens or self.tokens),
            cost_usd=min(self.cost_usd or cost_usd, cost_usd or self.cost_usd),
        )

    def or_more(self, other: "Limits") -> "Limits":
        """The larger of each."""
        return Limits(max(self.steps, other.steps), max(self.tokens, other.tokens), max(self.cost_usd, other.cost_usd))


@dataclass(frozen=True, slots=True)
class Over:
    """Why a run may not go on, as data: whoever tells it words it for their reader.

    `how` the question `why` ended: somebody said to `stop`; it was closed `unanswered`, in `state`; `nobody` could be
    asked; or somebody said to go on, and the run was too long `again`. `detail` is what was said or went wrong then.
    """

    why: Why
    how: Literal["stop", "unanswered", "nobody", "again"]
    state: Closed | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """The budget of a run: what it has used of what it may use, and what people said about going on.

    `by` is how much more people allow at a time. Its first `heard` results people knew when they last let it go on.
    `over` says why it may not go on. `day` is the question by which the agent's day was extended last. `is_last_try`:
    it was too long for its model, and people had it tried once more. With `is_free` it is all code and thinks without
    tokens and dollars: its children use those up, and it goes on without.
    """

    spent: Spent = Spent()
    limits: Limits = Limits()
    by: Limits = Limits()
    heard: int = 0
    over: Over | None = None
    day: ContinuationAsked | None = None
    is_last_try: bool = False
    is_free: bool = False

    @property
    def reached(self) -> tuple[Literal["steps", "tokens", "cost"], ...]:
        """The limits that are used up, of those that the next thought needs."""
        reached = self.limits.reached(self.spent)
        return tuple(name for name in reached if name == "steps" or not self.is_free)

    def given(self, started: RunStarted) -> "Budget":
        """Return the budget that a run begins with."""
        by, parent = Limits(started.max_steps, started.max_tokens, started.max_cost_usd), started.parent
        limits = by.within(parent.max_tokens, parent.max_cost_usd) if parent else by
        return replace(self, limits=limits, by=by)

    def after(self, event: StepChosen | StepFailed | ThoughtDropped) -> "Budget":
        """With one more call. An agent that is all code goes on being that until a thought takes tokens."""
        is_free = event.call.model == RULES or (self.is_free and not event.call.input_tokens + event.call.output_tokens)
        return replace(self, spent=spent_after(self.spent, event), is_free=is_free)

    def let_go_on(self, raised: ContinuationAsked, results: int) -> "Budget":
        """People said to go on, who knew so many results: what is used up is extended, and failures count anew."""
        match raised.why:
            case "day":
                return replace(self, day=raised)
            case "repeated":
                return replace(self, heard=results)
            case "steps" | "tokens" | "cost" | "failures" | "too_long":
                limits, is_last_try = self.limits.extended(self.spent, self.by), raised.why == "too_long"
                return replace(self, heard=results, limits=limits, is_last_try=is_last_try)


@dataclass(frozen=True, slots=True)
class Day:
    """The use by all runs of an agent on one day (UTC), and their limits by now."""

    agent: str
    date: date
    spent: Spent
    limits: Limits

    @property
    def is_over(self) -> bool:
        """True if people are to be asked before the agent's runs go on."""
        return bool(self.limits.reached(self.spent))


def spent_after(spent: Spent, event: StepChosen | StepFailed | ThoughtDropped) -> Spent:
    """`spent` with one more call; one that failed, or whose answer was not used, gave no step."""
    return spent.after(event.call, 1 if isinstance(event, StepChosen) else 0)


def spent_by_day(events: Iterable[Event]) -> dict[date, Spent]:
    """Return what a run has used on each day (UTC). What was copied from another run was used there."""
    found = dict[date, Spent]()
    for event in events:
        match event:
            case StepChosen() | StepFailed() | ThoughtDropped():
                day = event.at.astimezone(UTC).date()
                found[day] = spent_after(found.get(day, Spent()), event)
            case RunForked():
                found.clear()
            case _:
                pass
    return found
