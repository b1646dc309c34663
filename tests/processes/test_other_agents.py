"""Agents of other makers: killed, or told `pending`, they come back as a new process and have what people said.

Each runs on its maker's framework, with a model that is scripted, in an environment that has nothing of sayso.
"""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.kit.programs import COMMAND, environment
from tests.kit.waiting import patience
from tests.processes.place import APPROVAL, QUESTION, Place

pytestmark = pytest.mark.long

OTHERS = Path(__file__).parent / "others"
# Each with the lock of its environment: what LangChain makes takes the first of the official SDK alone.
MAKERS = {"with_pydantic_ai": "sdk-2.lock", "with_openai_agents": "sdk-2.lock", "with_langgraph": "sdk-1.lock"}


def python_with(lock: Path, cache: Path) -> Path:
    """The Python of an environment with what `lock` lists, which is made unless an earlier run has left it."""
    folder = cache / lock.stem
    python, made = folder / "bin" / "python", folder / "made"
    wanted = hashlib.sha256(f"{sys.version}{folder}".encode() + lock.read_bytes()).hexdigest()
    if not made.exists() or made.read_text() != wanted:
        venv.create(folder, clear=True, with_pip=True)
        words = ["pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "-r"]
        done = subprocess.run([python, "-m", *words, lock], capture_output=True, text=True, check=False)
        if "(from versions: none)" in done.stderr or "ConnectionPool" in done.stderr:
            pytest.skip(f"what {lock.name} lists cannot be had: no package index answers")
        assert done.returncode == 0, done.stderr
        made.write_text(wanted)
    return python


@pytest.fixture(params=MAKERS)
def maker(request: pytest.FixtureRequest) -> tuple[str, str]:
    """How to start an agent."""
    assert request.config.cache
    cache = request.config.cache.mkdir("other-agents")
    return str(python_with(OTHERS / MAKERS[request.param], cache)), str(OTHERS / f"{request.param}.py")


@asynccontextmanager
async def agent(
    place: Place, maker: tuple[str, str], tool: str, asked: dict[str, Any], **environ: str
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """An agent that calls this tool and does what it may do next; it is killed at the end."""
    environ |= {"PATH": os.environ["PATH"], "SAYSO_URL": place.url, "SAYSO_API_KEY": place.agent}
    process = await asyncio.create_subprocess_exec(
        *maker, tool, json.dumps(asked), env=environ, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def said_by(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """What it says at its end."""
    async with patience():
        out, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(out)


async def ids(place: Place) -> list[str]:
    """Every request there ever was."""
    return [request["id"] for request in (await place.people.get("/v1/requests")).json()["requests"]]


async def test_an_agent_that_is_killed_while_it_waits_comes_back_with_its_key_and_has_the_answer(
    place: Place, maker: tuple[str, str]
) -> None:
    """That of OpenAI with a bridge, the others over HTTP."""
    env = environment(SAYSO_URL=place.url, SAYSO_API_KEY=place.agent)
    bridge = json.dumps({"command": COMMAND[0], "args": [*COMMAND[1:], "mcp"], "env": env})
    async with agent(place, maker, "ask_human", QUESTION, SAYSO_BRIDGE=bridge):
        request_id = await place.one()
        await place.waits()
    await place.waits(0)

    async with agent(place, maker, "ask_human", QUESTION, SAYSO_BRIDGE=bridge) as process:
        await place.waits()
        await place.answer(request_id, "go on")
        answer = await said_by(process)

    assert (answer["id"], answer["decision"], answer["answer"], answer["by"]) == (
        request_id,
        "answered",
        "go on",
        ["bo"],
    )
    assert await ids(place) == [request_id]


async def test_an_agent_that_was_told_pending_comes_back_with_its_key_and_does_what_was_approved_meanwhile(
    place: Place, maker: tuple[str, str]
) -> None:
    asked = {**APPROVAL, "key": "staging-3"}
    async with agent(place, maker, "request_approval", asked, SAYSO_PATIENCE_S="1") as process:
        pending = await said_by(process)
    [request] = await place.open()
    await place.approve(request)

    async with agent(place, maker, "request_approval", asked) as process:
        finished = await said_by(process)

    assert (pending["id"], pending["decision"]) == (request["id"], "pending")
    assert (finished["id"], finished["ok"], finished["summary"]) == (request["id"], True, "staging-3 is gone")
    assert (await place.kinds(request["run_id"])).count("tool_started") == 1
    assert await ids(place) == [request["id"]]
