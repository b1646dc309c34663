"""`sayso connect`: what it shows, writes into the settings of a coding agent, and takes out again."""

import asyncio
import json
import os
import re
import subprocess
import tomllib
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from bot.cli.agent_files import change, put, taken_out, text_of
from bot.cli.coding_agents import AGENTS, Wish
from bot.errors import Invalid
from tests.bot.cli.shell import attached, beside, elsewhere, sayso, typed
from tests.bot.web.hooks.test_endpoint import opened, votes
from tests.kit.waiting import PATIENCE_S
from tests.kit.world import World

URL = "https://sayso.corp.example"
FILES = {
    ("claude-code", "hook"): "home/.claude/settings.json",
    ("claude-code", "mcp"): "folder/.mcp.json",
    ("codex", "hook"): "home/.codex/hooks.json",
    ("codex", "mcp"): "home/.codex/config.toml",
    ("copilot", "hook"): "home/.copilot/hooks/sayso.json",
    ("copilot", "mcp"): "home/.copilot/mcp-config.json",
    ("gemini", "hook"): "home/.gemini/settings.json",
    ("gemini", "mcp"): "home/.gemini/settings.json",
    ("vscode", "hook"): "folder/.github/hooks/sayso.json",
    ("vscode", "mcp"): "folder/.vscode/mcp.json",
}
EACH = pytest.mark.parametrize(("agent", "what"), FILES)
# What somebody has in such files, to the byte.
THEIRS = {
    ".json": """\
{
    "model": "opus – größer",
    "hooks": {
        "PermissionRequest": [
            {"matcher": "Bash", "hooks": [{"type": "command", "command": "./log.sh"}]}
        ],
        "Stop": []
    },
    "mcpServers": {"other": {"command": "other"}},
    "servers": {"other": {"command": "other"}},
    "permissions": {"deny": ["Read(.env)"]},
    "number": 1.50
}
""",
    ".toml": """\
# mine
model = "gpt-5"

[mcp_servers.other]
command = "other" # it is

[tui]
notifications = true
""",
}


def wish(url: str = URL, policy: str = "", *, every_call: bool = False, wait_s: int = 570) -> Wish:
    return Wish(url, policy, wait_s, every_call, "zebra", ["sayso-hook"])


def ours(agent: str, what: str, **more: Any) -> Any:
    return getattr(AGENTS[agent], what)(wish(**more))


def meaning(path: str, text: str) -> Any:
    return tomllib.loads(text) if path.endswith(".toml") else json.loads(text or "{}")


class Here:
    """Somebody at home in a folder, whose sayso is elsewhere."""

    def __init__(self, top: Path) -> None:
        self.top, self.home, self.folder = top, top / "home", top / "folder"
        self.home.mkdir()
        self.folder.mkdir()

    def sayso(self, *words: str, code: int = 0, **environ: str) -> str:
        with chdir(self.folder):
            ended = typed(self.top, *words, stdin=b"", **{"HOME": str(self.home)} | environ)
        assert ended.code == code, ended
        is_shown = code == 0 and "--write" not in words and "--remove" not in words
        return ended.out if is_shown else ended.out + ended.err

    def connect(self, agent: str, what: str, *words: str, **more: Any) -> str:
        return self.sayso("connect", agent, *(["--mcp"] if what == "mcp" else []), *words, **more)


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


@EACH
def test_what_it_shows_is_what_it_writes_and_is_taken_out_again_to_the_last_file(
    here: Here, agent: str, what: str
) -> None:
    path = here.top / FILES[agent, what]
    shown = here.connect(agent, what, "--url", URL)
    wrote = here.connect(agent, what, "--url", URL, "--write")
    text = path.read_text()
    again = here.connect(agent, what, "--url", URL, "--write")

    assert text == shown
    assert f"Written into {path}" in wrote
    assert f"{path} has it already" in again
    assert path.read_text() == shown
    assert f"Taken out of {path}" in here.connect(agent, what, "--remove")
    assert not path.exists()
    assert f"Nothing of sayso is in {path}" in here.connect(agent, what, "--remove")


@EACH
def test_what_else_is_in_the_file_stays_and_is_all_that_is_left(agent: str, what: str) -> None:
    path = FILES[agent, what]
    theirs = THEIRS[Path(path).suffix]
    written = put(theirs, ours(agent, what))
    left = taken_out(written, ours(agent, what))
    moved = ours(agent, what, url="https://other.example", wait_s=60)

    assert meaning(path, left) == meaning(path, theirs)
    assert meaning(path, written)["model"] == meaning(path, theirs)["model"]
    assert put(written, ours(agent, what)) == written
    assert taken_out(theirs, ours(agent, what)) == theirs
    if path.endswith(".toml"):
        assert left == theirs
    assert put(written, moved) == put(theirs, moved), "another address takes the place of the first one"
    assert URL not in put(written, moved)


def test_no_file_has_the_key_also_where_the_shell_has_it(here: Here) -> None:
    for (agent, what), path in FILES.items():
        here.connect(agent, what, "--url", URL, "--write", SAYSO_API_KEY="sayso_abc_secret")

        text = (here.top / path).read_text()
        assert "secret" not in text
        assert "SAYSO_API_KEY" in text or (what == "hook" and AGENTS[agent].by_command)


def test_a_hook_of_somebody_elses_beside_ours_is_not_taken_along() -> None:
    written = put("", ours("codex", "hook"))
    both = json.loads(written)
    both["hooks"]["PermissionRequest"][0]["hooks"].append({"type": "command", "command": "mine.sh codex"})
    both["hooks"]["PreToolUse"] = [{"hooks": [{"type": "command", "command": "my-sayso-hookup codex"}]}]
    left = json.loads(taken_out(json.dumps(both), ours("codex", "hook")))

    assert left["hooks"]["PermissionRequest"] == [{"hooks": [{"type": "command", "command": "mine.sh codex"}]}]
    assert left["hooks"]["PreToolUse"] == both["hooks"]["PreToolUse"]


def test_the_hook_of_another_agent_in_the_same_file_stays() -> None:
    both = put(put("", ours("vscode", "hook")), ours("copilot", "hook"))

    assert taken_out(both, ours("copilot", "hook")) == text_of(ours("vscode", "hook"))


def test_codex_asks_before_each_call_in_place_of_only_where_it_would_ask_itself() -> None:
    once = put("", ours("codex", "hook"))
    every = put(once, ours("codex", "hook", every_call=True))

    assert list(json.loads(every)["hooks"]) == ["PreToolUse"]
    assert put(every, ours("codex", "hook")) == once


CLOSED = {"disableAutoMode": "disable", "disableBypassPermissionsMode": "disable"}


def test_the_modes_of_claude_code_that_ask_nobody_are_closed_until_it_is_taken_out() -> None:
    written = put("", ours("claude-code", "hook"))

    assert json.loads(written)["permissions"] == CLOSED
    assert put(written, ours("claude-code", "hook")) == written
    assert taken_out(written, ours("claude-code", "hook", every_call=True)) == ""


def test_before_each_call_claude_code_asks_in_every_mode_and_none_is_closed() -> None:
    once = put("", ours("claude-code", "hook"))
    every = put(once, ours("claude-code", "hook", every_call=True))
    [entry] = json.loads(every)["hooks"]["PreToolUse"]

    assert {*json.loads(every)} == {"hooks"}
    assert [*json.loads(every)["hooks"]] == ["PreToolUse"]
    for tool in ("Bash", "Edit", "Write", "NotebookEdit", "WebFetch", "mcp__github__merge", "Reader"):
        assert re.match(entry["matcher"], tool)
    for tool in ("Read", "Grep", "TodoWrite", "AskUserQuestion"):
        assert not re.match(entry["matcher"], tool)
    assert json.loads(put(every, ours("claude-code", "hook"))) == json.loads(once)


def test_a_mode_that_somebody_had_closed_before_or_changed_since_stays() -> None:
    theirs = '{"permissions": {"disableAutoMode": "disable", "ask": ["Bash"]}}'
    written = put(theirs, ours("claude-code", "hook"))
    changed = written.replace('"disableAutoMode": "disable"', '"disableAutoMode": "never"')

    assert json.loads(written)["permissions"] == {"ask": ["Bash"]} | CLOSED
    assert json.loads(taken_out(written, ours("claude-code", "hook"))) == json.loads(theirs)
    left = {"permissions": {"disableAutoMode": "never", "ask": ["Bash"]}}
    assert json.loads(taken_out(changed, ours("claude-code", "hook"))) == left


@pytest.mark.parametrize(
    ("text", "agent", "what"),
    [
        ('{"permissions": {"disableAutoMode": true}}', "claude-code", "hook"),
        ('// mine\n{"hooks": {}}', "gemini", "hook"),
        ('{"a": 1, "a": 2}', "gemini", "mcp"),
        ('{"hooks": []}', "claude-code", "hook"),
        ('{"hooks": {"PermissionRequest": {}}}', "claude-code", "hook"),
        ('{"mcpServers": "none"}', "claude-code", "mcp"),
        ("model = ", "codex", "mcp"),
        ("mcp_servers = {other = {command = 'x'}}\n", "codex", "mcp"),
        ("[mcp_servers]\nsayso = {url = 'x'}\n", "codex", "mcp"),
    ],
)
def test_a_file_that_cannot_be_kept_whole_is_left_as_it_is(tmp_path: Path, text: str, agent: str, what: str) -> None:
    path = tmp_path / "settings"
    path.write_text(text)

    with pytest.raises(Invalid, match="is left as it is"):
        change(path, put, ours(agent, what))

    assert path.read_text() == text
    assert [*tmp_path.iterdir()] == [path]


def test_settings_that_are_a_link_stay_one_and_keep_their_rights(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles.json", tmp_path / "settings.json"
    real.write_text("{}")
    real.chmod(0o640)
    link.symlink_to(real)

    assert change(link, put, ours("claude-code", "hook"))
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert "onFailure" in real.read_text()


def test_it_says_what_to_do_next_and_what_is_wrong(here: Here) -> None:
    told = here.connect("codex", "hook", "--url", f"{URL}/", "--policy", "risky", "--write")
    line = next(line.split() for line in told.splitlines() if "keys create" in line)

    assert line[line.index("--asks") + 1] == "policy:risky,person:YOU"
    written = (here.home / ".codex" / "hooks.json").read_text()
    assert f"--url {URL} --policy risky --key-file {here.home}/.codex/sayso.key " in written
    assert f"cat > {here.home}/.codex/sayso.key" in told
    for agent, what, words in (
        ("codex", "mcp", "codex app-server daemon restart"),
        ("gemini", "hook", "export SAYSO_API_KEY="),
        ("claude-code", "hook", "closes the modes auto and bypassPermissions"),
    ):
        assert words in here.connect(agent, what, "--url", URL, "--write")
    every = here.connect("claude-code", "hook", "--url", URL, "--write", "--every-call")
    assert "before each tool that changes things, in every mode" in every
    assert "claude-code" in here.sayso("connect", "emacs", code=2)
    assert "give one" in here.connect("codex", "hook", "--write", "--remove", code=2)
    assert "--every-call" in here.connect("gemini", "hook", "--url", URL, "--every-call", code=2)
    assert "with no path" in here.connect("codex", "hook", "--url", f"{URL}/mcp", code=1)
    assert "sayso dev" in here.connect("codex", "hook", code=1)
    for of, name in (("claude-code", "CLAUDE_CONFIG_DIR"), ("codex", "CODEX_HOME"), ("copilot", "COPILOT_HOME")):
        here.connect(of, "hook", "--url", URL, "--write", **{name: str(here.top / name)})
        assert [*(here.top / name).rglob("*.json")], name


async def test_beside_sayso_dev_what_it_writes_asks_that_one_with_the_key_that_it_names(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "hooks.json"
    told = await sayso(world, "connect", "codex", "--policy", "production", "--write", "--file", str(path))
    [create] = [line.split()[1:] for line in told.out.splitlines() if "keys create" in line]
    made = await attached(world, *create)
    key = made.out.strip()
    assert (len(made.out.split()), made.err) == (1, ""), "a script gets the key and nothing beside it"
    async with beside(world) as api:
        connect = f"connect codex --policy production --write --file {path} --data {world.folder}"
        assert (await elsewhere(world.folder, *connect.split())).code == 0
        [group] = json.loads(path.read_text())["hooks"]["PermissionRequest"]
        agent = await asyncio.create_subprocess_exec(
            "sh", "-c", group["hooks"][0]["command"], env={"PATH": os.environ["PATH"], "SAYSO_API_KEY": key},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        told_it = {
            "hook_event_name": "PermissionRequest", "session_id": "s", "turn_id": "t", "cwd": "/home/anna/shop",
            "tool_name": "Bash", "tool_input": {"command": "touch tried"},
        }  # fmt: skip
        heard = asyncio.create_task(agent.communicate(json.dumps(told_it).encode()))
        await votes(api, await opened(api))
        out, err = await asyncio.wait_for(heard, PATIENCE_S)

    assert (agent.returncode, err) == (0, b"")
    assert json.loads(out)["hookSpecificOutput"]["decision"] == {"behavior": "allow"}
