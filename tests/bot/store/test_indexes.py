"""The runs that live in a thread."""

import asyncio

from bot.store import Store
from tests.bot.store.stores import RUN

THREAD, OTHER = "C01OPS/1712345678.000100", "s1r-bbbbbbbbbbbbb"
DAY_S = 24 * 3600


async def test_a_newer_run_lives_there_instead_of_an_older_one(store: Store) -> None:
    await store.threads.note("slack", THREAD, OTHER)
    await store.threads.note("slack", THREAD, RUN)

    assert await store.threads.run_of("slack", THREAD) == RUN


async def test_the_older_ones_are_known_behind_it_each_once_and_no_more_than_eight(store: Store) -> None:
    runs = [f"s1r-bbbbbbbbbbbb{letter}" for letter in "abcdefghij"]
    for run_id in [*runs, RUN, RUN]:
        await store.threads.note("slack", THREAD, run_id)

    assert await store.threads.runs_of("slack", THREAD) == (RUN, *runs[::-1][:8])


async def test_of_runs_that_begin_to_live_there_at_the_same_moment_each_is_known(store: Store) -> None:
    runs = [f"s1r-bbbbbbbbbbbb{letter}" for letter in "abcd"]
    await store.threads.note("slack", THREAD, OTHER)

    await asyncio.gather(*(store.threads.note("slack", THREAD, run_id) for run_id in runs))

    assert {*await store.threads.runs_of("slack", THREAD)} == {OTHER, *runs}


async def test_a_run_that_would_begin_there_does_not_turn_out_the_one_that_lives_there(store: Store) -> None:
    await store.threads.begin("slack", THREAD, RUN)
    await store.threads.begin("slack", THREAD, OTHER)

    assert await store.threads.run_of("slack", THREAD) == RUN


async def test_a_thread_of_one_channel_is_none_of_another(store: Store) -> None:
    await store.threads.note("slack", THREAD, RUN)

    assert await store.threads.run_of("email", THREAD) is None
    assert await store.threads.run_of("slack", f"{THREAD}1") is None


async def test_it_is_known_for_longer_than_a_run_is_paused(store: Store) -> None:
    await store.threads.begin("slack", THREAD, RUN)
    await store.threads.note("slack", f"{THREAD}1", RUN)

    kept = [await store.client.do("TTL", key) async for key in store.client.scan("*:thread:*")]
    assert len(kept) == 2
    assert all(399 * DAY_S < seconds <= 400 * DAY_S for seconds in kept)


async def test_a_card_more_on_the_same_day_is_not_written_down_again_and_one_on_a_later_day_keeps_it_longer(
    store: Store,
) -> None:
    await store.threads.begin("slack", THREAD, RUN)
    (key,) = [key async for key in store.client.scan("*:thread:*")]
    for left_s, kept in ((400 * DAY_S - 3600, False), (398 * DAY_S, True)):
        await store.client.do("EXPIRE", key, left_s)
        await store.threads.begin("slack", THREAD, RUN)

        assert (await store.client.do("TTL", key) > left_s) is kept
