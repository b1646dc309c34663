"""The fake Messages API seen from a test: start it, tell it what to answer, look at what it was asked."""

import contextlib
import json
from collections.abc import Generator
from typing import Any

from tests.fakes.answering import Answer, FakeMaker
from tests.fakes.process import started

__all__ = ["Answer", "FakeAnthropic", "error", "message", "running", "step", "text", "text_of", "tool_use"]


def message(*content: dict[str, Any], stop_reason: str | None = "tool_use", model: str = "claude-sonnet-5-5") -> Answer:
    """A message of these content blocks."""
    body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": list(content),
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 900},
    }
    return Answer(json.dumps(body), headers={"request-id": "req_1"})


def tool_use(name: str, arguments: Any) -> dict[str, Any]:
    """A content block that calls a tool."""
    return {"type": "tool_use", "id": f"toolu_{name}", "name": name, "input": arguments}


def text(words: str) -> dict[str, Any]:
    """A content block that only says something."""
    return {"type": "text", "text": words}


def step(name: str, arguments: Any) -> Answer:
    """A step as JSON output."""
    return message(text(json.dumps({"step": {"tool": name, "arguments": arguments}})), stop_reason="end_turn")


def text_of(request: dict[str, Any]) -> str:
    """All that the one message of a request says."""
    (only,) = request["messages"]
    content = only["content"]
    return content if isinstance(content, str) else "".join(block["text"] for block in content)


def error(status: int, error_type: str, words: str = "words", **headers: str) -> Answer:
    """An error of the API; headers with `_` for `-`."""
    body = {"type": "error", "error": {"type": error_type, "message": words}, "request_id": "req_2"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(json.dumps(body), status, {"request-id": "req_2", **named})


class FakeAnthropic(FakeMaker):
    """A running server."""


@contextlib.contextmanager
def running() -> Generator[FakeAnthropic]:
    """A server on a free loopback port, gone afterwards."""
    with started("tests.fakes.anthropic.server") as address:
        yield FakeAnthropic(address)
