"""When each trigger with a cron line is due next, so that no tick is lost or taken twice."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bot.ids import ingress_shard
from bot.store import clock
from bot.store.client import Client, Script
from bot.store.keys import Keys

_MOVE = Script("move_tick")


@dataclass(frozen=True, slots=True)
class Tick:
    """The first moment of `line`, a cron line with its zone, that was not dealt with."""

    at: datetime
    line: str


class Ticks:
    """By trigger. All raise StoreUnavailable while Redis is away."""

    def __init__(self, client: Client, shards: int) -> None:
        self._client, self._shards = client, shards

    def shard_of(self, trigger: str) -> int:
        """Where it is kept, and so whose sweeper looks at it."""
        return ingress_shard(f"trigger {trigger}", self._shards)

    async def read(self, trigger: str) -> tuple[Tick | None, datetime]:
        """What is due next, None before the trigger was first seen; and the time by the store's clock."""
        keys = Keys(self.shard_of(trigger))
        held, *told = await self._client.read(["HGET", keys.ticks, trigger], *clock.asked(keys))
        return _tick(held), clock.told(*told)[0]

    async def forget_others(self, shard: int, triggers: Collection[str]) -> list[str]:
        """Forget what is due next of all triggers of a shard but these; which they were."""
        held = await self._client.do("HKEYS", Keys(shard).ticks)
        others = sorted({name.decode() for name in held} - set(triggers))
        if others:
            await self._client.do("HDEL", Keys(shard).ticks, *others)
        return others

    async def move(self, trigger: str, before: Tick | None, after: Tick) -> bool:
        """Have `after` be due next; False when somebody else has moved on from `before`."""
        keys = Keys(self.shard_of(trigger))
        return bool(await self._client.run(_MOVE, [keys.ticks], [trigger, _held(before), _held(after)]))


def _tick(held: bytes | None) -> Tick | None:
    if not held:
        return None
    at, _, line = held.decode().partition(" ")
    return Tick(clock.moment(at), line)


def _held(tick: Tick | None) -> str:
    return f"{round(tick.at.timestamp() * 1000)} {tick.line}" if tick else ""
