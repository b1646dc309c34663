"""Calls of the HTTP API of this process, with the key that came: every check and every limit is the API's own."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx2
from starlette.types import ASGIApp

from bot.render.views import RequestView
from bot.store.watch import ended
from bot.web.api.keyed import only_asking
from bot.web.api.requests import LONGEST_WAIT_S as MOST_WAIT_S

# No call takes longer than 50 s: so much of that is left for opening and telling.
LONGEST_WAIT_S = 48.0
_USER_AGENT = "sayso-mcp"
# What the API says to do there is for whoever runs it: an agent beside `sayso.toml` would give itself what it lacks.
_FOR_PEOPLE = {"no-key", "scope-missing", "not-yours", "rate-limited"}
_NOT_YOU = "Only people change keys and settings: do not do it, and tell whoever you work for."


class RefusedError(Exception):
    """The API's problem: what happened, and what to do."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status, self.problem = status, problem
        detail = str(problem.get("detail", f"The API answered {status}")).rstrip(".")
        told = f"{detail}. {problem.get('do', '')}".strip()
        super().__init__(f"{told.rstrip('.')}. {_NOT_YOU}" if self.kind in _FOR_PEOPLE else told)

    @property
    def kind(self) -> str:
        """The name of the problem, such as `key-reused`."""
        return str(self.problem.get("type", "")).rpartition(":")[2]


def client_of(api: ASGIApp) -> httpx2.AsyncClient:
    """A client of the API in the same process; each call brings its own key, which reaches only what it asked."""
    transport = httpx2.ASGITransport(app=only_asking(api), raise_app_exceptions=False)
    return httpx2.AsyncClient(
        transport=transport, base_url="http://sayso.internal", timeout=None, trust_env=False,
        headers={"User-Agent": _USER_AGENT},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Calls:
    """What one message may do: calls with its key, until it has taken `longest_s`.

    `once` stands for this very message, however often it is sent; empty where nobody said so. `told`, if there is one,
    tells the client every `tell_s` that it still waits.
    """

    client: httpx2.AsyncClient
    authorization: str
    may_ask: tuple[str, ...]
    longest_s: float
    once: str = ""
    tell_s: float = 0.0
    told: Callable[[float], Awaitable[None]] | None = None

    async def opened(self, body: Mapping[str, Any], key: str | None) -> RequestView:
        """The request that is open now, or that this `key` stands for. Raises RefusedError.

        Whoever gave no key is told the one that it had, where it may be open all the same.
        """
        once = key or self.once or secrets.token_hex(16)
        try:
            return _view(await self._send("POST", "/v1/requests", body, once))
        except RefusedError as error:
            if key or error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            do = f"{error.problem.get('do', '')}. With the `key` {once}, which this call had, nobody is asked twice"
            raise RefusedError(error.status, {**error.problem, "do": do}) from None

    async def request(self, request_id: str) -> RequestView:
        """A request as it stands. Raises RefusedError."""
        return _view(await self.get(f"/v1/requests/{quote(request_id, '')}"))

    async def of_request(self, request_id: str, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What an operation on a request answers. Raises RefusedError."""
        return await self.post(f"/v1/requests/{quote(request_id, '')}/{verb}", body)

    async def settled(self, view: RequestView, is_open: Callable[[RequestView], bool]) -> RequestView:
        """The request once it is not open any more, or as it stands when the time is over. Raises RefusedError."""
        clock = asyncio.get_running_loop().time
        until = clock() + self.longest_s
        telling = [asyncio.create_task(self._tell(self.told))] if self.told else []
        try:
            while is_open(view) and (left_s := until - clock()) > 0:
                wait_s = min(left_s, MOST_WAIT_S)
                view = _view(await self.get(f"/v1/requests/{quote(view.id, '')}?wait_s={wait_s:.3f}"))
        except RefusedError as error:
            # This process leaves or is full, and what was asked is kept: whoever waits goes on with its id.
            if error.status not in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
                raise
        finally:
            await ended(telling)
        return view

    async def get(self, path: str) -> dict[str, Any]:
        """What the API answers. Raises RefusedError."""
        return await self._send("GET", path, None)

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The same for an operation that does something. Raises RefusedError."""
        return await self._send("POST", path, body)

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None, once: str = "") -> dict[str, Any]:
        headers = {"Authorization": self.authorization, "Content-Type": "application/json"}
        headers |= {"Idempotency-Key": once} if once else {}
        content = None if body is None else json.dumps(body).encode()
        answer = await self.client.request(method, path, content=content, headers=headers)
        told: dict[str, Any] = {}
        with suppress(ValueError):
            found: object = answer.json()
            told = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
        if not answer.is_success:
            raise RefusedError(answer.status_code, told)
        return told

    async def _tell(self, told: Callable[[float], Awaitable[None]]) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        while True:
            await asyncio.sleep(self.tell_s)
            await told(clock() - began)


def _view(told: Mapping[str, Any]) -> RequestView:
    return RequestView.model_validate(told)
