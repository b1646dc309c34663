"""An agent on the Claude Agent SDK asks people by `can_use_tool`."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.kit.programs import TOP
from tests.processes.coding.bench import COMMAND, Bench, Work
from tests.processes.test_other_agents import OTHERS, python_with

pytestmark = pytest.mark.long

CALL = ("Bash", {"command": COMMAND, "description": "Clear the build"})


def program(programs: Path) -> Path:
    """The program."""
    return python_with(OTHERS / "claude-agent-sdk.lock", programs)


@pytest.fixture(scope="session")
def python(programs: Path) -> Path:
    return program(programs)


def at_work(python: Path, bench: Bench, **more: str) -> AbstractAsyncContextManager[Work]:
    """The agent, which is told to clear the build."""
    environ = bench.environ(
        PYTHONPATH=str(TOP / "clients" / "python"),
        ANTHROPIC_BASE_URL=bench.model.base_url,
        ANTHROPIC_API_KEY="sk-ant-test",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
    )
    return bench.working([python, OTHERS / "with_claude_agent_sdk.py"], environ | more)


async def test_no_answer_in_time_is_told_as_no_refusal(python: Path, bench: Bench) -> None:
    bench.model.wants(CALL)
    async with at_work(python, bench, SAYSO_WAIT_S="1") as work:
        await work.ended()

    [request] = await bench.requests("open")
    assert f"Nobody has answered yet, and this is no refusal: {request['id']}" in bench.model.told()[0]
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
