"""People, as a program asks them: `Humans` waits in its thread, `AsyncHumans` under asyncio."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar, cast, overload

import httpx2

from sayso_client import calls
from sayso_client.answers import question_of, value_of
from sayso_client.calls import Calling, Pause, Reply, Send
from sayso_client.results import (
    Answered,
    CameOf,
    Closed,
    File,
    Pending,
    came_of,
    closed_of,
    moment,
)

T = TypeVar("T")
To = str | Sequence[str]
Urgency = Literal["low", "medium", "high"]


@dataclass(frozen=True)
class _Approved:
    """An approval of exactly what was asked, by those in `by`. Nothing may be done before `start` has returned.

    `remarks` are what those for whom it was asked wrote beside it; `frozen` says why it may not begin now. With
    `came_of` it is over.
    """

    id: str
    by: tuple[str, ...]
    at: datetime | None
    reason: str
    digest: str
    use_by: datetime | None
    remarks: tuple[str, ...]
    frozen: str
    came_of: CameOf | None


@dataclass(frozen=True)
class _Started:
    """An attempt that has begun, once: do exactly `arguments` now."""

    id: str
    attempt: str
    arguments: Mapping[str, Any]
    started_at: datetime | None


@dataclass(frozen=True)
class Approved(_Approved):
    """An approval, which `start` spends."""

    _humans: Humans

    def start(self, attempt: str | None = None) -> Started:
        """Begin it, once. Raises Refused, also where another attempt began it (`kind` is `already-begun`), or this one
        has finished (`already-finished`).

        `attempt` is a name of your own for a program that finds out after a crash how far it came: the same name is
        told the same again until it has finished. Without one nothing that began is ever begun again.
        """
        return Started(**self._humans.play(_started(self, attempt, self._humans.patience_s)), _humans=self._humans)


@dataclass(frozen=True)
class Started(_Started):
    """What has begun; `finish` says what came of it."""

    _humans: Humans

    def finish(self, summary: str, *, ok: bool = True) -> None:
        """Say what came of it, to everybody who was asked. The first word stands."""
        self._humans.play(_finished(self, summary, self._humans.patience_s, ok=ok))


@dataclass(frozen=True)
class AsyncApproved(_Approved):
    """An approval, under asyncio."""

    _humans: AsyncHumans

    async def start(self, attempt: str | None = None) -> AsyncStarted:
        """Begin it, once, as `Approved.start` does."""
        return AsyncStarted(
            **await self._humans.play(_started(self, attempt, self._humans.patience_s)), _humans=self._humans
        )


@dataclass(frozen=True)
class AsyncStarted(_Started):
    """What has begun, under asyncio."""

    _humans: AsyncHumans

    async def finish(self, summary: str, *, ok: bool = True) -> None:
        """Say what came of it, as `Started.finish` does."""
        await self._humans.play(_finished(self, summary, self._humans.patience_s, ok=ok))


class Humans:
    """People who can be asked by a key of sayso; `SAYSO_URL` and `SAYSO_API_KEY` say where and by which.

    Each call waits until people have decided, however long that takes, through restarts of sayso. With a `key`, your
    own name for what is asked, the same call finds its request again, open or decided, after a crash or in days;
    without one each call asks anew. After `wait_s` seconds it returns `Pending`, and people can still answer. Raises
    `Refused` where sayso does not do it, and `Unreachable` where it does not answer for `patience_s` as something is
    opened or begun.
    """

    def __init__(self, url: str | None = None, api_key: str | None = None, *, patience_s: float = 30.0) -> None:
        self.patience_s = patience_s
        self._client = httpx2.Client(**_options(url, api_key))

    def __enter__(self) -> Humans:
        """Return these."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections. What was asked stays asked."""
        self._client.close()

    @overload
    def ask(
        self, question: str, *, to: To, options: Sequence[str] = (), key: str | None = None,
        wait_s: float | None = None, expires_after_s: float | None = None, urgency: Urgency | None = None,
        requester: str | None = None, context: Mapping[str, Any] | None = None,
    ) -> Answered[str] | Closed | Pending: ...  # fmt: skip
    @overload
    def ask(
        self, question: str, *, to: To, answer: type[T], options: Sequence[str] = (), key: str | None = None,
        wait_s: float | None = None, expires_after_s: float | None = None, urgency: Urgency | None = None,
        requester: str | None = None, context: Mapping[str, Any] | None = None,
    ) -> Answered[T] | Closed | Pending: ...  # fmt: skip
    def ask(
        self, question: str, *, to: To, answer: Any = str, options: Sequence[str] = (), key: str | None = None,
        wait_s: float | None = None, expires_after_s: float | None = None, urgency: Urgency | None = None,
        requester: str | None = None, context: Mapping[str, Any] | None = None,
    ) -> Answered[Any] | Closed | Pending:  # fmt: skip
        """Ask a question; any one of `to` may answer (`person:NAME`, `group:NAME`, `oncall:NAME`).

        `answer` is the type of the answer: str, bool (yes or no), an Enum of strings, a dataclass or a pydantic model
        (a form); with `options` it is one of these, and several with `list[str]`.
        `requester` is for whom it is asked, where the key may ask for several people.
        """
        more = {"expires_after_s": expires_after_s, "urgency": urgency, "requester": requester, "context": context}
        body = _question(question, to, question_of(answer, options), more)
        return self.play(_asked(_outcome(body, key, wait_s, self.patience_s), answer))

    def approve(
        self, title: str, *, policy: str, arguments: Mapping[str, Any], facts: Mapping[str, str] | None = None,
        key: str | None = None, wait_s: float | None = None, requester: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Approved | Closed | Pending:  # fmt: skip
        """Ask for an approval of exactly these `arguments`, under a policy; `facts` are labelled lines for people."""
        body = _approval(title, policy, arguments, facts, {"requester": requester, "context": context})
        told = self.play(_wanted(_outcome(body, key, wait_s, self.patience_s)))
        return told if isinstance(told, Closed | Pending) else Approved(**told, _humans=self)

    def withdraw(self, request_id: str, reason: str = "") -> None:
        """Take back what nobody has decided yet."""
        self.play(calls.of_request(request_id, "withdraw", {"reason": reason}, self.patience_s))

    def play(self, calling: Calling[T]) -> T:
        """Make the calls of `calling`, and return what comes of it."""
        try:
            step = next(calling)
            while True:
                step = calling.send(self._made(step))
        except StopIteration as ended:
            return cast("T", ended.value)

    def _made(self, step: Send | Pause) -> Reply:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return Reply(0)
        try:
            return _reply(self._client.request(**_request(step)))
        except httpx2.TransportError as error:
            return _nothing(error)


class AsyncHumans:
    """The same as `Humans`, under asyncio."""

    def __init__(self, url: str | None = None, api_key: str | None = None, *, patience_s: float = 30.0) -> None:
        self.patience_s = patience_s
        self._client = httpx2.AsyncClient(**_options(url, api_key))

    async def __aenter__(self) -> AsyncHumans:
        """Return these."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self.close()

    async def close(self) -> None:
        """Close the connections. What was asked stays asked."""
        await self._client.aclose()

    @overload
    async def ask(
        self, question: str, *, to: To, options: Sequence[str] = (), key: str | None = None,
        wait_s: float | None = None, expires_after_s: float | None = None, urgency: Urgency | None = None,
        requester: str | None = None, context: Mapping[str, Any] | None = None,
    ) -> Answered[str] | Closed | Pending: ...  # fmt: skip
    @overload
    async def ask(
        self, question: str, *, to: To, answer: type[T], options: Sequence[str] = (), key: str | None = None,
        wait_s: float | None = None, expires_after_s: float | None = None, urgency: Urgency | None = None,
        requester: str | None = None, context: Mapping[str, Any] | None = None,
    ) -> Answered[T] | Closed | Pending: ...  # fmt: skip
    async def ask(
        self, question: str, *, to: To, answer: Any = str, options: Sequence[str] = (), key: str | None = None,
        wait_s: float | None = None, expires_after_s: float | None = None, urgency: Urgency | None = None,
        requester: str | None = None, context: Mapping[str, Any] | None = None,
    ) -> Answered[Any] | Closed | Pending:  # fmt: skip
        """Ask a question, as `Humans.ask` does."""
        more = {"expires_after_s": expires_after_s, "urgency": urgency, "requester": requester, "context": context}
        body = _question(question, to, question_of(answer, options), more)
        return await self.play(_asked(_outcome(body, key, wait_s, self.patience_s), answer))

    async def approve(
        self, title: str, *, policy: str, arguments: Mapping[str, Any], facts: Mapping[str, str] | None = None,
        key: str | None = None, wait_s: float | None = None, requester: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> AsyncApproved | Closed | Pending:  # fmt: skip
        """Ask for an approval, as `Humans.approve` does."""
        body = _approval(title, policy, arguments, facts, {"requester": requester, "context": context})
        told = await self.play(_wanted(_outcome(body, key, wait_s, self.patience_s)))
        return told if isinstance(told, Closed | Pending) else AsyncApproved(**told, _humans=self)

    async def withdraw(self, request_id: str, reason: str = "") -> None:
        """Take back what nobody has decided yet."""
        await self.play(calls.of_request(request_id, "withdraw", {"reason": reason}, self.patience_s))

    async def play(self, calling: Calling[T]) -> T:
        """Make the calls of `calling`, and return what comes of it."""
        try:
            step = next(calling)
            while True:
                step = calling.send(await self._made(step))
        except StopIteration as ended:
            return cast("T", ended.value)

    async def _made(self, step: Send | Pause) -> Reply:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return Reply(0)
        try:
            return _reply(await self._client.request(**_request(step)))
        except httpx2.TransportError as error:
            return _nothing(error)


def _question(question: str, to: To, form: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    return {"question": question, "to": [to] if isinstance(to, str) else list(to), **form, **_given(more)}


def _approval(
    title: str, policy: str, arguments: Mapping[str, Any], facts: Mapping[str, str] | None, more: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "title": title,
        "policy": policy,
        "arguments": dict(arguments),
        "facts": dict(facts or {}),
        **_given(more),
    }


def _given(more: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in more.items() if value is not None}


def _outcome(
    body: Mapping[str, Any], key: str | None, wait_s: float | None, patience_s: float
) -> Calling[Mapping[str, Any]]:
    named = key or uuid.uuid4().hex
    request_id = yield from calls.opened(body, named, patience_s)
    told = yield from calls.outcome(request_id, wait_s)
    return {**told, "key": named}


def _asked(outcome: Calling[Mapping[str, Any]], answer: Any) -> Calling[Answered[Any] | Closed | Pending]:
    told = yield from outcome
    files = tuple(File(one["name"], one.get("text", "")) for one in told.get("files", ()))
    return closed_of(told, "answered") or Answered(
        told["id"], value_of(answer, told.get("answer")), tuple(told.get("by", ())), moment(told.get("at")), files
    )


def _wanted(outcome: Calling[Mapping[str, Any]]) -> Calling[dict[str, Any] | Closed | Pending]:
    told = yield from outcome
    return closed_of(told, "approved") or {
        "id": told["id"],
        "by": tuple(told.get("by", ())),
        "at": moment(told.get("at")),
        "reason": told.get("reason", ""),
        "digest": told["digest"],
        "use_by": moment(told.get("use_by")),
        "remarks": tuple(one["text"] for one in told.get("remarks", ())),
        "frozen": told.get("frozen", ""),
        "came_of": came_of(told.get("came_of")),
    }


def _started(approved: _Approved, attempt: str | None, patience_s: float) -> Calling[dict[str, Any]]:
    body = {"attempt": attempt or uuid.uuid4().hex, "digest": approved.digest}
    told = yield from calls.of_request(approved.id, "start", body, patience_s)
    if over := came_of(told.get("came_of")):
        raise calls.already_finished(approved.id, over.summary)
    return {
        "id": approved.id,
        "attempt": told["attempt"],
        "arguments": told["arguments"],
        "started_at": moment(told["started_at"]),
    }


def _finished(started: _Started, summary: str, patience_s: float, *, ok: bool) -> Calling[Mapping[str, Any]]:
    body = {"attempt": started.attempt, "ok": ok, "summary": summary}
    return calls.of_request(started.id, "finish", body, patience_s)


def _options(url: str | None, api_key: str | None) -> dict[str, Any]:
    url, api_key = url or os.environ.get("SAYSO_URL"), api_key or os.environ.get("SAYSO_API_KEY")
    if not url or not api_key:
        raise ValueError("Say where sayso is and by which key: url and api_key, or SAYSO_URL and SAYSO_API_KEY")
    headers = {"Authorization": f"Bearer {api_key.strip()}", "User-Agent": "sayso-client"}
    return {"base_url": url.strip().rstrip("/"), "headers": headers}


_ANSWERS_IN_S = 30.0


def _request(send: Send) -> dict[str, Any]:
    told: dict[str, Any] = {"method": send.method, "url": send.path, "timeout": _ANSWERS_IN_S + send.wait_s}
    told |= {"headers": {"Idempotency-Key": send.once}} if send.once else {}
    return told | ({} if send.body is None else {"json": send.body})


def _reply(response: httpx2.Response) -> Reply:
    body: Any = None
    with suppress(ValueError):
        body = response.json()
    if not isinstance(body, dict) and response.is_success:
        return Reply(0, why=f"{response.url.host} answers, and it is no sayso")
    after = response.headers.get("Retry-After", "")
    told = cast("dict[str, Any]", body) if isinstance(body, dict) else dict[str, Any]()
    return Reply(response.status_code, told, float(after) if after.isdecimal() else 0.0)


def _nothing(error: httpx2.TransportError) -> Reply:
    return Reply(0, why=f"{type(error).__name__}: {error}".rstrip(": "))
