"""Looking for the result of an effect that goes on outside: a look changes nothing, and may be made again."""

import asyncio

import structlog
from pydantic import BaseModel

from agents import Agent, Outcome, Pending, Tool
from agents.events import Event, ToolFinished
from agents.pending import Waiting
from agents.run import PendingStep
from agents.steps import CallTool
from bot.executing import finished, waits
from bot.hands import ToolHands
from bot.store import StoreError

log = structlog.stdlib.get_logger()

_AGAIN_S = 60.0


async def look(agent: Agent, pending: PendingStep, hands: ToolHands) -> Event:
    """The event to append: the result, or when to look again."""
    waiting = pending.waits
    tool = agent.tool(pending.step.tool) if isinstance(pending.step, CallTool) else None
    if waiting is None or not isinstance(pending.step, CallTool):
        raise TypeError("only a tool's attempt can be waited for")
    if tool is None or tool.check is None:
        name = pending.step.tool
        error = f"This release can't look for the result of {name!r}, which is called {waiting.handle} there"
        return ToolFinished(at=hands.now, attempt_id=waiting.attempt.id, output="", error=error)
    found = await _found(tool, pending.step, waiting, hands)
    if isinstance(found, Outcome):
        return finished(hands.now, waiting.attempt.id, found)
    if hands.now >= waiting.until:
        waited_s = (waiting.until - waiting.attempt.started_at).total_seconds()
        error = f"{tool.name} did not end within {waited_s:g} s. It is called {waiting.handle} there: look at it"
        return ToolFinished(at=hands.now, attempt_id=waiting.attempt.id, output="", error=error)
    return waits(hands.now, waiting.attempt, waiting.until, found, waiting.looks + 1)


async def _found(tool: Tool[BaseModel], step: CallTool, waiting: Waiting, hands: ToolHands) -> Outcome | Pending:
    still = Pending(waiting.handle, _AGAIN_S, waiting.note)
    if tool.check is None:
        return still
    try:
        async with asyncio.timeout(tool.timeout_s):
            return await tool.check(tool.args.model_validate(step.arguments), waiting.handle, hands)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - the edge of a tool; it is looked again
        log.warning("a look for a result failed", tool=tool.name, error=f"{type(error).__name__}: {error}")
        return still
