"""Whoever meddles with the newest records is found within the hour, without anybody asking."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import pytest

from agents.requests import PersonId
from bot.audit.chain import Head
from bot.audit.forgetting import Forgetting
from bot.audit.health import ends_elsewhere
from bot.audit.log import AuditLog
from bot.audit.sealer import Sealer, head_of
from bot.audit.watching import AuditWatch
from bot.errors import Invalid
from bot.store import Keys, Store
from bot.store.watch import ended
from language import speaking
from tests.bot.audit.parts import KEY, Names, a_reader, a_sealer, announced, sealed_all, verified
from tests.bot.store.stores import append, paused, started
from tests.kit.waiting import until
from tests.kit.world import World

CHAIN, HEAD = Keys(0).audit_chain, Keys(0).audit_head


class Told(list[str]):
    """What the operators hear."""

    async def alert(self, near: str, words: Callable[[], tuple[str, str]]) -> None:
        with speaking("en"):
            self.append(" ".join(words()))


async def looked(store: Store, keys: Callable[[], list[bytes]] = lambda: [KEY]) -> Told:
    told = Told()
    await asyncio.wait_for(AuditWatch(store, a_reader(store), keys, told.alert).look(), 10)
    return told


async def sealed_log(store: Store, records: int) -> None:
    await append(store, started(), expect=0)
    for _ in range(records):
        await append(store, paused())
    await sealed_all(store)


async def put_back(store: Store, shard: int) -> None:
    """Have the head of a shard name its second record."""
    entries = await store.client.do("XRANGE", Keys(shard).audit_chain, "0-2", "0-2")
    await store.client.do("SET", Keys(shard).audit_head, f"s{shard}:2:{entries[0][1][b's'].decode()}")


@pytest.mark.parametrize(
    "meddling", ["", "end cut", "head set back", "head no text", "record added", "all cut", "record changed"]
)
async def test_attack_what_is_changed_at_the_end_of_the_log_is_told_to_operators_and_nothing_where_nobody_touched_it(
    store: Store, meddling: str
) -> None:
    await sealed_log(store, 3)
    match meddling:
        case "":
            pass
        case "end cut":
            await store.client.do("XDEL", CHAIN, "0-3")
        case "head set back":
            await put_back(store, 0)
        case "head no text":
            await store.client.do("SET", HEAD, b"\xff\xfe")
        case "record added":
            await store.client.do("XADD", CHAIN, "0-4", "b", "{}", "s", "0" * 64)
        case "all cut":
            await store.client.do("DEL", CHAIN)
        case _:
            await store.client.do("DEL", CHAIN)
            await store.client.do("XADD", CHAIN, "0-3", "b", "{}", "s", (await head_of(store, 0)).seal)

    told = await looked(store)
    assert all("Something is wrong with the audit log" in one for one in told)
    assert (bool(told), bool((await verified(store)).findings)) == (bool(meddling), bool(meddling))
    ends = [] if meddling in {"", "record changed"} else [0]
    assert await ends_elsewhere(store.client, store.shards) == ends


async def test_attack_what_is_wrong_is_told_though_something_else_was_told_that_day(store: Store) -> None:
    await sealed_log(store, 3)
    head = await store.client.do("GET", HEAD)
    await put_back(store, 0)
    [first] = await looked(store)

    assert await looked(store) == [], "the same is told once a day"
    await store.client.do("XADD", Keys(1).audit_chain, "0-7", "b", "{}")
    [second] = await looked(store)
    await store.client.do("SET", HEAD, head)
    await store.client.do("DEL", Keys(1).audit_chain)
    assert await looked(store) == []
    await put_back(store, 0)
    [third] = await looked(store)

    assert "shard 1" not in first
    assert second.index("shard 1, record 7") < second.index("shard 0, record 3"), "what is new stands first"
    assert third == first, "what was right in between is news again"


async def test_what_is_wrong_is_no_news_as_its_error_is_worded_otherwise(store: Store) -> None:
    await sealed_log(store, 3)
    await store.client.do("SET", Keys(1).audit_head, "is none")
    assert len(await looked(store)) == 1

    await store.client.do("SET", Keys(1).audit_head, "none either")

    assert await looked(store) == []


async def test_attack_more_that_is_removed_beside_what_is_gone_is_news(store: Store) -> None:
    await sealed_log(store, 9)
    for place in (5, 4):
        await store.client.do("XDEL", CHAIN, f"0-{place}")
        assert len(await looked(store)) == 1
    await store.client.do("XDEL", CHAIN, "0-9")
    assert len(await looked(store)) == 1


async def test_records_that_are_gone_are_no_news_as_fewer_of_them_are_among_the_newest(store: Store) -> None:
    await sealed_log(store, 9)
    await store.client.do("XDEL", CHAIN, *(f"0-{place}" for place in range(3, 8)))
    reader = a_reader(store)

    found = [await reader.verify_newest([KEY], most=most) for most in (7, 6)]

    first, second = ([finding.fact for finding in each if "no record" in finding.what] for each in found)
    assert first == second != []
    assert found[0] != found[1]


async def test_what_waits_to_be_sealed_is_wrong_only_if_it_still_waits_and_news_once_whichever_process_looks(
    store: Store,
) -> None:
    await sealed_log(store, 1)
    await store.client.do("XADD", Keys(1).audit_new, "1764000000000-0", "kind", "refused", "body", "{}")
    told = Told()
    first, other = (AuditWatch(store, a_reader(store), lambda: [KEY], told.alert) for _ in range(2))

    assert not await first.look()
    assert told == []
    assert await first.look()
    assert "wait to be sealed" in told[0]
    for watch in (other, first, other):
        await watch.look()

    assert len(told) == 1


async def test_attack_what_waits_to_be_sealed_is_not_seen_where_redis_s_clock_was_ahead_before(store: Store) -> None:
    await sealed_log(store, 1)
    new, told = Keys(0).audit_new, Told()
    ahead = await store.client.do("XADD", new, f"{round((time.time() + 86_400) * 1000)}-0", "note", "{}")
    await store.client.do("XDEL", new, ahead)  # it came while the clock was a day ahead, and was sealed
    watch = AuditWatch(store, a_reader(store), lambda: [KEY], told.alert)

    for _ in range(3):  # nothing waits for longer than from one look to the next
        await append(store, paused())
        await watch.look()
        await a_sealer(store).seal(0)
    assert told == []
    await append(store, paused())
    for shard in (0, 1, 1):
        await AuditLog(store).note("refused", proof=None, near=f"s{shard}r-aaaaaaaaaaaaa")
        await watch.look()
        await a_sealer(store).seal(1)

    assert len(told) == 1
    assert "wait to be sealed" in told[0]


async def test_attack_operators_hear_of_another_shard_on_the_same_day(world: World) -> None:
    client, watch = world.app.store.client, world.app.work.audit
    for shard, word in ((0, "shard 0"), (1, "shard 1")):
        await client.do("XADD", Keys(shard).audit_chain, "0-700", "b", "{}")

        await watch.look()
        await watch.look()

        told = await world.next_mail("dan", about="Something is wrong with the audit log")
        assert f"{word}, record 700" in " ".join(told.text.split())
    await world.quiet()
    assert len(world.mails("dan")) == 2


async def test_attack_what_hides_that_people_were_told_ends_no_check(store: Store) -> None:
    await sealed_log(store, 3)
    await put_back(store, 0)
    for _ in range(2):
        await store.client.do("DEL", Keys(0).audit_told)
        await store.client.do("HSET", Keys(0).audit_told, "a", "b")
        assert len(await looked(store)) == 1
    await store.client.do("SET", Keys(0).audit_told, "{")
    assert len(await looked(store)) == 1


async def test_of_a_long_log_the_newest_records_are_checked(store: Store) -> None:
    await sealed_log(store, 9)
    reader = a_reader(store)
    await store.client.do("XDEL", CHAIN, "0-4")

    assert [finding.n for finding in await reader.verify_newest([KEY], most=9)] == [4]
    assert await reader.verify_newest([KEY], most=4) == []


class Followed(Sealer):
    """A sealer after whose first batch something is noted of Bo, and sealed by another."""

    is_first = True

    async def seal(self, shard: int, *, rests: bool = False) -> Head | None:
        head = await super().seal(shard, rests=rests)
        if self.is_first:
            self.is_first = False
            await AuditLog(self._store).note("frozen", who=PersonId("bo"), words="once more", proof=None)
            await a_sealer(self._store).seal(shard)
        return head


@pytest.mark.parametrize("most", [1, 2, 3])
async def test_attack_what_was_sealed_of_somebody_while_they_were_forgotten_is_said_to_be_deleted_by_somebody_else(
    store: Store, most: int
) -> None:
    await AuditLog(store).note("frozen", who=PersonId("bo"), words="because", proof=None)
    await sealed_all(store)

    assert await Forgetting(store, Followed(store, Names(), lambda: KEY, announced)).forget("bo") == 2

    assert await a_reader(store).verify_newest([KEY], most) == []


UNREADABLE = {
    CHAIN: "WRONGTYPE", Keys(0).audit_kept: "WRONGTYPE", Keys(0).audit_people: "WRONGTYPE", HEAD: "is no head",
    Keys(0).audit_archived: "can't be read", Keys(0).audit_new: "WRONGTYPE",
}  # fmt: skip


@pytest.mark.parametrize("key", UNREADABLE)
async def test_attack_a_log_that_cannot_be_read_is_told_to_operators_and_ends_no_check(store: Store, key: str) -> None:
    await sealed_log(store, 3)
    await store.client.do("SET", key, "something else")
    await store.client.do("XADD", Keys(1).audit_chain, "0-7", "b", "{}")

    [told] = await looked(store)

    assert UNREADABLE[key] in told
    assert "shard 1, record 7" in told
    assert UNREADABLE[key] in " ".join(map(str, (await verified(store)).findings))


async def test_attack_a_key_that_is_gone_or_may_not_be_read_is_told_to_operators(store: Store) -> None:
    def gone() -> list[bytes]:
        raise Invalid("SAYSO_SECRET_KEY is not set", "Set it")

    assert "SAYSO_SECRET_KEY is not set" in " ".join(await looked(store, gone))


async def test_attack_a_log_that_an_acl_hides_is_told_to_operators(store: Store) -> None:
    await sealed_log(store, 3)
    await store.client.do("ACL", "SETUSER", "default", "-xrange")
    try:
        [told] = await looked(store)
    finally:
        await store.client.do("ACL", "SETUSER", "default", "+xrange")

    assert "no permissions" in told


STRAYS = (
    ("*", "b", "{}"),
    ("1764000000000-3", "b", "{}", "s", "0"),
    ("0-9", "x", "y"),
    ("0-9", "b", "\xff"),
    ("0-9", "b", '{"n": 9, "shard": 0, "at": "2026-01-01T00:00:00Z", "people": null}'),
    ("0-9", "b", r'{"n": "\ud800", "shard": 0, "at": "2026-01-01T00:00:00Z"}'),
    ("0-9", "b", '{"n": 9, "shard": 0, "at": "today", "key": []}'),
)


@pytest.mark.parametrize("entry", STRAYS, ids=str)
async def test_attack_an_entry_that_is_no_record_is_told_to_operators_and_ends_no_check(
    store: Store, entry: tuple[str, ...]
) -> None:
    await sealed_log(store, 3)
    await store.client.do("XADD", CHAIN, *entry)
    await store.client.do("XADD", Keys(1).audit_chain, "0-7", "b", "{}")

    [told] = await looked(store)

    assert "shard 0" in told.encode().decode()
    assert "shard 1, record 7" in told
    found = await asyncio.wait_for(verified(store), 10)
    assert {one.shard for one in found.findings} == {0, 1}
    assert found.records >= 4


async def test_of_several_processes_one_looks_in_an_hour(store: Store) -> None:
    await sealed_log(store, 3)
    looks, looked = list[int](), Keys(0).audit_looked

    def keys() -> list[bytes]:
        looks.append(1)
        return [KEY]

    async def asks() -> int:
        return (await store.client.do("INFO", "commandstats"))["cmdstat_set"]["calls"]

    watches = [AuditWatch(store, a_reader(store), keys, Told().alert) for _ in range(3)]
    tasks = [asyncio.create_task(one.keep_looking(0.01)) for one in watches]
    try:
        for number in (1, 2):
            await until(partial(have, looks, number), what="one looks")
            await until(partial(is_claimed, store), what="the others know")
            asked = await asks()
            await until(partial(exceeds, asks, asked + 9), what="all ask again")
            assert len(looks) == number
            await store.client.do("DEL", looked)
    finally:
        await ended(tasks)


def have(looks: Sequence[int], number: int) -> bool:
    return len(looks) == number


async def is_claimed(store: Store) -> bool:
    return await store.client.do("PTTL", Keys(0).audit_looked) > 3_000_000


async def exceeds(asks: Callable[[], Awaitable[int]], number: int) -> bool:
    return await asks() > number
