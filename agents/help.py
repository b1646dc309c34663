"""The help agent: to "hello" and "help" it says what can be asked here, and ends. All code."""

import re
from collections.abc import Sequence

from agents import Agent
from agents.run import Run
from agents.steps import Done
from agents.text import one_line, quote

HELP = "help"
_ABOUT_CHARS, _EXAMPLE_CHARS, _TEXT_CHARS = 200, 120, 300
_GREETING = r"(?:hi|hello|hey|hallo|good (?:morning|afternoon|evening))(?: (?:there|all|team|everybody|everyone))?"
_QUESTION = (
    r"(?:(?:please )?help(?: me)?(?: please)?|/?help|-{1,2}help|usage|commands|"
    r"what (?:can|could) (?:you do|i (?:ask|do|say|write))(?: (?:here|you|for me))?|who are you|how does this work)"
)
_SAYSO = r"(?:@?sayso|<@\w+>)"
_LINE = re.compile(
    rf"(?:{_SAYSO}\W*)?(?:{_GREETING}|{_QUESTION}|{_GREETING}\W+{_QUESTION})?(?:\W+{_SAYSO})?[\s.,!?]*", re.IGNORECASE
)


def help_agent(others: Sequence[Agent]) -> Agent:
    """The agent that says what `others` can be asked for."""
    text = _text(others)

    def fallback(_: Run) -> Done:
        return Done(summary=text)

    return Agent(name=HELP, description="says what can be asked here", tools=(), fallback=fallback, takes=is_for_help)


def is_for_help(text: str) -> bool:
    """Whether `text` is a greeting, or a question what can be asked here, and nothing more."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return 0 < len(text) <= _TEXT_CHARS and bool(lines) and all(_LINE.fullmatch(line) for line in lines)


def _text(others: Sequence[Agent]) -> str:
    if not others:
        return "There is no agent yet that could do anything: configure one in sayso.toml."
    lines = ["This is what you can ask for here:", *map(_listed, others)]
    return "\n".join([*lines, "Anything else may be written as well; you are asked what you mean where that is open."])


def _listed(agent: Agent) -> str:
    about = f"- {agent.name}: {one_line(agent.description, _ABOUT_CHARS)}."
    return f"{about} Such as: {quote(agent.example, _EXAMPLE_CHARS)}" if agent.example else about
