"""What several processes must agree on about people's App Homes: who opened theirs, what it shows, who changes it."""

import secrets
from datetime import datetime

from bot.store.client import Client, Script
from bot.store.keys import Keys

KEEP_S = 30 * 24 * 3600
"""Whoever has not opened theirs for longer is not kept up to date: opening it shows it anew in any case."""

_KEYS, _HOLD = Keys(0), Script("hold_mailbox")


class Homes:
    """By person. All raise StoreUnavailable while Redis is away."""

    def __init__(self, client: Client) -> None:
        self._client, self._me = client, secrets.token_hex(8)

    async def note_opened(self, person: str, at: datetime) -> None:
        """Somebody looked at theirs, and it shows something that is not noted here."""
        ms = round(at.timestamp() * 1000)
        await self._client.read(
            ["DEL", _KEYS.home(person, "shown")],
            ["ZADD", _KEYS.homes, ms, person],
            ["ZREMRANGEBYSCORE", _KEYS.homes, "-inf", ms - KEEP_S * 1000],
        )

    async def opened_since(self, at: datetime) -> frozenset[str]:
        """Who has opened theirs since then, as far as that is kept."""
        found = await self._client.do("ZRANGEBYSCORE", _KEYS.homes, round(at.timestamp() * 1000), "+inf")
        return frozenset(person.decode() for person in found)

    async def hold(self, person: str, for_s: float) -> bool:
        """Whether this process may change somebody's Home for so long from now on; several ask, one gets it."""
        args = [self._me, round(for_s * 1000)]
        return bool(await self._client.run(_HOLD, [_KEYS.home(person, "holder")], args))

    async def shown(self, person: str) -> str:
        """The mark of what it shows; empty when nobody knows."""
        found = await self._client.do("GET", _KEYS.home(person, "shown"))
        return found.decode() if found else ""

    async def note_changing(self, person: str) -> None:
        """Until `note_shown` nobody knows what it shows."""
        await self._client.do("SET", _KEYS.home(person, "shown"), "", "EX", KEEP_S)

    async def note_shown(self, person: str, mark: str) -> None:
        """It shows what `mark` stands for, unless somebody opened theirs since `note_changing`."""
        await self._client.do("SET", _KEYS.home(person, "shown"), mark, "XX", "EX", KEEP_S)
