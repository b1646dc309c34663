"""The ask agent: it asks several people the same, waits until a deadline, and says who answered what.

Others use `ask_agent` and `Listed`. People are looked up in the directory that is passed in; cards, channels and the
policy that decides are never known here.
"""

from collections.abc import Sequence

from agents import Agent
from agents.ask.directory import Directory, Listed
from agents.ask.rules import HOW_TO_ASK, how_to_ask, next_step
from agents.ask.survey import survey_tool
from agents.command import Ask, parse
from agents.requests import Fact
from agents.run import Run
from agents.steps import Step
from agents.text import one_line
from language import say

__all__ = ["Directory", "Listed", "ask_agent"]

ASK = "ask"
# A model reads all of it at every step, and nobody reads more.
_LISTED, _NAME_CHARS = 200, 60


def _groups(directory: Directory) -> list[str]:
    return sorted({f"group:{group}" for listed in directory.values() for group in listed.groups})


def _some(names: Sequence[str]) -> str:
    """The first of them, and how many more may be named all the same."""
    more = len(names) - _LISTED
    return ", ".join([*names[:_LISTED], *([f"… and {more} more; name them exactly"] if more > 0 else [])])


def _example(directory: Directory) -> str:
    """An order that can be given as it stands."""
    whom = [*_groups(directory), *(f"person:{name}" for name in directory)]
    return how_to_ask(whom[0]) if whom else HOW_TO_ASK


def ask_agent(directory: Directory) -> Agent:
    """The agent that may ask everybody in `directory`, and nobody else."""

    async def prefetch(_: Run) -> tuple[Fact, ...]:
        """Return the people and groups that can be asked, as facts."""
        people = [f"person:{name} ({one_line(listed.name, _NAME_CHARS)})" for name, listed in directory.items()]
        return (Fact(label="People", text=_some(people)), Fact(label="Groups", text=_some(_groups(directory))))

    def fallback(run: Run) -> Step:
        return next_step(run, directory)

    return Agent(
        name=ASK,
        description="asks several people the same question and sums up what they answer",
        prompt=ASK,
        tools=(survey_tool(directory),),
        prefetch=prefetch,
        fallback=fallback,
        takes=lambda text: isinstance(parse(text), Ask),
        example=_example(directory),
        about=lambda: say("ask.about"),
    )
