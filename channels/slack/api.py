"""The one place that calls Slack's Web API. Nothing is sent twice from here: who calls decides what to do next."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast
from urllib.parse import urlsplit

import aiohttp
from pydantic import JsonValue
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from channels import ChannelRefused, ChannelUnauthorized, ChannelUnavailable
from channels.slack.errors import NAME, told

Answer = Mapping[str, JsonValue]

TIMEOUT_S = 15
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.InvalidURL)


class Refused(ChannelRefused):
    """Slack said no; `error` is its word for it, `needed` the scope that is missing."""

    def __init__(self, error: str, place: str, needed: str = "") -> None:
        found = told(error, place, needed=needed)
        super().__init__(found.what, found.do)
        self.error, self.needed = error, needed

    def about(self, place: str) -> "Refused":
        """The same with the place in people's words."""
        return Refused(self.error, place, self.needed)


class Unauthorized(ChannelUnauthorized):
    """Slack refuses us; `error` is its word for it. Nothing was done."""

    def __init__(self, error: str, what: str, do: str) -> None:
        super().__init__(NAME, what, do)
        self.error = error


class Limited(ChannelUnavailable):
    """Slack wants to be left alone for `retry_after_s`. Nothing was done."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"Slack takes no more calls of this kind for {retry_after_s:.0f} s", "It is tried again")
        self.retry_after_s = retry_after_s


class Ambiguous(ChannelUnavailable):
    """The answer was lost: it may have been done, and it may not."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What Slack answered, and the `scopes` that the token has."""

    data: Answer
    scopes: frozenset[str]


class _Response(Protocol):
    """What we use of the library's answers, typed."""

    status_code: int
    headers: Mapping[str, str]
    data: Answer | bytes


class _Client(Protocol):
    async def api_call(self, api_method: str, *, data: Mapping[str, str]) -> _Response: ...


class Calls(Protocol):
    """Whoever passes calls on to Slack."""

    async def call(self, method: str, place: str = "", **arguments: JsonValue) -> Answer:
        """What `method` answers. Raises Refused, or ChannelUnavailable: Unauthorized where Slack refuses us, an
        Ambiguous one where it may be done.
        """
        ...

    async def ask(self, method: str, place: str = "", **arguments: JsonValue) -> Answered:
        """As `call`, with what stands beside the answer."""
        ...


class Api:
    """Calls methods by their names, with one token, at `base_url`. `app_token`: it is not the bot token."""

    def __init__(self, token: str, base_url: str, timeout_s: int = TIMEOUT_S, *, app_token: bool = False) -> None:
        self._client = cast("_Client", web_client(token, base_url, timeout_s))
        self._token, self._app_token = token, app_token
        self.base_url = base_url

    async def call(self, method: str, place: str = "", **arguments: JsonValue) -> Answer:
        """What `method` answers; `place` is what error texts call what it is about.

        Raises Refused, Unauthorized, Limited, Ambiguous, and ChannelUnavailable when it was certainly not done.
        """
        return (await self.ask(method, place, **arguments)).data

    async def ask(self, method: str, place: str = "", **arguments: JsonValue) -> Answered:
        """As `call`, with what stands beside the answer."""
        try:
            # As a form, which every method takes; some of those that read take no JSON.
            found = await self._client.api_call(method, data={name: _plain(it) for name, it in arguments.items()})
        except SlackApiError as error:
            if not isinstance(error.response, AsyncSlackResponse):
                # Half an answer: the library then hands on what it could not read.
                raise Ambiguous(f"Slack's answer to {method} could not be read", "It is looked up") from error
            raise _refused(cast("_Response", error.response), place, app_token=self._app_token) from error
        except _NEVER_SENT as error:
            raise ChannelUnavailable(f"Slack can't be reached ({error})", "It is tried again") from error
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as error:
            raise Ambiguous(
                f"Slack's answer to {method} was lost ({type(error).__name__})", "It is looked up"
            ) from error
        scopes = _header(found, "x-oauth-scopes")
        return Answered(_data(found), frozenset(filter(None, (scope.strip() for scope in scopes.split(",")))))

    async def download(self, url: str, most_bytes: int) -> bytes:
        """The first `most_bytes` of a file that Slack keeps. Raises ChannelRefused, ChannelUnavailable."""
        if not is_slacks(url, self.base_url):
            raise ChannelRefused("the file is kept elsewhere than at Slack", "Send it to Slack itself")
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session,
                # Who may not read it is sent to a page where people log in.
                session.get(url, headers=headers, allow_redirects=False) as found,
            ):
                if found.status == 200:
                    return await _first(found.content, most_bytes)
                status = found.status
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as error:
            raise ChannelUnavailable(f"the file can't be fetched ({type(error).__name__})", "Send it again") from error
        raise ChannelRefused(f"Slack does not hand the file out (HTTP {status})", "The app may lack files:read")


def web_client(token: str | None, base_url: str, timeout_s: int = TIMEOUT_S) -> AsyncWebClient:
    """Slack's client, which tries nothing twice: it would send a POST again whose answer was lost, a second card."""
    return AsyncWebClient(token=token, base_url=base_url, timeout=timeout_s, retry_handlers=[])


def is_slacks(url: str, base_url: str) -> bool:
    """Whether `url` leads to the host of `base_url` or one below it, so that our token may be sent there."""
    try:
        target, home = urlsplit(url), urlsplit(base_url)
        same_port = target.port == home.port
    except ValueError:
        return False
    host, own = (target.hostname or "").lower(), (home.hostname or "").lower()
    is_below = host == own or host.endswith(f".{own}")
    return bool(own) and is_below and same_port and target.scheme == home.scheme and "@" not in target.netloc


async def _first(content: aiohttp.StreamReader, most_bytes: int) -> bytes:
    found = bytearray()
    async for chunk in content.iter_chunked(16_384):
        found += chunk
        if len(found) >= most_bytes:
            break
    return bytes(found[:most_bytes])


def _plain(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _header(response: _Response, name: str) -> str:
    return next((value for known, value in response.headers.items() if known.lower() == name), "")


def _data(response: _Response) -> Answer:
    return {} if isinstance(response.data, bytes | str) else response.data


def _refused(response: _Response, place: str, *, app_token: bool) -> Exception:
    """The error in our words. A server error leaves open whether it was done."""
    if response.status_code == 429:
        after = _header(response, "retry-after")
        return Limited(float(after) if after.isdigit() else 1.0)
    data = _data(response)
    word = str(data.get("error", ""))
    if response.status_code >= 500 or not word:
        return Ambiguous(f"Slack's server failed (HTTP {response.status_code})", "It is looked up")
    if word in ("ratelimited", "rate_limited"):
        return Limited(1.0)
    needed = str(data.get("needed", ""))
    found = told(word, place, needed=needed, app_token=app_token)
    if isinstance(found, ChannelUnauthorized):
        return Unauthorized(word, found.what, found.do)
    if isinstance(found, ChannelUnavailable):
        return Ambiguous(found.what, found.do)
    return Refused(word, place, needed)
