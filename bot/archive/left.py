"""Which runs have left Redis, in a few bits each: whoever looks for one that never did needs no archive.

Each shard has a Bloom filter: it says of no run that has left that it has not, and of few others that they may have.
"""

import hashlib

from bot.store import Keys
from bot.store.client import Client

# 512 KB of each shard: once 400,000 of its runs have left, it is wrong about one other in a hundred.
_BITS = 2**22
_OF_EACH = 4


def bits_of(run_id: str) -> list[int]:
    """Return the bits that a run sets as it leaves."""
    digest = hashlib.sha256(run_id.encode()).digest()
    return [int.from_bytes(digest[4 * number : 4 * number + 4]) % _BITS for number in range(_OF_EACH)]


async def may_have_left(client: Client, run_id: str) -> bool:
    """Return whether a run that is not in Redis may be in the archive, by what the store knows.

    Raises StoreUnavailable.
    """
    keys = Keys.of(run_id)
    return all(await client.read(*(["GETBIT", keys.left, bit] for bit in bits_of(run_id))))
