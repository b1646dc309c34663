"""The runs that live in a thread."""

import asyncio

from bot.store import Store
from tests.bot.store.stores import RUN

THREAD, OTHER = "C01OPS/1712345678.000100", "s1r-bbbbbbbbbbbbb"
DAY_S = 24 * 3600


async def test_of_the_runs_that_lived_there_the_newest_is_known_first_each_once_and_no_more_than_nine(
    store: Store,
) -> None:
    runs = [f"s1r-bbbbbbbbbbbb{letter}" for letter in "abcdefghij"]
    for run_id in [*runs, RUN, RUN]:
        await store.threads.note("slack", THREAD, run_id)

    assert await store.threads.run_of("slack", THREAD) == RUN
    assert await store.threads.runs_of("slack", THREAD) == (RUN, *runs[::-1][:8])
    assert await store.threads.run_of("email", THREAD) is None
    assert await store.threads.run_of("slack", f"{THREAD}1") is None


async def test_of_runs_that_begin_to_live_there_at_the_same_moment_each_is_known(store: Store) -> None:
    runs = [f"s1r-bbbbbbbbbbbb{letter}" for letter in "abcd"]
    await store.threads.note("slack", THREAD, OTHER)

    await asyncio.gather(*(store.threads.note("slack", THREAD, run_id) for run_id in runs))

    assert {*await store.threads.runs_of("slack", THREAD)} == {OTHER, *runs}


async def test_a_run_that_would_begin_there_does_not_turn_out_the_one_that_lives_there(store: Store) -> None:
    await store.threads.begin("slack", THREAD, RUN)
    await store.threads.begin("slack", THREAD, OTHER)

    assert await store.threads.run_of("slack", THREAD) == RUN
    [kept] = [await store.client.do("TTL", key) async for key in store.client.scan("*:thread:*")]
    assert 399 * DAY_S < kept <= 400 * DAY_S, "for longer than a run is paused"
