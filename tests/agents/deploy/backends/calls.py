"""Deploys that a server makes, called for as an approved step and its looks call for them."""

from dataclasses import replace

from agents import Outcome, Pending
from agents.deploy import Environment
from agents.deploy.backends.remote import RemoteBackend
from agents.deploy.tools import DeployArgs, dispatch_tool
from tests.agents.deploy.repos import PlainHands, Repo

KEY = "s0p-abcdefghijklm"
V12 = DeployArgs(version="v1.2.0", environment="production")


def environment_at(backend: RemoteBackend, repo: Repo) -> Environment:
    """Production, deployed by a server."""
    return replace(repo.environment(), command=(), backend=backend)


async def executed(environment: Environment, key: str = KEY) -> Outcome | Pending:
    """The deploy, prepared and begun."""
    tool = dispatch_tool({"production": environment})
    return await tool.execute(V12, await tool.prepare(V12), PlainHands(key))


async def checked(environment: Environment, handle: str) -> Outcome | Pending:
    """A look at what was begun."""
    tool = dispatch_tool({"production": environment})
    assert tool.check is not None
    return await tool.check(V12, handle, PlainHands(KEY))
