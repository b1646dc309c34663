"""An arrival is durable first and has one effect, however often it comes and whoever handles it."""

import asyncio
from datetime import UTC, datetime

import pytest

from agents.requests import RunId
from bot.store.ids import shard_of
from channels import Inbound, Reply, Trigger
from channels.email.format import trace
from language import say
from tests.bot.inbound.test_follow_ups import brought_back, runs
from tests.fakes.hallway import Hallway
from tests.kit.office import TOML
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World

BOT = "sayso@sayso.example"


in_rooms = opens(f'{TOML}triggers_per_slack_channel = "3/h"\n', beside=["hallway"])
"""Whose rooms start three runs an hour."""


def mail(text: str = "stamp letter", key: str = "m1", channel: str = "email") -> Inbound:
    """Return what anna wrote, as the local server stored it."""
    block = trace.write(trace.Trace(sender="anna@corp.example", recipient=BOT, login="anna@corp.example"))
    raw = block + f"From: anna@corp.example\r\nTo: {BOT}\r\nMessage-ID: <{key}@corp>\r\n\r\n{text}\r\n".encode()
    return Inbound(channel=channel, key=key, raw=raw, size_bytes=len(raw), received_at=datetime.now(UTC))


async def test_an_item_is_durable_when_it_is_accepted_and_starts_one_run_however_often_it_comes_and_is_handled(
    world: World,
) -> None:
    async with world.stopped():
        await world.start(works=False, receives=False)
        ids = await asyncio.gather(*(world.app.messages.inbox.accept(mail()) for _ in range(32)))
        found = await world.app.store.inbound(ids[0])
        assert found is not None
        assert found.raw == mail().raw
        await asyncio.gather(*(world.app.messages.inbox.handle(ids[0]) for _ in range(16)))
        await world.app.messages.inbox.handle(ids[0])
        await world.stop()

    told = await world.next_mail("anna", about="Done")
    again = await world.app.messages.inbox.accept(mail())
    await world.quiet()

    assert "<m1@corp>" in told.references, "a run is told where it was asked"
    assert ({*ids, again}, await world.app.store.inbound(ids[0])) == ({ids[0]}, None)
    [run_id] = await runs(world)
    assert (shard_of(run_id), run_id.partition("-")[2]) == (shard_of(ids[0]), ids[0].partition("-")[2])
    assert world.workshop.effects == ["stamp letter"]


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


def wants(person: str, text: str, room: str = "C01OPS") -> Trigger:
    return Trigger(person=person, text=text, room=room, place=f"{room}/")


async def heard(world: World, hallway: Hallway, *triggers: Trigger) -> None:
    for trigger in triggers:
        await world.app.messages.inbox.accept(hallway.item(trigger))
    await world.quiet()


@in_rooms
async def test_more_than_may_be_started_from_a_room_is_refused_where_it_was_written_and_other_rooms_go_on(
    world: World, hallway: Hallway
) -> None:
    again = hallway.begins("anna", "stamp letter", "T1", "k1")
    ids = [await world.app.messages.inbox.accept(again) for _ in range(3)]
    assert len(set(ids)) == 1, "what is brought again by its key is one item though it begins a thread"
    await world.ended(world.app.runs.starter.run_id(ids[0]))
    people = ("anna", "bo", "cy")
    await heard(world, hallway, *(wants(person, f"stamp {person}") for person in people))

    await heard(world, hallway, wants("dan", "stamp dan"), wants("dan", "stamp elsewhere", room="C02"))

    did = ["stamp anna", "stamp bo", "stamp cy", "stamp elsewhere", "stamp letter"]
    assert sorted(world.workshop.effects) == did
    [(to, told)] = [(to, card) for to, card in hallway.cards.values() if "No run" in f"{card.title} {card.summary}"]
    assert (to.person, to.to) == ("dan", "only:C01OPS/")
    assert "limits.triggers_per_slack_channel in sayso.toml" in told.summary


@in_rooms
async def test_the_same_words_again_and_again_in_a_room_are_taken_for_a_loop(world: World, hallway: Hallway) -> None:
    async with world.stopped():
        world.toml = world.toml.replace('"3/h"', '"60/h"')

    await heard(world, hallway, *(wants("anna", "stamp letter") for _ in range(7)), wants("bo", "stamp letter"))

    assert world.workshop.effects == ["stamp letter"] * 6
    assert len(hallway.to("anna", "looks like a loop")) == 2


@in_rooms
async def test_whoever_wrote_what_another_person_orders_decides_nothing(world: World, hallway: Hallway) -> None:
    order = Trigger(person="anna", text="press bell", thread="C1/1.1", others=("bo",))

    hallway.say(hallway.item(order, begins="C1/1.1"))
    [run_id] = await until(lambda: runs(world), what="a run has started")
    request = (await world.opened(RunId(run_id))).request

    assert (request.requesters, request.parts) == (("anna", "bo"), {"anna": "asked", "bo": "wrote"})
    assert not request.words_are_own
    held = await until(lambda: hallway.to("cy", "Press bell"), what="cy is asked")
    assert ("May not decide", "Bo Berg, who wrote to the run") in [(one.label, one.text) for one in held[0].decides]


@in_rooms
async def test_an_answer_in_the_words_of_a_command_is_none_when_a_crash_repeats_it_after_its_question(
    world: World, hallway: Hallway
) -> None:
    """The crash comes after the effect and before the item is forgotten: here it is simply put back."""
    begun = await world.app.messages.inbox.accept(hallway.begins("anna", "ask free_text Which bell?", "T1"))
    run_id = world.app.runs.starter.run_id(begun)
    await world.opened(run_id)
    await world.quiet()
    [form] = [card.form for card in hallway.to("anna", "Which bell?") if card.form]
    words = "standing 2 times until 18:00"
    answer = hallway.item(Reply(person="anna", token=form.token, said="free_text", text=words))
    inbound_id = await world.app.messages.inbox.accept(answer)
    await world.ended(run_id)
    await world.quiet()

    await brought_back(world, inbound_id, answer)
    await world.quiet()

    assert hallway.to("anna", say("again.page")) == []
    late = answer.model_copy(update={"key": "late"})
    await world.app.messages.inbox.accept(late)
    await world.quiet()
    assert len(hallway.to("anna", say("again.page"))) == 1
