"""What has left Redis is known to have, also by a store that let others leave before it kept that."""

from bot.archive.left import may_have_left
from bot.store import Keys
from tests.world import World


async def left(world: World, what: str) -> str:
    run_id = await world.trigger(f"stamp {what}")
    await world.ended(run_id)
    await world.quiet()
    await world.move_time(31 * 86_400)
    assert await world.retention() == 1
    return run_id


async def test_whoever_never_left_is_told_from_those_that_did(world: World) -> None:
    client, others = world.app.store.client, [f"s0r-{'b' * 12}{letter}" for letter in "abcdefgh"]

    before = [await may_have_left(client, one) for one in others]
    ids = [await left(world, what) for what in ("letter", "book", "card")]

    assert before == [False] * 8
    assert [await may_have_left(client, one) for one in ids] == [True] * 3
    assert [await may_have_left(client, one) for one in others] == [False] * 8


async def test_a_store_that_did_not_keep_it_from_the_first_knows_of_none(world: World) -> None:
    client, first = world.app.store.client, await left(world, "letter")
    keys = Keys.of(first)
    await client.do("DEL", keys.left)  # as in a release that kept none

    second = await left(world, "book")
    while Keys.of(second) != keys:
        second = await left(world, "book")

    assert await client.do("EXISTS", keys.left) == 0
    for run_id in (first, second, f"s{keys.shard}r-{'b' * 13}"):
        assert await may_have_left(client, run_id)
