"""The help agent: to "hello" and "help" it says what can be asked here, and ends. All code."""

from collections.abc import Sequence

from agents import Agent
from agents.command import Help, parse
from agents.run import Run
from agents.steps import Done
from agents.text import one_line, quote

HELP = "help"
_ABOUT_CHARS, _EXAMPLE_CHARS = 200, 120


def help_agent(others: Sequence[Agent]) -> Agent:
    """The agent that says what `others` can be asked for."""
    text = usage(others)

    def fallback(_: Run) -> Done:
        return Done(summary=text)

    return Agent(name=HELP, description="says what can be asked here", tools=(), fallback=fallback, takes=is_for_help)


def is_for_help(text: str) -> bool:
    """Return whether `text` is `help` or a greeting, and nothing more."""
    return isinstance(parse(text), Help)


def usage(others: Sequence[Agent]) -> str:
    """Return what `others` can be asked for, a line each."""
    if not others:
        return "There is no agent yet that could do anything: configure one in sayso.toml."
    lines = ["This is what you can ask for here:", *map(_listed, others)]
    return "\n".join([*lines, "Whatever else you write, you are asked what you mean."])


def _listed(agent: Agent) -> str:
    about = f"- {agent.name}: {one_line(agent.description, _ABOUT_CHARS)}."
    return f"{about} Such as: {quote(agent.example, _EXAMPLE_CHARS)}" if agent.example else about
