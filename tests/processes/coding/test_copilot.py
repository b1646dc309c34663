"""GitHub's Copilot CLI asks people by its hook before it uses a tool."""

import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.processes.coding.bench import COMMAND, NOBODY, Bench, Work, connected
from tests.processes.coding.installed import installed

pytestmark = pytest.mark.long

CALL = ("bash", {"command": COMMAND, "description": "Clear the build"})


def program(programs: Path) -> Path:
    """The program."""
    return installed("copilot", "@github/copilot-*/copilot", programs)


@pytest.fixture(scope="session")
def copilot(programs: Path) -> Path:
    return program(programs)


def by_command(url: str, *, wait_s: int = 570, **more: Any) -> dict[str, Any]:
    """The hook that `sayso connect copilot` writes."""
    [entry] = connected("copilot", url, wait_s=wait_s)["hooks"]["permissionRequest"]
    return {**entry, **more}


def over_http(url: str) -> dict[str, Any]:
    """A hook by the program's own HTTP."""
    way = {"headers": {"Authorization": "Bearer ${SAYSO_API_KEY}"}, "allowedEnvVars": ["SAYSO_API_KEY"]}
    return {"type": "http", "url": f"{url}/v1/hooks/copilot", "timeoutSec": 600, **way}


def at_work(
    copilot: Path, bench: Bench, hook: dict[str, Any], *words: str, terminal: bool = False, **more: str
) -> AbstractAsyncContextManager[Work]:
    """Copilot with this hook, which is told to clear the build."""
    (bench.home / ".copilot" / "hooks").mkdir(parents=True)
    (bench.home / ".copilot" / "config.json").write_text(json.dumps({"trustedFolders": [str(bench.folder)]}))
    hooks = {"version": 1, "hooks": {"permissionRequest": [hook]}}
    (bench.home / ".copilot" / "hooks" / "sayso.json").write_text(json.dumps(hooks))
    environ = bench.environ(
        COPILOT_OFFLINE="true",
        COPILOT_AUTO_UPDATE="false",
        COPILOT_PROVIDER_TYPE="anthropic",
        COPILOT_PROVIDER_BASE_URL=bench.model.base_url,
        COPILOT_PROVIDER_API_KEY="sk-test",
        COPILOT_MODEL="claude-sonnet-4",
        **({"COPILOT_HOOK_ALLOW_LOCALHOST": "1"} | more),
    )
    told = ("-i" if terminal else "-p", "clear the build")
    return bench.working([copilot, *words, *told], environ, terminal=terminal)


async def test_a_denial_reaches_the_model_with_all_tools_allowed(copilot: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    async with at_work(copilot, bench, by_command(bench.api.url), "--allow-all-tools") as work:
        await bench.votes(await bench.opened(work), "deny", reason="not on a Friday")
        [heard] = await bench.heard()

    assert "Denied by bo: not on a Friday" in heard
    assert bench.ran == 0


@pytest.mark.parametrize("words", [(), ("--allow-all-tools",)])
@pytest.mark.parametrize("key", ["", "sayso_aaaaaaaa_b"])
async def test_nothing_runs_while_sayso_is_away_or_knows_no_such_key(
    copilot: Path, bench: Bench, words: tuple[str, ...], key: str
) -> None:
    bench.model.wants(CALL)
    bench.key = key or bench.key
    async with at_work(copilot, bench, by_command(bench.api.url if key else NOBODY), *words) as work:
        await work.ended()

    assert ("sayso does not ask anybody" if key else "sayso can't be reached") in bench.model.told()[0]
    assert bench.ran == 0


@pytest.mark.parametrize("whole", [False, True])
async def test_nothing_runs_where_the_command_that_asks_is_killed(copilot: Path, bench: Bench, whole: bool) -> None:
    bench.model.wants(CALL)
    async with at_work(copilot, bench, by_command(bench.api.url)) as work:
        await bench.kills_hook(whole=whole)
        await work.ended()

    assert "Permission denied by a PermissionRequest hook" in bench.model.told()[0]
    assert bench.ran == 0


async def test_where_the_program_itself_waits_no_longer_its_own_dialog_decides(copilot: Path, bench: Bench) -> None:
    """With no terminal that is a denial, and with all tools allowed it is none."""
    bench.model.wants(CALL)
    async with at_work(copilot, bench, by_command(bench.api.url, timeoutSec=2)) as work:
        await work.ended()

    assert "no interactive user response was available" in bench.model.told()[0]
    assert bench.ran == 0
    assert [one["state"] for one in await bench.requests()] == ["open"]


async def test_with_all_tools_allowed_what_it_waits_for_no_longer_runs(copilot: Path, bench: Bench) -> None:
    """It passes the call through: the page says so in its first line."""
    bench.model.wants(CALL)
    async with at_work(copilot, bench, by_command(bench.api.url, timeoutSec=2), "--allow-all-tools") as work:
        await work.ended()

    assert bench.ran == 1
    assert [one["state"] for one in await bench.requests()] == ["open"]


async def test_what_is_approved_after_it_was_killed_is_begun_by_nobody(copilot: Path, bench: Bench) -> None:
    """Its hook is in a process group of its own, with a shell between both, and ends by itself."""
    bench.model.wants(CALL)
    async with at_work(copilot, bench, by_command(bench.api.url)) as work:
        request = await bench.opened(work)
        await bench.api.until_open()
        work.process.kill()
        await work.ended()
        await bench.api.until_open(0)
        await bench.votes(request)

    assert bench.ran == 0
    assert (await bench.requests())[0]["started_at"] is None


@pytest.mark.parametrize("allowed", ["1", ""])
async def test_by_its_own_http_an_address_without_tls_is_asked_only_where_that_is_allowed(
    copilot: Path, bench: Bench, allowed: str
) -> None:
    bench.model.wants(CALL)
    async with at_work(copilot, bench, over_http(bench.api.url), COPILOT_HOOK_ALLOW_LOCALHOST=allowed) as work:
        if allowed:
            await bench.votes(await bench.opened(work))
        await work.ended()

    assert (len(await bench.requests()), bench.ran) == ((1, 1) if allowed else (0, 0))


async def test_at_a_terminal_people_are_asked_before_its_own_dialog(copilot: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    async with at_work(copilot, bench, by_command(bench.api.url), terminal=True) as work:
        await bench.votes(await bench.opened(work), "deny", reason="not on a Friday")
        [heard] = await bench.heard()

    assert "Denied by bo: not on a Friday" in heard
    assert bench.ran == 0
    assert not work.has_shown("Do you want to run this command?")


async def test_at_a_terminal_its_own_dialog_comes_where_it_waits_no_longer(copilot: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    async with at_work(copilot, bench, by_command(bench.api.url, timeoutSec=2), terminal=True) as work:
        await work.shows("Do you want to run this command?")

    assert bench.ran == 0
