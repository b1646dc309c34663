"""Coding agents: what each sends as it wants to use a tool, and how it reads the answer. Pure.

Tried with the real programs: docs/ask-from says which, and what came of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from agents.text import one_line


class WrongHook(ValueError):
    """What came is no call of a tool that this program would send."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that an agent wants to use.

    `session` is one run of the agent, `turn` one request of its user in that, `call_id` this very call; each is empty
    where the program does not say it.
    """

    session: str
    turn: str
    call_id: str
    folder: str
    tool: str
    given: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Verdict(NamedTuple):
    """What an agent hears: whether it may, and why not."""

    allow: bool
    message: str = ""
    updated: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """A coding agent."""

    name: str
    called: str
    read: Callable[[Mapping[str, Any]], ToolCall]
    answer: Callable[[Mapping[str, Any], Verdict], dict[str, Any]]


def _claude_call(told: Mapping[str, Any]) -> ToolCall:
    if told.get("hook_event_name") not in {"PermissionRequest", "PreToolUse"}:
        raise WrongHook("Use it for PermissionRequest or PreToolUse alone: other hooks decide nothing")
    return ToolCall(
        session=_text(told, "session_id"),
        turn=_text(told, "prompt_id", ""),
        call_id=_text(told, "tool_use_id", ""),
        folder=_text(told, "cwd"),
        tool=_text(told, "tool_name"),
        given=_object(told, "tool_input"),
    )


def _claude_answer(told: Mapping[str, Any], verdict: Verdict) -> dict[str, Any]:
    event, behavior = told["hook_event_name"], "allow" if verdict.allow else "deny"
    if event == "PreToolUse":
        said: dict[str, Any] = {"permissionDecision": behavior, "permissionDecisionReason": verdict.message}
        said |= {"updatedInput": dict(verdict.updated)} if verdict.updated else {}
    else:
        decision = {"behavior": behavior, **({} if verdict.allow else {"message": verdict.message})}
        said = {"decision": decision | ({"updatedInput": dict(verdict.updated)} if verdict.updated else {})}
    return {"hookSpecificOutput": {"hookEventName": event, **said}}


def _copilot_call(told: Mapping[str, Any]) -> ToolCall:
    if told.get("hookName") != "permissionRequest":
        raise WrongHook("Use it for permissionRequest alone: other hooks decide nothing")
    return ToolCall(
        session=_text(told, "sessionId"),
        turn="",
        call_id="",
        folder=_text(told, "cwd"),
        tool=_text(told, "toolName"),
        given=_object(told, "toolInput"),
    )


def _copilot_answer(_: Mapping[str, Any], verdict: Verdict) -> dict[str, Any]:
    return {"behavior": "allow"} if verdict.allow else {"behavior": "deny", "message": verdict.message}


def _text(told: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = told.get(name, default)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise WrongHook(f"{name} is missing, or no text")
    return one_line(value, 1_000)


def _object(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = told.get(name, {})
    if not isinstance(value, dict):
        raise WrongHook(f"{name} is no object")
    return cast("Mapping[str, Any]", value)


PROGRAMS = {
    one.name: one
    for one in (
        Program("claude-code", "Claude Code", _claude_call, _claude_answer),
        Program("copilot", "Copilot", _copilot_call, _copilot_answer),
    )
}
