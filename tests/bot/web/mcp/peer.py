"""The official client, in the era that a test wants, at a served sayso."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Literal

from httpx2 import AsyncClient
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from tests.kit.waiting import PATIENCE_S
from tests.servers.web import NO_TLS, Api

Era = Literal["legacy", "2026-07-28"]
ERAS: tuple[Era, ...] = ("legacy", "2026-07-28")
ASKS = ("group:release", "policy:production")


async def asker(api: Api, *asks: str) -> str:
    """A fresh key of a service that asks for Anna."""
    _, text = await api.key(None, "ask", service="cleaner", acts_for=["anna"], asks=asks or ASKS)
    return text


@asynccontextmanager
async def peer(api: Api, key: str, era: Era = "2026-07-28", **more: Any) -> AsyncGenerator[Client]:
    """The official client with this key."""
    headers = {"Authorization": f"Bearer {key}", **more.pop("headers", {})}
    async with (
        AsyncClient(headers=headers, timeout=PATIENCE_S, trust_env=False, verify=NO_TLS) as http,
        Client(streamable_http_client(f"{api.url}/mcp", http_client=http), mode=era, **more) as client,
    ):
        yield client


async def called(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a tool answers."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


async def refusal(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a tool says when it does nothing.

    It fits what the tool is listed with: the TypeScript SDK holds errors against that as well, and shows no others.
    """
    await client.list_tools()
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    await client.session.validate_tool_result(tool, result)
    assert result.structured_content is not None
    return result.structured_content
