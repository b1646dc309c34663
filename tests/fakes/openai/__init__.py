"""The fake chat completions seen from a test: start it, tell it what to answer, look at what it was asked."""

import contextlib
import json
from collections.abc import Generator
from typing import Any

from tests.fakes.answering import Answer, FakeMaker
from tests.fakes.process import started

__all__ = ["Answer", "FakeOpenAI", "call", "completion", "error", "running", "step", "text_of"]

MODEL = "gpt-5-mini"


def completion(
    *calls: dict[str, Any],
    content: str | None = None,
    finish: str | None = "tool_calls",
    model: str = MODEL,
    **message: Any,
) -> Answer:
    """An answer with these calls of tools; `message` has more fields of its message."""
    said = {"role": "assistant", "content": content, "refusal": None, **message}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": said | ({"tool_calls": list(calls)} if calls else {}),
                "logprobs": None,
                "finish_reason": finish,
            }
        ],
        "usage": {
            "prompt_tokens": 1_000,
            "completion_tokens": 20,
            "total_tokens": 1_020,
            "prompt_tokens_details": {"cached_tokens": 900, "audio_tokens": 0},
        },
    }
    return Answer(json.dumps(body), headers={"x-request-id": "req_1"})


def call(name: str, arguments: Any) -> dict[str, Any]:
    """A call of a tool; its arguments travel as text, and text is sent as it is."""
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": written}}


def step(name: str, arguments: Any) -> Answer:
    """A step as JSON Schema output."""
    written = json.dumps({"step": {"tool": name, "arguments": arguments}})
    return completion(content=written, finish="stop")


def text_of(request: dict[str, Any]) -> str:
    """What the user's message of a request says."""
    (only,) = [message for message in request["messages"] if message["role"] == "user"]
    return only["content"]


def error(
    status: int, code: str | None, words: str = "words", kind: str = "invalid_request_error", **headers: str
) -> Answer:
    """An error of the API; headers with `_` for `-`."""
    body = {"error": {"message": words, "type": kind, "param": None, "code": code}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(json.dumps(body), status, {"x-request-id": "req_2", **named})


class FakeOpenAI(FakeMaker):
    """A running server. Its address is what `OPENAI_BASE_URL` names: with the version."""

    @property
    def root(self) -> str:
        return self.base_url.removesuffix("/v1")


@contextlib.contextmanager
def running() -> Generator[FakeOpenAI]:
    """A server on a free loopback port, gone afterwards."""
    with started("tests.fakes.openai.server") as address:
        yield FakeOpenAI(f"{address}/v1")
