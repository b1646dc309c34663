"""Cases run: against an agent's plain rules, and against its model. Nothing is executed, looked up or stored."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from agents import Agent
from agents.changes import is_unfounded
from agents.model.protocol import Chosen, Failed, Model
from agents.run import fold
from agents.steps import Done, ModelCall, Step
from bot.evals.cases import Case, Wanted
from bot.evals.judging import ASKS_OR_ENDS, ONLY_SAYS, expected, fits, is_harmless, is_right, shown
from bot.evals.story import Story
from bot.execution.executor import gate_of
from bot.render.words import failure_name

By = Literal["fallback", "model"]
RULES = "rules"
AT_ONCE = 6
"""So many calls are under way at once: more meets the limits of a small account."""
WRONG_STEP, FORBIDDEN, ONLY_SAID, RULES_FAILED = "wrong_step", "forbidden_step", "only_said", "rules_failed"
"""Kinds of failure beside those of a call: not the right step, one that must never come, done without doing it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A case, the agent that has to choose, and the file that the case is from."""

    agent: Agent
    case: Case
    file: str


@dataclass(frozen=True, slots=True)
class Tried:
    """The result of one case.

    `came` is empty when it passed; `calls` are those it took, the failed one last. `kind` is that of the failure: why
    there was no step, or what was wrong with it.
    """

    plan: Plan
    by: By
    chosen_by: str
    calls: tuple[ModelCall, ...]
    expected: str = ""
    came: str = ""
    kind: str = ""

    @property
    def has_passed(self) -> bool:
        """True if every step was right."""
        return not self.came


@dataclass(frozen=True, slots=True)
class Answer:
    """The chosen step; if there is none, `problem` says why, and `kind` in a word."""

    call: ModelCall
    step: Step | None = None
    problem: str = ""
    kind: str = ""


Chooser = Callable[[Agent, Story], Awaitable[Answer]]
Note = Callable[[Plan, int, Chosen | Failed], None]
"""Is told of each answer of a model: to which case, to which of its steps."""


async def by_rules(plans: Iterable[Plan], on_done: Callable[[Tried], None]) -> list[Tried]:
    """Every case against its agent's fallback, in order."""
    done = list[Tried]()
    for plan in plans:
        done.append(await tried(plan, "fallback", RULES, _rules))
        on_done(done[-1])
    return done


async def by_models(
    plans: Iterable[Plan],
    models: Mapping[str, Model],
    labels: Mapping[str, str],
    on_done: Callable[[Tried], None],
    at_once: int = AT_ONCE,
    note: Note | None = None,
) -> list[Tried]:
    """Every case whose agent has a model against that, several at once; `labels` name prompt and model by agent."""
    free = asyncio.Semaphore(at_once)

    async def one(plan: Plan) -> Tried:
        name = plan.agent.name
        async with free:
            found = await tried(plan, "model", labels[name], _asking(plan, models[name], note))
            on_done(found)
            return found

    return await asyncio.gather(*(one(plan) for plan in plans if plan.agent.name in models))


async def tried(plan: Plan, by: By, chosen_by: str, choose: Chooser) -> Tried:
    """Return the result of one case, to its end or to the first step that is wrong."""
    case, calls, step = plan.case, list[ModelCall](), None
    is_beyond = case.needs_model and by == "fallback"
    story = Story(plan.agent, case, gate_of)
    judged = ((None, case.expect, case.never), *((then, then.expect, then.never) for then in case.then))
    for then, expect, never in judged[:1] if is_beyond else judged:
        if then:
            story.record(then, step)
        answer = await choose(plan.agent, story)
        calls.append(answer.call)
        step = answer.step
        only_says = by == "model" and isinstance(step, Done) and is_unfounded(plan.agent, fold(story.events), step)
        if step is None or only_says or not _is_good(step, expect, never, is_beyond=is_beyond):
            wanted = ASKS_OR_ENDS if is_beyond else expected(expect, never)
            came = f"{shown(step)}{ONLY_SAYS if only_says else ''}" if step else answer.problem
            kind = _kind(step, never, only_says=only_says) if step else answer.kind
            return Tried(plan, by, chosen_by, tuple(calls), wanted, came, kind)
    return Tried(plan, by, chosen_by, tuple(calls))


def _kind(step: Step, never: tuple[Wanted, ...], *, only_says: bool) -> str:
    if any(fits(step, one) for one in never):
        return FORBIDDEN
    return ONLY_SAID if only_says else WRONG_STEP


def _is_good(step: Step, expect: tuple[Wanted, ...], never: tuple[Wanted, ...], *, is_beyond: bool) -> bool:
    return is_harmless(step, never) if is_beyond else is_right(step, expect, never)


async def _rules(agent: Agent, story: Story) -> Answer:
    began = time.perf_counter()
    try:
        step, problem = agent.fallback(fold(story.events)), ""
    except Exception as error:  # noqa: BLE001 - somebody's own rules: that they broke is the finding
        step, problem = None, f"the rules failed: {type(error).__name__}: {error}"
    call = ModelCall(model=RULES, rehearsal=True, cost_usd=0.0, latency_s=time.perf_counter() - began)
    return Answer(call, step, problem, RULES_FAILED if problem else "")


def _asking(plan: Plan, model: Model, note: Note | None) -> Chooser:
    step = 0

    async def ask(agent: Agent, story: Story) -> Answer:
        nonlocal step
        step += 1
        answer = await model.choose(agent, fold(story.events), story.events)
        if note:
            note(plan, step, answer)
        if isinstance(answer, Failed):
            return Answer(answer.call, None, f"no step ({failure_name(answer.kind)}): {answer.detail}", answer.kind)
        return Answer(answer.call, answer.step)

    return ask
