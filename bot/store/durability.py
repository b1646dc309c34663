"""Whether this Redis keeps what it acknowledged, asked once at every start."""

from datetime import timedelta
from typing import Literal

from bot.store import client as clock
from bot.store.client import Client, StoreError, StoreUnavailable
from bot.store.keys import Keys

Durability = Literal["verified", "weaker", "unknown"]

# What a person must have written into SAYSO_ACCEPT_DURABILITY to run on a weaker Redis.
ACCEPTED_LOSS = "may lose acknowledged answers"
_WANTED = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


class NotDurable(StoreError):
    """This Redis may lose what it acknowledged, and nobody has accepted that."""


class WrongShards(StoreError):
    """The number of shards does not fit what is stored."""


async def look(client: Client) -> tuple[Durability, str]:
    """How durable the server is, and what makes it weaker or unknown."""
    try:
        found = {name: await _setting(client, name) for name in _WANTED}
    except StoreUnavailable:
        raise
    except (StoreError, LookupError) as error:
        return "unknown", f"the server does not tell its settings ({error})"
    weaker = [f"{name} is {found[name]!r}, not {want!r}" for name, want in _WANTED.items() if found[name] != want]
    return ("weaker", "; ".join(weaker)) if weaker else ("verified", "")


async def _setting(client: Client, name: str) -> str:
    reply: dict[bytes, bytes] | list[bytes] = await client.do("CONFIG", "GET", name)
    return (reply[name.encode()] if isinstance(reply, dict) else reply[1]).decode()


async def check(client: Client, accepted: str | None) -> Durability:
    """How durable the server is. Raises NotDurable for a weaker one that nobody accepted in words."""
    durability, why = await look(client)
    if durability == "weaker" and accepted != ACCEPTED_LOSS:
        raise NotDurable(
            f"This Redis can lose what it has acknowledged: {why}. Set these on the server, or accept the loss with "
            f"SAYSO_ACCEPT_DURABILITY={ACCEPTED_LOSS!r}"
        )
    return durability


async def check_shards(client: Client, shards: int) -> None:
    """Remember the number of shards; it may only grow. Raises WrongShards."""
    stored = await client.do("GET", "{s0}:shards")
    if stored is not None and int(stored) > shards:
        raise WrongShards(f"This store has {int(stored)} shards and SAYSO_SHARDS is {shards}. It may only grow")
    if stored is None or int(stored) < shards:
        await client.do("SET", "{s0}:shards", shards)


async def far_ahead(client: Client, shards: int) -> timedelta | None:
    """How far the time of a shard is ahead of Redis's clock, which somebody set back; None where it is not far."""
    times = [clock.told(*await client.read(*clock.asked(Keys(shard))))[1] for shard in range(shards)]
    most = max(times)
    return most if most >= clock.FAR_AHEAD else None


async def check_clock(client: Client, shards: int, *, is_test: bool) -> None:
    """Refuse a store whose clock somebody moved, except in tests. Raises StoreError."""
    offsets = [await client.do("GET", Keys(shard).clock) for shard in range(shards)]
    if any(offsets) and not is_test:
        raise StoreError(
            "The clock of this store was moved (clock_offset), which only tests may do. "
            "Delete the keys {s*}:clock_offset, or set SAYSO_TEST_CLOCK=1 in a test"
        )
