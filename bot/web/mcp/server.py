"""The server of the Model Context Protocol, by the official SDK: the only module that imports it.

It keeps nothing between two messages: sessions of older revisions and tasks need no memory of ours.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    RequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as ListedTool
from mcp_types.jsonrpc import MISSING_REQUIRED_CLIENT_CAPABILITY
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

import prompts
from bot.people.api_keys import ApiKey
from bot.registry.release import version
from bot.web.api.keyed import KEY
from bot.web.mcp.calls import LONGEST_WAIT_S, Calls, RefusedError, client_of
from bot.web.mcp.outcomes import as_text
from bot.web.mcp.tasks import TASKS, created, got, task_of
from bot.web.mcp.tools import TOOLS, Told, Tool, gives, takes, takes_of, told_of

# What a client sends wrongly is told to that client; the log is for what is wrong here.
logging.getLogger("mcp").setLevel(logging.ERROR)

Context = ServerRequestContext[Any, Any]
_STILL = "People still have it; it is not decided yet"


class TaskParams(RequestParams):
    """The task that is meant."""

    task_id: str


class Speaking:
    """Speaks the protocol of both eras with whoever has a key; `api` is the HTTP API of this process."""

    def __init__(self, api: ASGIApp, longest_wait_s: float, tell_s: float) -> None:
        self._client, self._longest_s, self._tell_s = client_of(api), min(longest_wait_s, LONGEST_WAIT_S), tell_s
        self._server = Server[Any](
            "sayso",
            version=version(),
            title="sayso",
            instructions=prompts.load("mcp").body,
            get_tool_input_schema=lambda name: takes(name) if name in TOOLS else None,
            on_list_tools=self._listed,
            on_call_tool=self._called,
        )
        self._server.middleware.clear()  # what is sent of us to a collector, `bot/wiring/otlp.py` sends
        self._server.extensions = {TASKS: {}}
        for method, answer in (
            ("tasks/get", self._task), ("tasks/update", self._task_updated), ("tasks/cancel", self._task_cancelled),
        ):  # fmt: skip
            self._server.add_request_handler(method, TaskParams, answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one message."""
        manager = StreamableHTTPSessionManager(self._server, stateless=True)
        async with manager.run():
            await manager.handle_request(scope, receive, send)

    async def _listed(self, context: Context, _: PaginatedRequestParams | None) -> ListToolsResult:
        may_ask = self._calls(context, 0).may_ask
        return ListToolsResult(tools=[_told_of_tool(tool, may_ask) for tool in TOOLS.values()])

    async def _called(self, context: Context, params: CallToolRequestParams) -> Any:
        tool = TOOLS.get(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"There is no tool {params.name[:100]!r}. There are: {', '.join(TOOLS)}")
        takes_tasks = _takes_tasks(context)
        # Whoever takes tasks need not wait for people.
        told = await tool.call(self._calls(context, 0 if takes_tasks else self._longest_s), params.arguments or {})
        if takes_tasks and told.view is not None:
            return created(task_of(told.view, {}))
        return _result(told)

    async def _task(self, context: Context, params: TaskParams) -> dict[str, Any]:
        return got(await self._look(context, params.task_id))

    async def _task_updated(self, context: Context, params: TaskParams) -> dict[str, Any]:
        """No task of ours ever asks its client for something, so that nothing here is an answer to anything."""
        await self._look(context, params.task_id)
        return {"resultType": "complete"}

    async def _task_cancelled(self, context: Context, params: TaskParams) -> dict[str, Any]:
        """What is decided stays as it is: to cancel is a wish."""
        task = await self._look(context, params.task_id)
        if task["status"] == "working":
            try:
                await self._calls(context, 0).of_request(params.task_id, "withdraw", {})
            except RefusedError as error:
                if error.status != HTTPStatus.CONFLICT:
                    raise _error(error) from None
        return {"resultType": "complete"}

    async def _look(self, context: Context, task_id: str) -> dict[str, Any]:
        if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            raise MCPError(METHOD_NOT_FOUND, "Method not found")
        if not _takes_tasks(context):
            wanted: dict[str, Any] = {"requiredCapabilities": {"extensions": {TASKS: {}}}}
            raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "Missing required client capability", wanted)
        try:
            view = await self._calls(context, 0).request(task_id)
        except RefusedError as error:
            raise _error(error) from None
        return task_of(view, _wire(_result(told_of(view))))

    def _calls(self, context: Context, longest_s: float) -> Calls:
        """What the message may do, for so long, by the headers and the key that it came with."""
        request: Request | None = context.request
        if request is None:
            raise AssertionError("a message over HTTP has no request")
        key: ApiKey = request.scope[KEY]
        return Calls(
            client=self._client,
            authorization=request.headers["authorization"],
            may_ask=key.may_ask(),
            once=request.headers.get("idempotency-key", ""),
            longest_s=_patience(request.headers, longest_s),
            tell_s=self._tell_s,
            told=lambda waited_s: context.session.report_progress(round(waited_s, 3), None, _STILL),
        )

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()


def _error(refused: RefusedError) -> MCPError:
    """Return what a client of tasks hears: it takes invalid parameters for the end of a task, and not what is away."""
    is_away = refused.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return MCPError(INTERNAL_ERROR if is_away else INVALID_PARAMS, str(refused))


def _patience(headers: Mapping[str, str], most_s: float) -> float:
    """How long the sender would wait: `Prefer: wait=20` (RFC 7240), as `sayso mcp` says of a message sent again."""
    name, _, seconds = headers.get("prefer", "").partition("=")
    is_said = name.strip().lower() == "wait" and seconds.strip().isdecimal()
    return min(most_s, float(seconds)) if is_said else most_s


def _takes_tasks(context: Context) -> bool:
    declared = context.session.client_capabilities
    is_known = declared is not None and TASKS in (declared.extensions or {})
    return is_known and context.protocol_version in MODERN_PROTOCOL_VERSIONS


def _told_of_tool(tool: Tool, may_ask: tuple[str, ...]) -> ListedTool:
    return ListedTool(
        name=tool.name,
        title=tool.title,
        description=tool.description(may_ask),
        input_schema=takes_of(tool.name, may_ask),
        output_schema=gives() if tool.is_outcome else None,
        annotations=ToolAnnotations(
            read_only_hint=tool.only_reads,
            destructive_hint=False,
            idempotent_hint=tool.only_reads,
            open_world_hint=True,
        ),
    )


def _result(told: Told) -> CallToolResult:
    said = str(told.structured["detail"]) if told.is_error else as_text(told.structured)
    return CallToolResult(
        content=[TextContent(text=said)],
        structured_content=cast("dict[str, Any]", told.structured),
        is_error=told.is_error,
    )


def _wire(result: CallToolResult) -> dict[str, Any]:
    return result.model_dump(by_alias=True, mode="json", exclude_none=True)
