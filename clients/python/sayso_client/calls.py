"""Calls of the HTTP API as plain steps, which a client plays with or without asyncio.

A call is a generator: it yields a `Send` and is sent the `Reply`, or yields a `Pause`. So each rule of when to try
again is written once.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import quote

# Balancers end a call in which nothing is said, many after 30 s: that looks as if sayso were away.
LONGEST_WAIT_S = 20.0
_LONGEST_PAUSE_S = 30.0
_NO_ANSWER, _SLOW, _ITS_FAULT, _MANY = 0, 408, 500, 429
_log = logging.getLogger("sayso_client")
T = TypeVar("T")


@dataclass(frozen=True)
class Send:
    """A call to make; it takes up to `wait_s` longer than others. `once` is its idempotency key."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    wait_s: float = 0.0
    once: str = ""


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
    """sayso did not answer in time. What was asked may be open: the same call with the same key goes on with it."""


def already_finished(request_id: str, summary: str) -> Refused:
    """Return why nothing begins: this attempt did, and said what came of it."""
    detail = f"{request_id} is over: this attempt has finished, and said: {summary}."
    return Refused(Reply(409, {"type": "already-finished", "detail": detail, "do": "Do nothing."}))


def opened(body: Mapping[str, Any], key: str, patience_s: float) -> Calling[str]:
    """Open what is asked, or find it by its key. Returns the id of the request. Raises ValueError for such a key."""
    if not re.fullmatch("[!-~]{1,200}", key):
        raise ValueError(f"a key has 1 to 200 characters of ASCII, and no blank: {key!r} is none")
    try:
        told = yield from _called(Send("POST", "/v1/requests", body, once=key), patience_s)
    except Unreachable as error:
        raise Unreachable(f"{error}. It may be asked all the same: the key {key!r} finds it") from error
    return str(told["id"])


def outcome(request_id: str, wait_s: float | None) -> Calling[Mapping[str, Any]]:
    """Wait until a request is decided, or for `wait_s`. Returns its outcome, which is pending where nobody knows."""
    until = None if wait_s is None else monotonic() + wait_s
    while True:
        left_s = LONGEST_WAIT_S if until is None else min(LONGEST_WAIT_S, max(0.0, until - monotonic()))
        path = f"/v1/requests/{quote(request_id, '')}/outcome?wait_s={left_s:.3f}"
        try:
            told = yield from _called(Send("GET", path, wait_s=left_s), None if until is None else left_s, _MANY)
        except Unreachable:
            return {"id": request_id, "decision": "pending"}
        if told["decision"] != "pending" or (until is not None and monotonic() >= until):
            return told


def of_request(request_id: str, verb: str, body: Mapping[str, Any], patience_s: float) -> Calling[Mapping[str, Any]]:
    """Make an operation on a request; each says the same again when it is sent again."""
    return (yield from _called(Send("POST", f"/v1/requests/{quote(request_id, '')}/{verb}", body), patience_s))


def _called(send: Send, patience_s: float | None, *later: int) -> Calling[Mapping[str, Any]]:
    """Send until there is an answer, for `patience_s` at most. Raises Refused and Unreachable."""
    until, pause_s = None if patience_s is None else monotonic() + patience_s, 1.0
    while True:
        reply = yield send
        if 200 <= reply.status < 300:
            return reply.body
        if reply.status not in {_NO_ANSWER, _SLOW, *later} and reply.status < _ITS_FAULT:
            raise Refused(reply)
        why = reply.why or str(reply.body.get("detail") or f"it answered {reply.status}")
        left_s = _LONGEST_PAUSE_S if until is None else until - monotonic()
        if left_s <= 0:
            raise Unreachable(f"sayso can't be reached: {why}")
        _log.warning("sayso can't be reached: %s; it is tried again", why)
        yield Pause(min(left_s, max(pause_s, reply.retry_after_s)))
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
