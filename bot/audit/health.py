"""Whether what happens is sealed in time, and with a key that is known here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.audit.chain import Head, key_id
from bot.audit.stored import Archived
from bot.errors import Invalid
from bot.store import Keys
from bot.store.client import Client


async def sealed_otherwise(client: Client, shards: int, keys: Sequence[bytes]) -> list[int]:
    """The shards whose oldest or newest record in the store is sealed with none of `keys`. Raises StoreError."""
    known = set(map(key_id, keys))
    ends = ("XRANGE", "-", "+"), ("XREVRANGE", "+", "-")
    commands = [
        (verb, Keys(shard).audit_chain, first, last, "COUNT", 1)
        for shard in range(shards)
        for verb, first, last in ends
    ]
    found = await client.read(*commands)
    wrong = {place // 2 for place, entries in enumerate(found) if entries and _key_of(entries[0][1]) not in known}
    return sorted(wrong)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many facts wait to be sealed, and since when the oldest one of each shard does, by its name."""

    count: int = 0
    oldest: Mapping[str, datetime] = field(default_factory=dict[str, datetime])

    @property
    def since(self) -> datetime | None:
        """Since when the oldest of all waits."""
        return min(self.oldest.values(), default=None)


async def waiting(client: Client, shards: int) -> Waiting:
    """Return what waits to be sealed. Nothing is written. Raises StoreError."""
    streams = [Keys(shard).audit_new for shard in range(shards)]
    counts = await client.read(*(["XLEN", name] for name in streams))
    firsts = await client.read(*(["XRANGE", name, "-", "+", "COUNT", 1] for name in streams))
    # Ids begin with the time by Redis's clock, or with a later one as long as that was ahead before.
    ids = [(name, entries[0][0].decode()) for name, entries in zip(streams, firsts, strict=True) if entries]
    times = {f"{name} {one}": int(one.partition("-")[0]) / 1000 for name, one in ids}
    return Waiting(sum(counts), {name: datetime.fromtimestamp(at_s, UTC) for name, at_s in times.items()})


async def ends_elsewhere(client: Client, shards: int) -> list[int]:
    """Return the shards whose newest record is not the one that is noted as their head. Raises StoreError."""
    wrong = list[int]()
    for shard in range(shards):
        keys = Keys(shard)
        before, newest, archived, after = await client.read(
            ["GET", keys.audit_head],
            ["XREVRANGE", keys.audit_chain, "+", "-", "COUNT", 1],
            ["GET", keys.audit_archived],
            ["GET", keys.audit_head],
        )
        # What is sealed while this is read is no fault.
        if before == after and (after or b"").decode(errors="replace") != _end(shard, newest, archived):
            wrong.append(shard)
    return wrong


def _end(shard: int, newest: Sequence[tuple[bytes, dict[bytes, bytes]]], archived: bytes | None) -> str:
    """Return the newest record of a shard as its head is written; what can't be read is none."""
    if newest:
        name, fields = newest[0]
        return str(Head(shard, int(name.partition(b"-")[2]), fields.get(b"s", b"").decode(errors="replace")))
    try:
        return str(Archived.parse(shard, archived).head)
    except Invalid:
        return "?"


def _key_of(fields: dict[bytes, bytes]) -> str:
    """Return the name of the key that a record says it is sealed with; "" where it can't be read."""
    try:
        return str(json.loads(fields[b"b"])["key"])
    except (ValueError, KeyError, TypeError):
        return ""
