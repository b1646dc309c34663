"""A real slack-bolt app for tests of the fake: if bolt takes what the fake sends, so does whoever uses bolt."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack.driver import Workspace
from tests.kit.waiting import PATIENCE_S

Json = dict[str, Any]
# slack-sdk's AsyncWebClient: the types of its own arguments are unknown to a strict checker.
Client = Any
# Shorter than bolt's ten seconds, so that a cut line is soon noticed. After four of them without an answer bolt takes a
# line for lost, and a busy machine must not bring that about.
PING_S = 2.0


def client_of(slack: Workspace, token: str | None = Workspace.bot_token) -> Client:
    """Slack's own Web API client, which tries nothing twice."""
    return AsyncWebClient(token, slack.base_url, timeout=round(PATIENCE_S), retry_handlers=[])


async def refusal(call: Awaitable[Any]) -> Client:
    """The answer that `call` was refused with: `["error"]`, `.status_code`, `.headers`, `.data`."""
    with pytest.raises(SlackApiError) as refused:
        await call
    error: Any = refused.value
    return error.response


class BoltApp:
    """Hears everything and acknowledges it, unless `refuses` is set."""

    def __init__(self, slack: Workspace) -> None:
        self.slack = slack
        self.client: Client = client_of(slack)
        self.heard: list[Json] = []
        self.retries: list[list[str]] = []
        self.refuses = False
        self.bolt = AsyncApp(
            name="bolt",
            client=self.client,
            signing_secret=slack.signing_secret,
            authorize=_authorizer(slack.bot_token),
        )
        self.bolt.middleware(self._listen)  # pyright: ignore[reportUnknownMemberType]
        self.handler: AsyncSocketModeHandler | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self.handler:
            await self.handler.close_async()
        await self._stack.aclose()

    async def connects(self) -> None:
        """Over Socket Mode, as slack-bolt does it."""
        self.handler = AsyncSocketModeHandler(self.bolt, self.slack.app_token, ping_interval=PING_S)
        await self.handler.connect_async()
        await self.slack.connected()

    async def listens(self, path: str = "/slack/events") -> str:
        """Over HTTP, on a free loopback port; Slack is told. The URL."""
        runner = web.AppRunner(self.bolt.web_app(path))
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
        await self.slack.settings(socket_mode=False, events_url=url, interactions_url=url, commands_url=url)
        return url

    def events(self, type_: str) -> list[Json]:
        """Events of this type that were heard, with their envelopes."""
        return [body for body in self.heard if body.get("event", {}).get("type") == type_]

    async def hears(self, fits: Callable[[Json], bool], what: str = "it") -> Json:
        """The latest payload that fits, as soon as there is one."""

        async def found() -> Json | None:
            return next((body for body in reversed(self.heard) if fits(body)), None)

        return await self.slack.until(found, f"the app hears {what}")

    async def _listen(self, req: AsyncBoltRequest) -> BoltResponse:
        self.heard.append(req.body)
        self.retries.append([*req.headers.get("x-slack-retry-num", []), *req.headers.get("x-slack-retry-reason", [])])
        if self.refuses:
            return BoltResponse(status=503, body="not now")
        return BoltResponse(status=200, body="")


def _authorizer(token: str) -> Callable[[], Awaitable[AuthorizeResult]]:
    # No method: bolt hands arguments over by name, and takes `self` for one of them.
    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id="T0TEAM", bot_user_id="U0BOT", bot_id="B0BOT", bot_token=token
        )

    return authorize
