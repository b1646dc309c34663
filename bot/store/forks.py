"""Which runs go on from a copy of another one's story. Nothing decides by it; `sayso rebuild` makes it anew."""

from datetime import datetime

from bot.store.client import Client
from bot.store.keys import Keys

# What a page still shows; the list of all runs has the others.
_SHOWN = 100


class Forks:
    """The list is kept with the source, in whose shard the fork is not: it is noted first, and shown once it exists."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def note(self, source: str, fork: str, at: datetime) -> None:
        """`fork` is about to be made of `source`, or was."""
        await self._client.do("ZADD", Keys.of(source).forks(source), round(at.timestamp() * 1000), fork)

    async def of(self, source: str) -> tuple[str, ...]:
        """The newest forks of `source`, oldest first, also those that a crash kept from being made."""
        found: list[bytes] = await self._client.do("ZRANGE", Keys.of(source).forks(source), -_SHOWN, -1)
        return tuple(fork.decode() for fork in found)
