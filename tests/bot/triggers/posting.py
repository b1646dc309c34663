"""Programs that post to triggers: signed as ours, or as GitHub does it."""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime

from httpx2 import AsyncClient, Response

from bot.triggers.hooks import signature, timed

SECRET = "of-the-releases-0123456789"
HUB_SECRET = "of-the-hub-0123456789"
JSON = {"Content-Type": "application/json"}


def bytes_of(body: object) -> bytes:
    """A body as it is sent: bytes as they are, anything else as JSON."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def signed(body: bytes, at: datetime, secret: str = SECRET) -> dict[str, str]:
    """The headers of a body that is sent `at` a time."""
    timestamp = str(round(at.timestamp()))
    return JSON | {"X-Sayso-Timestamp": timestamp, "X-Sayso-Signature": signature(secret, timed(timestamp, body))}


def signed_by_github(body: bytes, event: str, delivery: str = "", secret: str = HUB_SECRET) -> dict[str, str]:
    """The headers of a delivery of GitHub's."""
    return JSON | {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery or secrets.token_hex(16),
        "X-Hub-Signature-256": signature(secret, body),
    }


async def post(client: AsyncClient, name: str, body: object, headers: Mapping[str, str]) -> Response:
    """Post to a trigger and return the answer."""
    return await client.post(f"/v1/triggers/{name}", content=bytes_of(body), headers=dict(headers))
