"""Items that arrive, that are put off, and that are swept up."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.archive.leaving import Leaving
from bot.store import Accepted, Commit, Keys, Store, StoreError, Wake, WorkItem
from bot.store.client import Client
from bot.store.client.durability import ACCEPTED_LOSS, NotDurable, WrongShards, check, check_clock, check_shards, look
from bot.store.format import check_format
from bot.store.ids import new_id
from bot.store.indexes import note_handle, note_thread, run_of_thread, runs_of_handle
from bot.store.locks import Locks, MailboxStore
from tests.bot.store.stores import ITEM, OUT, RUN, append, in_a, move_time, started, woken
from tests.kit.guards import guards
from tests.kit.waiting import patience

NOTE = b"a note"


@guards("accept.lua:seen")
async def test_an_item_that_arrives_again_keeps_its_first_id_and_bytes_also_once_it_had_its_effect(
    store: Store,
) -> None:
    first = await store.accept(Accepted(ITEM, "email:m1", b"body", b"raw", 60))
    again = await store.accept(Accepted("s0i-bbbbbbbbbbbbb", "email:m1", b"other", b"other", 60))

    assert (first, again) == ((ITEM, True), (ITEM, False))
    kept = await store.inbound(ITEM)
    assert kept is not None
    assert kept.at is not None
    assert (kept.body, kept.raw, kept.at <= await store.now(ITEM)) == (b"body", b"raw", True)
    assert await store.inbound("s0i-bbbbbbbbbbbbb") is None

    await store.drop_inbound(ITEM)
    assert await store.accept(Accepted("s0i-bbbbbbbbbbbbb", "email:m1", b"body", b"raw", 60)) == (ITEM, False)
    assert await woken(store) == {}


async def test_attack_what_was_only_half_accepted_is_known_already_as_it_comes_again(store: Store) -> None:
    wake = Keys.of(ITEM).wake
    await store.client.do("SET", wake, "by hand")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        await store.accept(Accepted(ITEM, "email:m1", b"body", b"raw", 60))
    await store.client.do("DEL", wake)

    again = "s0i-bbbbbbbbbbbbb"

    assert await store.accept(Accepted(again, "email:m1", b"body", b"raw", 60)) == (again, True)
    assert f"in {again}" in await woken(store)


async def test_what_came_in_by_then_is_unread_until_it_is_handled_or_could_not_be_for_ten_seconds(store: Store) -> None:
    assert await store.unread_for_s() is None
    await store.accept(Accepted(ITEM, "email:m1", b"body", b"raw", 60))
    await move_time(store, 100)
    await store.accept(Accepted("s1i-bbbbbbbbbbbbb", "email:m2", b"body", b"raw", 60, who="anna"))
    await store.put_off(WorkItem("in", ITEM), 1)
    oldest = await store.unread_for_s()
    assert oldest is not None
    assert oldest >= 100

    await store.put_off(WorkItem("in", ITEM), 1)
    await move_time(store, 111)
    newer = await store.unread_for_s()
    assert newer is not None
    assert newer < 100
    await store.drop_inbound("s1i-bbbbbbbbbbbbb")
    assert await store.unread_for_s() is None


async def test_a_message_that_waits_is_found_behind_many_that_failed_or_wait_their_turn(store: Store) -> None:
    for number in range(120):
        inbound_id = new_id("inbound", 0)
        await store.accept(Accepted(inbound_id, f"email:m{number}", b"", b"", 60, who="anna" if number % 2 else ""))
        if not number % 2:
            await store.put_off(WorkItem("in", inbound_id), 1)
        elif number < 24:  # the first ones of somebody have their turn soon
            await store.drop_inbound(inbound_id)
    await move_time(store, 11)
    assert await store.unread_for_s() is None
    await store.accept(Accepted(ITEM, "email:last", b"body", b"raw", 60, who="bo"))

    assert await store.unread_for_s() is not None


async def test_of_many_that_arrive_at_once_as_one_item_one_is_new(store: Store) -> None:
    ids = [f"s0i-aaaaaaaaaaa{one}{two}" for one in "abcdefgh" for two in "abcdefgh"]

    known = await asyncio.gather(*(store.accept(Accepted(one, "email:m1", b"", b"", 60)) for one in ids))

    assert sum(is_new for _, is_new in known) == 1
    assert len({found for found, _ in known}) == 1


@guards("admit.lua:rate")
async def test_each_sender_is_admitted_as_often_as_allowed_in_any_window_and_what_is_handled_twice_counts_once(
    store: Store,
) -> None:
    assert [await store.admit("anna", "run 0", 3, 60) for _ in range(3)] == [True] * 3
    assert [await store.admit("anna", f"run {number}", 3, 60) for number in range(1, 4)] == [True, True, False]
    assert await store.admit("bo", "run 3", 1, 60)
    await move_time(store, 40)
    assert await store.admit("bo", "run 3", 1, 60)
    await move_time(store, 61)
    assert await store.admit("anna", "run 5", 3, 60)
    assert await store.admit("bo", "run 4", 1, 60), "handled again, it counts from when it came"


async def test_what_fails_is_put_off_twice_as_long_each_time_and_is_a_dead_letter_once_it_is_given_up(
    store: Store,
) -> None:
    item, waits, tries = WorkItem("out", OUT), list[float](), list[int]()
    for _ in range(3):
        tries.append(await store.put_off(item, 10))
        waits.append(round((await woken(store))[f"out {OUT}"]))
    assert (tries, waits) == ([1, 2, 3], [10, 20, 40])

    await store.give_up(item, NOTE)

    assert (await store.lists.dead(), await woken(store)) == ({OUT: NOTE}, {})
    assert [await store.lists.requeue(item) for _ in range(2)] == [True, False]
    assert await store.lists.dead() == {}
    assert item in await store.sweep(0)
    assert await store.put_off(item, 10) == 1, "it has all its tries again"


@guards("put_off.lua:moved_on")
async def test_a_run_that_has_moved_on_since_it_failed_has_all_its_tries(store: Store) -> None:
    tries = [await store.put_off(WorkItem("run", RUN), 10) for _ in range(2)]
    await append(store, started())
    tries += [await store.put_off(WorkItem("run", RUN), 10) for _ in range(2)]

    assert tries == [1, 2, 1, 2]


@guards("write_if.lua:same")
async def test_a_note_is_changed_or_taken_out_only_as_it_was_seen(store: Store) -> None:
    await store.accept(Accepted(ITEM, "email:m1", b"body", b"raw", 60))
    await store.hold(ITEM, NOTE)

    assert await store.lists.renote(ITEM, NOTE, b"asked")
    assert not await store.lists.renote(ITEM, NOTE, b"asked again")
    assert not await store.lists.discard(ITEM, NOTE)
    assert await store.lists.note(ITEM) == b"asked"

    assert await store.lists.discard(ITEM, b"asked")
    assert not await store.lists.renote(ITEM, b"asked", NOTE)
    assert await store.lists.dead() == {}


async def test_a_sweep_brings_what_is_due_and_puts_it_off_in_case_it_is_lost_again(store: Store) -> None:
    later = await in_a(store, 100)
    await store.commit(
        Commit(run_id=RUN, wake=[Wake(WorkItem("run", RUN)), Wake(WorkItem("ask", "s0q-aaaaaaaaaaaaa"), later)])
    )

    assert await store.sweep(0) == [], "it is fresh, so whoever was told first still has time"
    await move_time(store, 2)
    assert await store.sweep(0) == [WorkItem("run", RUN)]
    assert await store.sweep(0) == []
    await move_time(store, 101)
    assert set(await store.sweep(0)) == {WorkItem("run", RUN), WorkItem("ask", "s0q-aaaaaaaaaaaaa")}


async def test_a_sweep_brings_no_more_than_it_is_asked_for_and_the_rest_next_time(store: Store) -> None:
    await store.commit(
        Commit(run_id=RUN, wake=[Wake(WorkItem("run", f"s0r-aaaaaaaaaaaa{letter}")) for letter in "abcdef"])
    )
    await move_time(store, 2)

    first, second = await store.sweep(0, at_most=4), await store.sweep(0, at_most=4)

    assert (len(first), len(second)) == (4, 2)
    assert not set(first) & set(second)


@pytest.mark.parametrize(
    ("setting", "weak", "good"),
    [("appendfsync", "everysec", "always"), ("maxmemory-policy", "allkeys-lru", "noeviction")],
)
async def test_a_redis_that_may_lose_answers_is_refused_unless_somebody_accepts_that_in_words(
    store: Store, setting: str, weak: str, good: str
) -> None:
    assert (await look(store.client), await check(store.client, None)) == (("verified", ""), "verified")
    await store.client.do("CONFIG", "SET", setting, weak)
    try:
        with pytest.raises(NotDurable, match=rf"{setting} is '{weak}', not '{good}'.*SAYSO_ACCEPT_DURABILITY"):
            await check(store.client, "yes")
        assert await check(store.client, ACCEPTED_LOSS) == "weaker"
    finally:
        await store.client.do("CONFIG", "SET", setting, good)


async def test_the_number_of_shards_may_grow_and_not_shrink(store: Store) -> None:
    await check_shards(store.client, 4)
    await check_shards(store.client, 4)
    await check_shards(store.client, 8)

    with pytest.raises(WrongShards, match="has 8 shards and SAYSO_SHARDS is 4"):
        await check_shards(store.client, 4)


async def test_what_is_known_of_names_from_outside_is_found_once_there_are_more_shards(store: Store) -> None:
    """Each by a process that only looks, by one that notes the greater number, and by one that comes after it."""
    names = [f"name-{number}" for number in range(12)]
    await check_format(store.client)
    await check_shards(store.client, 2)
    locks = Locks(store.client, 2, 60.0)
    for name in names:
        await note_thread(store, "slack", name, RUN)
        await note_handle(store, name, RUN, 60)
        await store.remember(name, NOTE, 60)
        await locks.take(name, "first")
        assert await store.admit(name, "one", 1, 60)

    async def only_looks(store: Store) -> None:
        await store.know_shards()

    begins: tuple[Callable[[Store], Awaitable[object]], ...] = (
        only_looks, lambda store: check_shards(store.client, 8), lambda store: check_format(store.client),
    )  # fmt: skip
    for begin in begins:
        grown = Store(Client(store.client.url), 8)
        await begin(grown)
        for name in names:
            assert await run_of_thread(grown, "slack", name) == RUN
            assert await runs_of_handle(grown, name) == (RUN,)
            assert await grown.remembered(name) == NOTE
            assert (await Locks(grown.client, 8, 60.0).take(name, "second")).holder == "first"
            assert not await grown.admit(name, "two", 1, 60)
        await grown.client.close()


async def test_a_clock_that_was_moved_is_refused_outside_tests(store: Store) -> None:
    await check_clock(store.client, 2, is_test=False)
    await move_time(store, 5)

    await check_clock(store.client, 2, is_test=True)
    with pytest.raises(StoreError, match="clock of this store was moved"):
        await check_clock(store.client, 2, is_test=False)


async def test_a_redis_that_is_away_is_told_in_words_and_after_a_bound(store: Store) -> None:
    away = Client("unix:///nowhere/redis.sock", patience_s=0.1)

    with pytest.raises(StoreError, match=r"Redis does not answer: .*Nothing is lost; it is tried again"):
        async with patience():
            await away.do("PING")

    await away.close()


async def test_of_several_who_would_sweep_one_is_to_within_the_time(store: Store) -> None:
    assert [await store.is_to_sweep(shard, 60) for shard in (0, 0, 1)] == [True, False, True]


async def test_a_claim_made_while_the_clock_of_redis_was_ahead_lasts_no_longer_than_another(store: Store) -> None:
    keys, mailbox = Keys(0), MailboxStore(store.client, "support")
    leaving = Leaving(store.client)
    for name, claim in (
        (keys.swept, lambda: store.is_to_sweep(0, 60)),
        (keys.audit_sealing, lambda: store.is_to_seal(0, 60)),
        (keys.retained, lambda: leaving.is_mine(0, 60)),
        (keys.mailbox("support", "telling"), lambda: mailbox.may_tell(60)),
    ):
        assert await claim()
        await store.client.do("PEXPIRE", name, 7_200_000)

        assert not await claim()

        assert 0 < await store.client.do("PTTL", name) <= 60_000, name


async def test_a_claim_for_longer_is_not_cut_by_those_who_ask_for_less(store: Store) -> None:
    await store.keep_from_sealing(0, 600)

    assert not await store.is_to_seal(0, 60)

    assert await store.client.do("PTTL", Keys(0).audit_sealing) > 590_000
