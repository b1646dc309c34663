"""Runs that wait for a handle of the outside are found by it: the newest few."""

from agents.requests import RunId
from bot.store import Store
from bot.store.indexes import RUNS_AT_MOST, note_handle, runs_of_handle
from tests.bot.store.stores import move_time

HANDLE = "acme/shop/17"
FIRST, SECOND = RunId("s0r-aaaaaaaaaaaaa"), RunId("s1r-bbbbbbbbbbbbb")


async def test_every_run_that_waits_for_a_handle_is_found_newest_first_and_once_and_of_many_the_newest(
    store: Store,
) -> None:
    runs = [RunId(f"s{number % 2}r-aaaaaaaaaaa{number:02}") for number in range(RUNS_AT_MOST + 5)]
    for number, run_id in enumerate([*runs, runs[7]]):
        await move_time(store, number)
        await note_handle(store, HANDLE, run_id, 60)

    assert await runs_of_handle(store, HANDLE) == (runs[7], *reversed([*runs[5:7], *runs[8:]]))
    assert await runs_of_handle(store, "acme/shop/18") == ()


async def test_who_waits_for_a_short_time_does_not_shorten_it_for_others(store: Store) -> None:
    await note_handle(store, HANDLE, FIRST, 3_600)
    await note_handle(store, HANDLE, SECOND, 1)

    [name] = [name async for name in store.client.scan("*:handle:*")]

    assert 3_000_000 < await store.client.do("PTTL", name) <= 3_600_000
