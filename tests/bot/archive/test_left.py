"""What has left Redis is known to have."""

from bot.archive.left import may_have_left
from tests.kit.world import World


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
