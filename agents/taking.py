"""Which agent takes a text by its own word. Pure."""

from collections.abc import Mapping

from agents import Agent


def taker_of(text: str, agents: Mapping[str, Agent]) -> str | None:
    """The first in the order of `agents` that says it takes `text`; None where none does.

    None as well where lines of it are orders to several agents, each by itself: whose the whole is nobody guesses. What
    an agent without tools takes, such as a greeting, is no order.
    """
    taker = _first(text, agents)
    lines = {line for line in text.splitlines() if line.strip()}
    able = {name: agent for name, agent in agents.items() if agent.tools}
    each = {_first(line, able) for line in lines} - {None} if taker and len(lines) > 1 else set[str | None]()
    return None if taker in each and len(each) > 1 else taker


def _first(text: str, agents: Mapping[str, Agent]) -> str | None:
    return next((name for name, agent in agents.items() if agent.takes(text)), None)
