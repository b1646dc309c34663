"""Retries: what is tried again, for how long, and what becomes of it in the end."""

import asyncio
import json
from collections import Counter

import pytest

from bot.store import Keys, WorkItem
from bot.store.outbox_entry import Alert, PlaceCard
from channels import Address, Card, Channel, ChannelUnavailable, Inbound, Marks, Placement, Reading, Remembers
from tests.fakes.slow import SlowChannel
from tests.kit.opens import opens
from tests.kit.waiting import patience, until
from tests.kit.world import World


class Crowded:
    """The world's mail on a machine that is too busy to read any of it, `left` times, or before it `may_read`."""

    def __init__(self, channel: Channel) -> None:
        self._channel, self.name, self.edits = channel, channel.name, channel.edits
        self.receive, self.address = channel.receive, channel.address
        self.send, self.update = channel.send, channel.update
        self.left, self.reads, self.may_read = 0, 0, asyncio.Event()
        self.may_read.set()

    def remember_in(self, marks: Marks) -> None:
        if isinstance(self._channel, Remembers):
            self._channel.remember_in(marks)

    async def read(self, inbound: Inbound) -> Reading:
        self.reads += 1
        await self.may_read.wait()
        if self.left:
            self.left -= 1
            raise ChannelUnavailable("The machine is too busy", "The mail is read again later")
        return await self._channel.read(inbound)


def busy(world: World) -> None:
    world.through = Crowded


crowded = opens(change=busy)
"""Whose mail is read on a machine that is too busy."""


def mail_of(world: World) -> Crowded:
    found = world.app.messages.channels["email"]
    assert isinstance(found, Crowded)
    return found


@crowded
@pytest.mark.long
async def test_an_answer_that_nobody_could_read_for_long_is_a_dead_letter_and_counts_when_it_is_tried_again(
    world: World,
) -> None:
    run_id = await world.trigger("press bell")
    card = await world.next_mail("bo")
    mail_of(world).left = 1_000

    await world.reply("bo", card, "approve")

    await until(lambda: given_up(world), what="it is given up")
    assert "too busy" in (await world.next_mail("dan", about="Given up")).text
    mail_of(world).left = 0
    [some_id] = await world.app.store.lists.dead()
    await world.app.store.lists.requeue(WorkItem("in", some_id))
    assert await world.summary(run_id) == "done: ok: press bell: done"


def slow(world: World) -> None:
    world.through = SlowChannel


@opens(change=slow)
async def test_what_is_being_sent_and_is_brought_once_more_is_not_sent_beside_it(world: World) -> None:
    mail = world.app.messages.channels["email"]
    assert isinstance(mail, SlowChannel)
    run_id = await world.trigger("press bell")
    await until(lambda: len(mail.sent) == 2, what="both cards are on their way")

    async with patience():
        for entry in await world.unsent():
            await world.app.work.dispatcher.look(WorkItem("out", entry.id))

    assert len(mail.sent) == 2
    mail.may_return.set()
    await world.has(run_id, "waiting")


@crowded
async def test_what_is_being_read_and_is_brought_once_more_is_not_read_beside_it(world: World) -> None:
    mail_of(world).may_read.clear()
    await world.send("anna", "sayso@sayso.example", "press gong")
    [name] = await until(lambda: arrived(world), what="it is accepted")
    await until(lambda: mail_of(world).reads, what="it is being read")

    async with patience():
        await world.app.work.dispatcher.look(WorkItem("in", name.rpartition(":")[2]))

    assert mail_of(world).reads == 1
    mail_of(world).may_read.set()
    assert await until(world.app.store.lists.runs, what="a run begins")


async def given_up(world: World) -> bool:
    await world.move_time(5)
    return bool(await world.dead())


async def grows(world: World, name: str, field: str) -> None:
    """Give what is stored under `name` a field that nobody here knows."""
    client = world.app.store.client
    body = json.loads(await client.do("HGET", name, field))
    await client.do("HSET", name, field, json.dumps(body | {"mood": "blue"}))


async def unreadable(world: World) -> list[WorkItem]:
    """Return the work on a record, an outbox entry, an item that came in and a run, none of them readable."""
    run_id = await world.trigger("press bell")
    request = (await world.opened(run_id)).request
    await world.quiet()
    await world.stop()
    await world.start(works=False)
    client, keys = world.app.store.client, Keys.of(run_id)
    await grows(world, keys.request(request.id), "body")
    await world.app.messages.outbox.alert(run_id, lambda: ("Look", "at this"))
    [entry] = [name.decode() for name in await client.do("HKEYS", keys.outbox)]
    await grows(world, keys.outbox, entry)
    await world.send("anna", "sayso@sayso.example", "press gong")
    [name] = await until(lambda: arrived(world), what="it is accepted")
    await grows(world, name, "body")
    run = await world.trigger("press gong")
    event = {"type": "dreamt", "at": (await world.now()).isoformat(), "release": "another"}
    place = f"0-{await world.app.store.length(run) + 1}"
    await client.do("XADD", Keys.of(run).run(run), place, "e", json.dumps(event), "c", "other")
    came = name.rpartition(":")[2]
    return [WorkItem("ask", request.id), WorkItem("out", entry), WorkItem("in", came), WorkItem("run", run)]


async def arrived(world: World) -> list[str]:
    return [name async for name in world.app.store.client.scan("{s?}:inbound:*")]


async def test_records_entries_items_and_events_that_can_t_be_read_are_dead_letters(world: World) -> None:
    world.is_tampered = True
    items = await unreadable(world)

    for _ in range(3):
        for item in items:
            await world.app.work.dispatcher.look(item)

    assert {json.loads(note)["member"] for note in await world.dead()} == {str(item) for item in items}


class Broken(Crowded):
    """The world's mail, which fails in a way that no channel knows of whenever something is to be sent."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self.send = self._fail

    async def _fail(self, card: Card, to: Address, key: str) -> Placement:
        raise LookupError(key)


def breaks(world: World) -> None:
    world.through = Broken


@opens(change=breaks)
async def test_an_alert_that_fails_in_a_way_unknown_to_its_channel_is_alerted_of_by_no_other_one(world: World) -> None:
    await world.trigger("press bell")
    await until(world.unsent, what="its cards are to be sent")

    for _ in range(12):  # a card is given up after three tries, and so is what tells of it
        for item in [WorkItem("out", entry.id) for entry in await world.unsent()]:
            if not any(json.loads(note)["member"] == str(item) for note in await world.dead()):
                await world.app.work.dispatcher.look(item)

    kinds = Counter(type(entry) for entry in await world.unsent())
    assert kinds == {PlaceCard: 2, Alert: 2}
    assert len(await world.dead()) == 4
