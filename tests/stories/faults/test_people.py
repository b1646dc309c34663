"""People who do what they should not, all at once, twice, too late, or not at all."""

import asyncio

from tests.kit.world import World

DONE = "done: ok: press bell: done"


async def test_of_two_people_who_answer_at_once_by_mail_one_decides_and_the_other_is_told_who(world: World) -> None:
    run_id = await world.trigger("press bell")
    bos, cys = await world.next_mail("bo"), await world.next_mail("cy")

    await asyncio.gather(world.reply("bo", bos, "approved"), world.reply("cy", cys, "approved"))

    assert await world.summary(run_id) == DONE
    [record] = await world.requests()
    assert record.decision is not None
    [decider] = record.decision.by
    other, name = ("cy", "Bo Berg") if decider == "bo" else ("bo", "Cy Cole")
    told = await world.next_mail(other, about="Already decided")
    assert f"{name} approved on" in told.text
    assert world.workshop.effects == ["press bell"]


async def test_an_answer_to_an_expired_request_is_told_so(world: World) -> None:
    run_id = await world.trigger("press bell")
    card = await world.next_mail("bo")
    await world.move_time(4 * 3600 + 1)
    await world.ended(run_id)

    await world.reply("bo", card, "approved")

    assert "the request is expired" in (await world.next_mail("bo", about="nothing to answer any more")).text
    assert world.workshop.effects == []
    assert "expired" in (await world.next_mail("anna", about="Stopped")).text


async def test_a_gate_that_no_policy_stands_behind_lets_nothing_through(world: World) -> None:
    world.workshop.policy_of["bell"] = "no such policy"

    summary = await world.summary(await world.trigger("press bell"))

    assert "There is no policy 'no such policy' in sayso.toml, so nobody could approve this" in summary
    assert world.workshop.effects == []
