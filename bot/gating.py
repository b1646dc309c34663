"""Which policy stands before a call, as its tool's gate says now. A gate that breaks stands shut."""

import structlog
from pydantic import BaseModel

from agents import Agent, Tool, ToolRefused
from agents.steps import CallTool, Step
from agents.text import one_line

log = structlog.stdlib.get_logger()

_ERROR_CHARS = 500


def gate_now(agent: Agent, tool: Tool[BaseModel], args: BaseModel) -> str | None:
    """The policy that must approve the call, None for no gate. Raises ToolRefused where the gate can't say."""
    try:
        return _said(tool.gate(args))
    except Exception as error:
        log.exception("a gate broke", agent=agent.name, tool=tool.name)
        said = one_line(f"{type(error).__name__}: {error}", _ERROR_CHARS)
        raise ToolRefused(
            f"The gate of the tool {tool.name} of the {agent.name} agent broke: {said}. "
            "Nobody can know who has to approve the call, so it is not done. Mend the gate"
        ) from error


def _said(policy: object) -> str | None:
    """What a gate gave back; whoever writes one need not have had its types checked. Raises TypeError."""
    if policy is None or isinstance(policy, str):
        return policy
    raise TypeError(f"it gave back {type(policy).__name__}, neither a policy's name nor None")


def gate_of(agent: Agent, step: Step) -> str | None:
    """The policy that a chosen step needs; None for no gate. What can't be judged is judged where it is prepared."""
    if not isinstance(step, CallTool) or (tool := agent.tool(step.tool)) is None:
        return None
    try:
        return gate_now(agent, tool, tool.args.model_validate(step.arguments))
    except Exception:  # noqa: BLE001 - before anything is done it is asked again, and refused there
        return None
