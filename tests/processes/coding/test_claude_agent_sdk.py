"""An agent on the Claude Agent SDK asks people by `can_use_tool`."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.processes.coding.bench import COMMAND, NOBODY, Bench, Work
from tests.processes.test_other_agents import OTHERS, python_with
from tests.servers.program import ROOT

pytestmark = pytest.mark.long

CALL = ("Bash", {"command": COMMAND, "description": "Clear the build"})


@pytest.fixture(scope="session")
def python(programs: Path) -> Path:
    """A Python that has the SDK, and with it the program."""
    return python_with(OTHERS / "claude-agent-sdk.lock", programs)


def at_work(python: Path, bench: Bench, **more: str) -> AbstractAsyncContextManager[Work]:
    """The agent, which is told to clear the build."""
    environ = bench.environ(
        PYTHONPATH=str(ROOT / "clients" / "python"),
        ANTHROPIC_BASE_URL=bench.model.base_url,
        ANTHROPIC_API_KEY="sk-ant-test",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
    )
    return bench.working([python, OTHERS / "with_claude_agent_sdk.py"], environ | more)


async def test_what_is_approved_runs_once(python: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    async with at_work(python, bench) as work:
        await bench.votes(await bench.opened(work))
        code = await work.ended()

    assert (code, bench.ran) == (0, 1)
    assert (await bench.requests())[0]["started_at"]


async def test_a_denial_and_its_reason_reach_the_model(python: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    async with at_work(python, bench) as work:
        await bench.votes(await bench.opened(work), "deny", reason="not on a Friday")
        [heard] = await bench.heard()

    assert "not on a Friday" in heard
    assert bench.ran == 0


async def test_no_answer_in_time_is_told_as_no_refusal(python: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    async with at_work(python, bench, SAYSO_WAIT_S="1") as work:
        await work.ended()

    [request] = await bench.requests("open")
    assert f"Nobody has answered yet, and this is no refusal: {request['id']}" in bench.model.told()[0]
    assert bench.ran == 0


async def test_the_same_call_again_is_another_request(python: Path, bench: Bench) -> None:
    bench.model.wants(CALL, CALL)
    async with at_work(python, bench) as work:
        first = await bench.opened(work)
        await bench.votes(first)
        await bench.votes(await bench.opened(work, but=first["id"]), "deny")
        await work.ended()

    assert bench.ran == 1


async def test_nothing_runs_while_sayso_is_away(python: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    async with at_work(python, bench, SAYSO_URL=NOBODY) as work:
        await work.ended()

    assert "sayso can't be reached" in bench.model.told()[0]
    assert bench.ran == 0


async def test_what_is_approved_after_the_agent_was_killed_does_not_run(python: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    async with at_work(python, bench) as work:
        request = await bench.opened(work)
        work.process.kill()
        await work.ended()
        await bench.votes(request)

    assert bench.ran == 0
    assert (await bench.requests())[0]["started_at"] is None
