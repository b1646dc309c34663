"""The bytes of files that people sent: kept for a while in the run's own shard, beside the events that list them."""

import re

from bot.store.client import Client
from bot.store.keys import Keys

_SHA256 = re.compile(r"[0-9a-f]{64}")


async def content_of(client: Client, run_id: str, sha256: str) -> bytes | None:
    """The bytes of a file of this run; None when they are kept no longer. Raises NotAnId and StoreUnavailable."""
    if not _SHA256.fullmatch(sha256):
        return None
    return await client.do("GET", Keys.of(run_id).file(run_id, sha256))
