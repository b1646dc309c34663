"""The next tick of a trigger moves on once, from what was read."""

import asyncio
from datetime import UTC, datetime, timedelta

from bot.store import Store
from bot.store.timers import Tick, Ticks
from tests.kit.guards import guards

FIRST = Tick(datetime(2026, 1, 1, 7, tzinfo=UTC))
NEXT, LATER = (Tick(FIRST.at + timedelta(days=days)) for days in (1, 2))


@guards("write_if.lua:same")
async def test_of_many_who_read_the_same_one_moves_it_on(store: Store) -> None:
    ticks = Ticks(store.client, 2)

    unseen, now = await ticks.read("stocktaking")
    first = await asyncio.gather(*(ticks.move("stocktaking", None, FIRST) for _ in range(8)))
    moved = await asyncio.gather(*(ticks.move("stocktaking", FIRST, NEXT) for _ in range(8)))
    late = await ticks.move("stocktaking", FIRST, LATER)
    held, _ = await ticks.read("stocktaking")

    assert (unseen, sum(first), sum(moved), late, held) == (None, 1, 1, False, NEXT)
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)
