"""What holds for every coding agent that asks people by its hook, each as `sayso connect` sets it up."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.processes.coding import test_claude_agent_sdk as sdk
from tests.processes.coding import test_claude_code as claude_code
from tests.processes.coding import test_codex as codex
from tests.processes.coding import test_copilot as copilot
from tests.processes.coding.bench import NOBODY, Bench, Work

pytestmark = pytest.mark.long


@dataclass(frozen=True)
class Agent:
    """Its program, the call that its model wants, how it works at an address, what it says of no answer."""

    program: Callable[[Path], Path]
    call: tuple[str, dict[str, Any]]
    at_work: Callable[[Path, Bench, str, int], AbstractAsyncContextManager[Work]]
    away: str = "sayso can't be reached"


AGENTS = {
    "claude-code": Agent(
        claude_code.program, claude_code.CALL,
        lambda program, bench, url, wait_s: claude_code.at_work(
            program, bench, claude_code.over_http(url, wait_s=wait_s)
        ),
        "failed; blocking because onFailure",
    ),
    "codex": Agent(
        codex.program, codex.LEAVES,
        lambda program, bench, url, wait_s: codex.at_work(program, bench, url, wait_s=wait_s),
    ),
    "copilot": Agent(
        copilot.program, copilot.CALL,
        lambda program, bench, url, wait_s: copilot.at_work(program, bench, copilot.by_command(url, wait_s=wait_s)),
    ),
    "claude-agent-sdk": Agent(
        sdk.program, sdk.CALL,
        lambda program, bench, url, wait_s: sdk.at_work(program, bench, SAYSO_URL=url, SAYSO_WAIT_S=str(wait_s)),
    ),
}  # fmt: skip


@dataclass
class Desk:
    """An agent and its bench."""

    agent: Agent
    program: Path
    bench: Bench

    def works(self, url: str = "", wait_s: int = 570, times: int = 1) -> AbstractAsyncContextManager[Work]:
        """It is told to clear the build; its model calls the command so many times."""
        self.bench.model.wants(*[self.agent.call] * times)
        return self.agent.at_work(self.program, self.bench, url or self.bench.api.url, wait_s)


@pytest.fixture(params=AGENTS)
def desk(request: pytest.FixtureRequest, programs: Path, bench: Bench) -> Desk:
    agent = AGENTS[request.param]
    return Desk(agent, agent.program(programs), bench)


async def test_what_is_approved_runs_once(desk: Desk) -> None:
    async with desk.works() as work:
        await desk.bench.votes(await desk.bench.opened(work))
        await desk.bench.heard()

    assert desk.bench.ran == 1


async def test_a_denial_and_its_reason_reach_the_model(desk: Desk) -> None:
    async with desk.works() as work:
        await desk.bench.votes(await desk.bench.opened(work), "deny", reason="not on a Friday")
        [heard] = await desk.bench.heard()

    assert "not on a Friday" in heard
    assert desk.bench.ran == 0


@pytest.mark.parametrize("desk", [name for name in AGENTS if name != "claude-agent-sdk"], indirect=True)
async def test_no_answer_in_time_is_told_as_no_refusal_and_a_later_yes_counts(desk: Desk) -> None:
    async with desk.works(wait_s=4, times=2) as work:
        request = await desk.bench.opened(work)
        heard = (await desk.bench.heard())[0]
        await desk.bench.votes(request)
        await desk.bench.heard(2)

    assert "Nobody has answered yet, and this is no refusal" in heard
    assert request["id"] in heard
    assert desk.bench.ran == 1
    assert [one["id"] for one in await desk.bench.requests()] == [request["id"]]


async def test_the_same_call_again_is_another_request(desk: Desk) -> None:
    async with desk.works(times=2) as work:
        first = await desk.bench.opened(work)
        await desk.bench.votes(first)
        await desk.bench.votes(await desk.bench.opened(work, but=first["id"]), "deny")
        await desk.bench.heard(2)

    assert desk.bench.ran == 1


async def test_nothing_runs_while_sayso_is_away(desk: Desk) -> None:
    async with desk.works(NOBODY):
        [heard] = await desk.bench.heard()

    assert desk.agent.away in heard
    assert desk.bench.ran == 0
