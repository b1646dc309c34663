"""A run as a step of another one: the tools that start a run, and wait for its end as for any long effect."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import Field, JsonValue

from agents import Arguments, ChildRun, Outcome, Pending, Tool, ToolContext, ToolRefused
from agents.requests import Effect, RunId
from agents.run import Run
from agents.text import one_line
from language import say

START_RUN = "start_run"
# Its end is told at once; this is for a word of it that was lost.
_LOOK_AGAIN_S = 3600.0
_WAITS_S = 30 * 86_400.0
_TITLE_CHARS = 80


class ChosenAgent(Arguments):
    """Which agent is to do what the requester wrote."""

    agent: str = Field(description="The exact name of an agent")


class StartRunArgs(ChosenAgent):
    """Which agent is to do what."""

    text: str = Field(description="What that agent is to do, in full: it sees nothing else of this run")


@dataclass(frozen=True, slots=True)
class Handed:
    """The text and context of a child at its start."""

    text: str
    context: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    with_files: bool = False


A = TypeVar("A", bound=ChosenAgent)


def start_run_tool(agents: Mapping[str, str], with_files: Collection[str] = ()) -> Tool[StartRunArgs]:
    """Start a run of one of `agents`, named with what each is for, and wait for how it ends.

    The child has the requesters of its parent, and gates of its own; nothing is approved by having been started. Those
    in `with_files` get what was attached to what this run was started with.
    """
    what = "Have another agent do something, and hear how it ended."
    return _tool(
        agents,
        StartRunArgs,
        what,
        lambda args, _: Handed(args.text, with_files=args.agent in with_files),
        lambda child: not child.only_said,
    )


def pass_on_tool(agents: Mapping[str, str]) -> Tool[ChosenAgent]:
    """As `start_run_tool`, but the child gets what this run was started with, word for word, and what was attached.

    Nobody can reword it.
    """
    what = "Have another agent do what the requester wrote, word for word, and hear how it ended."
    # What was only passed on is told as it ended, whatever that is: this run ends as that one.
    return _tool(agents, ChosenAgent, what, _as_written, lambda _: True)


def _as_written(_: ChosenAgent, hands: ToolContext) -> Handed:
    started = hands.run.started
    return Handed(started.text, started.context, with_files=True) if started else Handed("")


def _tool(
    agents: Mapping[str, str],
    args_type: type[A],
    description: str,
    given: Callable[[A, ToolContext], Handed],
    worked: Callable[[ChildRun], bool],
) -> Tool[A]:
    async def prepare(args: A) -> Effect:
        if args.agent not in agents:
            name = repr(one_line(args.agent, _TITLE_CHARS))
            raise ToolRefused(say("agent.start-no-agent", name=name, names=", ".join(agents)))
        return Effect(argv=(START_RUN, *map(str, args.model_dump().values())))

    async def execute(args: A, _: Effect, hands: ToolContext) -> Pending:
        what = given(args, hands)
        child_id = await hands.start_run(args.agent, what.text, context=what.context, with_files=what.with_files)
        return _still(child_id, args.agent)

    async def check(args: A, handle: str, hands: ToolContext) -> Outcome | Pending:
        child = await hands.child(RunId(handle))
        if not child.has_ended:
            return _still(child.id, args.agent)
        if child.state == "done" and worked(child):
            return Outcome(child.summary)
        return Outcome("", _how_child(child), child.printed)

    listed = "; ".join(f"{name}: {about}" for name, about in agents.items())
    return Tool(
        name=START_RUN,
        description=f"{description} {listed}",
        args=args_type,
        prepare=prepare,
        execute=execute,
        check=check,
        title=lambda args: say("agent.start", agent=one_line(args.agent, _TITLE_CHARS)),
        known={"agent": tuple(agents)},
        starts_runs=True,
        idempotent=True,
        waits_s=_WAITS_S,
    )


def live_below(run: Run) -> dict[str, str]:
    """Return what the runs that `run` started saw live: what is told of how they ended says so."""
    return {where: what for where, (what, _) in run.child_live.items()}


def _still(child_id: RunId, agent: str) -> Pending:
    return Pending(
        handle=child_id, check_after_s=_LOOK_AGAIN_S, note=say("agent.start-waits", agent=agent, run=child_id)
    )


_CHILD_ENDS = {"failed": "agent.child-failed", "cancelled": "agent.child-cancelled"}


def _how_child(child: ChildRun) -> str:
    """Return how a child run ended that did not do what was wished: `failed: exit code 3`.

    What people refused has not failed: its summary says so.
    """
    is_told = child.state == "failed" and child.stopped and child.summary
    key = None if is_told else _CHILD_ENDS.get(child.state)
    return say(key, summary=child.summary) if key else child.summary
