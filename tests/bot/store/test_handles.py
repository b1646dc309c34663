"""Runs that wait for a handle of the outside are found by it: the newest few."""

from agents.requests import RunId
from bot.store.indexes import RUNS_AT_MOST
from tests.bot.store.stores import a_store, move_time

HANDLE = "acme/shop/17"
FIRST, SECOND = RunId("s0r-aaaaaaaaaaaaa"), RunId("s1r-bbbbbbbbbbbbb")


async def test_every_run_that_waits_for_a_handle_is_found_newest_first_and_once(redis: str) -> None:
    async with a_store(redis) as store:
        await store.handles.note(HANDLE, FIRST, 60)
        await move_time(store, 1)
        await store.handles.note(HANDLE, SECOND, 60)
        await move_time(store, 2)
        await store.handles.note(HANDLE, FIRST, 60)

        assert await store.handles.runs(HANDLE) == (FIRST, SECOND)
        assert await store.handles.runs("acme/shop/18") == ()


async def test_of_many_the_newest_stay(redis: str) -> None:
    runs = [RunId(f"s0r-aaaaaaaaaaa{number:02}") for number in range(RUNS_AT_MOST + 5)]
    async with a_store(redis) as store:
        for number, run_id in enumerate(runs):
            await move_time(store, number)
            await store.handles.note(HANDLE, run_id, 60)

        assert await store.handles.runs(HANDLE) == tuple(reversed(runs[5:]))


async def test_who_waits_for_a_short_time_does_not_shorten_it_for_others(redis: str) -> None:
    async with a_store(redis) as store:
        await store.handles.note(HANDLE, FIRST, 3_600)
        await store.handles.note(HANDLE, SECOND, 1)

        [name] = [name async for name in store.client.scan("*:handle:*")]
        left_ms = await store.client.do("PTTL", name)

    assert 3_000_000 < left_ms <= 3_600_000
