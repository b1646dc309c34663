"""In place of a coding agent: calls the hook in its settings before it runs the one command that it is told.

`python -m tests.docs.plain_agent NAME … "…: COMMAND"` says what the hook says, and runs COMMAND if that allows it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

_FILES = {
    "claude-code": ".claude/settings.json",
    "codex": ".codex/hooks.json",
    "copilot": ".copilot/hooks/sayso.json",
}


def main() -> None:
    """Ask, and do it or not."""
    name, command = sys.argv[1], sys.argv[-1].partition(": ")[2]
    hooks: dict[str, Any] = json.loads((Path.home() / _FILES[name]).read_text())["hooks"]
    event = next(one for one in hooks if one.lower() in {"permissionrequest", "pretooluse"})
    hook = hooks[event][0] if name == "copilot" else hooks[event][0]["hooks"][0]
    answer = _called(hook, json.dumps(_call(name, event, command)).encode())
    sys.stdout.write(f"{answer}\n")
    sys.stdout.flush()
    told = json.loads(answer)
    said = told.get("hookSpecificOutput", told)
    if "deny" not in {said.get("behavior"), said.get("permissionDecision"), said.get("decision", {}).get("behavior")}:
        subprocess.run(["sh", "-c", command], check=True)


def _call(name: str, event: str, command: str) -> dict[str, Any]:
    given, folder = {"command": command, "description": "Clear up"}, str(Path.cwd())
    if name == "copilot":
        return {"hookName": event, "sessionId": "p1", "cwd": folder, "toolName": "bash", "toolInput": given}
    told = {"hook_event_name": event, "session_id": "p1", "cwd": folder, "tool_name": "Bash", "tool_input": given}
    return told | ({"tool_use_id": f"call-{os.getpid()}"} if event == "PreToolUse" else {})


def _called(hook: dict[str, Any], told: bytes) -> str:
    if "url" in hook:
        headers = {name: os.path.expandvars(text) for name, text in hook["headers"].items()}
        request = Request(hook["url"], told, {**headers, "Content-Type": "application/json"})  # noqa: S310 - of a test
        with urlopen(request) as answer:  # noqa: S310 - of a test
            return answer.read().decode()
    words = ["sh", "-c", hook.get("bash") or hook["command"]]
    return subprocess.run(words, input=told, capture_output=True, check=True).stdout.decode()


if __name__ == "__main__":
    main()
