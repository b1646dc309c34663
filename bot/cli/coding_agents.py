"""What `sayso connect` writes into the settings of each coding agent, and where these lie. Pure."""

import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bot.cli.agent_files import Mine, NamedIn, Table, Written
from bot.web.hooks.programs import PROGRAMS

KEY = "SAYSO_API_KEY"
"""The one variable that has the key: no settings of an agent do."""
# What an agent waits longer than people have: the hook needs a while for the way there and back.
_LONGER_S = 30


@dataclass(frozen=True, slots=True)
class Wish:
    """What to connect with: an address, and how the agent asks there.

    `command` starts `sayso-hook`, which reads the key from `key_file`, if there is one, else from its environment.
    """

    url: str
    policy: str
    wait_s: int
    every_call: bool
    machine: str
    command: Sequence[str]
    key_file: str = ""

    @property
    def longest_s(self) -> int:
        """The time limit that the agent itself has for its hook."""
        return self.wait_s + _LONGER_S

    def hook_url(self, name: str) -> str:
        """The address of a hook that speaks HTTP by itself."""
        query = {"wait_s": self.wait_s} | ({"policy": self.policy} if self.policy else {})
        return f"{self.url}/v1/hooks/{name}?{urlencode(query)}"

    def hook_command(self, name: str) -> str:
        """The line of any shell that asks, and that denies where it can't, also where `sayso-hook` is not installed.

        It reads stdin to the end: an agent that can't write all of it there decides by itself.
        """
        policy = ["--policy", self.policy] if self.policy else []
        key = ["--key-file", self.key_file] if self.key_file else []
        words = [*self.command, name, "--url", self.url, *policy, *key, "--wait-s", str(self.wait_s)]
        return shlex.join(["sh", "-c", f"{shlex.join(words)} || {{ cat >/dev/null; exit 2; }}"])


@dataclass(frozen=True, slots=True)
class CodingAgent:
    """A coding agent: where its files are, what goes into them, and how to try it.

    The files are below its own folder `home`, or below the project's. `by_command`: its hook starts `sayso-hook`. Where
    a daemon starts that, with an environment of its own, `key_file` below `home` has the key, and `restart` restarts
    the daemon. `asks` says when it asks people, and `asks_every_call` when with --every-call; without that, both are
    empty.
    """

    name: str
    home: Callable[[Mapping[str, str], Path], Path]
    hook_file: str
    hook: Callable[[Wish], Written]
    mcp_file: str
    mcp: Callable[[Wish], Written]
    starts: str
    notes: tuple[str, ...]
    by_command: bool = True
    hook_in_project: bool = False
    mcp_in_project: bool = False
    key_file: str = ""
    restart: str = ""
    asks: tuple[str, ...] = ()
    asks_every_call: tuple[str, ...] = ()

    @property
    def called(self) -> str:
        """Its name for people."""
        return PROGRAMS[self.name].called


def _home(variable: str, folder: str) -> Callable[[Mapping[str, str], Path], Path]:
    return lambda environ, home: Path(environ[variable]) if environ.get(variable) else home / folder


def _is_mine(name: str) -> Callable[[Mapping[str, Any]], bool]:
    """Return the test that recognises our hooks of this agent, whatever their address and however they were written."""
    url = re.compile(rf"/v1/hooks/{re.escape(name)}(?:\?|$)")
    command = re.compile(rf"sayso[-_]hook(?:\.py)?['\"]?\s(?:.*\s)?{re.escape(name)}(?:\s|$)")

    def mine(hook: Mapping[str, Any]) -> bool:
        words = [str(hook.get(field, "")) for field in ("command", "bash")]
        return bool(url.search(str(hook.get("url", "")))) or any(map(command.search, words))

    return mine


def _hook(name: str, event: str, hook: Mapping[str, Any], around: str = "") -> Written:
    return Mine("hooks", {event: _group(hook, around)}, _is_mine(name))


def _group(hook: Mapping[str, Any], around: str = "") -> Mapping[str, Any]:
    return {"hooks": [hook]} | ({"matcher": around} if around else {})


def _alone(name: str, event: str, hook: Mapping[str, Any]) -> Written:
    return Mine("hooks", {event: hook}, _is_mine(name), {"version": 1})


def _but(tools: Iterable[str]) -> str:
    return f"^(?!(?:{'|'.join(sorted(tools))})$)"


# In these modes it decides by itself, and the hook of its dialog is not started; the first is its default.
_CLAUDE_CLOSED = {
    ("permissions", "disableAutoMode"): "disable",
    ("permissions", "disableBypassPermissionsMode"): "disable",
}
_CLAUDE_TOLD_S = 5
_CLAUDE_READS = ("Glob", "Grep", "LS", "LSP", "ListAgents", "NotebookRead", "Read", "TaskGet", "TaskList", "ToolSearch")
# Its own notes, its own dialogs, and others of its kind whose every call is asked about as well.
_CLAUDE_CHANGES_NOTHING = (
    *_CLAUDE_READS, "Agent", "AskUserQuestion", "EnterPlanMode", "ExitPlanMode", "ReportFindings", "Task", "TaskCreate",
    "TaskOutput", "TaskUpdate", "TodoWrite",
)  # fmt: skip


def _claude_hook(wish: Wish) -> Written:
    hook: dict[str, Any] = {
        "type": "http",
        "url": wish.hook_url("claude-code"),
        "timeout": wish.longest_s,
        "headers": {"Authorization": f"Bearer ${KEY}", "Sayso-Machine": wish.machine},
        "allowedEnvVars": [KEY],
    }
    # Without `onFailure`, which Claude Code 2.1.295 brought, it decides by itself where sayso does not answer.
    asks = hook | {"onFailure": "block"}
    if wish.every_call:
        return _hook("claude-code", "PreToolUse", asks, around=_but(_CLAUDE_CHANGES_NOTHING))
    # An answer in its own dialog leaves a request that nobody needs: these hooks tell of the call, and ask nothing.
    tells = _group(hook | {"timeout": _CLAUDE_TOLD_S}, _but(_CLAUDE_READS))
    entries = {"PermissionRequest": _group(asks), "PostToolUse": tells, "PostToolUseFailure": tells}
    return Mine("hooks", entries, _is_mine("claude-code"), settings=_CLAUDE_CLOSED)


def _codex_hook(wish: Wish) -> Written:
    hook = {"type": "command", "command": wish.hook_command("codex"), "timeout": wish.longest_s}
    return _hook("codex", "PreToolUse" if wish.every_call else "PermissionRequest", hook)


def _copilot_hook(wish: Wish) -> Written:
    # By its own HTTP it asks nobody without TLS, as at the address of `sayso dev`, unless a variable allows it.
    hook = {"type": "command", "bash": wish.hook_command("copilot"), "timeoutSec": wish.longest_s}
    return _alone("copilot", "permissionRequest", hook)


def _gemini_hook(wish: Wish) -> Written:
    hook = {
        "name": "sayso",
        "type": "command",
        "command": wish.hook_command("gemini"),
        "timeout": wish.longest_s * 1_000,
        # It can be told to keep from hooks what looks like a secret, except for this.
        "env": {KEY: f"${KEY}"},
    }
    return _hook("gemini", "BeforeTool", hook, around=_but(PROGRAMS["gemini"].only_read))


def _vscode_hook(wish: Wish) -> Written:
    hook = {"type": "command", "command": wish.hook_command("vscode"), "timeout": wish.longest_s}
    return _alone("vscode", "PreToolUse", hook)


def _server(table: str, **server: Any) -> Callable[[Wish], Written]:
    """Return an MCP server of this shape, with the address in place of `URL`."""
    return lambda wish: NamedIn(
        table, "sayso", {name: f"{wish.url}/mcp" if value == "URL" else value for name, value in server.items()}
    )


def _codex_server(wish: Wish) -> Written:
    text = f'[mcp_servers.sayso]\nurl = {json.dumps(f"{wish.url}/mcp")}\nbearer_token_env_var = "{KEY}"\n'
    return Table(("mcp_servers", "sayso"), text)


def _bearer(variable: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {variable}"}


AGENTS = {
    one.name: one
    for one in (
        CodingAgent(
            name="claude-code",
            home=_home("CLAUDE_CONFIG_DIR", ".claude"),
            hook_file="settings.json",
            hook=_claude_hook,
            mcp_file=".mcp.json",
            mcp=_server("mcpServers", type="http", url="URL", headers=_bearer(f"${{{KEY}}}")),
            mcp_in_project=True,
            starts="claude",
            notes=(
                "Claude Code before 2.1.295 asks you itself where sayso does not answer; from then on nothing runs.",
            ),
            by_command=False,
            asks=(
                "It asks where Claude Code would ask you; with --every-call before each tool that changes things.",
                "It closes the modes auto and bypassPermissions, in which that never asks; --every-call does not.",
            ),
            asks_every_call=(
                "It asks before each tool that changes things, in every mode.",
                "Without --every-call it asks where Claude Code would ask you, and closes the modes that never ask.",
            ),
        ),
        CodingAgent(
            name="codex",
            home=_home("CODEX_HOME", ".codex"),
            hook_file="hooks.json",
            hook=_codex_hook,
            mcp_file="config.toml",
            mcp=_codex_server,
            starts="codex",
            key_file="sayso.key",
            restart="codex app-server daemon restart",
            notes=("Codex starts a hook once you trust it: type /hooks in it, and again after each `connect`.",),
            asks=(
                "It asks people where Codex would ask you: about what leaves its sandbox.",
                "`codex exec` asks nobody unless you connect with --every-call.",
            ),
            asks_every_call=("It asks people before each tool, also in `codex exec`.",),
        ),
        CodingAgent(
            name="copilot",
            home=_home("COPILOT_HOME", ".copilot"),
            hook_file="hooks/sayso.json",
            hook=_copilot_hook,
            mcp_file="mcp-config.json",
            mcp=_server("mcpServers", type="http", url="URL", headers=_bearer(f"${{{KEY}}}"), tools=["*"]),
            starts="copilot",
            notes=("What leaves Copilot's sandbox it asks you about as well: a yes of others does not count there.",),
        ),
        CodingAgent(
            name="gemini",
            home=lambda environ, home: Path(environ.get("GEMINI_CLI_HOME") or home) / ".gemini",
            hook_file="settings.json",
            hook=_gemini_hook,
            mcp_file="settings.json",
            mcp=_server("mcpServers", httpUrl="URL", headers=_bearer(f"${KEY}")),
            starts="gemini",
            notes=("After a yes Gemini CLI still asks you itself, as it does without sayso.",),
        ),
        CodingAgent(
            name="vscode",
            home=lambda _, home: home,
            hook_file=".github/hooks/sayso.json",
            hook=_vscode_hook,
            hook_in_project=True,
            mcp_file=".vscode/mcp.json",
            mcp=_server("servers", type="http", url="URL", headers=_bearer(f"${{env:{KEY}}}")),
            mcp_in_project=True,
            starts="code .",
            notes=(
                "Copilot CLI reads this file too. In a folder that has it, do not connect copilot: it would ask twice.",
            ),
        ),
    )
}
