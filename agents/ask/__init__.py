"""The ask agent: it asks several people the same, waits until a deadline, and says who answered what."""

from agents import Agent
from agents.ask.directory import Directory, Listed
from agents.ask.plain import HOW_TO_ASK, plain_ask
from agents.ask.rules import next_step
from agents.ask.survey import survey_tool
from agents.requests import Fact
from agents.run import Run
from agents.steps import Step

__all__ = ["Directory", "Listed", "ask_agent"]

ASK = "ask"


def ask_agent(directory: Directory) -> Agent:
    """The agent that may ask everybody in `directory`, and nobody else."""

    async def prefetch(_: Run) -> tuple[Fact, ...]:
        """Whom there is to ask."""
        groups = sorted({group for listed in directory.values() for group in listed.groups})
        people = ", ".join(f"person:{name} ({listed.name})" for name, listed in directory.items())
        return (Fact(label="People", text=people), Fact(label="Groups", text=", ".join(f"group:{g}" for g in groups)))

    def fallback(run: Run) -> Step:
        return next_step(run, directory)

    return Agent(
        name=ASK,
        description="asks several people the same question and sums up what they answer",
        prompt=ASK,
        tools=(survey_tool(directory),),
        prefetch=prefetch,
        fallback=fallback,
        takes=lambda text: plain_ask(text) is not None,
        form=HOW_TO_ASK,
    )
