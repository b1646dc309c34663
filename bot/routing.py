"""Which agent takes a trigger, by rules in code. Pure."""

from collections.abc import Mapping

from agents import Agent
from agents.taking import taker_of
from agents.triage import TRIAGE


class NoSuchAgent(Exception):
    """The agent that was named is not there; the text says which are."""


def agent_for(text: str, agents: Mapping[str, Agent], named: str | None = None) -> str:
    """The name of the agent that takes `text`. Raises NoSuchAgent.

    Whoever is `named` takes it: by who asks, or by a table of [triggers]. Else the first in the order of `agents` that
    says it takes such a text, unless lines of it are orders to several; else triage, else the first one. A single agent
    takes everything.
    """
    if named is not None:
        if named not in agents:
            raise NoSuchAgent(f"There is no agent {named!r}. There are: {', '.join(agents)}")
        return named
    if len(agents) == 1:
        return next(iter(agents))
    taker = taker_of(text, agents)
    if taker is not None:
        return taker
    return TRIAGE if TRIAGE in agents else next(iter(agents))
