"""The commands `sayso dev` suggests to a newcomer: the demo's if it is configured, else those that fit the settings."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from agents import Agent
from bot.command_line import program
from bot.config.settings import Settings

_DEMO = ("production", "deploy v1.2.0 to production")


def to_try(settings: Settings, agents: Mapping[str, Agent], site: str, more: str) -> str:
    """Commands a line each, with `more` behind them; `site` is where the demo's site is live."""
    rows = [("live site", f"{site}/production/")] if _has_demo(settings) else []
    return "\n".join(f"  {label:<11} {what}" for label, what in [*rows, *_commands(settings, agents, more)])


def _has_demo(settings: Settings) -> bool:
    environment = settings.deploy.environments.get(_DEMO[0])
    return environment is not None and Path(environment.repo) == settings.data_dir / "demo" / "shop"


def _commands(settings: Settings, agents: Mapping[str, Agent], more: str) -> Iterator[tuple[str, str]]:
    people = list(settings.people)
    if not people:
        yield "people", f"nobody yet: add one as [people.NAME] to {settings.config}"
        return
    wish = f'"{_DEMO[1]}"' if _has_demo(settings) else _wish(settings, agents)
    yield "ask", f"{program()} trigger {wish} --as {people[0]}{_named(settings, agents)}{more}"
    others = [name for name in (*people[1:], people[0]) if settings.people[name].email]
    if others:
        yield "read mail", f"{program()} mailbox {others[0]}{more}"
        yield "answer", f'{program()} mailbox {others[0]} --reply-to ID --text "approved, thanks"{more}'


def _own(settings: Settings, agents: Mapping[str, Agent]) -> Agent | None:
    """The first agent of the settings' own, where nothing is deployed."""
    own = [agents[name] for name, config in settings.agents.items() if config.code and name in agents]
    return own[0] if own and not settings.deploy.environments else None


def _wish(settings: Settings, agents: Mapping[str, Agent]) -> str:
    if own := _own(settings, agents):
        return shlex.quote(own.example) if own.example else '"WHAT YOU WANT"'
    return shlex.quote(next(agent.example for agent in agents.values() if agent.example))


def _named(settings: Settings, agents: Mapping[str, Agent]) -> str:
    own = _own(settings, agents)
    return f" --agent {own.name}" if own and not own.example else ""
