"""The deploy agent: it puts a version of a git repository live, after approval, checks that it is, and can go back.

Others use `deploy_agent`, `live_in`, `environment.Environment` and `lookup`. Code looks things up and executes; the
model or plain rules only choose, and never run a command of their own.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from agents import Agent, Tool
from agents.command import Release, asks_only, parse, verb_of
from agents.deploy import checks
from agents.deploy.environment import MIGRATIONS, Environment, ways_of
from agents.deploy.facts import FACT_S, changes, found, live, live_commit, look_at_ci, refreshed, shown
from agents.deploy.lookup import LOOK_S, LookFailed
from agents.deploy.names import named_in, version_in
from agents.deploy.repository import git
from agents.deploy.repository.mirror import Remote
from agents.deploy.results import live_label
from agents.deploy.rules import named, next_step
from agents.deploy.tools import deploy_tool, dispatch_tool, health_tool, live_tool
from agents.deploy.version import meant_label, versions_label
from agents.requests import Fact
from agents.run import Run
from agents.steps import Step
from language import say
from language.labels import LOOK_UP_FAILED

__all__ = ["MIGRATIONS", "Environment", "Remote", "deploy_agent", "live_in"]

# What is meant is looked up before what it changes, and all facts together have 20 s.
_MEANT_S = 4.0


def deploy_agent(environments: Mapping[str, Environment]) -> Agent:
    """The agent for these environments, by name."""
    ways = ways_of(environments)

    async def prefetch(run: Run) -> tuple[Fact, ...]:
        """Per environment its versions, what is live and by whom, and what the command would change; all at once."""
        try:
            stale = await refreshed(environments.values())
        except LookFailed as error:
            stale = (Fact(label=f"Repository{LOOK_UP_FAILED}", text=str(error)),)
        found = named(run, tuple(environments))
        looks: list[Awaitable[tuple[Fact, ...]]] = [_state(environment) for environment in environments.values()]
        if found and found.environment and found.version:
            looks.append(_named(environments[found.environment], found.version))
        return (*stale, *(fact for facts in await asyncio.gather(*looks) for fact in facts))

    def fallback(run: Run) -> Step:
        return next_step(run, tuple(environments), ways)

    return Agent(
        name="deploy",
        description="puts versions live in " + (", ".join(environments) or "no environment yet"),
        prompt="deploy",
        tools=_tools(environments),
        prefetch=prefetch,
        fallback=fallback,
        takes=_takes,
        reads=lambda text: _reads(text, tuple(environments)),
        example=f"deploy latest to {next(iter(environments), 'production')}",
        about=lambda: _about(environments),
        asks_only=asks_only,
    )


def _about(environments: Mapping[str, Environment]) -> str:
    return say("deploy.about", environments=", ".join(environments)) if environments else say("deploy.about-none")


def _takes(text: str) -> bool:
    """Return whether `text` begins as one of its commands do. Whatever is not exact is asked about."""
    return bool(verb_of(text)) and not isinstance(parse(text), Release)


def _reads(text: str, environments: Sequence[str]) -> str:
    """Return which deploy a text seems to want; whether there is that version is looked up only later."""
    place, version = named_in(text, environments), version_in(text)
    return say("deploy.title", version=version, environment=place) if place and version else ""


def _tools(environments: Mapping[str, Environment]) -> tuple[Tool[Any], ...]:
    """A tool is there when some environment has a use for it; `live` always is."""
    elsewhere = {name: one for name, one in environments.items() if one.backend}
    by_command = {name: one for name, one in environments.items() if not one.backend}
    checked = {name: one for name, one in environments.items() if one.health}
    back_by_command = {name: one for name, one in by_command.items() if one.health}
    back_elsewhere = {name: one for name, one in elsewhere.items() if one.health}
    tools: list[Tool[Any]] = [deploy_tool(by_command)] if by_command or not elsewhere else []
    tools += [live_tool(environments)]
    tools += [dispatch_tool(elsewhere)] if elsewhere else []
    tools += [health_tool(checked)] if checked else []
    tools += [deploy_tool(back_by_command, "rollback")] if back_by_command else []
    tools += [dispatch_tool(back_elsewhere, "rollback")] if back_elsewhere else []
    return tuple(tools)


async def live_in(environment: Environment) -> Fact:
    """The commit that is live, with its tags, or why that is not known."""
    return await found(live_label(environment.name), live(environment))


async def _state(environment: Environment) -> tuple[Fact, ...]:
    """Return how an environment stands now."""

    async def versions() -> str:
        return str(await git.versions(environment.repo))

    looks = [found(versions_label(environment.name), versions()), live_in(environment)]
    if environment.last:
        looks.append(found(f"Last deploy to {environment.name}", checks.last_deploy(environment)))
    if environment.health:
        looks.append(found(f"Health of {environment.name}", checks.health(environment, LOOK_S)))
    return tuple(await asyncio.gather(*looks))


async def _named(environment: Environment, said: str) -> tuple[Fact, ...]:
    """Return which tag is meant where none is called what was `said`, and what it would change in that environment."""
    label = meant_label(said, environment.name)
    fact = await found(label, _meant_by(environment, said), _MEANT_S)
    told = (fact,) if fact.text else ()
    meant = fact.text if fact.label == label else ""
    return (*told, *await _changes(environment, meant or said))


async def _meant_by(environment: Environment, said: str) -> str:
    return await git.meant_by(environment.repo, said) or ""


async def _changes(environment: Environment, version: str) -> tuple[Fact, ...]:
    """Return what that version would change, and how its checks stand."""
    try:
        old, new = await asyncio.gather(live_commit(environment), git.commit_of(environment.repo, version))
        async with asyncio.timeout(FACT_S):
            looks = (changes(environment, old, new, by_file=True), look_at_ci(environment, new)) if new else ()
            told = tuple(fact for found in await asyncio.gather(*looks) for fact in found.facts)
    except LookFailed as error:
        told = (Fact(label="Changes", text=f"unknown: {error}"),)
    except TimeoutError:
        told = (Fact(label="Changes", text=f"unknown: that took longer than {FACT_S:g} s"),)
    return tuple(
        Fact(label=f"{fact.label} in {environment.name} with {shown(version)}", text=fact.text) for fact in told
    )
