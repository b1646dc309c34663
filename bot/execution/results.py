"""The events that what a tool gave becomes: a result at once, or one that comes from outside later."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from pydantic import BaseModel

from agents import Agent, Outcome, Pending, Tool
from agents.events import Event, ToolFinished, ToolWaits
from agents.requests import AttemptId
from agents.run import PendingStep
from agents.state import Attempt, Waiting
from agents.steps import CallTool
from agents.text import one_line
from bot.execution.tool_context import StepContext
from bot.policy.attachments import output_file
from bot.store import StoreError
from language import say

log = structlog.stdlib.get_logger()

_OUTPUT_CHARS = 32_768
_HANDLE_CHARS, _ERROR_CHARS = 200, 500
# What a tool waits for that can't say how long, and the longest that any does.
_WAITS_S, _LONGEST_WAIT_S = 86_400.0, 366 * 86_400.0
_AGAIN_S = 60.0
# A tool may want anything, also what is no time at all.
_LONGEST_S = 30 * 86_400.0

# Hashes and contents of files that are kept with an event, as a commit wants them.
Contents = Sequence[tuple[str, bytes]]


def waits_s(tool: Tool[BaseModel], args: BaseModel) -> float:
    """Return the seconds to wait for a result.

    The effect is made, and must not be lost over a tool that can't say.
    """
    try:
        return min(max(0.0, float(tool.waits_for(args))), _LONGEST_WAIT_S)
    except Exception:
        log.exception("a tool can't say how long to wait", tool=tool.name)
        return _WAITS_S


def waits(now: datetime, attempt: Attempt, until: datetime, pending: Pending, looks: int = 0) -> ToolWaits:
    """Return the event that says when an attempt's result comes, `until` then, after so many `looks` for it."""
    return ToolWaits(
        at=now,
        attempt_id=attempt.id,
        handle=pending.handle[:_HANDLE_CHARS],
        note=one_line(pending.note, _HANDLE_CHARS),
        check_at=now + next_look(looks, now - attempt.started_at, pending.check_after_s),
        until=until,
    )


def finished(
    now: datetime, attempt_id: AttemptId, outcome: Outcome, mask: Callable[[str], str]
) -> tuple[ToolFinished, Contents]:
    """Return the event that ends an attempt, with output and error bounded, and what is to be kept with it."""
    output, error = _bounded(mask(outcome.output)), _bounded(mask(outcome.error))
    if outcome.error and not error:  # of characters that nobody sees: a failure all the same
        error = say("run.failed-without-words")
    kept = output_file(mask(outcome.printed)) if error else None
    event = ToolFinished(
        at=now,
        attempt_id=attempt_id,
        output=output,
        error=error,
        files=(kept[0],) if kept else (),
        unknown=outcome.unknown,
        refused=outcome.refused and bool(error) and not outcome.unknown,
    )
    return event, [(kept[0].sha256, kept[1])] if kept else []


def _bounded(text: str) -> str:
    """Head and tail of a long text, with what was cut in between."""
    if len(text) <= _OUTPUT_CHARS:
        return text
    half = _OUTPUT_CHARS // 2
    return f"{text[:half]}\n{say('run.characters-cut', count=len(text) - 2 * half)}\n{text[-half:]}"


async def poll_result(
    agent: Agent, pending: PendingStep, hands: StepContext, mask: Callable[[str], str]
) -> tuple[Event, Contents]:
    """The event to append, the result or when to look again, and what is to be kept with it."""
    waiting = pending.waits
    tool = agent.tool(pending.step.tool) if isinstance(pending.step, CallTool) else None
    if waiting is None or not isinstance(pending.step, CallTool):
        raise TypeError("only a tool's attempt can be waited for")
    if tool is None or tool.check is None:
        name = pending.step.tool
        error = say("run.can-not-look", tool=name, handle=waiting.handle)
        return ToolFinished(at=hands.now, attempt_id=waiting.attempt.id, output="", error=error, unknown=True), ()
    found = await _found(tool, pending.step, waiting, hands)
    if isinstance(found, Outcome):
        return finished(hands.now, waiting.attempt.id, found, mask)
    if hands.now >= waiting.until:
        waited_s = (waiting.until - waiting.attempt.started_at).total_seconds()
        error = say("run.waited-too-long", tool=tool.name, seconds=f"{waited_s:g}", handle=waiting.handle)
        return ToolFinished(at=hands.now, attempt_id=waiting.attempt.id, output="", error=error, unknown=True), ()
    return waits(hands.now, waiting.attempt, waiting.until, found, waiting.looks + 1), ()


async def _found(tool: Tool[BaseModel], step: CallTool, waiting: Waiting, hands: StepContext) -> Outcome | Pending:
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


async def stop_outside(agent: Agent | None, pending: PendingStep | None) -> str:
    """Ask outside that what a cancelled run waits for stops; return what people are told, "" where nobody was asked."""
    if agent is None or pending is None or pending.waits is None or not isinstance(pending.step, CallTool):
        return ""
    tool = agent.tool(pending.step.tool)
    if tool is None or tool.cancel is None:
        return ""
    waits = pending.waits
    try:
        async with asyncio.timeout(tool.timeout_s):
            args = tool.args.model_validate(pending.step.arguments)
            told = await tool.cancel(args, waits.handle, waits.attempt.effect)
    except Exception as error:  # noqa: BLE001 - the edge of a tool; its run ends all the same, and says what goes on
        log.warning(
            "what a run waited for could not be stopped", tool=tool.name, error=f"{type(error).__name__}: {error}"
        )
        return ""
    return one_line(told, _ERROR_CHARS)


def next_look(looks: int, waited: timedelta, check_after_s: float) -> timedelta:
    """Return the time until the next look: as the tool wants, and ever longer: a wait of days makes few looks."""
    wanted_s = min(_LONGEST_S, check_after_s)
    return timedelta(seconds=max(1.0, wanted_s, waited.total_seconds() / 20 if looks else 0.0))
