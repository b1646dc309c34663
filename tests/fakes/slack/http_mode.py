"""HTTP mode: signed posts to the app's URLs.

https://docs.slack.dev/authentication/verifying-requests-from-slack, https://docs.slack.dev/apis/events-api#retries
"""

import asyncio
import hashlib
import hmac
import json
import time
from typing import Any, Literal
from urllib.parse import urlencode

import aiohttp

from tests.fakes.slack.delivery import Ferry, Outcome, Parcel, within
from tests.fakes.slack.model import Json
from tests.fakes.slack.state import Slack

# `wrong`: of another secret; `old`: right, six minutes ago; `missing`: none at all; `other_body`: of another body.
Forgery = Literal["wrong", "old", "missing", "other_body"]
_FORM = "application/x-www-form-urlencoded"
_SIX_MINUTES_S = 360


def signature(secret: str, timestamp: str, body: str) -> str:
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()


class HttpMode(Ferry):
    """Posts as Slack does. `forgeries` are how the next ones are wrong."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self.forgeries: list[Forgery] = []
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def carry(self, parcel: Parcel, attempt: int, reason: str) -> Outcome:
        url, kind, body = self._letter(parcel)
        more = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason} if attempt else {}
        answer = asyncio.ensure_future(self._ask(url, kind, body, more))
        return await within(self._slack, answer, Outcome(acked=False, reason="http_timeout"))

    async def verify_url(self, url: str) -> Json:
        """Slack's question when a URL is entered: does it answer with the challenge?"""
        body = json.dumps({"token": "verification-token", "challenge": "3eZbrw1aB", "type": "url_verification"})
        status, text, _ = await self._post(url, "application/json", body, {})
        return {"status": status, "body": text, "verified": status == 200 and "3eZbrw1aB" in text}

    def _letter(self, parcel: Parcel) -> tuple[str, str, str]:
        s = self._slack.settings
        if parcel.type == "events_api":
            return s.events_url, "application/json", json.dumps(parcel.payload)
        if parcel.type == "slash_commands":
            return s.commands_url or s.interactions_url, _FORM, urlencode(parcel.payload)
        return s.interactions_url, _FORM, urlencode({"payload": json.dumps(parcel.payload)})

    async def _ask(self, url: str, kind: str, body: str, more: dict[str, str]) -> Outcome:
        try:
            status, text, no_retry = await self._post(url, kind, body, more)
        except (aiohttp.ClientError, OSError):
            return Outcome(acked=False, reason="connection_failed")
        if not 200 <= status < 300:
            return Outcome(acked=False, reason="http_error", try_again=not no_retry)
        return Outcome(acked=True, answer=_read(text))

    async def _post(self, url: str, kind: str, body: str, more: dict[str, str]) -> tuple[int, str, bool]:
        """Status, body, and whether the app asked not to be tried again (`X-Slack-No-Retry: 1`)."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        headers = {"Content-Type": kind, "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
        headers |= self._signed(body) | more
        async with self._session.post(url, data=body.encode(), headers=headers) as answer:
            return answer.status, await answer.text(), answer.headers.get("X-Slack-No-Retry") == "1"

    def _signed(self, body: str) -> dict[str, str]:
        """Real time, not the fake's: whoever checks it has no other."""
        forgery = self.forgeries.pop(0) if self.forgeries else None
        if forgery == "missing":
            return {}
        timestamp = str(int(time.time()) - (_SIX_MINUTES_S if forgery == "old" else 0))
        secret = "another-secret" if forgery == "wrong" else self._slack.settings.signing_secret
        signed = signature(secret, timestamp, body + "x" if forgery == "other_body" else body)
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signed}


def _read(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return {"text": text}
