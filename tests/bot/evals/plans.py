"""An agent with a few plain rules, and plans for it."""

from pydantic import JsonValue

from agents import Agent
from agents.run import Run
from agents.steps import CallTool, Done, RequestHumanInput, Step
from bot.evals.cases import Case
from bot.evals.running import Plan
from tests.agents.model.claudes import AGENT as CLAUDES

PLAIN: dict[str, JsonValue] = {"version": "v1.2.0", "place": {"environment": "staging"}}


def rules(run: Run) -> Step:
    """Deploy what is asked for plainly, tell how that ended, ask about anything else."""
    if run.results:
        return Done(outcome="done" if run.results[-1].kind == "ok" else "failed", summary=run.results[-1].text)
    text = run.started.text if run.started else ""
    if text == "break":
        raise RuntimeError("no idea")
    return CallTool(tool="deploy", arguments=PLAIN) if text == "deploy" else RequestHumanInput(question="What?")


AGENT = Agent(
    name="deploy", description=CLAUDES.description, prompt=CLAUDES.prompt, tools=CLAUDES.tools, fallback=rules
)


def case(**said: object) -> Case:
    """A case; what is not said is a plain deploy that must be called."""
    values = {"name": "plain", "text": "deploy", "expect": [{"tool": "deploy"}]} | said
    return Case.model_validate(values)


def plans(*cases: Case) -> list[Plan]:
    """These cases for that agent."""
    return [Plan(AGENT, one, "mine.toml") for one in cases]
