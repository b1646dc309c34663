"""What people are shown of a call of a coding agent: exactly what it does, and where. Pure."""

import difflib
import json
from collections.abc import Mapping
from typing import Any, cast

from agents.text import one_line
from bot.policy.risks import COMMANDS, PATHS
from bot.web.hooks.programs import Program, ToolCall

_TITLE_CHARS, _FACT_CHARS = 190, 290
_OWN = {"tool", "folder", "change", "input"}
_REPLACED = (("old_string", "new_string"), ("old_str", "new_str"), ("oldString", "newString"))


def body_of(program: Program, call: ToolCall, policy: str, machine: str) -> dict[str, Any]:
    """Return the request for an approval of this call, as the API takes it."""
    arguments = {"tool": call.tool, "folder": call.folder, **_readable(call.given)}
    facts = {
        "Agent": f"{program.called}, session {call.session[:40]}",
        "Machine": machine,
        "Folder": call.folder,
        "Says": _text(call.given.get("description")),
    }
    return {
        "title": one_line(f"{program.called}: {_title(call)}", _TITLE_CHARS),
        "policy": policy,
        "arguments": arguments,
        "facts": {name: one_line(text, _FACT_CHARS) for name, text in facts.items() if text.strip()},
        "reports": False,
    }


def _title(call: ToolCall) -> str:
    if call.tool in COMMANDS:
        return f"run {_text(call.given.get('command'))}"
    if path := _path(call):
        return f"{call.tool} {path}"
    return f"use {call.tool}"


def _readable(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given; of a text that replaces another one, what changes between them.

    Where the agent gives an argument one of our own names, all are shown as `input`: none takes the place of ours.
    """
    if not _OWN.isdisjoint(given):
        return {"input": dict(given)}
    names = next((pair for pair in _REPLACED if all(isinstance(given.get(name), str) for name in pair)), None)
    if names is None:
        return dict(given)
    old, new = (cast("str", given[name]) for name in names)
    rest = {name: value for name, value in given.items() if name not in names}
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    changed = [*difflib.unified_diff(before, after)][3:]  # without heads: no file name and no line number is known
    return {**rest, "change": "".join(line if line.endswith("\n") else f"{line}\n\\ no newline\n" for line in changed)}


def _path(call: ToolCall) -> str:
    return next((_text(call.given[name]) for name in PATHS if name in call.given), "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)
