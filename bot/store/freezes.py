"""What people have frozen: kept in each shard, so that the script that starts a tool finds it in its own slot."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from agents.requests import Freeze
from bot.store import client as clock
from bot.store import scripts
from bot.store.client import Client
from bot.store.keys import Keys

# The shard that is changed first, and that all others follow.
_FIRST = 0
# What everybody knows before anything was ever frozen.
_NOTHING = b"0"
# A try that is lost is somebody else's change.
_TRIES = 100


@dataclass(frozen=True, slots=True)
class FrozenPlaces:
    """What people have frozen, by environment (empty for everything), after `number` changes; read at `now`."""

    number: int
    freezes: Mapping[str, Freeze]
    now: datetime

    def of(self, environment: str | None) -> Freeze | None:
        """The freeze of an environment: everything's, or its own. What has none is frozen with everything alone."""
        return self.freezes.get("") or (self.freezes.get(environment) if environment else None)

    def is_as(self, other: "FrozenPlaces") -> bool:
        """Return whether it is the same, whenever it was read."""
        return (self.number, self.freezes) == (other.number, other.freezes)


class Freezes:
    """The freezes by people. All methods raise StoreUnavailable."""

    def __init__(self, client: Client, shards: int) -> None:
        self._client, self.shards = client, shards

    async def read(self, shard: int = _FIRST) -> FrozenPlaces:
        """Return what is frozen in a shard; the first one knows best."""
        keys = Keys(shard)
        raw, *clocks = await self._client.read(["HGETALL", keys.frozen], *clock.asked(keys))
        return _places(raw, clock.adjusted(*clocks)[0])

    async def look(self, shard: int) -> tuple[FrozenPlaces, FrozenPlaces, str]:
        """Return what is frozen by the first shard, and by this one, and what its requests were told of last."""
        first, keys = Keys(_FIRST), Keys(shard)
        asked = ["HGETALL", first.frozen], ["HGETALL", keys.frozen], ["GET", keys.frozen_told], *clock.asked(first)
        best, own, told, *clocks = await self._client.read(*asked)
        now = clock.adjusted(*clocks)[0]
        return _places(best, now), _places(own, now), (told or _NOTHING).decode()

    async def put(self, environment: str, freeze: Freeze | None, seen: str = "") -> Freeze | None:
        """Freeze an environment (empty: everything), or unfreeze it, in all shards; return what was frozen there.

        Once it returns, nothing gated starts there any more. What is frozen already is said again by that. Where `seen`
        is given, that freeze alone is ended; another one stays, and is returned.
        """
        tried: FrozenPlaces | None = None
        before: Freeze | None = None
        for _ in range(_TRIES):
            held = await self.read()
            is_ours = tried is not None and held.is_as(tried)
            before = before if is_ours else held.freezes.get(environment)
            is_other = before is not None and freeze is None and seen not in {"", before.shown}
            if is_ours or before is freeze is None or is_other:
                await self._reach_all(held)  # whoever said it first may have died before all shards knew
                return before
            others = {name: one for name, one in held.freezes.items() if name != environment}
            stands = before.again(freeze) if before and freeze else freeze
            after = FrozenPlaces(held.number + 1, others | ({environment: stands} if stands else {}), held.now)
            if await self.write_first(after, follows=held.number):
                await self._reach_all(after)
                return before
            tried = after  # it may be ours all the same, where the answer was lost
        raise RuntimeError(f"what is frozen changed {_TRIES} times at once")

    async def write_first(self, after: FrozenPlaces, follows: int) -> bool:
        """Change the first shard, if what it knows still is the number that `after` follows."""
        return await self._write(_FIRST, after, follows)

    async def spread(self, held: FrozenPlaces) -> None:
        """Have every shard know it that knows nothing newer; nobody need where nothing was ever frozen."""
        if held.number == 0:
            return
        await asyncio.gather(*(self._write(shard, held, None) for shard in range(self.shards) if shard != _FIRST))

    async def _reach_all(self, held: FrozenPlaces) -> None:
        await self.spread(held)
        if (more := await self.catch_up()).number != held.number:
            await self.spread(more)

    async def catch_up(self) -> FrozenPlaces:
        """Let the first shard know all that any of them does; return what is frozen then.

        In a cluster that one may lose what its replica lacked, with others on the same node. Then what is frozen
        anywhere is frozen: changes that are no newer than what a shard knows would never reach it.
        """
        for _ in range(_TRIES):
            first, *others = await asyncio.gather(*map(self.read, range(self.shards)))
            ahead = [one for one in others if one.number >= first.number and not one.is_as(first)]
            if not ahead:
                return first
            newest, every = max(one.number for one in ahead), dict[str, Freeze]()
            for one in (*ahead, first):
                every |= one.freezes
            await self.write_first(FrozenPlaces(newest + 1, every, first.now), follows=first.number)
        raise RuntimeError(f"what is frozen changed {_TRIES} times at once")

    async def _write(self, shard: int, held: FrozenPlaces, follows: int | None) -> bool:
        bodies = {f"in {name}" if name else "*": one.model_dump_json() for name, one in held.freezes.items()}
        return await self._client.run(scripts.freeze(Keys(shard), held.number, follows, bodies))

    async def concerned(self, shard: int) -> list[str]:
        """The requests of a shard that are open, or approved and have not begun, and maybe some that never will."""
        keys = Keys(shard)
        # In the order in which a request goes from one to the other, so that none is in neither.
        opened, waits = await self._client.read(["ZRANGE", keys.open, 0, -1], ["SMEMBERS", keys.approved_waits])
        return [one.decode() for one in dict.fromkeys((*sorted(waits), *opened))]

    async def waits_no_longer(self, request_id: str) -> None:
        """Forget that an approved request waits."""
        await self._client.do("SREM", Keys.of(request_id).approved_waits, request_id)

    async def note_told(self, shard: int, told: str) -> None:
        """Note it once all of them know."""
        await self._client.do("SET", Keys(shard).frozen_told, told)


def _places(raw: Mapping[bytes, bytes], now: datetime) -> FrozenPlaces:
    held = {name.decode(): body for name, body in raw.items()}
    number = int(held.pop("n", 0))
    return FrozenPlaces(
        number, {_environment(name): Freeze.model_validate_json(body) for name, body in held.items()}, now
    )


def _environment(name: str) -> str:
    return name.removeprefix("in ") if name != "*" else ""
