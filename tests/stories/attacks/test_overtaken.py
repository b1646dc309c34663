"""What was written before something begins is heard before: a stop takes longer to read than what it stops."""

import asyncio
from pathlib import Path

import pytest

from agents.requests import RunId
from bot.worker.queue import AT_ONCE
from channels import ChannelUnavailable, Inbound, Reading
from channels.email.local.maildir import names
from tests.bot.web.api.test_asking_approval import asked, begun, vote
from tests.bot.web.problems import refused
from tests.fakes.far import a_line
from tests.fakes.slow import SlowChannel
from tests.kit.long import few_of
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.web import serving
from tests.stories.attacks.test_lost_stops import SAYSO, post_after
from tests.stories.people.test_departures import SHARED


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


async def test_attack_an_answer_overtakes_a_stop_before_a_tool_of_a_run_that_is_started_by_it(world: World) -> None:
    first = await world.send("anna", SAYSO, "ask-of group:release free_text Which version?\nstart_run stamp letter")
    card = await world.next_mail("bo", about="Which version?")
    await world.quiet()
    async with world.stopped():
        await world.start(works=False)
        await post_after(world, "anna", "stop", first)
        await taken(world)
        await world.reply("bo", card, "v1")
        await taken(world)
        await world.stop()

    await world.quiet()
    assert world.workshop.effects == []


async def test_attack_a_run_is_resumed_before_the_stop_is_read_that_came_while_it_was_paused(world: World) -> None:
    goes_on = world.workshop.hold("letter")
    first = await world.send("anna", SAYSO, "stamp letter\nstamp parcel")
    await until(lambda: world.workshop.started, what="the first tool runs")
    [run_id] = map(RunId, await world.app.store.lists.runs())
    await world.steer(run_id, "pause", "dan")
    goes_on.set()
    await world.quiet()
    async with world.stopped():
        await world.start(works=False)
        await post_after(world, "anna", "stop", first)
        await taken(world)
        await world.steer(run_id, "resume", "dan")
        await world.stop()

    assert (await world.ended(run_id)).state == "cancelled"
    assert world.workshop.effects == ["stamp letter"]


class Unsure(SlowChannel):
    """The world's mail, which can't tell at the first look who wrote that the bell is cracked."""

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


@opens(change=unsure)
async def test_attack_an_approval_overtakes_a_freeze_whose_writer_nothing_could_prove_for_a_second(
    world: World,
) -> None:
    record = await world.opened(RunId(await world.trigger("press bell")))
    mail = world.app.messages.channels["email"]
    assert isinstance(mail, Unsure)

    await world.send("dan", SAYSO, "freeze everything: the bell is cracked")
    await until(lambda: mail.looks, what="it is looked at")
    await world.decide("bo", record, "approve")

    await settled(world, record.request.id)
    assert world.workshop.effects == []


@opens(change=unsure)
async def test_attack_an_approval_overtakes_a_no_that_came_long_before_a_start_at_which_nothing_proves_its_writer(
    world: World,
) -> None:
    record = await world.opened(RunId(await world.trigger("press bell")))
    no, yes = await world.next_mail("cy"), await world.next_mail("bo")
    await world.quiet()
    async with world.stopped():
        await world.start(works=False)
        await world.reply("cy", no, "no, the bell is cracked")
        await taken(world)
        await world.reply("bo", yes, "approve")
        await taken(world)
        await world.stop()
        await world.move_time(60)

    await settled(world, record.request.id)
    assert world.workshop.effects == []


async def test_attack_a_program_begins_before_a_denial_in_a_new_message_is_read(world: World) -> None:
    async with serving(world.app) as api:
        _, key = await api.key(None, "trigger", "read", service="ci", acts_for=["anna"], asks=["policy:production"])
        request = await asked(api.with_key(key))
        await vote(await api.client("bo"), request)
        await world.quiet()
    await world.stop()
    await world.start(works=False)
    await world.send("cy", SAYSO, f"deny {request['id']}: the wrong volume")
    await taken(world)
    async with serving(world.app) as api:
        refused(await begun(api.with_key(key), request), 409, "not-now")
    await world.stop()
    await world.start()

    await world.ended(request["run_id"])
    assert (await world.request(request["id"])).state == "revoked"


async def test_attack_a_freeze_in_a_new_message_waits_for_models_where_the_store_is_slow(
    redis: str, tmp_path: Path
) -> None:
    """Another process receives mail: a worker reads at once what it has received itself."""

    def shared(world: World) -> None:
        world.environ = SHARED

    async with a_line(redis) as line, a_world(line.url, tmp_path / "data", change=shared) as world:
        record = await world.opened(RunId(await world.trigger("press bell")))
        goes_on = world.workshop.hold("facts")
        await asyncio.gather(*(world.trigger(f"stamp {number}") for number in range(40)))
        await until(lambda: len(world.workshop.started) == 40, what="a worker has much to do")
        receiver = World(line.url, tmp_path / "other", environ=SHARED)
        await receiver.start(works=False)
        line.one_way_s = 0.03
        for number in (40, 41):  # each of two that wait for a message already takes one more
            await receiver.send("anna", SAYSO, f"stamp {number}")
        await until(lambda: len(world.workshop.started) == 42, what="they are taken")

        await receiver.send("dan", SAYSO, "freeze everything: incident 4711")
        await taken(receiver)
        await receiver.decide("bo", record, "approve")

        await settled(world, record.request.id)
        assert world.workshop.effects == []
        line.one_way_s = 0.0
        goes_on.set()
        await receiver.stop()


async def settled(world: World, request_id: str) -> None:
    async def is_settled() -> bool:
        now = await world.request(request_id)
        return bool(world.workshop.effects or now.frozen or now.state in {"withdrawn", "revoked", "denied"})

    await until(is_settled, what="it begins or is stopped")


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

    await settled(world, record.request.id)
    assert world.workshop.effects == []
    goes_on.set()
