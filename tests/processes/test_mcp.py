"""What kills of the client, the bridge, the server and the worker leave of a question: one request, and its answer."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from bot.people.api_keys import Keyring
from bot.people.directory import People
from bot.store import Store
from bot.store.client import Client as RedisClient
from bot.store.format import check_format
from tests.office import QUICK, TOML, settings_of
from tests.processes.programs import KEY, Program, RedisServer
from tests.servers.lines import free_ports
from tests.servers.program import COMMAND, environment
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.long

QUESTION: dict[str, Any] = {"question": "May staging-3 go?", "to": ["group:release"], "key": "staging-3"}


@dataclass
class Place:
    """One sayso of a `web` and a `worker`, which can be killed and started again, and the keys of who speaks there."""

    url: str
    agent: str
    web: Program
    worker: Program
    people: httpx2.AsyncClient
    again: Callable[[str], Program]

    async def open(self) -> list[dict[str, Any]]:
        """Return the requests that are open."""
        return (await self.people.get("/v1/requests?state=open")).json()["requests"]

    async def one(self) -> str:
        """Return the id of the one request there is, once it is open."""
        found = list[dict[str, Any]]()

        async def is_open() -> bool:
            nonlocal found
            found = await self.open()
            return bool(found)

        await until(is_open, what="a request is open")
        [request] = found
        return request["id"]

    async def waits(self, count: int = 1) -> None:
        """Returns when so many wait at the server."""

        async def is_waiting() -> bool:
            return f"sayso_http_streams {count:.1f}" in (await self.people.get("/metrics")).text

        await until(is_waiting, what="somebody waits")

    async def answer(self, request_id: str, text: str) -> None:
        """Answer as Bo."""
        answer = await self.people.post(f"/v1/requests/{request_id}/answer", json={"text": text})
        assert answer.status_code == 200, answer.text

    @asynccontextmanager
    async def agent_of(self) -> AsyncGenerator[Client]:
        """A client with a bridge of its own; both are killed at the end."""
        bridge = StdioServerParameters(
            command=COMMAND[0],
            args=[*COMMAND[1:], "mcp"],
            env=environment(SAYSO_URL=self.url, SAYSO_API_KEY=self.agent),
        )
        async with Client(bridge, mode="2026-07-28") as client:
            yield client


async def keys_of(url: str, folder: Path) -> tuple[str, str]:
    """Make a key that only asks, and one of Bo's."""
    settings, client = settings_of(folder, TOML), RedisClient(url)
    await check_format(client)
    keyring = Keyring(Store(client, settings.shards), People(settings.people, settings.policies))
    _, agent = await keyring.create(service="ci", scopes=["ask"], acts_for=["anna"], asks=["group:release"])
    _, bo = await keyring.create(person="bo", scopes=["read", "answer"], made_by="person")
    await client.close()
    return agent, bo


@pytest.fixture
async def place(tmp_path: Path) -> AsyncGenerator[Place]:
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(tmp_path / "redis")).start()
        data, [port] = tmp_path / "data", free_ports(1)
        agent, bo = await keys_of(redis.url, data)
        environ = {f"SAYSO_{name}": value for name, value in QUICK.items()} | {
            "SAYSO_DATA_DIR": str(data), "SAYSO_SECRET_KEY": KEY, "SAYSO_REDIS_URL": redis.url, "SAYSO_MAIL_LOCAL": "1",
        }  # fmt: skip
        words = {"web": ["web", "--port", str(port)], "worker": ["worker"]}

        def started(name: str) -> Program:
            program = stack.enter_context(Program(words[name], environ, tmp_path / name))
            program.wait_for('"ready"')
            return program

        url = f"http://127.0.0.1:{port}"
        headers = {"Authorization": f"Bearer {bo}"}
        async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE_S, trust_env=False) as people:
            yield Place(url, agent, started("web"), started("worker"), people, started)


async def told(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content or {}


async def test_a_killed_server_is_not_noticed_by_who_waits(place: Place) -> None:
    async with place.agent_of() as client:
        asking = asyncio.create_task(told(client, "ask_human", **{**QUESTION, "key": None}))
        request_id = await place.one()
        await place.waits()
        place.web.process.kill()
        place.web.ended()
        place.again("web")
        await place.waits()
        assert await place.one() == request_id, "without a key it is the same message, and people were asked once"
        await place.answer(request_id, "go on")
        answer = await asking

    assert (answer["id"], answer["answer"]) == (request_id, "go on")


async def test_a_killed_worker_loses_no_answer(place: Place) -> None:
    async with place.agent_of() as client:
        asking = asyncio.create_task(told(client, "ask_human", **QUESTION))
        request_id = await place.one()
        place.worker.process.kill()
        place.worker.ended()
        await place.answer(request_id, "go on")
        place.again("worker")
        answer = await asking

    assert (answer["id"], answer["answer"]) == (request_id, "go on")


async def test_a_killed_bridge_or_client_finds_its_question_by_its_key_and_the_answer_by_its_id(place: Place) -> None:
    bridge = await asyncio.create_subprocess_exec(
        *COMMAND, "mcp", env=environment(SAYSO_URL=place.url, SAYSO_API_KEY=place.agent),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert bridge.stdin
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ask_human", "arguments": QUESTION}}
    bridge.stdin.write(json.dumps(call).encode() + b"\n")
    request_id = await place.one()
    await place.waits()
    bridge.kill()
    await bridge.wait()
    await place.waits(0)

    async with place.agent_of() as client:
        asking = asyncio.create_task(told(client, "ask_human", **QUESTION))
        await place.waits()
        assert await place.one() == request_id
        await place.answer(request_id, "go on")
        answer = await asking
        later = await told(client, "await_answer", id=request_id)

    assert (answer["id"], answer["answer"]) == (request_id, "go on")
    assert later == answer
