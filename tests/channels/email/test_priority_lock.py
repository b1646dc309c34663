import asyncio

from hypothesis import given
from hypothesis import strategies as st

from channels.email.priority_lock import PriorityLock
from tests.kit.waiting import patience


async def _drive(turns: PriorityLock, order: list[int], inside: list[int], number: int, rank: int) -> None:
    async with turns.turn(rank):
        inside.append(number)
        try:
            assert inside == [number], "one at a time"
            await asyncio.sleep(0)
            order.append(number)
        finally:
            inside.remove(number)


async def test_the_lowest_rank_goes_first_and_of_the_same_rank_who_came_first() -> None:
    turns, order, inside = PriorityLock(), list[int](), list[int]()
    ranks = [9, 2, 1, 2, 0, 1]

    await asyncio.gather(*(_drive(turns, order, inside, number, rank) for number, rank in enumerate(ranks)))

    assert order == [0, 4, 2, 5, 1, 3], "the first one found nobody there"
    assert not turns.is_taken


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), max_size=12))
def test_whoever_goes_away_takes_nobody_s_turn(people: list[tuple[int, int]]) -> None:
    async def story() -> None:
        turns, order, inside = PriorityLock(), list[int](), list[int]()
        tasks = [
            asyncio.create_task(_drive(turns, order, inside, number, rank)) for number, (rank, _) in enumerate(people)
        ]
        for step in range(13):
            await asyncio.sleep(0)
            for (_, leaves), task in zip(people, tasks, strict=True):
                if leaves == step:
                    task.cancel()
        async with patience():
            found = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(error is None or isinstance(error, asyncio.CancelledError) for error in found)
        assert not turns.is_taken

    asyncio.run(story())
