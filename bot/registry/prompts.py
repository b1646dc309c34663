"""The version of its prompt that each agent uses: the newest, unless the configuration names another one."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

import prompts
from agents import Agent
from agents.model.reply import system_text, tools_hash
from bot.config.errors import ConfigError
from bot.config.tables import AgentConfig
from bot.registry.release import InUse


class HasAgents(Protocol):
    """The part of the settings that is read here."""

    @property
    def agents(self) -> dict[str, AgentConfig]: ...
    @property
    def config(self) -> object: ...


def with_chosen_prompts(settings: HasAgents, agents: Iterable[Agent]) -> tuple[Agent, ...]:
    """`agents`, each with the version of its prompt that it is to use; all of them load and render.

    Raises ConfigError when the settings name a version that is not there, PromptError for a file that is wrong.
    """
    found, problems = list[Agent](), list[str]()
    for agent in agents:
        config = settings.agents.get(agent.name)
        wanted = config.prompt if config else None
        known = _versions(agent)
        if wanted in {None, *(prompt.label for prompt in known), *(prompt.name for prompt in known)}:
            found.append(_checked(agent if wanted is None else replace(agent, prompt=wanted)))
        else:
            problems.append(_problem(settings, agent.name, wanted or "", known))
    if problems:
        raise ConfigError(problems)
    return tuple(found)


def in_use(agents: Iterable[Agent], models: Mapping[str, str]) -> tuple[InUse, ...]:
    """Return what each agent works with; `models` are the ids of the models by agent name. Raises PromptError."""
    return tuple(_in_use(agent, models.get(agent.name, "")) for agent in agents)


def _in_use(agent: Agent, model: str) -> InUse:
    prompt = prompts.load(agent.prompt, agent.folder) if agent.prompt else None
    return InUse(
        agent=agent.name,
        prompt=prompt.label if prompt else "",
        prompt_hash=prompt.hash if prompt else "",
        tools_hash=tools_hash(agent),
        model=model,
    )


def _versions(agent: Agent) -> tuple[prompts.Prompt, ...]:
    return prompts.versions(agent.prompt.partition("@")[0], agent.folder) if agent.prompt else ()


def _checked(agent: Agent) -> Agent:
    """`agent`, whose prompt renders: a model that is asked hours from now must not be the first to find out."""
    if agent.prompt:
        system_text(prompts.load(agent.prompt, agent.folder), agent)
    return agent


def _problem(settings: HasAgents, agent: str, wanted: str, known: tuple[prompts.Prompt, ...]) -> str:
    variable = f"SAYSO_AGENTS__{agent.upper()}__PROMPT"
    where = f"{settings.config} or {variable}" if settings.config else variable
    allowed = ", ".join(prompt.label for prompt in known) or "none, as this agent is all code"
    return f'{where}: agents.{agent}.prompt: found "{wanted}"; allowed: {allowed}'
