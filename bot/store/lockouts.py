"""Channels whose other side refuses us, as the processes that send say themselves; what is no longer said is over."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pydantic import AwareDatetime

from agents.requests import Frozen
from bot.store.client import Client
from bot.store.keys import Keys

COUNTS_FOR = timedelta(seconds=75)
"""How long a refusal counts: what waits for its end is tried again in less than half of it."""

_KEYS = Keys(0)


class Lockout(Frozen):
    """`channel` refuses us: `what` happened and what to `do`, `since` when and when it was last `seen`."""

    channel: str
    what: str
    do: str
    since: AwareDatetime
    seen: AwareDatetime


class Lockouts:
    """By channel and by what it says. All raise StoreUnavailable while Redis is away."""

    def __init__(self, client: Client, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._client, self._now = client, now

    async def note(self, channel: str, what: str, do: str) -> None:
        """It refuses us just now."""
        now = self._now()
        before = next((one for one in await self.all() if (one.channel, one.what) == (channel, what)), None)
        found = Lockout(channel=channel, what=what, do=do, since=before.since if before else now, seen=now)
        await self._client.do("HSET", _KEYS.lockouts, f"{channel} {what}", found.model_dump_json())

    async def over(self, channel: str, what: str) -> None:
        """It takes again what it refused."""
        await self._client.do("HDEL", _KEYS.lockouts, f"{channel} {what}")

    async def all(self) -> tuple[Lockout, ...]:
        """Those of now, oldest first."""
        bodies: list[bytes] = await self._client.do("HVALS", _KEYS.lockouts)
        found = [Lockout.model_validate_json(body) for body in bodies]
        now = self._now()
        for gone in (one for one in found if now - one.seen >= COUNTS_FOR):
            await self.over(gone.channel, gone.what)
        return tuple(sorted((one for one in found if now - one.seen < COUNTS_FOR), key=lambda one: one.since))
