"""Agents' use of a day: each run counts once, however often and in whatever order it is told."""

from datetime import date

from agents.budgets import Limits, Spent
from bot.store import Store
from tests.kit.guards import guards

DAY, NEXT = date(2026, 3, 2), date(2026, 3, 3)
NONE = (Spent(), Limits())


async def test_runs_of_one_agent_add_up_by_day(store: Store) -> None:
    await store.days.note("desk", DAY, "r1", 4, Spent(2, 900, 0.25, 1))
    await store.days.note("desk", DAY, "r2", 3, Spent(1, 50, 0.0005))
    await store.days.note("deploy", DAY, "r3", 3, Spent(1, 7, 0.01))

    assert await store.days.look("desk", DAY) == (Spent(3, 950, 0.2505, 1), Limits())
    assert await store.days.look("desk", NEXT) == NONE


@guards("use_of_day.lua:newest")
async def test_a_run_counts_as_what_its_latest_event_says_and_was_told_of_it_last(store: Store) -> None:
    for seq, spent in ((4, Spent(1, 10)), (4, Spent(1, 10)), (9, Spent(3, 500)), (9, Spent(3, 70)), (4, Spent(1, 10))):
        await store.days.note("desk", DAY, "r1", seq, spent)

    assert await store.days.look("desk", DAY) == (Spent(3, 70), Limits())


async def test_an_answer_extends_a_day_once_and_the_furthest_counts(store: Store) -> None:
    assert await store.days.extend("desk", DAY, "q1", Limits(20, 100, 1.5))
    assert not await store.days.extend("desk", DAY, "q1", Limits(40, 400, 9.0))
    assert await store.days.extend("desk", DAY, "q2", Limits(10, 200, 0.5))

    assert await store.days.look("desk", DAY) == (Spent(), Limits(20, 200, 1.5))
    assert await store.days.look("desk", NEXT) == NONE
