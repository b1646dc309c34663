"""What was written before something begins is heard before: a stop takes longer to read than what it stops."""

from channels.email.local.maildir import names
from tests.kit.waiting import until
from tests.kit.world import World
from tests.stories.attacks.test_lost_stops import SAYSO, post_after


async def taken(world: World) -> None:
    await until(lambda: not names(world.mail.folder(world.mail.address), "new"), what="the mail is taken")


async def test_attack_an_answer_overtakes_a_stop_before_a_tool_that_nobody_has_to_approve(world: World) -> None:
    first = await world.send("anna", SAYSO, "ask-of group:release free_text Which version?\nstamp letter")
    card = await world.next_mail("bo", about="Which version?")
    [run_id] = await world.app.store.lists.runs()
    await world.quiet()
    async with world.stopped():
        await world.start(works=False)
        await post_after(world, "anna", "stop", first)
        await taken(world)
        await world.reply("bo", card, "v1")
        await taken(world)
        await world.stop()

    assert (await world.ended(run_id)).state == "cancelled"
    assert world.workshop.effects == []
