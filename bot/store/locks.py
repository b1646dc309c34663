"""Locks that hold on all machines of one Redis: each with a lease, and a fence that goes up with every holder."""

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from bot.store.client import Client, Script, StoreError
from bot.store.ids import ingress_shard
from bot.store.keys import Keys

_TAKE, _KEEP = Script("take_lock"), Script("keep_lock")


@dataclass(frozen=True, slots=True)
class Held:
    """A lock as its holder knows it, who is named `<run id> <attempt id>`."""

    name: str
    holder: str
    fence: int


@dataclass(frozen=True, slots=True)
class Taken:
    """How an attempt to take a lock went: `held` by `holder`, whose lease lives; `left` by one whose lease is over."""

    state: Literal["taken", "held", "left"]
    holder: str
    fence: int


class Locks:
    """By name. All raise StoreUnavailable while Redis is away."""

    def __init__(self, client: Client, shards: int, lease_s: float) -> None:
        self._client, self.shards, self.lease_s = client, shards, lease_s

    async def take(self, name: str, holder: str, gone: str = "") -> Taken:
        """Take the lock, from `gone` if that holder's lease is over; asked again by its holder it is kept."""
        keys = self._keys(name)
        reply = await self._client.run(_TAKE, [keys.lock(name), keys.clock], [holder, round(self.lease_s * 1000), gone])
        return Taken(reply[0].decode(), reply[1].decode(), int(reply[2]))

    async def keep(self, held: Held) -> bool:
        """Move the end of the lease to `lease_s` from now; False when somebody else has the lock."""
        return await self._keep(held, self.lease_s)

    async def give_up(self, held: Held) -> None:
        """Free the lock, if it is still this holder's."""
        await self._keep(held, 0)

    async def _keep(self, held: Held, lease_s: float) -> bool:
        keys = self._keys(held.name)
        args = [held.holder, held.fence, round(lease_s * 1000)]
        return bool(await self._client.run(_KEEP, [keys.lock(held.name), keys.clock], args))

    def _keys(self, name: str) -> Keys:
        return Keys(ingress_shard(f"lock {name}", self.shards))


def keep_until(redis_url: str, shards: int, lease_s: float, held: Held, over: threading.Event) -> None:
    """Keep a lock until `over` is set, then give it up; for a thread of a process that does nothing else with Redis."""
    asyncio.run(_keep_until(redis_url, shards, lease_s, held, over))


async def _keep_until(redis_url: str, shards: int, lease_s: float, held: Held, over: threading.Event) -> None:
    client = Client(redis_url)
    locks = Locks(client, shards, lease_s)
    try:
        while not over.is_set():
            with suppress(StoreError):  # Redis may be away for a while, and nobody else can take the lock then
                await locks.keep(held)
            await asyncio.to_thread(over.wait, lease_s / 3)
        with suppress(StoreError):
            await locks.give_up(held)
    finally:
        await client.close()
