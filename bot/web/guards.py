"""What every HTTP request passes first: the right name, a bounded body, a key, a measure. Plain ASGI."""

import asyncio
import time
from collections.abc import Callable
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.apikeys import ApiKey, Keyring
from bot.store import StoreError
from bot.web.here import KEY
from bot.web.hosts import host_name
from bot.web.metrics import Metrics
from bot.web.problems import Trouble, trouble, unavailable

BODY_BYTES = 65_536
_BODY_WITHIN_S = 10.0
# A prober knows an address and no name.
_WITHOUT_HOST = ("/healthz", "/readyz")


class Measured:
    """Counts how long each answer took to begin, and marks every answer as nobody's to keep or to guess at."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began = time.perf_counter()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._observe(scope, message["status"], time.perf_counter() - began)
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"], headers["Referrer-Policy"] = "nosniff", "no-referrer"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        return await self._app(scope, receive, sending)

    def _observe(self, scope: Scope, status: int, took_s: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        waits = " waiting" if b"wait_s=" in scope["query_string"] else ""
        self._metrics.latency.labels(f"{scope['method']} {route}{waits}", str(status)).observe(took_s)


class Named:
    """Answers only to our own names: a page under another one must not speak to us in a person's browser."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app, self._names = app, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in _WITHOUT_HOST:
            host = Headers(scope=scope).get("host", "")
            if host_name(host) not in self._names:
                detail = f"This server does not answer to the name {host[:100]!r}."
                do = "Use the address it was set up with, or set SAYSO_PUBLIC_URL to this one"
                refusal = trouble(HTTPStatus.MISDIRECTED_REQUEST, "misdirected", detail, do)
                return await refusal.response()(scope, receive, send)
        return await self._app(scope, receive, send)


class Bounded:
    """Hands on a body that was read completely and is not too large."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        try:
            body = await _body(Headers(scope=scope), receive)
            _check_is_json(Headers(scope=scope), body or b"")
        except Trouble as error:
            return await error.response()(scope, receive, send)
        if body is None:
            return None  # whoever sent it has gone
        is_read = False

        async def again() -> Message:
            nonlocal is_read
            if is_read:
                return await receive()
            is_read = True
            return {"type": "http.request", "body": body, "more_body": False}

        return await self._app(scope, again, send)


async def _body(headers: Headers, receive: Receive) -> bytes | None:
    """The whole body; None when its sender has gone. Raises Trouble."""
    announced = headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > BODY_BYTES:
        raise _too_large()
    try:
        async with asyncio.timeout(_BODY_WITHIN_S):
            return await _read(receive)
    except TimeoutError:
        detail = "The body did not come to an end in time."
        raise trouble(HTTPStatus.REQUEST_TIMEOUT, "malformed", detail, "Send it in one go") from None


async def _read(receive: Receive) -> bytes | None:
    body = bytearray()
    while len(body) <= BODY_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    if len(body) > BODY_BYTES:
        raise _too_large()
    return bytes(body)


def _too_large() -> Trouble:
    detail = f"The body has more than {BODY_BYTES} bytes."
    return trouble(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail, "Send less; link to what is large")


def _check_is_json(headers: Headers, body: bytes) -> None:
    """Raises Trouble. A form that some page sends is none, so nothing that a browser sends by itself is ever read."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/json":
        detail = f"The body is {kind[:60] or 'of no stated type'}, not application/json."
        do = "Send JSON with the header Content-Type: application/json"
        raise trouble(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media-type", detail, do)


class Authenticated:
    """Lets nobody into `/v1` without a key, and nobody at all before Redis was looked at."""

    def __init__(self, app: ASGIApp, keyring: Keyring, is_ready: Callable[[], bool]) -> None:
        self._app, self._keyring, self._is_ready = app, keyring, is_ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and f"{scope['path']}/".startswith("/v1/"):
            try:
                scope[KEY] = await self._key(Headers(scope=scope))
            except Trouble as error:
                return await error.response()(scope, receive, send)
        return await self._app(scope, receive, send)

    async def _key(self, headers: Headers) -> ApiKey:
        """Whose request it is. Raises Trouble."""
        scheme, _, text = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            raise _no_key("There is no API key in the request.", "")
        if not self._is_ready():
            raise unavailable("Redis has not answered since this process started.")
        try:
            key = await self._keyring.find(text.strip())
        except StoreError as error:
            raise unavailable(str(error)) from error
        if key is None:
            raise _no_key("The API key is not known, was revoked, or its person has left.", ', error="invalid_token"')
        return key


def _no_key(detail: str, more: str) -> Trouble:
    do = "Send Authorization: Bearer KEY; `sayso keys create` makes one"
    return trouble(HTTPStatus.UNAUTHORIZED, "no-key", detail, do, {"WWW-Authenticate": f'Bearer realm="sayso"{more}'})
