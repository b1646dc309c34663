"""A stand-in for chat completions, as a process of its own: `python -m tests.fakes.openai.server`.

It prints its port and speaks `POST /v1/chat/completions` and the dated API of an Azure resource. It refuses what the
real one refuses (wrong key, unknown fields, names and strict schemas that are not allowed), and otherwise answers what
it was told to, in order, with the last answer repeated; how it is told, `tests.fakes.answering` says. Before any script
there is no model.

https://platform.openai.com/docs/api-reference/chat, https://platform.openai.com/docs/guides/structured-outputs
"""

import asyncio
import re
from collections.abc import Iterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.answering import Json, Scripted, mistakes_in, parts_of
from tests.fakes.process import serve

KEY = "sk-test-key"
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_FIELDS = {
    "model", "messages", "max_tokens", "max_completion_tokens", "tools", "tool_choice", "parallel_tool_calls",
    "response_format", "reasoning_effort", "temperature",
}  # fmt: skip
# Where a model thinks before it answers, fewer are an error: https://github.com/BerriAI/litellm/issues/23836
_FEW = 16
_EFFORTS = {"none", "minimal", "low", "medium", "high", "xhigh", "max"}
_ALLOWED = frozenset({
    "type", "title", "description", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf",
    "$ref", "$defs", "format", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    "minItems", "maxItems",
})  # fmt: skip


class Fake(Scripted):
    """The server."""

    async def completions(self, request: Request) -> Response:
        body = await self.noted(request)
        if not self.is_for_anybody and _is_strange(request):
            return _error(401, "invalid_api_key", "Incorrect API key provided.")
        if wrong := next(_mistakes(request, body), None):
            return _error(400, *wrong)
        if self.answers:
            return await self.given(self.next(), request)
        return _no_model(body["model"])

    async def model(self, request: Request) -> Response:
        if self.listing == "none":
            return JSONResponse({"detail": "Not Found"}, 404)
        if self.listing == "drips":
            return await self.given({"body": "{}", "status": 200, "headers": {}, "drips": True}, request)
        if self.listing != "anybody" and _is_strange(request):
            return _error(401, "invalid_api_key", "Incorrect API key provided.")
        name = request.path_params["model"]
        if not name.startswith("gpt-"):
            return _no_model(name)
        return JSONResponse({"id": name, "object": "model", "created": 1_790_000_000, "owned_by": "system"})


def _is_strange(request: Request) -> bool:
    sent = (request.headers.get("api-key"), request.headers.get("authorization", "").removeprefix("Bearer "))
    return KEY not in sent


def _no_model(name: str) -> Response:
    return _error(404, "model_not_found", f"The model `{name}` does not exist or you do not have access to it.")


def _error(status: int, code: str | None, message: str) -> Response:
    body = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
    return JSONResponse(body, status, {"x-request-id": "req_refused"})


def _mistakes(request: Request, body: Json) -> Iterator[tuple[str | None, str]]:
    if "deployment" in request.path_params and "api-version" not in request.query_params:
        yield "404", "Resource not found"
    for name in body.keys() - _FIELDS:
        yield None, f"Unrecognized request argument supplied: {name}"
    for name in ("model", "messages"):
        if name not in body:
            yield "missing_required_parameter", f"Missing required parameter: '{name}'."
    if {"max_tokens", "max_completion_tokens"} <= body.keys():
        yield "invalid_parameter_combination", "max_tokens and max_completion_tokens cannot both be set."
    if body["model"].startswith("gpt-5") and body.get("max_tokens", body.get("max_completion_tokens", _FEW)) < _FEW:
        yield None, "Could not finish the message because max_tokens or model output limit was reached."
    if body.get("reasoning_effort", "low") not in _EFFORTS:
        yield "unsupported_value", f"Unsupported value: 'reasoning_effort' {body['reasoning_effort']!r}"
    for name in ("tool_choice", "parallel_tool_calls"):
        if name in body and "tools" not in body:
            yield None, f"'{name}' is only allowed when 'tools' are specified."
    if body.get("tool_choice", "auto") not in ("auto", "none", "required"):
        yield "invalid_value", f"Invalid value: {body['tool_choice']!r}."
    for tool in body.get("tools", []):
        yield from _tool_mistakes(tool)
    wanted = body.get("response_format", {})
    if wanted.get("type") == "json_schema":
        schema = wanted["json_schema"]["schema"]
        if schema.get("type") != "object":
            yield None, "Invalid schema for response_format: schema must be a JSON Schema of 'type: \"object\"'"
        for wrong in _not_strict(schema) if wanted["json_schema"].get("strict") else ():
            yield None, f"Invalid schema for response_format '{wanted['json_schema']['name']}': {wrong}"


def _tool_mistakes(tool: Json) -> Iterator[tuple[str | None, str]]:
    function = tool["function"]
    if tool.get("type") != "function" or not _NAME.fullmatch(function["name"]):
        yield "invalid_value", f"Invalid 'tools[0].function.name': {function['name']!r}"
    for wrong in _not_strict(function["parameters"]) if function.get("strict") else ():
        yield "invalid_function_parameters", f"Invalid schema for function '{function['name']}': {wrong}"


def _not_strict(node: Json) -> Iterator[str]:
    yield from mistakes_in(node, _ALLOWED)
    yield from _left_out(node)


def _left_out(node: Json) -> Iterator[str]:
    for name in node.get("properties", {}).keys() - {*node.get("required", ())}:
        yield (
            "In context=(), 'required' is required to be supplied and to be an array including every key in "
            f"properties. Missing '{name}'."
        )
    for part in parts_of(node):
        yield from _left_out(part)


def _app() -> Starlette:
    fake = Fake()
    return fake.app(
        Route("/v1/chat/completions", fake.completions, methods=["POST"]),
        Route("/openai/deployments/{deployment}/chat/completions", fake.completions, methods=["POST"]),
        Route("/v1/models/{model:path}", fake.model),
    )


if __name__ == "__main__":
    asyncio.run(serve(_app()))
