"""Notices a store that was put back, emptied or exchanged, and keeps everybody from it.

Whoever notices writes it where the number of shards stands, so no process starts on that store, one without a memory no
less than the others, until `sayso restore --loaded` has held what is unfinished in it.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from bot.store import Store, scripts
from bot.store.client import Client, StoreError, WentBack
from bot.store.client.durability import SHARDS, Closed, NotWhole, check_shards
from bot.store.client.errors import RESTORE_LOADED
from bot.store.format import FORMAT, OtherFormat, check_format
from bot.store.keys import Keys
from bot.store.memory import FILE, NOTHING_STARTED, Kept, Mark, Memory, Sealed, Seen, Starts, kept_in
from bot.store.timers import boot_s

log = structlog.stdlib.get_logger()

_KEYS = Keys(0)
_ID = "s{}r-aaaaaaaaaaaaa"


class OtherStore(StoreError):
    """This is another store than the one that was seen before, or it was emptied."""


@dataclass(frozen=True, slots=True)
class _Found:
    """The store as it is read at once: its format, the number of its shards, its mark; starts and heads by shard."""

    format: bytes | None
    shards: bytes | None
    mark: Mark | None
    starts: Mapping[int, Starts | None]
    heads: Mapping[int, Sealed | None]


async def begin(store: Store, folder: Path) -> None:
    """Check the store's format and shards, and what was seen of it as the data directory `folder` says; remember it.

    Raises WentBack, OtherFormat and WrongShards; OtherStore as well where it is not known what was seen.
    """
    file, client, memory = folder / FILE, store.client, store.memory
    if (kept := _kept(file)) and not await _is_restored(client, kept):
        # Before anything is written: an emptied store must not become a new one.
        memory.begin(kept.mark, file)
        memory.take_in(kept)
        try:
            await look(store)
        except OtherStore:
            if not await _is_restored(client, kept):  # since it was asked
                raise
    await check_format(client)
    await check_shards(client, store.shards)
    found = await _read(client, store.shards)
    if found.mark is None:
        raise OtherStore("This store has lost its name, so it can't be known again", RESTORE_LOADED)
    memory.begin(found.mark, file)
    seeds = [["SET", Keys(shard).starts, f"{found.mark.name} 0 {NOTHING_STARTED}", "NX"] for shard in found.starts]
    await client.read(*seeds)
    await look(store)


async def compare(client: Client, shards: int, folder: Path) -> None:
    """Compare the store with what was seen of it as `folder` says; change nothing. Raises as `begin` does."""
    memory, kept = Memory(), _kept(folder / FILE)
    if kept and not await _is_restored(client, kept):
        memory.begin(kept.mark, folder / FILE)
        memory.take_in(kept)
        await _judge(client, memory.seen(shards), await _read(client, shards), memory.file)


async def look(store: Store) -> None:
    """Compare the store with what was seen of it, and remember what is new.

    A doubt is looked at once more over connections of its own: an idle one may be to a master that was replaced. Then
    the store is closed to everybody. Raises WentBack, OtherStore, OtherFormat and NotWhole.
    """
    memory = store.memory
    if memory.mark is None:
        return
    # First, and then the store: meanwhile this process may start tools, and what is read may be older than the answer.
    began, seen = boot_s(), memory.seen(store.shards)
    found = await _read(store.client, store.shards)
    try:
        await _judge(store.client, seen, found, memory.file)
    except (WentBack, OtherStore, OtherFormat, NotWhole) as first:
        async with _another(store) as client:
            found = await _read(client, store.shards)
            try:
                await _judge(client, seen, found, memory.file)
            except (WentBack, OtherStore, OtherFormat, NotWhole) as error:
                memory.trouble = str(error)
                if isinstance(error, WentBack):
                    await _close(client, found, error)
                raise
        log.warning("a connection was to a server that has been replaced", error=str(first))
    else:
        memory.trouble = ""
        await _take_in(store, found, began)


@asynccontextmanager
async def _another(store: Store) -> AsyncGenerator[Client]:
    client = Client(store.client.url)
    try:
        yield client
    finally:
        await client.close()


def _kept(file: Path) -> Kept | None:
    try:
        return kept_in(file)
    except OSError as error:
        do = f"If Redis was not put back since, delete {file}; if it was, run `sayso restore --loaded` first"
        raise OtherStore(f"What was seen of the store is not known: {error}", do) from error


async def _is_restored(client: Client, kept: Kept) -> bool:
    """Return whether the store was restored since: what it lacks is held."""
    text = await client.do("GET", _KEYS.mark)
    return bool(text) and Mark.parse(_text(text)).is_restored_from(kept.mark)


async def _read(client: Client, shards: int) -> _Found:
    groups = [(group, [key for shard in group for key in _of_shard(shard)]) for group in client.groups(shards)]
    about = ["MGET", _KEYS.format, SHARDS, _KEYS.mark]
    (number, stored, mark), *rows = await client.read(about, *(["MGET", *keys] for _, keys in groups))
    starts, heads = dict[int, Starts | None](), dict[int, Sealed | None]()
    for (group, _), row in zip(groups, rows, strict=True):
        for place, shard in enumerate(group):
            starts[shard] = Starts.parse(_text(row[2 * place]))
            heads[shard] = Sealed.parse(_text(row[2 * place + 1]))
    return _Found(number, stored, Mark.parse(_text(mark)) if mark else None, starts, heads)


def _of_shard(shard: int) -> tuple[str, str]:
    return Keys(shard).starts, Keys(shard).audit_head


def _text(stored: bytes | None) -> str:
    return (stored or b"").decode(errors="replace")


async def _judge(client: Client, seen: Seen, found: _Found, file: Path | None) -> None:
    """Raises WentBack, OtherStore, OtherFormat or NotWhole where it is not the store that was seen."""
    if found.format is None and found.mark is None:
        raise OtherStore("This store was emptied", _begin_anew(file))
    if found.format != str(FORMAT).encode():
        raise OtherFormat(found.format)
    if found.shards is not None and not found.shards.isdigit():
        raise NotWhole(found.shards)
    if seen.mark is None:
        return
    name = found.mark.name if found.mark else ""
    if name != seen.mark.name:
        if found.mark and found.mark.is_restored_from(seen.mark):
            raise OtherStore("This store was restored since this process began", "Start the process again")
        if name in seen.mark.before:
            raise WentBack("it is as it was before it was restored")
        raise OtherStore("This is another store than before", _begin_anew(file))
    for shard, (starts, settled) in enumerate(seen.shards):
        if lost := await _lost(client, shard, found, starts, settled):
            raise WentBack(f"{lost} in shard {shard}")


def _begin_anew(file: Path | None) -> str:
    forget = f", and delete {file}" if file else ""
    return (
        "Correct SAYSO_REDIS_URL, or empty this Redis and restore a backup (`sayso restore FILE`); to begin anew with "
        f"what is there, stop every process{forget}"
    )


async def _lost(client: Client, shard: int, found: _Found, seen: Starts | None, settled: Sealed | None) -> str:
    """Return in words what the shard lacks of what was seen of it; an empty text where all is there."""
    starts, mark, end = found.starts[shard], found.mark, found.heads[shard]
    if starts and mark and starts.mark != mark.name:
        return "what is there is of another store"
    if seen and (starts is None or starts.lacks(seen)):
        return f"tools had been started {seen.number} times, and it has {_count(starts, seen)}"
    if settled is None:
        return ""
    if end is None or end.n < settled.n:
        return f"the audit log had {settled.n} records, and it has {end.n if end else 0}"
    seal = end.seal if end.n == settled.n else await _seal_of(client, shard, settled)
    return "" if seal == settled.seal else f"record {settled.n} of the audit log was another one"


def _count(starts: Starts | None, seen: Starts) -> str:
    if starts and starts.mark == seen.mark:
        return f"{starts.number}" if starts.number < seen.number else "others"
    return "none of these"


async def _seal_of(client: Client, shard: int, settled: Sealed) -> str:
    """The seal of the record with that number; where it has left for the archive, it is taken for the same."""
    keys, place = Keys(shard), f"0-{settled.n}"
    entries, archived = await client.read(["XRANGE", keys.audit_chain, place, place], ["GET", keys.audit_archived])
    if entries:
        return _text(entries[0][1].get(b"s"))
    try:
        until = int(json.loads(archived or b"{}").get("n", 0))
    except (ValueError, TypeError, AttributeError):
        return ""
    return settled.seal if until >= settled.n else ""


async def _close(client: Client, found: _Found, error: WentBack) -> None:
    """Let no process start on this store, unless it has become another one meanwhile."""
    log.error("the store went back", error=str(error))
    if not found.mark or not found.shards or not found.shards.isdigit():
        return  # nothing but a restoration begins there
    closed = Closed(kind="went_back", why=f"Nobody works on it. {error.what}", shards=int(found.shards))
    body = closed.model_dump_json(exclude_none=True)
    await client.run(scripts.close(_KEYS, str(found.mark), found.shards.decode(), body))


async def _take_in(store: Store, found: _Found, at_s: float) -> None:
    """Remember what is new by now; of starts only those that a fail-over can't lose, where that is asked for."""
    memory, new = store.memory, dict[int, Starts]()
    memory.looked_at_s = max(memory.looked_at_s, at_s)
    for shard, starts in found.starts.items():
        seen = memory.of(shard)
        seen.saw_end(found.heads[shard], at_s)
        if starts and (seen.starts is None or starts.number > seen.starts.number):
            new[shard] = starts
    have_followed = await asyncio.gather(*(store.is_replicated(_ID.format(shard)) for shard in new))
    if new and store.waits_for_replicas:  # another server than the one that was read may have said so
        found = await _read(store.client, store.shards)
    for (shard, starts), has_followed in zip(new.items(), have_followed, strict=True):
        there = found.starts[shard]
        if has_followed and there and not there.lacks(starts):
            memory.of(shard).saw_start(starts)
    memory.keep()
