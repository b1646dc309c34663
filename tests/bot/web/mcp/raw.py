"""Messages of revision 2026-07-28 as they stand on the wire, and what the tasks extension's schema says of answers."""

from itertools import count
from typing import Any, Literal

from httpx2 import AsyncClient, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

VERSION = "2026-07-28"
TASKS = "io.modelcontextprotocol/tasks"
_NAMED_BY = {"tools/call": "name", "tasks/get": "taskId", "tasks/update": "taskId", "tasks/cancel": "taskId"}
_ids = count(1)


class _Task(BaseModel):
    """https://github.com/modelcontextprotocol/ext-tasks/blob/main/schema/2026-07-28."""

    model_config = ConfigDict(extra="forbid")

    taskId: str  # noqa: N815 - as it stands on the wire
    statusMessage: str | None = None  # noqa: N815
    createdAt: AwareDatetime  # noqa: N815
    lastUpdatedAt: AwareDatetime  # noqa: N815
    ttlMs: int | None  # noqa: N815
    pollIntervalMs: int | None = None  # noqa: N815
    meta: dict[str, Any] = Field(alias="_meta")


class Created(_Task):
    """`CreateTaskResult`."""

    resultType: Literal["task"]  # noqa: N815
    status: Literal["working"]


class Open(_Task):
    """`GetTaskResult` of a task that nothing came of yet, or nothing will."""

    resultType: Literal["complete"]  # noqa: N815
    status: Literal["working", "cancelled"]


class Completed(_Task):
    """`GetTaskResult` of a task with the tool's answer."""

    resultType: Literal["complete"]  # noqa: N815
    status: Literal["completed"]
    result: dict[str, Any]


Got = Open | Completed
GOT: TypeAdapter[Got] = TypeAdapter(Got)


def message(method: str, params: dict[str, Any], *, declares: bool = True) -> tuple[dict[str, Any], dict[str, str]]:
    """A message and the headers that belong to it, of a client that takes tasks if it `declares` that."""
    extensions: dict[str, Any] = {"extensions": {TASKS: {}}} if declares else {}
    meta = {
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientCapabilities": extensions,
    }
    headers = {
        "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": VERSION, "Mcp-Method": method,
    }  # fmt: skip
    if method in _NAMED_BY:
        headers["Mcp-Name"] = params[_NAMED_BY[method]]
    return {"jsonrpc": "2.0", "id": next(_ids), "method": method, "params": {**params, "_meta": meta}}, headers


async def sent(client: AsyncClient, method: str, params: dict[str, Any], *, declares: bool = True) -> Response:
    """What comes back."""
    body, headers = message(method, params, declares=declares)
    return await client.post("/mcp", json=body, headers=headers)


async def result(client: AsyncClient, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """The result of a message."""
    answer = await sent(client, method, params)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


async def error(client: AsyncClient, method: str, params: dict[str, Any], *, declares: bool = True) -> dict[str, Any]:
    """The error of a message."""
    answer = await sent(client, method, params, declares=declares)
    assert answer.status_code < 500, answer.text
    return answer.json()["error"]
