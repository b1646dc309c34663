"""Access tokens for XOAUTH2 log-ins, made from a refresh token (RFC 6749, 6). The only file here that knows HTTP."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from channels import ChannelError, ChannelRefused, ChannelUnavailable
from channels.asking import Asking

if TYPE_CHECKING:
    import httpx2

TIMEOUT_S = 10.0
"""Longest time the token endpoint may take, in seconds."""

EARLY_S = 60.0
"""A token is not used in the last minute of its life: a log-in and a mail must fit into what is left."""

LIFE_S = 3600.0
"""Life of a token in seconds when its answer does not say; RFC 6749, 5.1 only recommends to."""

_LONGEST_S = 1e9
ANSWER_BYTES = 64 * 1024
"""Largest answer that is read; real ones have a few kilobytes."""

_FOR_NOW = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


@dataclass(frozen=True)
class Grant:
    """The credentials that access tokens are made from. Some providers want the `scope` named, some know no secret."""

    url: str
    client_id: str
    refresh_token: str = field(repr=False)
    client_secret: str | None = field(default=None, repr=False)
    scope: str | None = None


class AccessTokens:
    """The access token of one grant, kept until shortly before it expires. `now` counts seconds."""

    def __init__(
        self, grant: Grant, *, now: Callable[[], float] = time.monotonic, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._grant, self._now, self._timeout_s = grant, now, timeout_s
        self._refresh_token = grant.refresh_token
        self._token, self._until = "", 0.0
        self._asking = Asking()

    async def current(self) -> str:
        """A token that is good for a minute at least; asked for once, however many wait for it.

        Raises ChannelRefused when a new refresh token is needed, and ChannelUnavailable.
        """
        async with self._asking.turn():
            if not self._token or self._now() >= self._until - EARLY_S:
                await self._ask()
            return self._token

    def forget(self, token: str) -> None:
        """A server did not take `token`, so the next one is asked for anew."""
        if token == self._token:
            self._token = ""

    async def _ask(self) -> None:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._refresh_token,
            "client_id": self._grant.client_id,
            "client_secret": self._grant.client_secret,
            "scope": self._grant.scope,
        }
        asked_at = self._now()
        status, answer = await self._post({name: value for name, value in form.items() if value})
        token = answer.get("access_token")
        if status != HTTPStatus.OK or not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise _channel_error(self._grant.url, status, answer)
        self._token = token
        self._until = asked_at + _seconds(answer.get("expires_in"))
        renewed = answer.get("refresh_token")
        if isinstance(renewed, str) and renewed:
            self._refresh_token = renewed

    async def _post(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        """The status and the JSON object in the answer; an empty one when it is none."""
        import httpx2  # noqa: PLC0415 - most log in with a password

        try:
            async with (
                asyncio.timeout(self._timeout_s),
                httpx2.AsyncClient(timeout=self._timeout_s, follow_redirects=False) as client,
                client.stream("POST", self._grant.url, data=form, headers={"Accept": "application/json"}) as answer,
            ):
                body = await _body(answer)
        except (httpx2.HTTPError, OSError, TimeoutError) as error:
            what = f"the token endpoint {self._grant.url} can't be reached: {type(error).__name__}"
            raise ChannelUnavailable(what, "It is asked again later") from error
        try:
            found: object = json.loads(body)
        except (ValueError, RecursionError):
            found = None
        return answer.status_code, cast("dict[str, object]", found) if isinstance(found, dict) else {}


async def _body(answer: "httpx2.Response") -> bytes:
    """The answer's body, or the beginning of one that is too long to be a token."""
    body = b""
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > ANSWER_BYTES:
            break
    return body


def _channel_error(url: str, status: int, answer: dict[str, object]) -> ChannelError:
    """Return why there is no token, in the two words that callers act on; never with anything secret."""
    error = answer.get("error")
    words = error if isinstance(error, str) and error.replace("_", "").isalnum() else "no access token in the answer"
    what = f"the token endpoint {url} gave no access token: {status} {words}"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in (
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
    ):
        return ChannelUnavailable(what, "It is asked again later")
    if error == "invalid_grant":
        return ChannelRefused(what, "Allow the application again and set the new SAYSO_MAIL_OAUTH_REFRESH_TOKEN")
    return ChannelRefused(what, "Check the SAYSO_MAIL_OAUTH_ settings")


def _seconds(value: object) -> float:
    """Return how long a token lives; some providers send the number as text."""
    if isinstance(value, str) and value.isdecimal():
        return float(value)
    return float(min(value, _LONGEST_S)) if isinstance(value, (int, float)) else LIFE_S
