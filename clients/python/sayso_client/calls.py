"""Calls of the HTTP API as plain steps, which a client plays with or without asyncio.

A call is a generator: it yields a `Send` and is sent the `Reply`, or yields a `Pause`. So each rule of when to try
again is written once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

LONGEST_WAIT_S = 50.0
_LONGEST_PAUSE_S = 30.0
_LATER = frozenset({0, 408, 502, 503, 504})
_log = logging.getLogger("sayso_client")
T = TypeVar("T")


@dataclass(frozen=True)
class Send:
    """A call to make; it takes up to `wait_s` longer than others."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    wait_s: float = 0.0


@dataclass(frozen=True)
class Pause:
    """A time to let pass, in seconds."""

    seconds: float


@dataclass(frozen=True)
class Reply:
    """What came back; `status` is 0 where nothing did, and `why` says so."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict[str, Any])
    retry_after_s: float = 0.0
    why: str = ""


Calling = Generator["Send | Pause", "Reply", T]


class Refused(Exception):
    """sayso does not do it: `kind` names the problem, `detail` says what happened and `do` what to do.

    The kinds are in sayso's docs/http.md. `retry_after_s` is set where it may be tried again after that.
    """

    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        self.kind = str(reply.body.get("type", "")).rpartition(":")[2]
        self.detail = str(reply.body.get("detail", f"sayso answered {reply.status}"))
        self.do = str(reply.body.get("do", ""))
        self.retry_after_s = reply.retry_after_s
        super().__init__(f"{self.detail} {self.do}".strip())


class Unreachable(Exception):
    """sayso did not answer. What was asked with a key of your own may be open: the same call goes on with it."""


def opened(body: Mapping[str, Any], key: str, patience_s: float) -> Calling[str]:
    """Open what is asked, or find it by its key. Returns the id of the request."""
    told = yield from _called(Send("POST", "/v1/requests", {**body, "idempotency_key": key}), patience_s)
    return str(told["id"])


def outcome(request_id: str, wait_s: float | None, now: Callable[[], float]) -> Calling[Mapping[str, Any]]:
    """Wait until a request is decided, or for `wait_s`. Returns its outcome."""
    until = None if wait_s is None else now() + wait_s
    while True:
        left_s = LONGEST_WAIT_S if until is None else min(LONGEST_WAIT_S, max(0.0, until - now()))
        path = f"/v1/requests/{quote(request_id, '')}/outcome?wait_s={left_s:.3f}"
        told = yield from _called(Send("GET", path, wait_s=left_s), wait_s, 429)
        if told["decision"] != "pending" or (until is not None and now() >= until):
            return told


def of_request(request_id: str, verb: str, body: Mapping[str, Any], patience_s: float) -> Calling[Mapping[str, Any]]:
    """Make an operation on a request; each says the same again when it is sent again."""
    return (yield from _called(Send("POST", f"/v1/requests/{quote(request_id, '')}/{verb}", body), patience_s))


def _called(send: Send, patience_s: float | None, *later: int) -> Calling[Mapping[str, Any]]:
    """Send until there is an answer, with pauses of `patience_s` at most in all. Raises Refused and Unreachable."""
    pause_s, paused_s = 1.0, 0.0
    while True:
        reply = yield send
        if 200 <= reply.status < 300:
            return reply.body
        if reply.status not in {*_LATER, *later}:
            raise Refused(reply)
        why = reply.why or f"it answered {reply.status}"
        if patience_s is not None and paused_s >= patience_s:
            raise Unreachable(f"sayso can't be reached: {why}")
        _log.warning("sayso can't be reached: %s; it is tried again", why)
        pause_s = max(pause_s, reply.retry_after_s)
        yield Pause(pause_s)
        pause_s, paused_s = min(2 * pause_s, _LONGEST_PAUSE_S), paused_s + pause_s
