"""The help agent: to "hello" and "help" it says what can be asked here, and ends. All code."""

from collections.abc import Sequence

from agents import Agent
from agents.command import Help, parse
from agents.run import Run
from agents.steps import Done
from agents.text import one_line, quote
from language import say

HELP = "help"
_ABOUT_CHARS, _EXAMPLE_CHARS = 200, 120


def help_agent(others: Sequence[Agent]) -> Agent:
    """The agent that says what `others` can be asked for."""

    def fallback(_: Run) -> Done:
        return Done(summary=usage(others))

    return Agent(
        name=HELP,
        description="says what can be asked here",
        tools=(),
        fallback=fallback,
        takes=is_for_help,
        about=lambda: say("agent.about-help"),
    )


def is_for_help(text: str) -> bool:
    """Return whether `text` is `help` or a greeting, and nothing more."""
    return isinstance(parse(text), Help)


def usage(others: Sequence[Agent]) -> str:
    """Return what `others` can be asked for, a line each."""
    if not others:
        return say("agent.help-nothing")
    return "\n".join(
        [say("agent.help-begins"), *map(_listed, others), say("agent.help-standing"), say("agent.help-ends")]
    )


def _listed(agent: Agent) -> str:
    about = f"- {agent.name}: {one_line(agent.for_people(), _ABOUT_CHARS)}."
    such_as = say("agent.help-such-as", example=quote(agent.example, _EXAMPLE_CHARS))
    return f"{about} {such_as}" if agent.example else about
