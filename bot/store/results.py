"""Where a runner leaves what its command gave, for a successor on a machine that can't see its files."""

import asyncio

from bot.store.client import Client
from bot.store.keys import Keys

# Longer than anybody waits before asking people instead.
_KEEP_S = 7 * 24 * 3600


def publish(redis_url: str, attempt_id: str, body: bytes) -> None:
    """Keep `body` as the result of an attempt. Raises StoreUnavailable while Redis is away."""
    asyncio.run(_publish(redis_url, attempt_id, body))


async def _publish(redis_url: str, attempt_id: str, body: bytes) -> None:
    client = Client(redis_url)
    try:
        await client.do("SET", Keys.of(attempt_id).result(attempt_id), body, "EX", _KEEP_S)
    finally:
        await client.close()
