"""Asks each model for one real step, and says what came and which settings would help. Nothing of it is executed."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from agents import Agent
from agents.events import RunStarted
from agents.model.failures import FailureKind, is_of_the_answer, status_of
from agents.model.hosted import ANTHROPIC
from agents.model.makers import OPENAI, USUAL, Options, maker_of
from agents.model.protocol import Chosen, Failed, HostedModel
from agents.requests import PersonId, RunId
from agents.run import fold
from agents.steps import Form
from agents.triage import triage_agent
from bot.config.errors import ConfigError
from bot.config.settings import Settings
from bot.config.tables import AgentConfig
from bot.doctor.finding import Finding
from bot.errors import Invalid
from bot.registry.configured import (
    DEFAULT_MODEL,
    agents_of,
    fallback_names,
    is_reachable,
    model_names,
    model_of,
    options_of,
    rehearsing,
)

# Nobody waits longer to hear that a server does not answer at all.
_ANSWER_S = 10.0
# Where the way to a maker is set, and what opens one.
_VARIABLES = {ANTHROPIC: "ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL", OPENAI: "OPENAI_API_KEY, OPENAI_BASE_URL"}
_WAYS = {ANTHROPIC: "ANTHROPIC_API_KEY=…", OPENAI: "OPENAI_API_KEY=…, or OPENAI_BASE_URL=… of a server of yours"}
# What somebody may write to any agent: whatever it does about it is a step.
_WISH = "hello"
# A step that takes more of its time-out than this will be too late on a busy day.
_SLOW_SHARE = 0.5
_WENT_WRONG: Mapping[FailureKind, str] = {
    "no_tool": "answers in prose, and calls no tool",
    "many_tools": "calls more than one tool at once",
    "unknown_tool": "calls a tool that is not there",
    "bad_arguments": "calls a tool with arguments that it does not take",
    "refused": "refuses the step",
    "too_long": "finds the step too long",
    "not_sent": "is allowed fewer tokens than its agent's prompt has",
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """One model, for the agent that offers it most, as the settings have it; without it plain rules may choose."""

    settings: Settings
    name: str
    agent: Agent
    options: Options
    is_missed: bool

    @property
    def variables(self) -> str:
        return _VARIABLES[maker_of(self.name)[0]]

    @property
    def form(self) -> Form:
        return self.options.form or USUAL[maker_of(self.name)[0]]

    def made(self, **changes: Any) -> HostedModel:
        """Return the model, with these of its options changed. Raises ConfigError where it can't be had."""
        model = model_of(self.settings, self.name, replace(self.options, **changes))
        if model is None:
            raise ConfigError([f"there is no way to the model {self.name}"])
        return model


async def examine_models(settings: Settings) -> list[Finding]:
    """Return what each named model does, asked all at once."""
    asked = [*_asked(settings)]
    found = await asyncio.gather(*map(_examined, asked))
    return [*dict.fromkeys(found)]


def _asked(settings: Settings) -> Iterator[_Asked]:
    users = dict[str, list[Agent]]({settings.model or DEFAULT_MODEL: []})
    agents: Sequence[Agent] = ()
    with suppress(ConfigError, Invalid):  # told with the agents, or the environments
        agents = agents_of(settings)
    by_name = {agent.name: agent for agent in agents}
    for names in (model_names(settings, agents), fallback_names(settings, agents)):
        for agent, model in names.items():
            users.setdefault(model, []).append(by_name[agent])
    for config in settings.agents.values():
        for model in filter(None, (config.model, config.fallback_model)):
            users.setdefault(model, [])
    firsts, rehearse = model_names(settings, agents), rehearsing(settings, agents)
    missed = {firsts[agent] for agent in rehearse} if agents else users
    for name in sorted(users):
        agent = max(users[name], key=lambda one: len(one.tools), default=triage_agent(()))
        config = settings.agents.get(agent.name, AgentConfig())
        yield _Asked(settings, name, agent, options_of(settings, name, config), name in missed)


async def _examined(asked: _Asked) -> Finding:
    if not is_reachable(asked.settings, asked.name):
        return _of_no_way(asked)
    try:
        model = asked.made(timeout_s=_ANSWER_S)
    except ConfigError as error:
        return Finding(sign="✗", what=error.problems[0], fix="do what it says")
    trouble = await model.trouble()
    await model.close()
    if trouble:
        fix = f"look at {asked.variables} and the name of the model"
        return Finding(sign="✗", what=f"the model {asked.name} can't be used: {trouble}", fix=fix)
    found = await _step(asked, asked.form)
    return _of_step(asked, found) if isinstance(found, Chosen) else await _of_failure(asked, found)


def _of_no_way(asked: _Asked) -> Finding:
    maker = maker_of(asked.name)[0]
    if not asked.is_missed:
        return Finding(sign="!", what=f"no model key for {asked.name}: it is never asked", fix=_WAYS[maker])
    is_set_for_others = maker == ANTHROPIC and is_reachable(asked.settings, f"{OPENAI}:ID")
    other = f"SAYSO_MODEL={OPENAI}:ID for the server that is set, or " if is_set_for_others else ""
    what = f"rehearsal: no model key for {asked.name}, plain rules choose the steps"
    return Finding(sign="!", what=what, fix=f"{other}{_WAYS[maker]}")


async def _step(asked: _Asked, form: Form) -> Chosen | Failed:
    model = asked.made(form=form)
    started = RunStarted(
        at=datetime.now(UTC),
        run_id=RunId("s0r-doctordoctord"),
        agent=asked.agent.name,
        channel="cli",
        requester=PersonId("doctor"),
        text=_WISH,
        max_steps=1,
    )
    try:
        return await model.choose(asked.agent, fold([started]), [started])
    finally:
        await model.close()


def _of_step(asked: _Asked, found: Chosen) -> Finding:
    took, limit = found.call.latency_s, asked.options.timeout_s
    what = f"the model {asked.name} answers: a step with a tool in {took:.1f} s"
    answered_as = found.call.form or USUAL[maker_of(asked.name)[0]]
    if answered_as != asked.form:
        what = f"the model {asked.name} refuses how it is asked, and gives a step when it is asked plainly"
        return Finding(sign="!", what=what, fix=_to_set(asked, answered_as))
    if took > limit * _SLOW_SHARE:
        return Finding(sign="!", what=f"{what}, of the {limit:g} s that it has", fix=_for_time(asked))
    return Finding(sign="✓", what=what)


async def _of_failure(asked: _Asked, found: Failed) -> Finding:
    said = f"the model {asked.name}"
    if found.kind == "timeout":
        return Finding(sign="✗", what=f"{said} is too slow: {found.detail}", fix=_for_time(asked))
    if found.kind not in _WENT_WRONG:
        return Finding(sign="✗", what=f"{said} gives no step: {found.detail}", fix=f"look at {asked.variables}")
    what = f"{said} {_WENT_WRONG[found.kind]}: {found.detail}"
    if found.kind in {"too_long", "not_sent"}:
        fix = f"agents.{asked.agent.name}.context_tokens, or a model with more context"
        return Finding(sign="✗", what=what, fix=fix)
    if is_of_the_answer(found.kind):
        for form in _others(asked.form):
            if isinstance(await _step(asked, form), Chosen):
                return Finding(sign="✗", what=what, fix=f"{_to_set(asked, form)}: asked so, it gave a step just now")
        fix = "name another model: asked in the other ways that there are, it gives no step either"
        return Finding(sign="✗", what=what, fix=fix)
    match status_of(found.detail):
        case 0:
            fix = "name another model"
        case 404:
            fix = f"look at {asked.variables} and the name of the model"
        case _:
            fix = "change what it names, or name another model"
    return Finding(sign="✗", what=what, fix=fix)


def _others(form: Form) -> list[Form]:
    """Return the other ways to ask for a step, the one that changes least first."""
    as_tool = form.model_copy(update={"step_as": "tool", "tool_choice": "any"})
    ways = (as_tool, form.model_copy(update={"step_as": "json"}), as_tool.model_copy(update={"strict": True}))
    return [way for way in dict.fromkeys(ways) if way != form]


def _to_set(asked: _Asked, form: Form) -> str:
    """Return the lines of `sayso.toml` that turn how a model is asked into `form`."""
    now, wanted = asked.form.model_dump(), form.model_dump()
    differ = {name: value for name, value in wanted.items() if value != now[name]}
    written = (f"{name} = {_toml(value)}" for name, value in differ.items() if value is not None)
    if gone := [name for name, value in differ.items() if value is None]:
        return f'[models."{asked.name}"] {", ".join(written)}, without {", ".join(gone)}'
    return f'[models."{asked.name}"] {", ".join(written)}'


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


def _for_time(asked: _Asked) -> str:
    agent = f"agents.{asked.agent.name}"
    ways = [f'a longer {agent}.timeout (at most "10m")', f"a smaller {agent}.max_output_tokens", 'effort = "low"']
    if asked.form.step_as == "tool":
        ways.append(f'for one that writes on and on [models."{asked.name}"] step_as = "json"')
    return f"{', '.join(ways[:-1])}, or {ways[-1]}"
