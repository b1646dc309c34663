"""The runs that live in a thread."""

import asyncio

from bot.store import Store
from bot.store.indexes import begin_thread, note_thread, run_of_thread, runs_of_thread
from tests.bot.store.stores import RUN

THREAD, OTHER = "C01OPS/1712345678.000100", "s1r-bbbbbbbbbbbbb"
DAY_S = 24 * 3600


async def test_of_the_runs_that_lived_there_the_newest_is_known_first_each_once_and_no_more_than_nine(
    store: Store,
) -> None:
    runs = [f"s1r-bbbbbbbbbbbb{letter}" for letter in "abcdefghij"]
    for run_id in [*runs, RUN, RUN]:
        await note_thread(store, "slack", THREAD, run_id)

    assert await run_of_thread(store, "slack", THREAD) == RUN
    assert await runs_of_thread(store, "slack", THREAD) == (RUN, *runs[::-1][:8])
    assert await run_of_thread(store, "email", THREAD) is None
    assert await run_of_thread(store, "slack", f"{THREAD}1") is None


async def test_of_runs_that_begin_to_live_there_at_the_same_moment_each_is_known(store: Store) -> None:
    runs = [f"s1r-bbbbbbbbbbbb{letter}" for letter in "abcd"]
    await note_thread(store, "slack", THREAD, OTHER)

    await asyncio.gather(*(note_thread(store, "slack", THREAD, run_id) for run_id in runs))

    assert {*await runs_of_thread(store, "slack", THREAD)} == {OTHER, *runs}


async def test_a_run_that_would_begin_there_does_not_turn_out_the_one_that_lives_there(store: Store) -> None:
    await begin_thread(store, "slack", THREAD, RUN)
    await begin_thread(store, "slack", THREAD, OTHER)

    assert await run_of_thread(store, "slack", THREAD) == RUN
    [kept] = [await store.client.do("TTL", key) async for key in store.client.scan("*:thread:*")]
    assert 399 * DAY_S < kept <= 400 * DAY_S, "for longer than a run is paused"
