"""Redis's clock was ahead for a while and was put right: sayso's stays ahead for hours, and people's never were."""

from bot.store.client import moment
from bot.store.client.durability import far_ahead
from bot.store.keys import Keys
from tests.kit.waiting import until
from tests.kit.world import World

_TWO_HOURS_S = 2 * 3600


async def _put_right(world: World) -> None:
    """The clock was two hours ahead, as each shard has seen, and is no more."""
    await world.move_time(_TWO_HOURS_S)
    store, ahead = world.app.store, world.about_now()

    async def have_seen() -> bool:
        seen = [await store.client.do("GET", Keys(shard).clock_seen) for shard in range(store.shards)]
        return all(one and moment(one.split()[0]) >= ahead for one in seen)

    await until(have_seen, what="each shard has seen that clock")
    await world.move_time(-_TWO_HOURS_S)
    assert await far_ahead(store.client, store.shards)


async def test_attack_an_approval_by_mail_is_said_to_be_written_before_its_card_where_redis_s_clock_was_put_right(
    world: World,
) -> None:
    await _put_right(world)
    run_id = await world.trigger("press bell")
    await world.reply("bo", await world.next_mail("bo", "Press bell?"), "approve")

    await world.quiet()

    assert (await world.run(run_id)).ended, (await world.next_mail("bo")).text
    assert world.workshop.effects == ["press bell"]
