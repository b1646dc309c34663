"""Which delivery's card stands, or is to stand, at a place that many see: the first that asked, until it can't be."""

from datetime import datetime

from agents.requests import DeliveryId, RequestId
from bot.store.client import Client, Script
from bot.store.keys import Keys

_CLAIM = Script("claim")


class Places:
    """By request; a place is any name for it. All raise StoreUnavailable while Redis is away."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def come_back(self, member: str, at: datetime) -> None:
        """Have `member` of a wake set looked at again at `at`, if it still waits; unlike `put_off`, nothing failed."""
        wake = Keys.of(member.partition(" ")[2]).wake
        await self._client.do("ZADD", wake, "XX", round(at.timestamp() * 1000), member)

    async def claim(
        self, request_id: RequestId, place: str, delivery_id: DeliveryId, follows: DeliveryId | None = None
    ) -> DeliveryId:
        """Whose `place` is from now on: `delivery_id`'s, if it was nobody's or that of the one it `follows`.

        No lock: nobody gives it back, and asking again gives the same.
        """
        key = Keys.of(request_id).places(request_id)
        owner = await self._client.run(_CLAIM, [key], [place, delivery_id, follows or ""])
        return DeliveryId(owner.decode())
