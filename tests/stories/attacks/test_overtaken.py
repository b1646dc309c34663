"""What was written before something begins is heard before: a stop takes longer to read than what it stops."""

import pytest

from agents.requests import RunId
from bot.worker.queue import AT_ONCE
from channels import ChannelUnavailable, Inbound, Reading
from channels.email.local.maildir import names
from tests.fakes.slow import SlowChannel
from tests.kit.long import few_of
from tests.kit.opens import opens
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


class Unsure(SlowChannel):
    """The world's mail, which can't tell at the first look who wrote a no."""

    looks = 0

    async def read(self, inbound: Inbound) -> Reading:
        if b"the bell is cracked" in inbound.raw:
            self.looks += 1
            if self.looks == 1:
                raise ChannelUnavailable("No name server answers", "It is tried again")
        return await super().read(inbound)


def unsure(world: World) -> None:
    world.through = lambda channel: Unsure(channel, lambda _card, _to: False)


@opens(change=unsure)
async def test_attack_an_approval_overtakes_a_no_whose_writer_nothing_could_prove_for_a_second(world: World) -> None:
    record = await world.opened(RunId(await world.trigger("press bell")))
    mail = world.app.messages.channels["email"]
    assert isinstance(mail, Unsure)

    await world.reply("cy", await world.next_mail("cy"), "no, the bell is cracked")
    await until(lambda: mail.looks, what="it is looked at")
    await world.decide("bo", record, "approve")

    await world.ended(record.request.run_id)
    assert (await world.request(record.request.id)).state == "revoked"
    assert world.workshop.effects == []


@pytest.mark.parametrize(
    ("person", "wrote"),
    few_of(
        [
            ("dan", "freeze everything: incident 4711"),
            ("dan", "freeze everything: 障害が発生しています。今すぐ止めてください。4711"),
            ("anna", "stop {run}"),
        ],
        1,
        rows=True,
    ),
)
async def test_attack_a_freeze_or_a_stop_in_a_new_message_waits_for_models_while_people_approve(
    world: World, person: str, wrote: str
) -> None:
    """Of answers as many are read as before, and what they approve begins."""
    run_id = await world.trigger("press bell")
    record, card = await world.opened(run_id), await world.next_mail("bo")
    await world.quiet()
    goes_on = world.workshop.hold("facts")
    for number in range(AT_ONCE + 10):
        await world.trigger(f"stamp {number}")
    await until(lambda: len(world.workshop.started) >= AT_ONCE, what="a worker has as much as it takes")

    await world.send(person, SAYSO, wrote.format(run=run_id))
    await taken(world)
    await world.reply("bo", card, "approve")

    async def is_settled() -> bool:
        now = await world.request(record.request.id)
        return bool(world.workshop.effects or now.frozen or now.state in {"withdrawn", "revoked"})

    await until(is_settled, what="it begins or is stopped")
    assert world.workshop.effects == []
    goes_on.set()
