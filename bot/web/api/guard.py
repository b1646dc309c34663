"""What a request to the API passes besides: a key, and a body that is JSON. Plain ASGI."""

from collections.abc import Callable
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.people.api_keys import ApiKey, Keyring
from bot.store import StoreError
from bot.web.api.keyed import KEY, bearer, no_such_key
from bot.web.problems import Trouble, trouble, unavailable


def check_is_json(headers: Headers, body: bytes) -> None:
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
        text = bearer(headers)
        if not self._is_ready():
            raise unavailable("Redis has not answered since this process started.")
        try:
            key = await self._keyring.find(text)
        except StoreError as error:
            raise unavailable(str(error)) from error
        if key is None:
            raise no_such_key()
        return key
