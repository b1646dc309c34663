"""Claude Code asks people by its hook before it uses a tool."""

import json
import shlex
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.processes.coding.bench import COMMAND, HOOK, NOBODY, Bench, Work, connected
from tests.processes.coding.installed import installed
from tests.servers.web import serving

pytestmark = pytest.mark.long

CALL = ("Bash", {"command": COMMAND, "description": "Clear the build"})
# Else the program's own model decides, and no hook is asked.
CLOSED = {"disableAutoMode": "disable", "disableBypassPermissionsMode": "disable"}


def program(programs: Path) -> Path:
    """The program."""
    return installed("claude-code", "@anthropic-ai/claude-code-*/claude", programs)


@pytest.fixture(scope="session")
def claude(programs: Path) -> Path:
    return program(programs)


def over_http(url: str, *, wait_s: int = 570, **more: Any) -> dict[str, Any]:
    """The hook that `sayso connect claude-code` writes."""
    [entry] = connected("claude-code", url, wait_s=wait_s)["hooks"]["PermissionRequest"]
    return {**entry["hooks"][0], **more}


def at_work(
    claude: Path,
    bench: Bench,
    hook: dict[str, Any],
    *words: str,
    event: str = "PermissionRequest",
    permissions: dict[str, Any] = CLOSED,
    terminal: bool = False,
) -> AbstractAsyncContextManager[Work]:
    """Claude Code with this hook, which is told to clear the build."""
    settings = {"hooks": {event: [{"hooks": [hook]}]}, "permissions": permissions}
    return with_settings(claude, bench, settings, *words, terminal=terminal)


def with_settings(
    claude: Path, bench: Bench, settings: dict[str, Any], *words: str, terminal: bool = False
) -> AbstractAsyncContextManager[Work]:
    """Claude Code with these settings, which is told to clear the build."""
    (bench.home / ".claude").mkdir()
    (bench.home / ".claude" / "settings.json").write_text(json.dumps(settings))
    seen_before = {
        "hasCompletedOnboarding": True,
        "customApiKeyResponses": {"approved": ["sk-ant-test"], "rejected": []},
        "projects": {str(bench.folder): {"hasTrustDialogAccepted": True}},
    }
    (bench.home / ".claude.json").write_text(json.dumps(seen_before))
    environ = bench.environ(
        ANTHROPIC_BASE_URL=bench.model.base_url,
        ANTHROPIC_API_KEY="sk-ant-test",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        IS_SANDBOX="1",
    )
    printing = () if terminal else ("-p",)
    return bench.working([claude, *printing, *words, "clear the build"], environ, terminal=terminal)


async def test_what_is_approved_before_each_use_runs_once(claude: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    async with at_work(claude, bench, over_http(bench.api.url), event="PreToolUse") as work:
        await bench.votes(await bench.opened(work))
        code = await work.ended()

    assert (code, bench.ran) == (0, 1)


async def test_a_denial_before_each_use_and_its_reason_reach_the_model(claude: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    async with at_work(claude, bench, over_http(bench.api.url), event="PreToolUse") as work:
        await bench.votes(await bench.opened(work), "deny", reason="not on a Friday")
        [heard] = await bench.heard()

    assert "Denied by bo: not on a Friday" in heard
    assert bench.ran == 0


@pytest.mark.parametrize("event", ["PermissionRequest", "PreToolUse"])
async def test_nothing_runs_where_the_program_itself_waits_no_longer(claude: Path, bench: Bench, event: str) -> None:
    bench.model.wants(CALL)
    async with at_work(claude, bench, over_http(bench.api.url, timeout=2), event=event) as work:
        await work.ended()

    assert "timed out; blocking because onFailure" in bench.model.told()[0]
    assert bench.ran == 0
    assert [one["state"] for one in await bench.requests()] == ["open"]


async def test_nothing_runs_before_each_use_while_sayso_is_away(claude: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    async with at_work(claude, bench, over_http(NOBODY), event="PreToolUse") as work:
        await work.ended()

    assert "failed; blocking because onFailure" in bench.model.told()[0]
    assert bench.ran == 0


async def test_nothing_runs_where_sayso_ends_while_it_waits(claude: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(serving(bench.api.app))
        async with at_work(claude, bench, over_http(other.url)) as work:
            await bench.opened(work)
            await other.until_open()
            await stack.aclose()
            await work.ended()

    assert "Nobody has answered yet, and this is no refusal" in bench.model.told()[0]
    assert bench.ran == 0
    assert [one["state"] for one in await bench.requests()] == ["open"]


async def test_nothing_runs_with_a_key_that_is_not_known(claude: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    bench.key = "sayso_aaaaaaaa_b"
    async with at_work(claude, bench, over_http(bench.api.url)) as work:
        await work.ended()

    assert "HTTP 401" in bench.model.told()[0]
    assert bench.ran == 0


async def test_its_own_dialog_closes_with_what_people_say(claude: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    async with at_work(claude, bench, over_http(bench.api.url), terminal=True) as work:
        request = await bench.opened(work)
        await work.shows("Do you want to proceed?")
        await bench.votes(request, "deny", reason="not on a Friday")
        [heard] = await bench.heard()

    assert "Denied by bo: not on a Friday" in heard
    assert bench.ran == 0


@pytest.mark.parametrize("every_call", [False, True])
async def test_as_connect_writes_it_people_are_asked_in_the_mode_that_it_starts_in(
    claude: Path, bench: Bench, every_call: bool
) -> None:
    bench.model.wants(CALL)
    settings = connected("claude-code", bench.api.url, every_call=every_call)
    async with with_settings(claude, bench, settings, terminal=True) as work:
        await bench.votes(await bench.opened(work), "deny", reason="not on a Friday")
        [heard] = await bench.heard()
    modes = "auto mode on" if every_call else "manual mode on"

    assert "Denied by bo: not on a Friday" in heard
    assert bench.ran == 0
    assert work.has_shown(modes)


async def test_a_call_that_somebody_lets_run_in_its_own_dialog_takes_its_request_back(
    claude: Path, bench: Bench
) -> None:
    """Claude Code does not hang up: its hook would wait on, and take a yes that it no longer needs."""
    bench.model.wants(CALL)
    settings = connected("claude-code", bench.api.url)
    async with with_settings(claude, bench, settings, terminal=True) as work:
        await bench.opened(work)
        await work.shows("Do you want to proceed?")
        work.types(b"\r")
        await bench.heard()
        [request] = await bench.requests()

    assert bench.ran == 1
    assert request["state"] == "withdrawn"


async def test_before_each_use_there_is_no_dialog_beside(claude: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    async with at_work(claude, bench, over_http(bench.api.url), terminal=True, event="PreToolUse") as work:
        await bench.votes(await bench.opened(work))
        await bench.heard()

    assert bench.ran == 1
    assert not work.has_shown("Do you want to proceed?")


@pytest.mark.parametrize("mode", ["auto", "bypassPermissions"])
async def test_in_a_mode_that_asks_nobody_a_hook_before_each_use_is_asked_all_the_same(
    claude: Path, bench: Bench, mode: str
) -> None:
    bench.model.wants(CALL)
    hook, words = over_http(bench.api.url), ("--permission-mode", mode)
    async with at_work(claude, bench, hook, *words, event="PreToolUse", permissions={}) as work:
        await bench.votes(await bench.opened(work), "deny", reason="not on a Friday")
        [heard] = await bench.heard()

    assert "Denied by bo: not on a Friday" in heard
    assert bench.ran == 0


@pytest.mark.parametrize("mode", ["auto", "bypassPermissions"])
async def test_in_a_mode_that_asks_nobody_the_hook_of_its_dialog_is_not_asked(
    claude: Path, bench: Bench, mode: str
) -> None:
    """Why the settings close both."""
    bench.model.wants(CALL)
    hook, words = over_http(bench.api.url), ("--permission-mode", mode)
    async with at_work(claude, bench, hook, *words, permissions={}) as work:
        await work.ended()

    assert bench.ran == 1
    assert await bench.requests() == []


async def test_at_a_terminal_such_a_mode_is_its_default(claude: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    async with at_work(claude, bench, over_http(bench.api.url), permissions={}, terminal=True) as work:
        await bench.heard()
        await work.shows("auto mode on")

    assert bench.ran == 1
    assert await bench.requests() == []


@pytest.mark.parametrize("mode", ["auto", "bypassPermissions"])
async def test_closed_settings_leave_none_of_these_modes(claude: Path, bench: Bench, mode: str) -> None:
    bench.model.wants(CALL)
    async with at_work(claude, bench, over_http(bench.api.url), "--permission-mode", mode) as work:
        await bench.votes(await bench.opened(work), "deny")
        await work.ended()

    assert bench.ran == 0


@pytest.mark.parametrize("event", ["PermissionRequest", "PreToolUse"])
@pytest.mark.parametrize("command", ["kill -9 $$", "exit 1", "no-such-command"])
async def test_nothing_runs_where_a_command_that_asks_is_killed_or_gone(
    claude: Path, bench: Bench, event: str, command: str
) -> None:
    bench.model.wants(CALL)
    hook = {"type": "command", "command": command, "timeout": 600, "onFailure": "block"}
    async with at_work(claude, bench, hook, event=event) as work:
        await work.ended()

    assert "failed; blocking because onFailure" in bench.model.told()[0]
    assert bench.ran == 0


@pytest.mark.parametrize("command", ["exit 2", "echo '{'"])
async def test_for_what_is_no_failure_to_it_its_own_dialog_decides(claude: Path, bench: Bench, command: str) -> None:
    """Exit code 2 does not block a request for a permission: whoever is in doubt says no in JSON, or exits with 1."""
    bench.model.wants(CALL)
    hook = {"type": "command", "command": command, "timeout": 600, "onFailure": "block"}
    async with at_work(claude, bench, hook, terminal=True) as work:
        await work.shows("Do you want to proceed?")

    assert bench.ran == 0


@pytest.mark.parametrize("event", ["PermissionRequest", "PreToolUse"])
async def test_nothing_runs_where_sayso_hook_is_in_doubt(claude: Path, bench: Bench, event: str) -> None:
    bench.model.wants(CALL)
    command = shlex.join([*HOOK, "claude-code", "--url", NOBODY])
    hook = {"type": "command", "command": command, "timeout": 600}
    async with at_work(claude, bench, hook, event=event, terminal=True):
        [heard] = await bench.heard()

    assert "sayso can't be reached" in heard
    assert bench.ran == 0


async def test_with_no_terminal_its_own_dialog_is_a_denial(claude: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    async with at_work(claude, bench, over_http(NOBODY, onFailure="continue")) as work:
        await work.ended()

    assert "require approval" in bench.model.told()[0]
    assert bench.ran == 0


QUESTION = {
    "question": "Which store?",
    "header": "Store",
    "options": [{"label": "Postgres", "description": "What we know"}, {"label": "SQLite", "description": "A file"}],
    "multiSelect": False,
}


async def asking(bench: Bench) -> None:
    """The model has a question, and its key may put it to Bo."""
    bench.model.wants(("AskUserQuestion", {"questions": [QUESTION]}))
    asks = ("policy:production", "person:bo")
    _, bench.key = await bench.api.key(None, "ask", service="desk", acts_for=["anna"], asks=asks)


async def test_a_question_that_somebody_answers_at_the_terminal_is_taken_back(claude: Path, bench: Bench) -> None:
    await asking(bench)
    settings = connected("claude-code", bench.api.url)
    async with with_settings(claude, bench, settings, terminal=True) as work:
        await bench.opened(work)
        await work.shows("Enter to select")
        work.types(b"\r")
        [heard] = await bench.heard()
        [request] = await bench.requests()

    assert "Postgres" in heard
    assert request["state"] == "withdrawn"


async def test_people_answer_what_the_model_asks_its_user(claude: Path, bench: Bench) -> None:
    """It can ask at a terminal alone."""
    await asking(bench)
    async with at_work(claude, bench, over_http(bench.api.url), terminal=True) as work:
        request = await bench.opened(work)
        answer = await bench.bo.post(f"/v1/requests/{request['id']}/answer", json={"form": {"1": "SQLite"}})
        [heard] = await bench.heard()

    assert answer.is_success, answer.text
    assert "SQLite" in heard
    assert "Postgres" not in heard
