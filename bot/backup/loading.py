"""A backup put into an empty Redis, which no process can use until what was unfinished is held."""

import re
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import BinaryIO

from bot.audit.chain import record_in
from bot.backup.copying import FLEETING
from bot.backup.file import NEVER, End, Entry, Reader
from bot.errors import Conflict, Invalid, Unavailable
from bot.store import Keys, StoreError
from bot.store.client import Client, adjusted, asked, moment
from bot.store.client.durability import SHARDS, Closed
from bot.store.indexes import Restored
from bot.store.memory import Mark

_BATCH, _BATCH_BYTES = 200, 4 << 20
_TRY = "{s0}:restore_try"
# Log-ins are made anew. A tick that was due since may have been fired. What a number of shards there is comes last.
# Which tools had been started counts for a store by its name, and this one gets another.
_LEFT_OUT = re.compile(r"\{s\d+\}:(shards|starts|ticks|restored|(login|session):.*)")
# Who was let in may have been shut out since.
_KEYS = re.compile(r"\{s\d+\}:api_keys(:used)?")

Tell = Callable[[int], None]


def checked(file: BinaryIO) -> tuple[End, Entry]:
    """Read the whole backup; return what it says of itself, and its first entry. Raises Invalid."""
    reader, first = Reader(file), None
    for entry in reader.entries():
        first = first or entry
    if reader.end is None or first is None:
        raise Invalid("This backup holds nothing", "Nothing was written")
    return reader.end, first


async def check_empty(client: Client, first: Entry) -> None:
    """Check that the store is empty and can read such content. Raises Conflict, and Unavailable for an older Redis."""
    async for key in client.scan("{s*"):
        if key in {Keys(0).format, Keys(0).mark}:  # whoever looked at this Redis before has noted them
            continue
        raise Conflict(
            f"This Redis is not empty: it has {key[:60]!r}",
            "Stop every process of sayso, and restore into an empty Redis, or into a new data directory",
        )
    try:
        await client.do("RESTORE", _TRY, 0, first.content or b"", "REPLACE")
    except StoreError as error:
        raise Unavailable(
            f"This Redis can't read the backup ({error})", "Restore into the version it came from, or a newer one"
        ) from error
    await client.do("DEL", _TRY)


async def load(client: Client, file: BinaryIO, end: End, tell: Tell, *, keeps_keys: bool) -> None:
    """Write all entries; from now on until `open_up` no process starts on this store."""
    note = Closed(kind="restoring", why=f"sayso restore puts back a backup of {end.at:%Y-%m-%d %H:%M:%S} UTC")
    if not await client.do("SET", SHARDS, note.model_dump_json(), "NX"):
        raise Conflict("Somebody else uses this Redis by now", "Stop every process of sayso, and empty it")
    batch, size, count = list[tuple[str | bytes | int, ...]](), 0, 0
    for entry in _kept(Reader(file).entries(), keeps_keys=keeps_keys):
        batch.append(_command(entry))
        size, count = size + len(entry.content or b""), count + 1
        if len(batch) >= _BATCH or size >= _BATCH_BYTES:
            await client.read(*batch)
            batch, size = [], 0
            tell(count)
    if batch:
        await client.read(*batch)
    tell(count)


async def claim(client: Client) -> tuple[int, datetime]:
    """Keep processes from a store that somebody put back by other means; return its shards, and when it was last used.

    Asked again after a crash it goes on, and says the same. Raises Conflict where there is none.
    """
    stored: bytes = await client.do("GET", SHARDS) or b""
    closed = None if stored.isdigit() else Closed.parse(stored)
    shards = int(stored) if stored.isdigit() else closed and closed.shards
    if not shards:
        raise Conflict("There is no store of sayso in this Redis", "Put one back first, or name a backup")
    used_at = closed and closed.used_at
    if used_at is None:
        used_at = await _last_used(client, shards, went_back=closed is not None)
    why = "sayso restore --loaded holds what is unfinished"
    held = Closed(kind="held", why=why, shards=shards, used_at=used_at)
    await client.do("SET", SHARDS, held.model_dump_json())
    return shards, used_at


async def _last_used(client: Client, shards: int, *, went_back: bool) -> datetime:
    """When the store was last used. Whoever noticed that it `went_back` has used it since: then its newest record says
    how old it is.
    """
    if went_back:
        ends = await client.read(*(["XREVRANGE", Keys(one).audit_chain, "+", "-", "COUNT", 1] for one in range(shards)))
        records = [record_in(entries[0][1].get(b"b", b"")) for entries in ends if entries]
        if sealed := [datetime.fromisoformat(record["at"]) for record in records if record]:
            return max(sealed)
    seen = await client.read(*(["GET", Keys(shard).clock_seen] for shard in range(shards)))
    last = [moment(value.split()[0]) for value in seen if value]
    # Where nothing ever happened there is nothing to hold, and whoever closed the store is answered all the same.
    return max(last, default=adjusted(*await client.read(*asked(Keys(0))))[0])


async def forget(client: Client, *, keeps_keys: bool) -> None:
    """Take out of the store what no backup brings back."""
    async for key in client.scan("{s*"):
        if key != SHARDS and not _is_kept(key, keeps_keys=keeps_keys):
            await client.do("DEL", key)


async def open_up(client: Client, shards: int, restored: Restored, names: Iterable[str] = ()) -> None:
    """Let processes start: all is there, and what was unfinished is held.

    The store has another name from now on, so nobody misses in it what was done since. `names` are others that it had.
    """
    await client.do("SET", Keys(0).restored, restored.model_dump_json())
    before = Mark.parse((await client.do("GET", Keys(0).mark) or b"-").decode(errors="replace"))
    await client.do("SET", Keys(0).mark, str(before.restored(secrets.token_hex(8), names)))
    await client.do("SET", SHARDS, shards)


def _kept(entries: Iterable[Entry], *, keeps_keys: bool) -> Iterable[Entry]:
    for entry in entries:
        if _is_kept(entry.key, keeps_keys=keeps_keys):
            yield entry


def _is_kept(key: str, *, keeps_keys: bool) -> bool:
    # What waited for a worker would be taken, whatever was held in the schedule.
    if _LEFT_OUT.fullmatch(key) or FLEETING.fullmatch(key):
        return False
    return keeps_keys or not _KEYS.fullmatch(key)


def _command(entry: Entry) -> tuple[str | bytes | int, ...]:
    if entry.content is None:
        return "DEL", entry.key
    if entry.expires_ms == NEVER:
        return "RESTORE", entry.key, 0, entry.content, "REPLACE"
    return "RESTORE", entry.key, max(entry.expires_ms, 1), entry.content, "REPLACE", "ABSTTL"
