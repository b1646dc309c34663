"""Coding agents: what each sends as it wants to use a tool, and how it reads the answer. Pure.

Tried with the real programs: docs/ask-from says which, and what came of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, cast


class WrongHook(ValueError):
    """What came is no call of a tool that this program would send."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that an agent wants to use.

    `session` is one run of the agent, `turn` one request of its user in that, `call_id` this very call; the last two
    are empty where the agent does not say them.
    """

    session: str
    turn: str
    call_id: str
    folder: str
    tool: str
    given: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Verdict(NamedTuple):
    """What an agent hears: whether it may, and why not. `updated` is what the tool is given in place of what was asked.

    It is `early` where the wait for people was cut short.
    """

    allow: bool
    message: str = ""
    updated: Mapping[str, Any] | None = None
    early: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """A coding agent: how its hook says what it wants to do, and how it reads the answer.

    Some agents start their hook before each call of any tool. Nobody is asked about tools that `only_read` what is in
    the folder: the agent decides about them as it does without sayso. An agent that opens its own dialog beside the
    hook also tells of each call that was `made`, no matter who allowed it.
    """

    name: str
    called: str
    read: Callable[[Mapping[str, Any]], ToolCall]
    answer: Callable[[Mapping[str, Any], Verdict], dict[str, Any]]
    only_read: frozenset[str] = frozenset()
    made: Callable[[Mapping[str, Any]], ToolCall | None] = lambda _: None


def _claude_made(told: Mapping[str, Any]) -> ToolCall | None:
    """Return the call as its permission was asked for: with no id, and with nothing that its user answered."""
    if told.get("hook_event_name") not in ("PostToolUse", "PostToolUseFailure"):
        return None
    call = replace(_in_snake_case(told, "session_id"), turn=_text(told, "prompt_id", ""), call_id="")
    if call.tool != "AskUserQuestion":
        return call
    return replace(call, given={name: one for name, one in call.given.items() if name not in _CLAUDE_ANSWERED})


def _claude_call(told: Mapping[str, Any]) -> ToolCall:
    if told.get("hook_event_name") not in ("PermissionRequest", "PreToolUse"):
        raise WrongHook("Use it for PermissionRequest or PreToolUse alone: other hooks decide nothing")
    return replace(_in_snake_case(told, "session_id"), turn=_text(told, "prompt_id", ""))


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


def _codex_call(told: Mapping[str, Any]) -> ToolCall:
    return replace(_claude_call(told), turn=_text(told, "turn_id", ""))


def _codex_answer(told: Mapping[str, Any], verdict: Verdict) -> dict[str, Any]:
    """Return what Codex reads: in PreToolUse it knows no `allow`, and goes on after an empty answer."""
    if told["hook_event_name"] == "PreToolUse" and verdict.allow:
        return {}
    return _claude_answer(told, verdict._replace(updated=None))


def _gemini_call(told: Mapping[str, Any]) -> ToolCall:
    if told.get("hook_event_name") != "BeforeTool":
        raise WrongHook("Use it for BeforeTool alone: other hooks decide nothing")
    return _in_snake_case(told, "session_id")


def _gemini_answer(_: Mapping[str, Any], verdict: Verdict) -> dict[str, Any]:
    return {"decision": "allow"} if verdict.allow else {"decision": "deny", "reason": verdict.message}


def _vscode_call(told: Mapping[str, Any]) -> ToolCall:
    """Read a call as VS Code sends it: in its own words, or in those of the Copilot that runs in it."""
    if told.get("hookEventName", told.get("hook_event_name")) != "PreToolUse":
        raise WrongHook("Use it for PreToolUse alone: other hooks decide nothing")
    return _in_snake_case(told, "sessionId" if "sessionId" in told else "session_id")


def _vscode_answer(_: Mapping[str, Any], verdict: Verdict) -> dict[str, Any]:
    said = {"permissionDecision": "allow"}
    if not verdict.allow:
        said = {"permissionDecision": "deny", "permissionDecisionReason": verdict.message}
    return {**said, "hookSpecificOutput": {"hookEventName": "PreToolUse", **said}}


def _in_snake_case(told: Mapping[str, Any], session: str) -> ToolCall:
    return ToolCall(
        session=_text(told, session),
        turn="",
        call_id=_text(told, "tool_use_id", ""),
        folder=_text(told, "cwd"),
        tool=_text(told, "tool_name"),
        given=_object(told, "tool_input"),
    )


def _text(told: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = told.get(name, default)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise WrongHook(f"{name} is missing, or no text")
    return value


def _object(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = told.get(name, {})
    if not isinstance(value, dict):
        raise WrongHook(f"{name} is no object")
    return cast("Mapping[str, Any]", value)


_CLAUDE_ANSWERED = {"answers", "annotations"}
_GEMINI_READS = frozenset({
    "ask_user", "get_internal_docs", "glob", "grep_search", "list_directory", "read_file", "read_many_files",
    "search_file_content", "update_topic", "write_todos",
})  # fmt: skip
_VSCODE_READS = frozenset({
    "file_search", "get_changed_files", "get_errors", "get_terminal_output", "grep_search", "list_code_usages",
    "list_dir", "manage_todo_list", "read_file", "semantic_search", "test_search",
})  # fmt: skip

PROGRAMS = {
    one.name: one
    for one in (
        Program("claude-code", "Claude Code", _claude_call, _claude_answer, made=_claude_made),
        Program("codex", "Codex", _codex_call, _codex_answer),
        Program("copilot", "Copilot", _copilot_call, _copilot_answer),
        Program("gemini", "Gemini CLI", _gemini_call, _gemini_answer, _GEMINI_READS),
        Program("vscode", "VS Code", _vscode_call, _vscode_answer, _VSCODE_READS),
    )
}
