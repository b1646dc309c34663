"""The time of a shard never goes back, whatever Redis's clock does, and is never wrong for ever."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.store import Accepted, Keys, Store, WorkItem, client
from bot.store.client.durability import far_ahead
from bot.store.ids import ingress_shard
from bot.store.locks import Locks
from tests.bot.store.stores import ITEM, RUN, move_time, woken
from tests.kit.guards import guards

HOUR_S = 3600.0
# In the shard of `RUN`.
LOCK = next(name for name in map(str, range(100)) if ingress_shard(f"lock {name}", 2) == 0)


async def scripts_now(store: Store) -> datetime:
    """The time by which a script goes."""
    await Locks(store.client, store.shards, 1.0).take(LOCK, "me")
    until = await store.client.do("HGET", Keys.of(RUN).lock(LOCK), "until")
    return client.moment(until) - timedelta(seconds=1)


@guards("clock.lua:back")
async def test_time_goes_on_where_the_clock_was_set_back(store: Store) -> None:
    await move_time(store, 0)
    before = await scripts_now(store)

    await move_time(store, -10 * HOUR_S)
    after, told = await scripts_now(store), await store.now(RUN)
    await move_time(store, -10 * HOUR_S + 600)
    later = await scripts_now(store)

    assert timedelta(0) <= after - before < timedelta(minutes=1)
    assert timedelta(0) <= told - after < timedelta(minutes=1)
    assert timedelta(minutes=9) - timedelta(seconds=1) <= later - after < timedelta(minutes=10), "a tenth slower"
    ahead = await far_ahead(store.client, store.shards)
    assert ahead is not None
    assert timedelta(hours=9, minutes=58) < ahead < timedelta(hours=10)


@guards("clock.lua:meets")
async def test_a_clock_that_was_too_fast_for_a_while_is_met_again(store: Store) -> None:
    await move_time(store, HOUR_S)
    await scripts_now(store)
    await move_time(store, 0)
    await scripts_now(store)
    assert await far_ahead(store.client, store.shards)

    await move_time(store, 11 * HOUR_S)
    await scripts_now(store)

    assert await far_ahead(store.client, store.shards) is None


async def ahead_elsewhere(store: Store, shard: int) -> None:
    """The clock of one shard is an hour ahead, as where a replica with another clock has taken over."""
    await store.client.do("SET", Keys(shard).clock, round(HOUR_S * 1000))
    await store.now(RUN)


async def test_attack_work_of_one_shard_is_put_off_by_its_own_time_where_another_is_an_hour_ahead(store: Store) -> None:
    await ahead_elsewhere(store, 1)
    item = WorkItem("in", ITEM)
    await store.accept(Accepted(ITEM, "email:m1", b"body", b"raw", 60))
    await store.now("s1r-aaaaaaaaaaaaa")
    assert store.about_now(ITEM) < store.about_now("s1r-aaaaaaaaaaaaa") - timedelta(minutes=59)

    await store.push_off(item)

    assert (await woken(store))[str(item)] <= 2 * store.grace_s


async def test_attack_words_in_a_shard_that_is_an_hour_ahead_are_read_before_what_they_may_stop(store: Store) -> None:
    await ahead_elsewhere(store, 0)
    await store.accept(Accepted(ITEM, "email:m1", b"body", b"raw", 60))
    await store.now("s1r-aaaaaaaaaaaaa")

    waits_s = await store.unread_for_s()

    assert waits_s is not None
    assert 0 <= waits_s < HOUR_S


@given(st.lists(st.integers(-(10**9), 10**9), max_size=20))
def test_what_is_read_is_never_before_what_was_read(steps: list[int]) -> None:
    raw_ms, seen, last = 10**12, None, None
    for step in steps:
        raw_ms = max(10**9, raw_ms + step)
        now, ahead = client.adjusted((raw_ms // 1000, raw_ms % 1000 * 1000), [None, seen])

        assert last is None or now >= last
        assert ahead >= timedelta(0)
        last, seen = now, f"{raw_ms} {round(ahead.total_seconds() * 1000)}".encode()
