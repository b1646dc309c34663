"""A copy while everybody writes: all of it stood in the store at one moment."""

import asyncio
import re
from dataclasses import dataclass, field

import pytest

from bot.backup.copying import copy
from bot.backup.file import NEVER, Entry
from bot.errors import Unavailable
from bot.store.client import Client, StoreError, StoreUnavailable
from tests.bot.store.stores import a_store
from tests.servers.resp import Redis
from tests.waiting import patience, until


@dataclass
class Kept:
    """Entries as the file has them: the last one of a key counts."""

    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])
    count: int = 0

    def add(self, entry: Entry) -> None:
        self.count += 1
        self.entries[entry.key] = entry

    def there(self) -> dict[str, Entry]:
        return {key: entry for key, entry in self.entries.items() if entry.content is not None}


async def read_back(redis: Client, kept: Kept) -> dict[str, bytes | None]:
    """The texts that the copy holds, put back into an empty Redis."""
    await redis.do("FLUSHALL")
    for key, entry in kept.there().items():
        await redis.do("RESTORE", key, 0, entry.content or b"")
    return {key: await redis.do("GET", key) for key in kept.there()}


COUNTED = [f"{{s{number % 8}}}:count:{number}" for number in range(150)]


async def test_what_changes_in_several_shards_at_once_is_never_copied_half(redis: str) -> None:
    # All are counted on in one go, all the time: more than are copied in one go.
    client, writer, kept = Client(redis), Client(redis), Kept()
    for number in range(1_000):
        await client.do("SET", f"{{s{number % 8}}}:filler:{number}", "x")
    is_over = asyncio.Event()

    async def count() -> None:
        while not is_over.is_set():
            await writer.read(["MULTI"], *(["INCR", key] for key in COUNTED), ["EXEC"])

    counting = asyncio.create_task(count())
    await until(lambda: client.do("GET", COUNTED[-1]), what="it counts")

    _, keys = await copy(client, kept)

    is_over.set()
    await counting
    held = await read_back(client, kept)
    assert len({held[key] for key in COUNTED}) == 1
    assert keys == len(kept.there()) == 1_150
    await client.close()
    await writer.close()


async def test_what_is_deleted_on_the_way_is_not_in_the_copy(redis: str) -> None:
    async with a_store(redis) as store:
        client = store.client
        for number in range(400):
            await client.do("SET", f"{{s0}}:filler:{number}", "x")
        kept, deleted = Kept(), list[str]()

        class Deleting:
            """Deletes the first key that is copied, and makes another one."""

            def add(self, entry: Entry) -> None:
                kept.add(entry)
                if not deleted:
                    deleted.append(entry.key)

        async def delete() -> None:
            await until(lambda: deleted, what="one is copied")
            await client.read(["MULTI"], ["DEL", deleted[0]], ["SET", "{s1}:late", "y"], ["EXEC"])

        deleting = asyncio.create_task(delete())
        await copy(client, Deleting())
        await deleting

        assert (deleted[0] in kept.there()) == ("{s1}:late" not in kept.there())
        assert len(kept.there()) == 400


async def test_a_copy_knows_when_keys_expire_and_leaves_out_what_comes_back_by_itself(redis: str) -> None:
    async with a_store(redis) as store:
        client, kept = store.client, Kept()
        await client.do("SET", "{s0}:brief", "x", "PXAT", 4_000_000_000_000)
        await client.do("SET", "{s0}:lasting", "x")
        await client.do("SET", "another", "x")
        await client.do("SET", "{s0}:swept", "1")
        for name in ("{s0}:ready", "{s1}:ready:answers", "{s0}:ready:stop:1"):
            await client.do("ZADD", name, 0, "x")

        at, keys = await copy(client, kept)

        assert keys == 2
        assert kept.there().keys() == {"{s0}:brief", "{s0}:lasting"}
        assert abs(kept.entries["{s0}:brief"].expires_ms - 4_000_000_000_000) < 50
        assert kept.entries["{s0}:lasting"].expires_ms == NEVER
        assert abs((await store.now("s0r-aaaaaaaaaaaaa") - at).total_seconds()) < 60


async def test_writes_go_on_at_once_after_a_copy_and_after_one_that_could_not_be_made(redis: str) -> None:
    async with a_store(redis) as store:
        await store.client.do("SET", "{s0}:a", "x")
        await copy(store.client, Kept())
        await store.client.do("SET", "{s0}:a", "y")

        with pytest.raises(Unavailable, match="More changes"):  # no time at all for the last part
            await copy(store.client, Kept(), pause_ms=0)

        async with patience():
            await store.client.do("SET", "{s0}:a", "z")


async def test_writes_wait_while_what_changed_last_is_read_and_not_while_it_is_written_to_the_file(redis: str) -> None:
    async with a_store(redis) as store:
        await store.client.do("SET", "{s0}:a", "x")
        await store.client.do("CONFIG", "RESETSTAT")
        kept, beside, waits = Kept(), Redis(redis), dict[str, bool]()

        def calls(subcommand: str) -> int:
            told = beside.ask("INFO", "commandstats")
            assert isinstance(told, bytes)
            found = re.search(rf"cmdstat_client\|{subcommand}:calls=(\d+)", told.decode())
            return int(found[1]) if found else 0

        class Looking:
            """Looks whether writes wait; changes a key as the first one is copied, so that it is copied last."""

            def add(self, entry: Entry) -> None:
                if not waits:
                    beside.ask("SET", "{s0}:late", "x")
                kept.add(entry)
                waits[entry.key] = calls("pause") != calls("unpause")

        await copy(store.client, Looking())
        beside.close()

        assert waits == {"{s0}:a": False, "{s0}:late": False}


async def test_a_store_that_is_emptied_meanwhile_is_no_backup(redis: str) -> None:
    async with a_store(redis) as store:
        await store.client.do("SET", "{s0}:a", "x")
        async with store.client.changes("{s") as changes:
            await store.client.do("SET", "{s0}:b", "x")
            await store.client.do("SET", "else", "x")
            assert await changes.heard() == {"{s0}:b"}
            assert await changes.heard() == set()
            await store.client.do("FLUSHALL")
            with pytest.raises(StoreError, match="emptied"):
                await changes.heard()


async def test_a_line_that_is_cut_loses_no_change_unnoticed(redis: str) -> None:
    async with a_store(redis) as store, store.client.changes("{s") as changes:
        await changes.heard()
        await store.client.do("CLIENT", "KILL", "TYPE", "pubsub")

        with pytest.raises(StoreUnavailable):
            await changes.heard()
