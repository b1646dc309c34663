"""The fake Messages API seen from a test: start it, tell it what to answer, look at what it was asked."""

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_TREE = Path(__file__).parents[3]


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; `hangs` never gives it, `breaks` closes the connection in its middle, `drips` never ends it.

    `waits` gives it after `release`; `anybody` gets it, whatever their key. `counts` says in a message's usage what the
    request was, and what of it was in the cache; which begins empty with each script.
    """

    body: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    hangs: bool = False
    breaks: bool = False
    drips: bool = False
    waits: bool = False
    anybody: bool = False
    counts: bool = False


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


@dataclass(frozen=True)
class FakeAnthropic:
    """A running server. `key` is the only one it takes."""

    base_url: str
    key: str = "sk-test-key"

    def answers(self, *answers: Answer) -> None:
        """Answer the next requests so, the last answer for good; forget the requests so far."""
        self._call("/script", json.dumps([asdict(answer) for answer in answers]).encode())

    def requests(self) -> list[dict[str, Any]]:
        """The bodies of all requests since then."""
        return json.loads(self._call("/requests"))

    def headers(self) -> list[str]:
        """The names of the headers that they had, in lower case."""
        return json.loads(self._call("/headers"))

    def release(self) -> None:
        """Give the answers that wait, and those that are still to come, until there are new ones."""
        self._call("/release", b"")

    def lists(self, how: str) -> None:
        """List models from now on as Anthropic does (`ours`), to `anybody`, or not at all (`none`)."""
        self._call("/list", how.encode())

    def _call(self, path: str, body: bytes | None = None) -> bytes:
        with urllib.request.urlopen(self.base_url + path, body, timeout=60) as answer:  # noqa: S310
            return answer.read()


@contextlib.contextmanager
def running() -> Generator[FakeAnthropic]:
    """A server on a free loopback port, gone afterwards."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.anthropic.server"], cwd=_TREE, stdout=subprocess.PIPE, text=True
    )
    with server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        assert port, "the fake Messages API did not start: its error is above"
        try:
            yield FakeAnthropic(f"http://127.0.0.1:{port}")
        finally:
            server.kill()
