"""The one place that imports Slack's SDK and calls its Web API.

Nothing is sent twice from here: who calls decides what to do next.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast
from urllib.parse import urlsplit

import aiohttp
from pydantic import JsonValue
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier as SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient as SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient as AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest as SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from channels import ChannelError, ChannelRefused, ChannelUnanswered, ChannelUnauthorized, ChannelUnavailable

NAME = "slack"

# Error -> (what, do). `{place}` is a Slack channel, a person's Slack id or a thread, as the call named it.
_FOR_GOOD = {
    "not_in_channel": ("sayso is not a member of {place}", "Write `/invite @sayso` there"),
    "channel_not_found": (
        "Slack knows no {place}, or sayso may not see it",
        "Correct its name in sayso.toml; into a private one sayso must be invited",
    ),
    "is_archived": ("{place} is archived", "Name another place in sayso.toml, or take it out of the archive"),
    "restricted_action": (
        "a workspace setting keeps sayso from writing in {place}",
        "Have an administrator let it post there, or name another place in sayso.toml",
    ),
    "restricted_action_thread_locked": (
        "the thread in {place} is locked",
        "Have an administrator unlock it, or ask outside of it",
    ),
    "msg_too_long": ("Slack takes no message so long", "Read it on its page in the console"),
    "msg_blocks_too_long": ("Slack takes no card so long", "Read it on its page in the console"),
    "user_not_found": ("Slack knows nobody with the id {place}", "Correct `slack` of that person in sayso.toml"),
    "user_disabled": ("{place} is deactivated in Slack", "Correct `slack` of that person in sayso.toml"),
    "cannot_dm_bot": ("{place} is a bot and reads no messages", "Correct `slack` of that person in sayso.toml"),
    "message_not_found": ("the message in {place} is gone", "Nothing: somebody deleted it"),
    "thread_not_found": ("the thread in {place} is gone", "Nothing: somebody deleted it"),
    "cant_update_message": ("the message in {place} is not sayso's own", "Nothing: it stays as it is"),
    "edit_window_closed": (
        "a workspace setting keeps sayso from changing its message in {place}",
        "Have an administrator let messages be edited at any time",
    ),
    "is_inactive": ("{place} is archived", "Name another place in sayso.toml, or take it out of the archive"),
    "user_not_in_channel": ("they are not a member of {place}", "They are told in a direct message"),
    "messages_tab_disabled": (
        "the app takes no direct messages",
        "Turn on the Messages tab under App Home, as `sayso slack manifest` has it",
    ),
    "invalid_blocks": ("Slack does not take this card's layout", "Read it on its page in the console, and report it"),
    "ekm_access_denied": ("{place} is locked by its administrators", "Name another place in sayso.toml"),
}
# It is us whom Slack refuses, whatever the call is about.
_ABOUT_US = {
    "invalid_auth": ("Slack does not take our token", "Set SLACK_BOT_TOKEN to the token of the installed app"),
    "not_authed": ("no token was sent to Slack", "Set SLACK_BOT_TOKEN to the token of the installed app"),
    "account_inactive": (
        "our token belongs to an app that was removed",
        "Install the app again and set SLACK_BOT_TOKEN",
    ),
    "token_revoked": ("our token was taken back", "Install the app again and set SLACK_BOT_TOKEN"),
    "token_expired": ("our token has expired", "Install the app again and set SLACK_BOT_TOKEN"),
    "not_allowed_token_type": (
        "this is the wrong kind of token",
        "SLACK_BOT_TOKEN begins with xoxb-, SLACK_APP_TOKEN with xapp-",
    ),
    "no_permission": (
        "our token may not do this in {place}",
        "Install the app again, as `sayso slack manifest` has it",
    ),
    "team_access_not_granted": ("the app may not act in this workspace", "Have an administrator approve the app"),
    "enterprise_is_restricted": ("the app may not act in this organization", "Have an administrator approve the app"),
    "accesslimited": ("Slack takes no calls from this network", "Have an administrator allow this machine's address"),
    "two_factor_setup_required": (
        "the workspace asks for two-factor authentication",
        "Have whoever installed the app set it up",
    ),
    "org_login_required": (
        "the workspace is moving to an organization",
        "Nothing, if that ends by itself. Otherwise install the app again",
    ),
}
DEAD_TOKEN = frozenset(("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"))
"""With these no call of the same token is answered otherwise."""

_APP_TOKENS = "(Basic Information, App-Level Tokens)"
# What the same words mean where the app token is used, which opens Socket Mode and nothing else.
_ABOUT_APP_TOKEN = {
    "missing_scope": (
        "the app token lacks the scope connections:write",
        f"Make an app token with the scope connections:write {_APP_TOKENS} and set SLACK_APP_TOKEN",
    ),
    "socket_mode_not_enabled": (
        "Socket Mode is not enabled",
        "Turn Socket Mode on in the settings of the app, under Socket Mode",
    ),
    "token_revoked": ("our app token was taken back", f"Set SLACK_APP_TOKEN to an app token of this app {_APP_TOKENS}"),
    "not_allowed_token_type": ("SLACK_APP_TOKEN is the wrong kind of token", "An app token begins with xapp-"),
}
_BAD_APP_TOKEN = ("Slack does not take our app token", f"Set SLACK_APP_TOKEN to an app token of this app {_APP_TOKENS}")
_FOR_NOW = frozenset(
    (
        "ratelimited", "rate_limited", "message_limit_exceeded", "internal_error", "fatal_error",
        "service_unavailable", "request_timeout", "team_added_to_org",
    )
)  # fmt: skip


def channel_error(error: str, place: str, *, needed: str = "", app_token: bool = False) -> ChannelError:
    """`error` in the two words that callers act on. `needed` is the scope that Slack says is missing.

    `app_token`: it was the app token that was used, and not the bot token.
    """
    if app_token and (error in _ABOUT_US or error in _ABOUT_APP_TOKEN):
        return ChannelUnauthorized(NAME, *_ABOUT_APP_TOKEN.get(error, _BAD_APP_TOKEN))
    if error == "missing_scope":
        what = f"the app lacks the scope {needed or 'that this needs'}"
        do = "Add it under OAuth & Permissions, as `sayso slack manifest` has it, and install again"
        return ChannelUnauthorized(NAME, what, do)
    if error in _ABOUT_US:
        what, do = _ABOUT_US[error]
        return ChannelUnauthorized(NAME, what.format(place=place), do)
    if error in _FOR_NOW:
        return ChannelUnavailable(f"Slack can't do it now ({error})", "It is tried again")
    known = error if error in _FOR_GOOD or not error.startswith("restricted_action_") else "restricted_action"
    what, do = _FOR_GOOD.get(known, (f"Slack refused it with {error!r}", "See that word in Slack's documentation"))
    return ChannelRefused(what.replace("{place}", place), do)


Answer = Mapping[str, JsonValue]

TIMEOUT_S = 15
# Beside the challenge there is nothing to say.
_CHALLENGE_BYTES = 10_000
# Slack says seconds or minutes; whatever it says, it is asked again after so long.
_LEFT_ALONE_S = 3_600.0
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.InvalidURL)


class Refused(ChannelRefused):
    """Slack said no; `error` is its word for it, `needed` the scope that is missing."""

    def __init__(self, error: str, place: str, needed: str = "") -> None:
        found = channel_error(error, place, needed=needed)
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


class Ambiguous(ChannelUnanswered):
    """Slack's answer was lost, or is unclear."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer of Slack's, and the `scopes` that the token has."""

    data: Answer
    scopes: frozenset[str]


class _Response(Protocol):
    """The parts of the library's answers that we use, typed."""

    status_code: int
    headers: Mapping[str, str]
    data: Answer | bytes


class _Client(Protocol):
    async def api_call(self, api_method: str, *, data: Mapping[str, str]) -> _Response: ...


class Calls(Protocol):
    """A way to pass calls on to Slack."""

    async def call(self, method: str, place: str = "", **arguments: JsonValue) -> Answer:
        """Return what `method` answers.

        Raises Refused, or ChannelUnavailable: Unauthorized where Slack refuses us, an Ambiguous one where it may be
        done.
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
        """Return what `method` answers; `place` is what error texts call what it is about.

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
        except (AttributeError, ValueError, RecursionError) as error:  # JSON that is no object, or no JSON at all
            raise Ambiguous(f"Slack's answer to {method} could not be read", "It is looked up") from error
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
    """Return whether `url` leads to the host of `base_url` or one below it, so that our token may be sent there."""
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
    return response.data if isinstance(response.data, dict) else {}


def _refused(response: _Response, place: str, *, app_token: bool) -> Exception:
    """The error in our words. A server error leaves open whether it was done."""
    if response.status_code == 429:
        after = _header(response, "retry-after")
        return Limited(min(float(after), _LEFT_ALONE_S) if after.isdecimal() else 1.0)
    data = _data(response)
    word = str(data.get("error", ""))
    if response.status_code >= 500 or not word:
        return Ambiguous(f"Slack's server failed (HTTP {response.status_code})", "It is looked up")
    if word in ("ratelimited", "rate_limited"):
        return Limited(1.0)
    needed = str(data.get("needed", ""))
    found = channel_error(word, place, needed=needed, app_token=app_token)
    if isinstance(found, ChannelUnauthorized):
        return Unauthorized(word, found.what, found.do)
    if isinstance(found, ChannelUnavailable):
        return Ambiguous(found.what, found.do)
    return Refused(word, place, needed)


async def challenged(url: str, signing_secret: str, nonce: str, timeout_s: int = TIMEOUT_S) -> tuple[int, bool]:
    """Ask `url` what Slack asks when it is entered there; the status, and whether it gives back the `nonce`.

    Raises ChannelUnavailable where nothing answers.
    https://docs.slack.dev/reference/events/url_verification
    """
    body, at = json.dumps({"type": "url_verification", "challenge": nonce}), str(int(time.time()))
    signature = SignatureVerifier(signing_secret).generate_signature(timestamp=at, body=body)
    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": signature or "",
    }
    limit = aiohttp.ClientTimeout(total=timeout_s)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit, trust_env=True) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            said = await answer.content.read(_CHALLENGE_BYTES)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise ChannelUnavailable(f"nothing answers at {url}: {type(error).__name__}", "Start sayso web") from error
    return answer.status, nonce.encode() in said
