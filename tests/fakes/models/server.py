"""A stand-in for the models of coding agents, as a process of its own: `python -m tests.fakes.models.server`.

It prints its port and speaks, as streams, `POST /v1/messages` of Anthropic and `POST /v1/responses` of OpenAI. It
calls the tools it was told to (`POST /_set`, see `Fake`), one after the other: which one is next is read from the
results that a conversation has by now, so that a program may ask it as often and for as much else as it likes. `GET
/_seen` gives the results in each request.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.process import Orders, serve

Json = dict[str, Any]
_DONE = "That is all."


@dataclass
class Fake(Orders):
    """The calls that are wanted, `{"name": …, "arguments": …}` each, and what was seen."""

    calls: list[Json] = field(default_factory=list[Json])
    seen: list[Json] = field(default_factory=list[Json])

    async def messages(self, request: Request) -> Response:
        body: Json = await request.json()
        blocks = [block for one in body["messages"] if isinstance(one["content"], list) for block in one["content"]]
        results = [_text(block.get("content")) for block in blocks if block.get("type") == "tool_result"]
        call = self._next(results, body)
        return _stream(_message(len(results), call)) if body.get("stream") else JSONResponse(_short(body))

    async def responses(self, request: Request) -> Response:
        body: Json = await request.json()
        outputs = {"function_call_output", "custom_tool_call_output"}
        results = [_text(item.get("output")) for item in body["input"] if item.get("type") in outputs]
        return _stream(_response(len(results), self._next(results, body)))

    async def count(self, _: Request) -> Response:
        return JSONResponse({"input_tokens": 10})

    def _next(self, results: list[str], body: Json) -> Json | None:
        """The call that is next; none where a program asks for something without tools, as for a title."""
        if not body.get("tools"):
            return None
        self.seen.append({"results": results, "tools": [tool.get("name") or tool["type"] for tool in body["tools"]]})
        return self.calls[len(results)] if len(results) < len(self.calls) else None

    def served(self) -> Starlette:
        return self.app(
            [
                Route("/v1/messages", self.messages, methods=["POST"]),
                Route("/v1/messages/count_tokens", self.count, methods=["POST"]),
                Route("/v1/responses", self.responses, methods=["POST"]),
            ]
        )


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in cast("list[Json]", content))
    return content if isinstance(content, str) else json.dumps(content)


def _stream(events: Iterator[Json]) -> Response:
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return Response(body, media_type="text/event-stream")


def _short(body: Json) -> Json:
    usage = {"input_tokens": 10, "output_tokens": 1}
    about: Json = {"id": "msg_0", "type": "message", "role": "assistant", "model": body["model"]}
    return about | {"content": [{"type": "text", "text": _DONE}], "stop_reason": "end_turn", "usage": usage}


def _message(number: int, call: Json | None) -> Iterator[Json]:
    """A message of the Messages API: https://platform.claude.com/docs/en/build-with-claude/streaming."""
    about: Json = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": "claude-sonnet-5-5"}
    usage = {"input_tokens": 10, "output_tokens": 1}
    yield {"type": "message_start", "message": about | {"content": [], "stop_reason": None, "usage": usage}}
    if call:
        block: Json = {"type": "tool_use", "id": f"toolu_{number}", "name": call["name"], "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(call["arguments"])}
    else:
        block, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": _DONE}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    stop = {"stop_reason": "tool_use" if call else "end_turn", "stop_sequence": None}
    yield {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 5}}
    yield {"type": "message_stop"}


def _response(number: int, call: Json | None) -> Iterator[Json]:
    """A response of the Responses API: https://platform.openai.com/docs/api-reference/responses-streaming."""
    about: Json = {"id": f"resp_{number}", "object": "response"}
    yield {"type": "response.created", "response": about | {"status": "in_progress", "output": []}}
    if call:
        item: Json = {
            "type": "function_call",
            "id": f"fc_{number}",
            "call_id": f"call_{number}",
            "name": call["name"],
            "arguments": json.dumps(call["arguments"]),
        }
    else:
        said: Json = {"type": "output_text", "text": _DONE, "annotations": []}
        item = {"type": "message", "id": f"msg_{number}", "role": "assistant", "content": [said]}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item | {"status": "completed"}}
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    yield {
        "type": "response.completed",
        "response": about | {"status": "completed", "output": [item], "usage": usage | details},
    }


if __name__ == "__main__":
    asyncio.run(serve(Fake().served()))
