"""A sayso that agents ask over MCP, whose processes can be killed one by one."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from bot.people.api_keys import Keyring
from bot.people.directory import People
from bot.store import Store
from bot.store.client import Client as RedisClient
from bot.store.format import check_format
from tests.kit.office import QUICK, TOML, settings_of
from tests.kit.programs import COMMAND, KEY, Program, environment
from tests.kit.waiting import PATIENCE_S, until
from tests.servers.lines import free_ports
from tests.servers.redis import RedisServer

QUESTION: dict[str, Any] = {"question": "May staging-3 go?", "to": ["group:release"], "key": "staging-3"}
APPROVAL: dict[str, Any] = {"title": "Delete staging-3", "policy": "production", "arguments": {"name": "staging-3"}}


@dataclass
class Place:
    """One sayso of a `web` and a `worker`, which can be killed and started again, and the keys of who speaks there.

    People speak to a `web` beside them, which stays.
    """

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
            return f"sayso_http_streams {count:.1f}" in (await self.people.get(f"{self.url}/metrics")).text

        await until(is_waiting, what="somebody waits")

    async def answer(self, request_id: str, text: str) -> None:
        """Answer as Bo."""
        answer = await self.people.post(f"/v1/requests/{request_id}/answer", json={"text": text})
        assert answer.status_code == 200, answer.text

    async def approved(self) -> dict[str, Any]:
        """Return a request of the agent that Bo has approved."""
        request = (await self.sent(self.people, "", APPROVAL)).json()
        await self.approve(request)
        return request

    async def approve(self, request: dict[str, Any]) -> None:
        """Approve it as Bo."""
        vote = {"vote": "approve", "digest": request["digest"]}
        answer = await self.people.post(f"/v1/requests/{request['id']}/answer", json=vote)
        assert answer.status_code == 200, answer.text

    async def sent(self, client: httpx2.AsyncClient, path: str, body: dict[str, Any]) -> httpx2.Response:
        """Return what the agent is told about its requests, over the connection of `client`."""
        headers = {"Authorization": f"Bearer {self.agent}"}
        return await client.post(f"/v1/requests{path}", json=body, headers=headers)

    async def sent_in_vain(self, path: str, body: dict[str, Any], once: str = "") -> asyncio.StreamWriter:
        """Send it to the web that is killed, as a client that hears no answer."""
        _, writer = await asyncio.open_connection("127.0.0.1", int(self.url.rpartition(":")[2]))
        content = json.dumps(body).encode()
        head = (
            f"POST /v1/requests{path} HTTP/1.1", f"Host: {self.url.partition('//')[2]}",
            "Content-Type: application/json", f"Authorization: Bearer {self.agent}", f"Content-Length: {len(content)}",
            *([f"Idempotency-Key: {once}"] if once else []),
        )  # fmt: skip
        writer.write("".join(f"{line}\r\n" for line in (*head, "")).encode() + content)
        await writer.drain()
        return writer

    async def until_told(self, request_id: str, name: str) -> None:
        """Return once the request says something under `name`."""

        async def is_told() -> bool:
            return bool((await self.people.get(f"/v1/requests/{request_id}")).json().get(name))

        await until(is_told, what=f"{request_id} says {name}")

    async def kinds(self, run_id: str) -> list[str]:
        """Return the kinds of events of a run."""
        events = (await self.people.get(f"/v1/runs/{run_id}/events")).json()["events"]
        return [numbered["event"]["type"] for numbered in events]

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
    _, agent = await keyring.create(
        service="ci", scopes=["ask"], acts_for=["anna"], asks=["group:release", "policy:production"]
    )
    _, bo = await keyring.create(person="bo", scopes=["read", "answer"], made_by="person")
    await client.close()
    return agent, bo


@asynccontextmanager
async def place_in(folder: Path) -> AsyncGenerator[Place]:
    """A sayso that keeps what it has in `folder`, while the context is open."""
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(folder / "redis")).start()
        data, [port, beside] = folder / "data", free_ports(2)
        agent, bo = await keys_of(redis.url, data)
        environ = {f"SAYSO_{name}": value for name, value in QUICK.items()} | {
            "SAYSO_DATA_DIR": str(data), "SAYSO_SECRET_KEY": KEY, "SAYSO_REDIS_URL": redis.url, "SAYSO_MAIL_LOCAL": "1",
        }  # fmt: skip
        words = {
            "web": ["web", "--port", str(port)], "beside": ["web", "--port", str(beside)], "worker": ["worker"],
        }  # fmt: skip

        def started(name: str) -> Program:
            return stack.enter_context(Program(words[name], environ, folder / name)).wait_for()

        url, stays = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{beside}"
        headers = {"Authorization": f"Bearer {bo}"}
        started("beside")
        async with httpx2.AsyncClient(base_url=stays, headers=headers, timeout=PATIENCE_S, trust_env=False) as people:
            yield Place(url, agent, started("web"), started("worker"), people, started)
