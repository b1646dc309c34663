"""Retries: what is tried again, for how long, and what becomes of it in the end."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store import Keys, WorkItem
from bot.store.outbox_entry import Alert, PlaceCard
from channels import Address, Card, Channel, ChannelUnavailable, Inbound, Marks, Placement, Reading, Remembers
from tests.fakes.slow import SlowChannel
from tests.kit.waiting import patience, until
from tests.kit.world import World, a_world


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


@pytest.fixture
def mail() -> dict[str, Crowded]:
    return {}


@pytest.fixture
async def crowded(redis: str, tmp_path: Path, mail: dict[str, Crowded]) -> AsyncIterator[World]:
    """A running sayso whose mail is read by `mail`."""

    def change(world: World) -> None:
        world.through = lambda channel: mail.setdefault("email", Crowded(channel))

    async with a_world(redis, tmp_path / "data", change=change) as world:
        yield world


@pytest.mark.long
async def test_an_answer_that_no_process_could_read_for_minutes_counts_as_soon_as_one_can(
    crowded: World, mail: dict[str, Crowded]
) -> None:
    run_id = await crowded.trigger("press bell")
    card = await crowded.next_mail("bo")
    mail["email"].left = 8

    await crowded.reply("bo", card, "approve")

    await until(lambda: over(crowded, run_id), what="it is tried often enough")
    assert await crowded.summary(run_id) == "done: ok: press bell: done"
    assert await crowded.dead() == []
    assert crowded.mails("dan") == ()


@pytest.mark.long
async def test_an_answer_that_nobody_could_read_for_long_is_a_dead_letter_and_counts_when_it_is_tried_again(
    crowded: World, mail: dict[str, Crowded]
) -> None:
    run_id = await crowded.trigger("press bell")
    card = await crowded.next_mail("bo")
    mail["email"].left = 1_000

    await crowded.reply("bo", card, "approve")

    await until(lambda: given_up(crowded), what="it is given up")
    assert "too busy" in (await crowded.next_mail("dan", about="Given up")).text
    mail["email"].left = 0
    [some_id] = await crowded.app.store.lists.dead()
    await crowded.app.store.lists.requeue(WorkItem("in", some_id))
    assert await crowded.summary(run_id) == "done: ok: press bell: done"


async def test_what_is_being_sent_and_is_brought_once_more_is_not_sent_beside_it(redis: str, tmp_path: Path) -> None:
    channels = dict[str, SlowChannel]()

    def change(world: World) -> None:
        world.through = lambda channel: channels.setdefault("email", SlowChannel(channel))

    async with a_world(redis, tmp_path / "data", change=change) as world:
        run_id = await world.trigger("press bell")
        sent = channels["email"].sent
        await until(lambda: len(sent) == 2, what="both cards are on their way")

        async with patience():
            for entry in await world.unsent():
                await world.app.work.dispatcher.look(WorkItem("out", entry.id))

        assert len(sent) == 2
        channels["email"].may_return.set()
        await world.has(run_id, "waiting")


async def test_what_is_being_read_and_is_brought_once_more_is_not_read_beside_it(
    crowded: World, mail: dict[str, Crowded]
) -> None:
    mail["email"].may_read.clear()
    await crowded.send("anna", "sayso@sayso.example", "press gong")
    [name] = await until(lambda: arrived(crowded), what="it is accepted")
    await until(lambda: mail["email"].reads, what="it is being read")

    async with patience():
        await crowded.app.work.dispatcher.look(WorkItem("in", name.rpartition(":")[2]))

    assert mail["email"].reads == 1
    mail["email"].may_read.set()
    assert await until(crowded.app.store.lists.runs, what="a run begins")


async def over(world: World, run_id: str) -> bool:
    await world.move_time(5)
    return (await world.run(run_id)).ended is not None


async def given_up(world: World) -> bool:
    await world.move_time(5)
    return bool(await world.dead())


async def written(world: World, run_id: str) -> WorkItem:
    """Append an event that nobody here can read, and schedule its run."""
    event = {"type": "dreamt", "at": (await world.now()).isoformat(), "release": "another"}
    keys, item, client = Keys.of(run_id), WorkItem("run", run_id), world.app.store.client
    place = f"0-{await world.app.store.length(run_id) + 1}"
    await client.do("XADD", keys.run(run_id), place, "e", json.dumps(event), "c", "other")
    await client.do("ZADD", keys.wake, round((await world.now()).timestamp() * 1000) + 600_000, str(item))
    return item


async def test_an_event_that_can_t_be_read_is_a_dead_letter(world: World) -> None:
    run_id = await world.trigger("press bell")
    await world.next_mail("bo")
    await world.quiet()
    item = await written(world, run_id)

    for _ in range(3):
        await world.app.work.dispatcher.look(item)

    assert len(await world.dead()) == 1


async def grows(world: World, name: str, field: str) -> None:
    """Give what is stored under `name` a field that nobody here knows."""
    client = world.app.store.client
    body = json.loads(await client.do("HGET", name, field))
    await client.do("HSET", name, field, json.dumps(body | {"mood": "blue"}))


async def unreadable(world: World) -> list[WorkItem]:
    """Return the work on a request's record, on an outbox entry and on an item that came in, none of them readable."""
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
    return [WorkItem("ask", request.id), WorkItem("out", entry), WorkItem("in", name.rpartition(":")[2])]


async def arrived(world: World) -> list[str]:
    return [name async for name in world.app.store.client.scan("{s?}:inbound:*")]


async def test_records_entries_and_items_that_can_t_be_read_are_dead_letters(world: World) -> None:
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


async def test_an_alert_that_fails_in_a_way_unknown_to_its_channel_is_alerted_of_by_no_other_one(
    redis: str, tmp_path: Path
) -> None:
    def change(world: World) -> None:
        world.through = Broken

    async with a_world(redis, tmp_path / "data", change=change) as world:
        await world.trigger("press bell")
        await until(world.unsent, what="its cards are to be sent")

        for _ in range(12):  # a card is given up after three tries, and so is what tells of it
            for item in [WorkItem("out", entry.id) for entry in await world.unsent()]:
                if not any(json.loads(note)["member"] == str(item) for note in await world.dead()):
                    await world.app.work.dispatcher.look(item)

        kinds = Counter(type(entry) for entry in await world.unsent())
        assert kinds == {PlaceCard: 2, Alert: 2}
        assert len(await world.dead()) == 4
