"""An agent for the tests of the model's boundary, and its next step."""

from typing import Literal

from pydantic import BaseModel, Field

from agents import Agent, Outcome, Tool, ToolContext
from agents.model.protocol import Chosen, Failed, Model
from agents.requests import Effect, Fact
from agents.run import Run, fold
from agents.steps import Done
from tests.agents.worlds import started

EVENTS = [started()]


class Place(BaseModel):
    """Where."""

    environment: Literal["staging", "production"]
    replicas: int = Field(default=1, ge=1, le=9)


class DeployArgs(BaseModel, extra="forbid"):
    version: str = Field(min_length=2, pattern="^v")
    place: Place


async def _prepare(_: DeployArgs) -> Effect:
    return Effect(argv=("deploy",))


async def _execute(_: DeployArgs, __: Effect, ___: ToolContext) -> Outcome:
    return Outcome("")


async def _prefetch(_: Run) -> tuple[Fact, ...]:
    return ()


AGENT = Agent(
    name="deploy",
    description="releases versions",
    prompt="deploy",
    tools=(
        Tool(
            name="deploy", description="Deploy it.", args=DeployArgs, prepare=_prepare, execute=_execute, changes=True
        ),
    ),
    prefetch=_prefetch,
    fallback=lambda _: Done(summary=""),
)


CALL = {"version": "v1.2.0", "place": {"environment": "staging"}}


async def choose(model: Model) -> Chosen | Failed:
    return await model.choose(AGENT, fold(EVENTS), EVENTS)
