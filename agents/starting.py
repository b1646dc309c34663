"""A run as a step of another one: the tool that starts a run, and waits for its end as for any long effect."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from agents import Hands, Outcome, Pending, Tool, ToolRefused
from agents.requests import Effect, RunId
from agents.text import one_line

START_RUN = "start_run"
# Its end is told at once; this is for a word of it that was lost.
_LOOK_AGAIN_S = 3600.0
_WAITS_S = 30 * 86_400.0
_TITLE_CHARS = 80


class StartRunArgs(BaseModel):
    """Which agent is to do what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agent: str = Field(description="The exact name of an agent")
    text: str = Field(description="What that agent is to do, in full: it sees nothing else of this run")


def start_run_tool(agents: Mapping[str, str]) -> Tool[StartRunArgs]:
    """Start a run of one of `agents`, named with what each is for, and wait for how it ends.

    The child has the requesters of its parent, and gates of its own; nothing is approved by having been started.
    """

    async def prepare(args: StartRunArgs) -> Effect:
        if args.agent not in agents:
            raise ToolRefused(
                f"There is no agent {one_line(args.agent, _TITLE_CHARS)!r}. There are: {', '.join(agents)}"
            )
        return Effect(argv=(START_RUN, args.agent, args.text))

    async def execute(args: StartRunArgs, _: Effect, hands: Hands) -> Pending:
        child_id = await hands.start_run(args.agent, args.text)
        return _still(child_id, args.agent)

    async def check(args: StartRunArgs, handle: str, hands: Hands) -> Outcome | Pending:
        child = await hands.child(RunId(handle))
        if not child.has_ended:
            return _still(child.id, args.agent)
        return Outcome(child.summary) if child.state == "done" else Outcome("", f"{child.state}: {child.summary}")

    listed = "; ".join(f"{name}: {description}" for name, description in agents.items())
    return Tool(
        name=START_RUN,
        description=f"Have another agent do something, and hear how it ended. {listed}",
        args=StartRunArgs,
        prepare=prepare,
        execute=execute,
        check=check,
        title=lambda args: f"Start the {one_line(args.agent, _TITLE_CHARS)} agent",
        idempotent=True,
        waits_s=_WAITS_S,
    )


def _still(child_id: RunId, agent: str) -> Pending:
    return Pending(handle=child_id, check_after_s=_LOOK_AGAIN_S, note=f"the {agent} agent ({child_id})")
