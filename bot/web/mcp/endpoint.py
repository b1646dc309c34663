"""`/mcp`: who may speak the Model Context Protocol here, and what is loaded for the first who does."""

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.config.hosts import host_name
from bot.web.api.keyed import Authenticated, check_is_json
from bot.web.guards import Bounded
from bot.web.here import Here
from bot.web.problems import ProblemError, trouble

if TYPE_CHECKING:
    from bot.web.mcp.server import Speaking

PATH = "/mcp"


def mcp_of(here: Here, api: ASGIApp, names: frozenset[str]) -> ASGIApp:
    """Return the app that answers at PATH, by calls of `api`; pages of other names than `names` may not speak here."""
    lazy = _Lazily(api, here)
    bounded = Bounded(lazy, check_is_json, here.bodies)
    keyed = Authenticated(bounded, here.app.access.keyring, lambda: here.app.unready, here.waits, below=PATH)
    # For the measure alone.
    route = Route(PATH, endpoint=keyed)

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return None
        scope["route"] = route
        try:
            _check(scope, names)
        except ProblemError as error:
            return await error.response()(scope, receive, send)
        return await keyed(scope, receive, send)

    return answering


def _check(scope: Scope, names: frozenset[str]) -> None:
    """Check that no page of another site speaks. Raises ProblemError. Programs send no Origin."""
    origin = Headers(scope=scope).get("origin")
    if origin is not None and host_name(origin.partition("://")[2]) not in names:
        detail = f"A page of {origin[:100]!r} may not speak here."
        raise trouble(HTTPStatus.FORBIDDEN, "not-yours", detail, "Connect with a program; it sends no Origin")
    if scope["method"] != "POST":
        # No stream of the server's own: nothing comes but in answer to a message, and there are no sessions to end.
        detail = f"{scope['method'][:20]} can't be used on {PATH}."
        raise trouble(HTTPStatus.METHOD_NOT_ALLOWED, "method", detail, "Use POST", {"Allow": "POST"})


class _Lazily:
    """Loads the SDK, which takes most of a second, in a thread, once somebody with a key wants it."""

    def __init__(self, api: ASGIApp, here: Here) -> None:
        self._api, self._here = api, here
        self._speaking: Speaking | None = None
        self._one = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._speaking is None:
            async with self._one:
                self._speaking = self._speaking or await asyncio.to_thread(self._loaded)
        await self._speaking(scope, receive, send)

    def _loaded(self) -> "Speaking":
        from bot.web.mcp.server import Speaking  # noqa: PLC0415

        return Speaking(self._api, self._here.longest_wait_s, self._here.ping_s)
