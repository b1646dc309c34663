"""The checks every HTTP request passes first: the right name, a bounded body, a measure.

Plain ASGI.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.computing import in_time
from bot.config.hosts import host_name
from bot.errors import TookTooLong
from bot.web.metrics import Metrics
from bot.web.problems import ProblemError, leaving, problem_of, trouble, unavailable
from bot.web.turns import ALIVE, Turns
from bot.web.waits import Waits

BODY_BYTES = 65_536
# So much of larger ones is read at once, of all who send them: whoever sends need not be anybody we know.
_ALL_BYTES = 64 * 1_048_576
# Anybody may send any word as a method; each would be a figure of its own for as long as the process runs.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BODY_WITHIN_S = 10.0
# Where its sender has sent all of it, or what came waits here for its turn, it is we who are late.
OWES, _LOOK_AGAIN_S = "sayso.owes", 0.5
# As many times what may be sent is read and thrown away, so that whoever sends it hears why it is not taken.
_DISCARDED = 4
# A prober knows an address and no name.
_WITHOUT_HOST = (ALIVE, "/readyz")

# Also for errors, streams and files: a browser loads nothing for them, shows them in no frame, and keeps none.
_UNLESS_SAID = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Measured:
    """Counts how long each answer took to begin, and marks every answer as nobody's to keep or to guess at.

    Whoever is not answered by the time this process leaves is told to ask again.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began, is_begun = time.perf_counter(), False

        async def sending(message: Message) -> None:
            nonlocal is_begun
            if message["type"] == "http.response.start":
                is_begun = True
                self._observe(scope, message["status"], time.perf_counter() - began)
                headers = MutableHeaders(scope=message)
                for name, value in _UNLESS_SAID.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            return await self._app(scope, receive, sending)
        except asyncio.CancelledError:
            if is_begun:
                raise
            return await leaving().response()(scope, receive, sending)

    def _observe(self, scope: Scope, status: int, took_s: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        waits = " waiting" if b"wait_s=" in scope["query_string"] else ""
        self._metrics.latency.labels(f"{method} {route}{waits}", str(status)).observe(took_s)


class InTime:
    """Ends a request that computes for too long in one go, and says so unless an answer has begun."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_begun = False

        async def sending(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        try:
            with in_time():
                return await self._app(scope, receive, sending)
        except TookTooLong as error:
            if is_begun:
                raise
            return await problem_of(error).response()(scope, receive, send)


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


class Admitted:
    """Has each request wait for its turn, while no more than `most` are answered or wait for that.

    Those that wait for news do nothing and are counted in `waits`; those whose body is still to come wait for their
    sender, are limited as connections, and have a turn of their own when it is there. Whoever asks whether the process
    lives is answered however many others are, last of all on their connection where too many of them wait.
    """

    def __init__(self, app: ASGIApp, waits: Waits, turns: Turns) -> None:
        self._app, self._waits, self._turns, self._begun = app, waits, turns, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if not await self._may_begin(scope):
            if scope["path"] != ALIVE:
                return await _REFUSAL(scope, receive, send)
            send = _last(send)
        is_counted = scope["path"] != ALIVE
        self._begun += is_counted
        try:
            return await self._app(scope, self._receiving(scope, receive), self._sending(scope, send))
        finally:
            self._begun -= is_counted

    async def _may_begin(self, scope: Scope) -> bool:
        return await self._turns.come(scope, self._begun - self._waits.count)

    def _receiving(self, scope: Scope, receive: Receive) -> Receive:
        is_whole, is_counted = False, scope["path"] != ALIVE

        async def receiving() -> Message:
            nonlocal is_whole
            if is_whole:
                return await receive()
            self._begun -= is_counted
            try:
                message = await receive()
                is_whole = not message.get("more_body", False)
                # A crowd may send the ends of its bodies all at once.
                if is_whole and _has_body(scope) and not await self._may_begin(scope):
                    raise _refused()
            finally:
                self._begun += is_counted
            return message

        return receiving

    def _sending(self, scope: Scope, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._turns.note(scope, message["status"])
            await send(message)

        return sending


def _last(send: Send) -> Send:
    """Send an answer after which the connection ends."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Connection"] = "close"
        await send(message)

    return sending


def _refused() -> ProblemError:
    refusal = unavailable("Too many requests are being answered, or wait for that.")
    refusal.headers["Connection"] = "close"  # nor is what was sent behind it looked at
    return refusal


# Made once: a crowd may be told.
_REFUSAL = _refused().response()


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


class Bodies:
    """The large bodies on their way to this process, and those that it works on: so many bytes of all together.

    For a new one the one ends that has been on its way the longest. Each has `within_s` to come.
    """

    def __init__(self, most_bytes: int = _ALL_BYTES, within_s: float = _BODY_WITHIN_S) -> None:
        self.within_s = within_s
        self._most_bytes, self._bytes = most_bytes, dict["_Reading", int]()

    def note(self, reading: "_Reading", size: int) -> None:
        """So much is there of a body by now. Raises ProblemError where there is no room for it."""
        if size <= BODY_BYTES:
            return
        self._bytes[reading] = size
        while sum(self._bytes.values()) > self._most_bytes:
            oldest = next(one for one in self._bytes if not one.is_whole)
            self.forget(oldest)
            if oldest is reading:
                raise _no_room()
            oldest.give_up()

    def forget(self, reading: "_Reading") -> None:
        """It is given up, or has been answered."""
        self._bytes.pop(reading, None)


class _TooLargeError(Exception):
    """The body is longer than it may be."""


class _Reading:
    """A body while it is read, and what it is for while that is done."""

    def __init__(self, bodies: Bodies, owes: Callable[[], bool]) -> None:
        self._bodies, self._within, self._owes = bodies, asyncio.timeout(None), owes
        self.is_whole = self._is_given_up = False

    async def whole(self, headers: Headers, receive: Receive, most_bytes: int) -> bytes | None:
        """The whole body; None when its sender has gone. Raises ProblemError."""
        announced = headers.get("content-length", "0")
        is_too_large = announced.isdecimal() and int(announced) > most_bytes
        if is_too_large and "expect" in headers:
            raise _too_large(most_bytes)
        self._look_in(self._bodies.within_s)
        try:
            async with self._within:
                body = await self._read(receive, 0 if is_too_large else most_bytes, _DISCARDED * most_bytes)
        except TimeoutError:
            if self._is_given_up:
                raise _no_room() from None
            detail = "The body did not come to an end in time."
            raise trouble(HTTPStatus.REQUEST_TIMEOUT, "malformed", detail, "Send it in one go") from None
        except _TooLargeError:
            raise _too_large(most_bytes) from None
        finally:
            self._timer.cancel()
        self.is_whole = True
        return body

    async def _read(self, receive: Receive, most_bytes: int, discarded_bytes: int) -> bytes | None:
        """The body. One of more than `most_bytes` is not kept, but read: who still sends does not hear an answer."""
        body, size, is_whole = bytearray(), 0, False
        while size <= discarded_bytes and not is_whole:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunk, is_whole = message.get("body", b""), not message.get("more_body", False)
            size += len(chunk)
            if size > most_bytes:
                body.clear()
                self._bodies.forget(self)
            else:
                body += chunk
                self._bodies.note(self, len(body))
        if size > most_bytes:
            raise _TooLargeError
        return bytes(body)

    def _look_in(self, delay_s: float, *, is_again: bool = False) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._look, is_again)

    def _look(self, is_again: bool) -> None:
        """End it where its sender is late. At the first look, what has come may not be read yet."""
        if is_again and self._owes():
            self._end()
        else:
            self._look_in(_LOOK_AGAIN_S, is_again=True)

    def give_up(self) -> None:
        """Read no more of it."""
        self._is_given_up = True
        self._end()

    def _end(self) -> None:
        """End the reading, unless it has: what its sender is told may wait for long behind what they do not read."""
        if not self._within.expired():
            self._within.reschedule(asyncio.get_running_loop().time())


class Bounded:
    """Hands on a body that was read completely, is not too large, and passes `check`, which may raise Trouble.

    `larger` are the operations, such as `POST /v1/runs/import`, for which more may be sent than `most_bytes`.
    """

    def __init__(
        self,
        app: ASGIApp,
        check: Callable[[Headers, bytes], None],
        bodies: Bodies,
        most_bytes: int = BODY_BYTES,
        larger: Mapping[str, int] = {},
    ) -> None:
        self._app, self._check, self._bodies = app, check, bodies
        self._most_bytes, self._larger = most_bytes, larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        reading = _Reading(self._bodies, scope.get(OWES, lambda: True))
        try:
            return await self._answer(reading, scope, receive, send)
        finally:
            self._bodies.forget(reading)

    async def _answer(self, reading: _Reading, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            most_bytes = self._larger.get(f"{scope['method']} {scope['path']}", self._most_bytes)
            body = await reading.whole(Headers(scope=scope), receive, most_bytes)
            self._check(Headers(scope=scope), body or b"")
        except ProblemError as error:
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


def _no_room() -> ProblemError:
    return unavailable("Too many large bodies are on their way, and this one has been for too long.")


def _too_large(most_bytes: int) -> ProblemError:
    detail = f"The body has more than {most_bytes} bytes."
    return trouble(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail, "Send less; link to what is large")
