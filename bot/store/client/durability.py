"""What a store must be before anything works with it: durable, with the shards and the clock that are expected."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ValidationError

from bot.store import scripts
from bot.store.client import FAR_AHEAD, Client, Node, StoreError, StoreUnavailable, adjusted, asked
from bot.store.client.errors import RESTORE_LOADED
from bot.store.keys import Keys

Durability = Literal["verified", "weaker", "unknown"]

# What a person must have written into SAYSO_ACCEPT_DURABILITY to run on a weaker Redis.
ACCEPTED_LOSS = "may lose acknowledged answers"
_WANTED = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


class NotDurable(StoreError):
    """The Redis may lose what it acknowledged, and nobody has accepted that."""


class WrongShards(StoreError):
    """The number of shards does not fit what is stored."""


_WHY_CHARS = 400


class Closed(BaseModel):
    """What stands in place of the number of shards while nobody works on a store, and `why`, for people.

    It went back, or `sayso restore` holds what was unfinished when it was last used, at `used_at`.
    """

    kind: Literal["went_back", "held"]
    why: str
    shards: int | None = None
    used_at: datetime | None = None

    @classmethod
    def parse(cls, stored: bytes) -> "Closed | None":
        """What stands there; None where it is nothing that we wrote."""
        try:
            return cls.model_validate_json(stored)
        except ValidationError:
            return None


_TO_DO = {
    "went_back": RESTORE_LOADED,
    "held": "Wait until `sayso restore --loaded` has ended; if it failed, run it again",
}


class NotWhole(WrongShards):
    """The store is being restored, or went back: nobody works on it, as stands in place of its number of shards."""

    def __init__(self, stored: bytes) -> None:
        closed = Closed.parse(stored)
        why = (closed.why if closed else stored.decode(errors="replace"))[:_WHY_CHARS]
        super().__init__(f"This store is not whole: {why}", _TO_DO[closed.kind] if closed else RESTORE_LOADED)


async def look(client: Client) -> tuple[Durability, str]:
    """Return the durability of the server, and what makes it weaker or unknown.

    Of several servers each is asked: a replica keeps what it has when its turn comes, or loses it.
    """
    nodes = await client.nodes()
    if not nodes:
        return await _look_at(client)
    found = [one for one in await asyncio.gather(*map(_look_at_node, nodes)) if one]
    for worst in ("weaker", "unknown"):
        if whys := [why for durability, why in found if durability == worst]:
            return worst, "; ".join(whys)
    return "verified", ""


async def _look_at_node(node: Node) -> tuple[Durability, str] | None:
    """The same of one server among several; None for a replica that does not answer."""
    try:
        async with asked_alone(node) as client:
            durability, why = await _look_at(client)
    except StoreUnavailable:
        if node.is_master:
            raise
        return None
    return durability, f"{node.name}: {why}"


@asynccontextmanager
async def asked_alone(node: Node) -> AsyncGenerator[Client]:
    """A client of one server among several, without patience."""
    client = Client(node.url, patience_s=0)
    try:
        yield client
    finally:
        await client.close()


async def _look_at(client: Client) -> tuple[Durability, str]:
    try:
        found = {name: await setting(client, name) for name in _WANTED}
    except StoreUnavailable:
        raise
    except (StoreError, LookupError) as error:
        return "unknown", f"the server does not tell its settings ({error})"
    weaker = [f"{name} is {found[name]!r}, not {want!r}" for name, want in _WANTED.items() if found[name] != want]
    return ("weaker", "; ".join(weaker)) if weaker else ("verified", "")


async def setting(client: Client, name: str) -> str:
    """One setting of the server. Raises StoreError or LookupError where it does not tell."""
    reply: dict[bytes, bytes] | list[bytes] = await client.do("CONFIG", "GET", name)
    return (reply[name.encode()] if isinstance(reply, dict) else reply[1]).decode()


async def check(client: Client, accepted: str | None) -> Durability:
    """Return the durability of the server. Raises NotDurable for a weaker one that nobody accepted in words."""
    durability, why = await look(client)
    if durability == "weaker" and accepted != ACCEPTED_LOSS:
        raise NotDurable(
            f"This Redis can lose what it has acknowledged: {why}",
            f"Set these on the server, or accept the loss with SAYSO_ACCEPT_DURABILITY={ACCEPTED_LOSS!r}",
        )
    return durability


_TRIED_FOR_MS = 1_000


async def check_writes(client: Client, shards: int) -> None:
    """Write to each server what is gone in a second. Raises StoreError for one that takes no writes at the moment.

    A server that is full, a replica, a master that misses its replicas and one whose disk fails still answer reads: see
    `maxmemory-policy`, `replica-read-only`, `min-replicas-to-write` and `stop-writes-on-bgsave-error` in redis.conf.
    """
    for [shard, *_] in client.groups(shards):
        await client.wait_for("SET", Keys(shard).tried, "1", "PX", str(_TRIED_FOR_MS))


SHARDS = Keys(0).shards
"""The key of the number of shards. While it holds no number the store is being restored, and no release starts."""
_FIRST = Keys(0).first_shards


async def check_shards(client: Client, shards: int) -> None:
    """Remember the number of shards; it may only grow. Raises WrongShards."""
    stored, first = await client.run(scripts.grow_shards(Keys(0), shards))  # at once: meanwhile a restoration may begin
    if not stored.isdigit():
        raise NotWhole(stored)
    _check_number(stored, shards)
    client.began_with = int(first)


async def check_sees_all(client: Client, shards: int) -> None:
    """Raises WrongShards where the store has shards that whoever knows so many does not look at; writes nothing."""
    stored = await look_at_shards(client)
    if stored and stored.isdigit():
        _check_number(stored, shards)


def _check_number(stored: bytes, shards: int) -> None:
    if int(stored) > shards:
        raise WrongShards(f"This store has {int(stored)} shards and SAYSO_SHARDS is {shards}", "It may only grow")


async def look_at_shards(client: Client, began_with: int | None = None) -> bytes | None:
    """Return what stands in place of the number of shards, None in a new store.

    Writes nothing, but `began_with` where a store that was put back does not say with how many it began.
    """
    if began_with is not None:
        await client.do("SET", _FIRST, began_with, "NX")
    stored, first = await client.read(["GET", SHARDS], ["GET", _FIRST])
    if number := first or (stored if stored and stored.isdigit() else None):
        client.began_with = int(number)
    return stored


async def far_ahead(client: Client, shards: int) -> timedelta | None:
    """Return how far a shard's time is ahead of Redis's clock, which somebody set back; None if it is not far."""
    times = [adjusted(*await client.read(*asked(Keys(shard))))[1] for shard in range(shards)]
    most = max(times)
    return most if most >= FAR_AHEAD else None


async def check_clock(client: Client, shards: int, *, is_test: bool) -> None:
    """Refuse a store whose clock somebody moved, except in tests. Raises StoreError."""
    offsets = [await client.do("GET", Keys(shard).clock) for shard in range(shards)]
    if any(offsets) and not is_test:
        raise StoreError(
            "The clock of this store was moved (clock_offset), which only tests may do",
            "Delete the keys {s*}:clock_offset, or set SAYSO_TEST_CLOCK=1 in a test",
        )
