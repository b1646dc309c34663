"""The deploy agent: it puts a version of a git repository live, after approval, and checks that it is."""

import asyncio
from collections.abc import Awaitable, Mapping

from agents import Agent
from agents.deploy import git
from agents.deploy.environment import Environment
from agents.deploy.lookup import LookFailed
from agents.deploy.rules import next_step, versions_label
from agents.deploy.tools import changes, deploy_tool, live, live_commit, live_tool
from agents.deploy.wish import wish_of
from agents.requests import Fact
from agents.run import Run
from agents.steps import Step

__all__ = ["Environment", "deploy_agent", "live_in"]


def deploy_agent(environments: Mapping[str, Environment]) -> Agent:
    """The agent for these environments, by name."""

    async def prefetch(run: Run) -> tuple[Fact, ...]:
        """Per environment its versions and what is live, and what the wish would change; all at once."""
        wish = wish_of(run.started.text if run.started else "", tuple(environments))
        looks = [look for environment in environments.values() for look in (_versions(environment), _live(environment))]
        if wish.version and wish.environment:
            looks.append(_changes(environments[wish.environment], wish.version))
        return tuple(fact for facts in await asyncio.gather(*looks) for fact in facts)

    def fallback(run: Run) -> Step:
        return next_step(run, tuple(environments))

    def takes(text: str) -> bool:
        wish = wish_of(text, tuple(environments))
        return wish.version is not None or wish.environment is not None

    return Agent(
        name="deploy",
        description="puts versions live in " + (", ".join(environments) or "no environment yet"),
        prompt="deploy",
        tools=(deploy_tool(environments), live_tool(environments)),
        prefetch=prefetch,
        fallback=fallback,
        takes=takes,
    )


async def _versions(environment: Environment) -> tuple[Fact, ...]:
    async def found() -> str:
        return str(await git.versions(environment.repo))

    return (await _fact(versions_label(environment.name), found()),)


async def _live(environment: Environment) -> tuple[Fact, ...]:
    return (await live_in(environment),)


async def live_in(environment: Environment) -> Fact:
    """The commit that is live, with its tags, or why that is not known."""
    return await _fact(f"Live in {environment.name}", live(environment))


async def _fact(label: str, look: Awaitable[str]) -> Fact:
    """What a look found; under another label, that it failed."""
    try:
        return Fact(label=label, text=await look)
    except LookFailed as error:
        return Fact(label=f"{label}: look-up failed", text=str(error))


async def _changes(environment: Environment, version: str) -> tuple[Fact, ...]:
    try:
        old, new = await asyncio.gather(live_commit(environment), git.commit_of(environment.repo, version))
        found = await changes(environment, old, new) if new else ()
    except LookFailed as error:
        found = (Fact(label="Changes", text=f"unknown: {error}"),)
    return tuple(Fact(label=f"{fact.label} in {environment.name} with {version}", text=fact.text) for fact in found)
