"""A stand-in for the Messages API, as a process of its own: `python -m tests.fakes.anthropic.server`.

It prints its port and speaks `POST /v1/messages`: it refuses what the real one refuses (wrong key, missing version,
schemas that are not strict), and otherwise answers what it was told to, in order, with the last answer repeated.
Beside it `POST /script` takes a list of answers (see `Answer` in the package), `GET /requests` gives what came in and
`GET /headers` the names of its headers; `POST /release` gives the answers that wait; `POST /list` says how models are
listed, as Anthropic does (`ours`), to `anybody`, or not at all (`none`). Before any script it answers one token.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.fakes.anthropic.cache import PromptCache, marks_in

# As a bearer token, which is how the SDK sends it, or as `x-api-key`.
KEY = "sk-test-key"
# So often that no single read ever takes long.
_DRIP_S = 0.02
_MARKS = 4
# What strict schemas may hold: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
_ALLOWED = {
    "type", "title", "description", "properties", "required", "additionalProperties",
    "items", "enum", "const", "anyOf", "allOf", "$ref", "$defs", "format", "minItems",
}  # fmt: skip

Json = dict[str, Any]


@dataclass
class Fake:
    """The orders for this server, and what it has seen."""

    answers: list[Json] = field(default_factory=list[Json])
    requests: list[Json] = field(default_factory=list[Json])
    headers: set[str] = field(default_factory=set[str])
    released: asyncio.Event = field(default_factory=asyncio.Event)
    listing: str = "ours"
    cache: PromptCache = field(default_factory=PromptCache)

    async def messages(self, request: Request) -> Response:
        body: Json = await request.json()
        self.requests.append(body)
        self.headers |= set(request.headers)
        if not (self.answers and self.answers[0].get("anybody")) and _is_strange(request):
            return _error(401, "authentication_error", "invalid x-api-key")
        if wrong := next(_mistakes(request, body), None):
            return _error(400, "invalid_request_error", wrong)
        if not self.answers:
            return _a_token(body) if body["model"].startswith("claude-") else _no_model(body["model"])
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer.get("counts"):
            counted: Json = json.loads(answer["body"]) | {"usage": self.cache.usage(body)}
            answer: Json = {**answer, "body": json.dumps(counted)}
        if answer.get("hangs"):
            await _until_gone(request)
        if answer.get("waits"):
            await self.released.wait()
        if answer.get("breaks") or answer.get("drips"):
            return _part_of(answer)
        return Response(answer["body"], answer["status"], answer["headers"], "application/json")

    async def model(self, request: Request) -> Response:
        if self.listing == "none":
            return JSONResponse({"detail": "Not Found"}, 404)
        if self.listing != "anybody" and _is_strange(request):
            return _error(401, "authentication_error", "invalid x-api-key")
        name = request.path_params["model"]
        if not name.startswith("claude-"):
            return _no_model(name)
        about = {"id": name, "type": "model", "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
        return JSONResponse(about, headers={"request-id": "req_model"})

    async def script(self, request: Request) -> Response:
        self.answers, self.requests, self.released = await request.json(), [], asyncio.Event()
        self.cache, self.headers = PromptCache(), set()
        return Response(status_code=204)

    async def list_as(self, request: Request) -> Response:
        self.listing = (await request.body()).decode()
        return Response(status_code=204)

    async def release(self, _: Request) -> Response:
        self.released.set()
        return Response(status_code=204)

    async def seen(self, _: Request) -> Response:
        return JSONResponse(self.requests)

    async def named(self, _: Request) -> Response:
        return JSONResponse(sorted(self.headers))

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/messages", self.messages, methods=["POST"]),
                Route("/v1/models/{model}", self.model),
                Route("/script", self.script, methods=["POST"]),
                Route("/release", self.release, methods=["POST"]),
                Route("/list", self.list_as, methods=["POST"]),
                Route("/requests", self.seen),
                Route("/headers", self.named),
            ]
        )


def _is_strange(request: Request) -> bool:
    sent = (request.headers.get("x-api-key"), request.headers.get("authorization", "").removeprefix("Bearer "))
    return KEY not in sent


def _no_model(name: str) -> Response:
    return _error(404, "not_found_error", f"model: {name}")


def _a_token(body: Json) -> Response:
    """The answer to whoever only wants to know whether there is one."""
    usage = {"input_tokens": 8, "output_tokens": 1}
    content = [{"type": "text", "text": "I"}]
    about = {"id": "msg_0", "type": "message", "role": "assistant", "model": body["model"], "content": content}
    return JSONResponse(about | {"stop_reason": "max_tokens", "stop_sequence": None, "usage": usage})


def _part_of(answer: Json) -> Response:
    """An answer whose body begins as announced, and ends too early or never."""
    body = answer["body"].encode()

    async def parts() -> AsyncIterator[bytes]:
        yield body[: len(body) // 2]
        while answer.get("drips"):
            yield b" "
            await _a_drip()

    size = {} if answer.get("drips") else {"content-length": str(len(body))}
    return StreamingResponse(parts(), answer["status"], answer["headers"] | size, "application/json")


async def _a_drip() -> None:
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(_DRIP_S, passed.set)
    await passed.wait()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _error(status: int, error_type: str, message: str) -> Response:
    body = {"type": "error", "error": {"type": error_type, "message": message}, "request_id": "req_refused"}
    return JSONResponse(body, status, {"request-id": "req_refused"})


def _mistakes(request: Request, body: Json) -> Iterator[str]:
    if "anthropic-version" not in request.headers:
        yield "anthropic-version: header is required"
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            yield f"{name}: Field required"
    if marks_in(body) > _MARKS:
        yield f"A maximum of {_MARKS} blocks with cache_control may be provided. Found {marks_in(body)}."
    for refused in ("temperature", "top_p"):
        if refused in body:
            yield f"{refused}: not supported by this model"
    if "tools" in body and body.get("tool_choice", {}).get("type") != "auto":
        yield "tool_choice: this model does not support a forced tool"
    for number, tool in enumerate(body.get("tools", [])):
        if tool.get("strict"):
            yield from (f"tools.{number}.custom.{wrong}" for wrong in _not_strict(tool["input_schema"]))


def _not_strict(node: Json) -> Iterator[str]:
    yield from (f"input_schema: {key!r} is not supported" for key in node if key not in _ALLOWED)
    if node.get("type") == "object" and node.get("additionalProperties") is not False:
        yield "input_schema: 'additionalProperties' must be explicitly set to false"
    inner: list[Json] = [*node.get("properties", {}).values(), *node.get("$defs", {}).values(), *node.get("anyOf", [])]
    for part in [*inner, *([node["items"]] if "items" in node else [])]:
        yield from _not_strict(part)


async def main() -> None:
    """Serve until killed, on a free loopback port, which is printed first."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)  # noqa: T201
    # A body that is too short on purpose is an error to the server.
    server = uvicorn.Server(uvicorn.Config(Fake().app(), log_level="critical", lifespan="off"))
    await server.serve(sockets=[listener])


if __name__ == "__main__":
    asyncio.run(main())
