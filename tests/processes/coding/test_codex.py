"""Codex asks people by its hook: as it would ask its user, or before each use of a tool."""

import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.processes.coding.bench import NOBODY, Bench, Work, connected
from tests.processes.coding.installed import installed

pytestmark = pytest.mark.long

# In its sandbox it runs what it likes; what is to leave that it asks about.
COMMAND = "echo ran >> ran.txt"
LEAVES = ("exec_command", {"cmd": COMMAND, "sandbox_permissions": "require_escalated", "justification": "It is time"})
STAYS = ("exec_command", {"cmd": COMMAND})
DIALOG = "Would you like to run the following command?"

_SETTINGS = """
model = "gpt-5"
model_provider = "stand-in"
approval_policy = "on-request"
sandbox_mode = "workspace-write"
check_for_update_on_startup = false

[model_providers.stand-in]
name = "stand-in"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "MODEL_KEY"

[projects."{folder}"]
trust_level = "trusted"

[analytics]
enabled = false
"""


def program(programs: Path) -> Path:
    """The program."""
    return installed("codex", "@openai/codex-*/vendor/*/bin/codex", programs)


@pytest.fixture(scope="session")
def codex(programs: Path) -> Path:
    return program(programs)


def at_work(
    codex: Path,
    bench: Bench,
    url: str,
    *,
    wait_s: int = 570,
    every_call: bool = False,
    trusted: bool = True,
    terminal: bool = True,
    timeout_s: int = 600,
    key_file: str = "",
) -> AbstractAsyncContextManager[Work]:
    """Codex with the hook that `sayso connect codex` writes, which is told to clear the build."""
    hooks = connected("codex", url, wait_s=wait_s, every_call=every_call, key_file=key_file)
    for [entry] in hooks["hooks"].values():
        entry["hooks"][0]["timeout"] = timeout_s
    (bench.home / ".codex").mkdir()
    (bench.home / ".codex" / "hooks.json").write_text(json.dumps(hooks))
    settings = _SETTINGS.format(url=bench.model.base_url, folder=bench.folder)
    (bench.home / ".codex" / "config.toml").write_text(settings)
    trusting = ["--dangerously-bypass-hook-trust"] if trusted else []
    how = ["--no-daemon"] if terminal else ["exec", "--skip-git-repo-check"]
    return bench.working(
        [codex, *how, *trusting, "clear the build"], bench.environ(MODEL_KEY="sk-test"), terminal=terminal
    )


async def test_the_key_of_the_file_counts_before_one_that_is_left_in_its_environment(
    codex: Path, bench: Bench, tmp_path: Path
) -> None:
    """Its daemon keeps the environment in which it was first started."""
    (tmp_path / "sayso.key").write_text(f"{bench.key}\n")
    bench.key = "sayso_aaaaaaaa_b"
    bench.model.wants(LEAVES)
    async with at_work(codex, bench, bench.api.url, key_file=str(tmp_path / "sayso.key")) as work:
        await bench.votes(await bench.opened(work))
        await bench.heard()

    assert bench.ran == 1


async def test_nothing_runs_where_the_command_that_asks_is_killed(codex: Path, bench: Bench) -> None:
    bench.model.wants(LEAVES)
    async with at_work(codex, bench, bench.api.url) as work:
        await bench.opened(work)
        await bench.kills_hook()
        [heard] = await bench.heard()

    assert "Killed" in heard
    assert bench.ran == 0


async def test_where_what_started_it_is_killed_too_its_own_dialog_decides(codex: Path, bench: Bench) -> None:
    bench.model.wants(LEAVES)
    async with at_work(codex, bench, bench.api.url) as work:
        await bench.opened(work)
        await bench.kills_hook(whole=True)
        await work.shows(DIALOG)

    assert bench.ran == 0


async def test_where_the_program_itself_waits_no_longer_its_own_dialog_decides(codex: Path, bench: Bench) -> None:
    bench.model.wants(LEAVES)
    async with at_work(codex, bench, bench.api.url, timeout_s=2) as work:
        await work.shows(DIALOG)

    assert bench.ran == 0
    assert [one["state"] for one in await bench.requests()] == ["open"]


async def test_a_hook_that_is_not_trusted_yet_is_not_asked_and_it_says_so(codex: Path, bench: Bench) -> None:
    bench.model.wants(LEAVES)
    async with at_work(codex, bench, bench.api.url, trusted=False) as work:
        await work.shows("Trust all and continue")

    assert await bench.requests() == []


@pytest.mark.parametrize("terminal", [True, False])
async def test_what_stays_in_its_sandbox_runs_and_nobody_is_asked(codex: Path, bench: Bench, terminal: bool) -> None:
    bench.model.wants(STAYS)
    async with at_work(codex, bench, bench.api.url, terminal=terminal):
        [heard] = await bench.heard()

    assert await bench.requests() == []
    assert bench.ran == 1 or "sandbox" in heard


async def test_without_a_terminal_nothing_leaves_its_sandbox_and_nobody_is_asked(codex: Path, bench: Bench) -> None:
    bench.model.wants(LEAVES)
    async with at_work(codex, bench, bench.api.url, terminal=False):
        [heard] = await bench.heard()

    assert "approval policy is Never" in heard
    assert (bench.ran, await bench.requests()) == (0, [])


@pytest.mark.parametrize(("vote", "ran"), [("approve", 1), ("deny", 0)])
@pytest.mark.parametrize("terminal", [True, False])
async def test_before_each_use_people_are_asked_also_without_a_terminal(
    codex: Path, bench: Bench, vote: str, ran: int, terminal: bool
) -> None:
    bench.model.wants(STAYS)
    async with at_work(codex, bench, bench.api.url, every_call=True, terminal=terminal) as work:
        await bench.votes(await bench.opened(work), vote, **({"reason": "not on a Friday"} if vote == "deny" else {}))
        [heard] = await bench.heard()

    assert bench.ran == ran
    assert ("Denied by bo: not on a Friday" in heard) == (vote == "deny")


async def test_before_each_use_nothing_runs_while_sayso_is_away(codex: Path, bench: Bench) -> None:
    bench.model.wants(STAYS)
    async with at_work(codex, bench, NOBODY, every_call=True, terminal=False):
        [heard] = await bench.heard()

    assert "sayso can't be reached" in heard
    assert bench.ran == 0


@pytest.mark.parametrize("killed", [True, False])
async def test_before_each_use_what_its_hook_is_killed_over_or_too_late_for_runs(
    codex: Path, bench: Bench, killed: bool
) -> None:
    """It passes the call through: the page says so in its first line."""
    bench.model.wants(STAYS)
    timeout_s = 600 if killed else 2
    async with at_work(codex, bench, bench.api.url, every_call=True, terminal=False, timeout_s=timeout_s) as work:
        if killed:
            await bench.kills_hook(whole=True)
        await work.ended()

    assert bench.ran == 1
    assert [one["state"] for one in await bench.requests()] == ["open"]


async def test_without_a_terminal_a_hook_that_is_not_trusted_is_left_out_and_nothing_says_so(
    codex: Path, bench: Bench
) -> None:
    bench.model.wants(STAYS)
    async with at_work(codex, bench, bench.api.url, every_call=True, terminal=False, trusted=False) as work:
        await work.ended()

    assert bench.ran == 1
    assert "trust" not in work.said
