"""An arrival is durable first and has one effect, however often it comes and whoever handles it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.requests import RunId
from bot.runs.admission import MOST_BYTES
from bot.store.ids import shard_of
from bot.store.outbox_entry import Tell
from channels import Inbound, Reply, Trigger
from channels.email.format import trace
from language import say
from tests.fakes.hallway import Hallway
from tests.kit.waiting import patience, until
from tests.kit.world import World, a_world

BOT = "sayso@sayso.example"


@pytest.fixture
async def office(redis: str, tmp_path: Path, hallway: Hallway) -> AsyncIterator[World]:
    """A running sayso whose rooms start three runs an hour."""

    def change(world: World) -> None:
        world.beside, world.toml = (hallway,), f'{world.toml}triggers_per_slack_channel = "3/h"\n'

    async with a_world(redis, tmp_path / "data", change=change) as world:
        yield world


def mail(text: str = "stamp letter", key: str = "m1", channel: str = "email") -> Inbound:
    """Return what anna wrote, as the local server stored it."""
    block = trace.write(trace.Trace(sender="anna@corp.example", recipient=BOT, login="anna@corp.example"))
    raw = block + f"From: anna@corp.example\r\nTo: {BOT}\r\nMessage-ID: <{key}@corp>\r\n\r\n{text}\r\n".encode()
    return Inbound(channel=channel, key=key, raw=raw, size_bytes=len(raw), received_at=datetime.now(UTC))


async def runs(world: World) -> list[str]:
    return [json.loads(line)["id"] for line in await world.app.store.lists.summaries() if line]


async def test_an_item_is_durable_when_it_is_accepted_and_needs_nobody_who_accepted_it(world: World) -> None:
    async with world.stopped():
        await world.start(works=False, receives=False)
        inbound_id = await world.app.messages.inbox.accept(mail())
        found = await world.app.store.inbound(inbound_id)
        assert found is not None
        assert found.raw == mail().raw
        await world.stop()

    await world.next_mail("anna", about="Done")
    assert await world.app.store.inbound(inbound_id) is None


async def test_an_item_that_is_accepted_many_times_at_once_starts_one_run(world: World) -> None:
    ids = await asyncio.gather(*(world.app.messages.inbox.accept(mail()) for _ in range(32)))
    await world.next_mail("anna", about="Done")
    again = await world.app.messages.inbox.accept(mail())
    await world.quiet()

    assert {*ids, again} == {ids[0]}
    assert len(await runs(world)) == 1
    assert world.workshop.effects == ["stamp letter"]


async def test_an_item_that_is_handled_many_times_at_once_starts_one_run(world: World) -> None:
    async with world.stopped():
        await world.start(works=False, receives=False)
        inbound_id = await world.app.messages.inbox.accept(mail())
        await asyncio.gather(*(world.app.messages.inbox.handle(inbound_id) for _ in range(16)))
        await world.app.messages.inbox.handle(inbound_id)
        await world.stop()

    await world.next_mail("anna", about="Done")
    assert len(await runs(world)) == 1
    assert world.workshop.effects == ["stamp letter"]


async def test_a_run_lives_in_the_shard_of_what_started_it(world: World) -> None:
    inbound_id = await world.app.messages.inbox.accept(mail())
    await world.next_mail("anna", about="Done")

    [run_id] = await runs(world)

    assert shard_of(run_id) == shard_of(inbound_id)
    assert run_id.partition("-")[2] == inbound_id.partition("-")[2]


async def test_a_run_is_told_where_it_was_asked(world: World) -> None:
    await world.app.messages.inbox.accept(mail())

    told = await world.next_mail("anna", about="Done")

    assert "<m1@corp>" in told.references


async def test_an_item_of_a_channel_that_this_process_has_not_is_not_lost(world: World) -> None:
    inbound_id = await world.app.messages.inbox.accept(mail(channel="pigeon"))

    with pytest.raises(LookupError, match="no channel 'pigeon' is set up in this process"):
        await world.app.messages.inbox.handle(inbound_id)

    assert await world.app.store.inbound(inbound_id) is not None


async def test_a_reply_that_names_a_delivery_of_ours_that_is_gone_is_held(world: World) -> None:
    await world.opened(await world.trigger("press bell"))
    card = await world.next_mail("bo")
    await world.quiet()  # what says where the card stands is written after it was sent
    for shard in range(world.app.store.shards):
        await world.app.store.client.do("DEL", f"{{s{shard}}}:deliveries")

    await world.reply("bo", card, "approve")

    async def held() -> bool:
        return any("no longer keeps" in note for note in await world.dead())

    await until(held)
    assert world.workshop.effects == []


async def test_what_can_not_wait_is_taken_however_much_waits_already(world: World) -> None:
    flood = mail("x" * 2_000_000)
    async with world.stopped():
        await world.start(works=False, receives=False)
        ids = [
            await world.app.messages.inbox.accept(flood.model_copy(update={"key": f"m{number}"}))
            for number in range(MOST_BYTES // len(flood.raw) + 1)
        ]

        async with patience():
            ids.append(await world.app.messages.inbox.accept(mail(key="k").model_copy(update={"can_wait": False})))

        for inbound_id in ids:
            await world.app.store.drop_inbound(inbound_id)
        await world.stop()


async def test_what_is_brought_again_by_its_key_is_one_item_though_it_begins_a_thread(
    office: World, hallway: Hallway
) -> None:
    ids = [await office.app.messages.inbox.accept(hallway.begins("anna", "stamp letter", "T1", "k1")) for _ in range(3)]

    assert len(set(ids)) == 1
    await office.ended(office.app.runs.starter.run_id(ids[0]))
    assert len(await runs(office)) == 1


def wants(person: str, text: str, room: str = "C01OPS") -> Trigger:
    return Trigger(person=person, text=text, room=room, place=f"{room}/")


async def heard(world: World, hallway: Hallway, *triggers: Trigger) -> None:
    for trigger in triggers:
        await world.app.messages.inbox.accept(hallway.item(trigger))
    await world.quiet()


async def test_more_than_may_be_started_from_a_room_is_refused_whoever_asks_and_other_rooms_go_on(
    office: World, hallway: Hallway
) -> None:
    people = ("anna", "bo", "cy")
    await heard(office, hallway, *(wants(person, f"stamp {person}") for person in people))

    await heard(office, hallway, wants("dan", "stamp dan"), wants("dan", "stamp elsewhere", room="C02"))

    assert sorted(office.workshop.effects) == ["stamp anna", "stamp bo", "stamp cy", "stamp elsewhere"]
    [told] = hallway.to("dan", "No run was started")
    assert "limits.triggers_per_slack_channel in sayso.toml" in told.summary


async def test_a_refused_trigger_is_told_to_the_person_where_it_was_written(office: World, hallway: Hallway) -> None:
    await heard(office, hallway, *(wants("anna", f"stamp {number}") for number in range(3)))
    async with office.stopped():
        await office.start(works=False, receives=False)
        await office.app.messages.inbox.handle(
            await office.app.messages.inbox.accept(hallway.item(wants("dan", "stamp dan")))
        )

        [entry] = await office.unsent()
        assert isinstance(entry, Tell)
        assert (entry.person, entry.to) == ("dan", "C01OPS/")
        await office.stop()


async def test_the_same_words_again_and_again_in_a_room_are_taken_for_a_loop(office: World, hallway: Hallway) -> None:
    async with office.stopped():
        office.toml = office.toml.replace('"3/h"', '"60/h"')

    await heard(office, hallway, *(wants("anna", "stamp letter") for _ in range(7)), wants("bo", "stamp letter"))

    assert office.workshop.effects == ["stamp letter"] * 6
    assert len(hallway.to("anna", "looks like a loop")) == 2


async def test_whoever_wrote_what_another_person_orders_decides_nothing(office: World, hallway: Hallway) -> None:
    order = Trigger(person="anna", text="press bell", thread="C1/1.1", others=("bo",))

    hallway.say(hallway.item(order, begins="C1/1.1"))
    [run_id] = await until(lambda: runs(office), what="a run has started")
    request = (await office.opened(RunId(run_id))).request

    assert (request.requesters, request.parts) == (("anna", "bo"), {"anna": "asked", "bo": "wrote"})
    assert not request.words_are_own
    held = await until(lambda: hallway.to("cy", "Press bell"), what="cy is asked")
    assert ("May not decide", "Bo Berg, who wrote to the run") in [(one.label, one.text) for one in held[0].decides]


async def test_an_answer_in_the_words_of_a_command_is_none_when_a_crash_repeats_it_after_its_question(
    office: World, hallway: Hallway
) -> None:
    """The crash comes after the effect and before the item is forgotten: here it is simply put back."""
    begun = await office.app.messages.inbox.accept(hallway.begins("anna", "ask free_text Which bell?", "T1"))
    run_id = office.app.runs.starter.run_id(begun)
    await office.opened(run_id)
    await office.quiet()
    [form] = [card.form for card in hallway.to("anna", "Which bell?") if card.form]
    words = "standing 2 times until 18:00"
    answer = hallway.item(Reply(person="anna", token=form.token, said="free_text", text=words))
    inbound_id = await office.app.messages.inbox.accept(answer)
    await office.ended(run_id)
    await office.quiet()

    await put_back(office, inbound_id, answer)
    await office.quiet()

    assert hallway.to("anna", say("again.page")) == []
    late = answer.model_copy(update={"key": "late"})
    await office.app.messages.inbox.accept(late)
    await office.quiet()
    assert len(hallway.to("anna", say("again.page"))) == 1


async def put_back(world: World, inbound_id: str, item: Inbound) -> None:
    """`item` is there again under its id, and is handled."""
    arrived = item.model_dump_json(include={"channel", "key", "size_bytes", "is_answer", "received_at"})
    name = f"{{s{inbound_id[1]}}}:inbound:{inbound_id}"
    at = round((await world.now()).timestamp() * 1000)
    await world.app.store.client.do("HSET", name, "body", arrived, "raw", item.raw, "at", at)
    await world.app.messages.inbox.handle(inbound_id)
