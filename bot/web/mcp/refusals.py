"""What is refused before the protocol is spoken, in words of the protocol: its clients read no other."""

import json

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.web.mcp.calls import RefusedError
from bot.web.problems import MEDIA_TYPE

_INVALID_REQUEST, _INTERNAL_ERROR, _OURS = -32600, -32603, 500


class Worded:
    """Tells the problems of `app` below `path` as errors of JSON-RPC; `data` is the problem as the API tells it."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app, self._path = app, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].rstrip("/") != self._path:
            return await self._app(scope, receive, send)
        began: Message | None = None

        async def sending(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start" and _is_problem(message):
                began = message
            elif began is not None:
                body = _error(began["status"], message.get("body", b""))
                headers = MutableHeaders(scope=began)
                headers["Content-Type"], headers["Content-Length"] = "application/json", str(len(body))
                await send(began)
                began = None
                await send({"type": "http.response.body", "body": body})
            else:
                await send(message)

        return await self._app(scope, receive, sending)


def _is_problem(message: Message) -> bool:
    return MutableHeaders(scope=message).get("content-type") == MEDIA_TYPE


def _error(status: int, body: bytes) -> bytes:
    """A problem, which is sent in one piece, as an error without an id: no message was read."""
    problem = json.loads(body)
    code = _INTERNAL_ERROR if status >= _OURS else _INVALID_REQUEST
    error = {"code": code, "message": str(RefusedError(status, problem)), "data": problem}
    return json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()
