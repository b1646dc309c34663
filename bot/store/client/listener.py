"""What scripts publish, heard over a connection of its own."""

from collections.abc import Sequence
from typing import Any, cast

from bot.store.client.errors import as_ours, gone_dead
from bot.store.client.library import Redis
from bot.store.client.servers import ANSWER_WITHIN_S

# A line on which nothing is said for longer is asked whether it is still there.
QUIET_S = 5.0


class Listener:
    """One subscription. It does not outlive its connection: what was said meanwhile would be missed unnoticed."""

    def __init__(self, redis: Redis, quiet_s: float, *, closes: bool) -> None:
        self._redis, self._pubsub, self._quiet_s = redis, redis.pubsub(), quiet_s  # pyright: ignore[reportUnknownMemberType]
        self._closes = closes

    async def subscribe(self, channels: Sequence[str]) -> None:
        """Returns when the server has confirmed all of `channels`."""
        with as_ours():
            await self._pubsub.subscribe(*channels)  # pyright: ignore[reportUnknownMemberType]
        missing = set(channels)
        while missing:
            kind, channel, _ = await self._next(ANSWER_WITHIN_S) or gone_dead(ANSWER_WITHIN_S)
            missing -= {channel} if kind == "subscribe" else set()

    async def receive(self) -> bytes:
        """The next message, whatever its channel. Raises StoreUnavailable at once."""
        while True:
            found = await self._next(self._quiet_s)
            if found is None:
                with as_ours():
                    await self._pubsub.ping()  # pyright: ignore[reportUnknownMemberType]
                found = await self._next(ANSWER_WITHIN_S) or gone_dead(ANSWER_WITHIN_S)
            if found[0] == "message":
                return found[2]

    async def _next(self, within_s: float) -> tuple[str, str, bytes] | None:
        """(kind, channel, content) of what the server says next; None when it says nothing."""
        with as_ours():
            found = cast("dict[str, Any] | None", await self._pubsub.get_message(timeout=within_s))  # pyright: ignore[reportUnknownMemberType]
        if found is None:
            return None
        return found["type"], (found["channel"] or b"").decode(), found["data"]

    async def close(self) -> None:
        """Give back the connection."""
        await self._pubsub.aclose()
        if self._closes:
            await self._redis.aclose()
