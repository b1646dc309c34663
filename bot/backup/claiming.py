"""A store that was put back: no process can use it until what was unfinished is held."""

import re
import secrets
from collections.abc import Iterable
from datetime import datetime

from bot.audit.chain import record_in
from bot.errors import Conflict
from bot.store import Keys
from bot.store.client import Client, adjusted, asked, moment
from bot.store.client.durability import SHARDS, Closed
from bot.store.indexes import Restored
from bot.store.memory import Mark

# Log-ins are made anew. A tick that was due since may have been fired. Which tools had been started counts for a store
# by its name, and this one gets another. What waited for a worker would be taken, whatever was held in the schedule.
_LEFT_OUT = re.compile(r"\{s\d+\}:(starts|ticks|restored|(login|session):.*|(ready|swept)(:.*)?)")
# Who was let in may have been shut out since.
_KEYS = re.compile(r"\{s\d+\}:api_keys(:used)?")


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
    """Take out of the store what must not be in it again."""
    async for key in client.scan("{s*"):
        if _LEFT_OUT.fullmatch(key) or (_KEYS.fullmatch(key) and not keeps_keys):
            await client.do("DEL", key)


async def open_up(client: Client, shards: int, restored: Restored, names: Iterable[str] = ()) -> None:
    """Let processes start: all is there, and what was unfinished is held.

    The store has another name from now on, so nobody misses in it what was done since. `names` are others that it had.
    """
    await client.do("SET", Keys(0).restored, restored.model_dump_json())
    before = Mark.parse((await client.do("GET", Keys(0).mark) or b"-").decode(errors="replace"))
    await client.do("SET", Keys(0).mark, str(before.restored(secrets.token_hex(8), names)))
    await client.do("SET", SHARDS, shards)
