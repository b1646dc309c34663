"""The one place that knows slack-bolt: how payloads come to us, by HTTP or Socket Mode, and are acknowledged."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, cast

from pydantic import JsonValue
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from channels import ChannelError, ChannelRefused, ChannelUnauthorized, ChannelUnavailable
from channels.slack.api import (
    NAME,
    AsyncBaseSocketModeClient,
    Limited,
    SignatureVerifier,
    SocketModeClient,
    SocketModeRequest,
    web_client,
)
from channels.slack.inbound import Json, word
from channels.slack.manifest import EVENTS_PATH, INTERACTIONS_PATH

DELAYS_S = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Waits between tries; the last one repeats. With it we are back within 10 s of a network that is back."""

REFUSED_S = 30.0
"""Wait while Slack refuses us, until somebody has fixed the token."""

LOOK_S = 1.0
LIVED_S = 10.0
"""A line that lasted so long was a good one: when it ends the next try is soon."""

LEAVES_WITHIN_S = 5.0
"""Longest time, in seconds, until what is under way on an old line is acknowledged; Slack waits 3 s."""

Report = Callable[[bool, str], Awaitable[None]]
"""Called at every look: whether we are connected, and if not why."""


class Line(Protocol):
    """One connection, which is never made anew."""

    leaving: asyncio.Event
    """Slack has said that it will end it: https://docs.slack.dev/apis/events-api/using-socket-mode#disconnect."""

    async def is_connected(self) -> bool:
        """Return whether the line brings anything, as far as can be told."""
        ...

    async def end(self, within_s: float) -> None:
        """Leave when what is under way was answered, at the latest after so long."""
        ...


class Link:
    """Keeps one line open by `open_line`, which raises ChannelError when there is none to be had."""

    def __init__(
        self,
        open_line: Callable[[], Awaitable[Line]],
        report: Report,
        *,
        delays_s: Sequence[float] = DELAYS_S,
        refused_s: float = REFUSED_S,
        look_s: float = LOOK_S,
    ) -> None:
        self._open, self._report = open_line, report
        self._delays_s, self._refused_s, self._look_s = delays_s, refused_s, look_s
        self._ending = set[asyncio.Task[None]]()

    async def keep(self) -> None:
        """Have a line for ever; on cancellation what is under way is answered first."""
        line: Line | None = None
        failures = 0
        try:
            while True:
                await asyncio.sleep(self._delays_s[min(failures, len(self._delays_s) - 1)])
                new, wait_s = await self._next_line()
                # One that only has to go still brings things, for as long as there is no other.
                if line is not None and (new is not None or not await line.is_connected()):
                    self._end(line)
                    line = None
                line = new or line
                went_well = new is not None and await self._watch(new)
                failures = 0 if went_well else failures + 1
                await asyncio.sleep(wait_s)
        finally:
            if line is not None:
                self._end(line)
            await asyncio.gather(*self._ending)

    async def _next_line(self) -> tuple[Line | None, float]:
        """A new line, or none and how long to leave Slack alone."""
        try:
            line = await self._open()
        except ChannelError as error:
            await self._report(False, str(error))
            _log.warning("no line to Slack: %s", error)
            if isinstance(error, Limited):
                return None, error.retry_after_s
            return None, self._refused_s if isinstance(error, ChannelRefused | ChannelUnauthorized) else 0.0
        _log.info("connected to Slack")
        return line, 0.0

    async def _watch(self, line: Line) -> bool:
        """Look at `line` until it is dead or has to go; whether it was a good one."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while await line.is_connected():
            await self._report(True, "")
            try:
                await asyncio.wait_for(line.leaving.wait(), self._look_s)
            except TimeoutError:
                continue
            _log.info("Slack ends our line; a new one is opened first")
            return loop.time() - began_s > LIVED_S
        await self._report(False, "the line to Slack is dead; a new one is opened")
        _log.warning("the line to Slack is dead; a new one is opened")
        return loop.time() - began_s > LIVED_S

    def _end(self, line: Line) -> None:
        """Leave `line` in its own time, beside the new one."""
        task = asyncio.ensure_future(line.end(LEAVES_WITHIN_S))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


PING_S = 1.5
"""Between pings."""

DEAD_AFTER_S = 5.0
"""A line on which no ping was answered for so long brings nothing: the client alone would wait much longer."""

OPENS_WITHIN_S, CLOSES_WITHIN_S = 5.0, 1.0

ANOTHER_APP = (
    "Set both tokens of the same app: the app token is under Basic Information, the bot token under OAuth & Permissions"
)
"""The advice where the two tokens are of two apps."""

_TIMESTAMP_DIGITS = 12

LINGERS_S = 0.3
"""Seconds that a line stays open after its last acknowledgement, which is lost where it is closed at once."""

Take = Callable[[Json], Awaitable[dict[str, JsonValue]]]
"""Returns what a payload is acknowledged with, once that may be done. Raises where it must not be acknowledged."""

# What the libraries log as errors are losses that we fix and speak of ourselves.
_quiet = logging.getLogger(f"{__name__}.libraries")
_quiet.setLevel(logging.CRITICAL)
_log = logging.getLogger(__name__)


class BoltApp:
    """A bolt app in front of `take`: the same for Socket Mode and for HTTP.

    `token` goes to nobody from here: bolt is told no more than it needs to pass a payload on.
    """

    def __init__(self, base_url: str, signing_secret: str, take: Take) -> None:
        self._client = web_client(None, base_url)
        # Socket Mode needs none; and with an empty one anybody could sign.
        self._verifier = SignatureVerifier(signing_secret) if signing_secret else None
        # An `authorize` of our own: with a token bolt would ask Slack before each first payload, and with
        # SLACK_CLIENT_ID in the environment it would look for installations of its own.
        self._app = AsyncApp(
            name="sayso",  # else it reads the source of all that called it
            client=self._client,
            signing_secret=signing_secret,
            authorize=_authorize,
            # We look ourselves, at what comes with the payload.
            ignoring_self_events_enabled=False,
            logger=_quiet,
        )

        async def accept(req: AsyncBoltRequest) -> BoltResponse:
            try:
                answer = await take(req.body)
            except Exception:
                _log.exception("what Slack sent is not stored, so it is not acknowledged")
                raise
            return BoltResponse(status=200, body=answer or "")

        self._app.middleware(accept)  # pyright: ignore[reportUnknownMemberType]

    async def line(self, app_token: str, url: str, app: str) -> "SocketLine":
        """A line through the WebSocket `url`, which is good for one, of the app with the id `app`; "" is not known.

        Raises ChannelUnavailable; ChannelUnauthorized where it is the line of another app, of which nothing is taken.
        """
        line = SocketLine(self._app, app_token, url, app)
        try:
            async with asyncio.timeout(OPENS_WITHIN_S):
                await line.connect()
                await line.greeted()
        except TimeoutError as error:
            await line.drop()
            raise ChannelUnavailable("Slack's WebSocket can't be opened", "It is tried again") from error
        except BaseException:
            await line.drop()
            raise
        return line

    def http(self) -> ASGIApp:
        """Takes Slack's posts, whose signature and age (5 minutes) prove that they are."""
        handler = AsyncSlackRequestHandler(self._app)

        async def handle(request: Request) -> Response:
            # Bolt checks it too, after it has read the body as JSON: whatever anybody makes up would fail there loudly.
            if not self._is_signed(await request.body(), request.headers):
                return JSONResponse({"error": "invalid request"}, 401)
            return await handler.handle(request)

        return Starlette(routes=[Route(path, handle, methods=["POST"]) for path in (EVENTS_PATH, INTERACTIONS_PATH)])

    def _is_signed(self, body: bytes, headers: Headers) -> bool:
        """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
        at, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
        has_form = at.isascii() and at.isdigit() and len(at) <= _TIMESTAMP_DIGITS and signature.isascii()
        if self._verifier is None or not has_form:
            return False
        try:
            return self._verifier.is_valid(body, at, signature)
        except UnicodeDecodeError:
            return False


class SocketLine(SocketModeClient):
    """One connection, with what is under way on it. It never makes itself anew: that is for whoever watches it.

    Slack's client would go on trying a ticket that is spent, and closes a connection that has to go before what came
    over it is acknowledged.
    """

    def __init__(self, app: AsyncApp, app_token: str, url: str, app_id: str) -> None:
        super().__init__(
            app_token, logger=_quiet, web_client=app.client, auto_reconnect_enabled=False, ping_interval=PING_S
        )
        self.wss_uri = url
        self.leaving = asyncio.Event()
        self._app, self._app_id = app, app_id
        self._hello: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.message_listeners.append(self._greet)  # pyright: ignore[reportUnknownMemberType]
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.socket_mode_request_listeners.append(self._handle)

    async def connect(self) -> None:
        """Connect with the ticket, once: the client itself would try a spent one for ever."""
        asyncio.get_running_loop().call_soon(setattr, self, "wss_uri", None)
        await super().connect()

    async def greeted(self) -> None:
        """Return once Slack has said hello, to our app. Raises ChannelUnauthorized where it is another one.

        https://docs.slack.dev/apis/events-api/using-socket-mode#connect
        """
        other = await asyncio.shield(self._hello)
        if self._is_anothers(other):
            what = f"SLACK_APP_TOKEN belongs to the app {other}, and SLACK_BOT_TOKEN to {self._app_id}"
            raise ChannelUnauthorized(NAME, what, ANOTHER_APP)

    def _is_anothers(self, app: str) -> bool:
        return bool(app and self._app_id) and app != self._app_id

    async def _greet(self, _: AsyncBaseSocketModeClient, message: dict[str, JsonValue], __: str | None = None) -> None:
        if message.get("type") == "hello" and not self._hello.done():
            self._hello.set_result(word(message, "connection_info", "app_id"))

    async def issue_new_wss_url(self) -> str:
        """There is one ticket for a line."""
        raise ChannelUnavailable("this line could not be opened", "Another one is tried")

    async def is_connected(self) -> bool:
        """Return whether the line is open and pings are answered."""
        answered_at = self.last_ping_pong_time
        is_silent = answered_at is not None and time.time() - answered_at > DEAD_AFTER_S
        return not is_silent and await super().is_connected()

    async def connect_to_new_endpoint(self, force: bool = False) -> None:
        """Slack has sent `disconnect`, perhaps instead of a hello."""
        self.leaving.set()
        if not self._hello.done():
            self._hello.set_result("")

    async def end(self, within_s: float) -> None:
        """Leave when what is under way was acknowledged, at the latest after so long."""
        try:
            async with asyncio.timeout(within_s):
                await self._idle.wait()
                # The last acknowledgement was handed to the socket, and is not there yet.
                await asyncio.sleep(LINGERS_S)
                await self._idle.wait()
        except TimeoutError:
            _log.warning("a line to Slack is left with %d things under way", self._under_way)
        await self.drop()

    async def drop(self) -> None:
        """Let go of it, whether or not the other side says good-bye: on a dead line that would be waited for."""
        self.closed = True
        self._hello.cancel()
        for name in ("message_receiver", "current_session_monitor", "message_processor"):
            if (task := cast("asyncio.Future[None] | None", getattr(self, name))) is not None:
                task.cancel()
        try:
            await asyncio.wait_for(self.disconnect(), CLOSES_WITHIN_S)
        except TimeoutError:
            _log.info("a dead line to Slack is dropped")
        await self.aiohttp_client_session.close()

    async def _handle(self, client: AsyncBaseSocketModeClient, req: SocketModeRequest) -> None:
        began = time.time()
        if self._is_anothers(await asyncio.shield(self._hello)):
            return  # what another app is sent is none of ours: Slack keeps it for that app
        self._under_way += 1
        self._idle.clear()
        try:
            await send_async_response(client, req, await run_async_bolt_app(self._app, req), began)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()


async def _authorize(team_id: str | None) -> AuthorizeResult:
    # No method: bolt hands arguments over by name, and takes `self` for one of them.
    return AuthorizeResult(enterprise_id=None, team_id=team_id, bot_token=None)
