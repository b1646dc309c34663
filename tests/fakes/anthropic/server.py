"""A stand-in for the Messages API, as a process of its own: `python -m tests.fakes.anthropic.server`.

It prints its port and speaks `POST /v1/messages`: it refuses what the real one refuses (wrong key, missing version,
schemas that are not strict), and otherwise answers what it was told to, in order, with the last answer repeated; how it
is told, `tests.fakes.answering` says. Before any script it answers one token, and calls `done` where there are tools.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.answering import Json, Scripted, mistakes_in, parts_of
from tests.fakes.anthropic.cache import PromptCache, marks_in
from tests.fakes.process import serve

# As a bearer token, which is how the SDK sends it, or as `x-api-key`.
KEY = "sk-test-key"
_MARKS = 4
# Of all strict schemas together.
_STRICT, _OPTIONAL = 20, 24
# What strict schemas may hold: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
_ALLOWED = frozenset({
    "type", "title", "description", "properties", "required", "additionalProperties",
    "items", "enum", "const", "anyOf", "allOf", "$ref", "$defs", "format", "minItems",
})  # fmt: skip


@dataclass
class Fake(Scripted):
    """The server."""

    cache: PromptCache = field(default_factory=PromptCache)

    async def messages(self, request: Request) -> Response:
        body = await self.noted(request)
        if not self.is_for_anybody and _is_strange(request):
            return _error(401, "authentication_error", "invalid x-api-key")
        if wrong := next(_mistakes(request, body), None):
            return _error(400, "invalid_request_error", wrong)
        if not self.answers:
            return _a_token(body) if body["model"].startswith("claude-") else _no_model(body["model"])
        answer = self.next()
        if answer.get("counts"):
            counted: Json = json.loads(answer["body"]) | {"usage": self.cache.usage(body)}
            answer: Json = {**answer, "body": json.dumps(counted)}
        return await self.given(answer, request)

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
        self.cache = PromptCache()
        return await super().script(request)


def _is_strange(request: Request) -> bool:
    sent = (request.headers.get("x-api-key"), request.headers.get("authorization", "").removeprefix("Bearer "))
    return KEY not in sent


def _no_model(name: str) -> Response:
    return _error(404, "not_found_error", f"model: {name}")


def _a_token(body: Json) -> Response:
    """The answer to whoever only wants to know whether there is one."""
    usage = {"input_tokens": 8, "output_tokens": 1}
    content: list[Json] = [{"type": "text", "text": "I"}]
    if "tools" in body:
        content = [{"type": "tool_use", "id": "toolu_0", "name": "done", "input": {"summary": "Hello."}}]
    about = {"id": "msg_0", "type": "message", "role": "assistant", "model": body["model"], "content": content}
    stop = "tool_use" if "tools" in body else "max_tokens"
    return JSONResponse(about | {"stop_reason": stop, "stop_sequence": None, "usage": usage})


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
    formats = [body["output_config"]["format"]["schema"]] if "format" in body.get("output_config", {}) else []
    for schema in formats:
        yield from (f"output_config.format.schema: {wrong}" for wrong in mistakes_in(schema, _ALLOWED))
    strict = [tool["input_schema"] for tool in body.get("tools", []) if tool.get("strict")]
    if len(strict) > _STRICT or sum(map(_optional_in, [*strict, *formats])) > _OPTIONAL:
        yield "Schema is too complex for compilation."
    for number, tool in enumerate(body.get("tools", [])):
        if tool.get("strict"):
            yield from (
                f"tools.{number}.custom.input_schema: {wrong}" for wrong in mistakes_in(tool["input_schema"], _ALLOWED)
            )


def _optional_in(schema: Json) -> int:
    own = len(schema.get("properties", {}).keys() - {*schema.get("required", ())})
    return own + sum(map(_optional_in, parts_of(schema)))


def _app() -> Starlette:
    fake = Fake()
    return fake.app(
        Route("/v1/messages", fake.messages, methods=["POST"]),
        Route("/v1/models/{model}", fake.model),
    )


if __name__ == "__main__":
    asyncio.run(serve(_app()))
