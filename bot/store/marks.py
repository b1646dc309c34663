"""Words that a channel keeps where every process sees them."""

import secrets

from bot.store import Store

KEEP_S = 60 * 86_400.0
"""How long: a request is open for 30 days at most, and what became of it is told soon after."""


class StoreMarks:
    """A `channels.Marks` in Redis, for the channel `name`. All raise StoreUnavailable while it is away."""

    def __init__(self, store: Store, name: str = "slack") -> None:
        self._store, self._name = store, name

    async def mark(self, key: str) -> bool:
        """Whether nobody has marked `key` before."""
        # A value of our own: a write whose answer was lost is asked again, and must know itself.
        _, is_new = await self._store.remember(self._foreign(key), secrets.token_bytes(16), KEEP_S)
        return is_new

    async def keep(self, key: str, value: str) -> str:
        """What is kept under `key` from now on."""
        known, _ = await self._store.remember(self._foreign(key), value.encode(), KEEP_S)
        return known.decode()

    async def kept(self, key: str) -> str | None:
        """What is kept under `key`."""
        found = await self._store.remembered(self._foreign(key))
        return None if found is None else found.decode()

    def _foreign(self, key: str) -> str:
        return f"{self._name} kept {key}"
