"""What arrives is durable first and has one effect, however often it comes and whoever handles it."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from bot.ids import shard_of
from channels import Inbound
from channels.email.format import trace
from tests.waiting import until
from tests.world import World

BOT = "sayso@sayso.example"


def mail(text: str = "stamp letter", key: str = "m1", channel: str = "email") -> Inbound:
    """What anna wrote, as the local server stored it."""
    block = trace.write(trace.Trace(sender="anna@corp.example", recipient=BOT, login="anna@corp.example"))
    raw = block + f"From: anna@corp.example\r\nTo: {BOT}\r\nMessage-ID: <{key}@corp>\r\n\r\n{text}\r\n".encode()
    return Inbound(channel=channel, key=key, raw=raw, size_bytes=len(raw), received_at=datetime.now(UTC))


async def runs(world: World) -> list[str]:
    return [json.loads(line)["id"] for line in await world.app.store.lists.summaries() if line]


async def test_an_item_is_durable_when_it_is_accepted_and_needs_nobody_who_accepted_it(world: World) -> None:
    async with world.stopped():
        await world.start(works=False, receives=False)
        inbound_id = await world.app.inbox.accept(mail())
        found = await world.app.store.inbound(inbound_id)
        assert found is not None
        assert found[1] == mail().raw
        await world.stop()

    await world.next_mail("anna", about="Done")
    assert await world.app.store.inbound(inbound_id) is None


async def test_an_item_that_is_accepted_many_times_at_once_starts_one_run(world: World) -> None:
    ids = await asyncio.gather(*(world.app.inbox.accept(mail()) for _ in range(32)))
    await world.next_mail("anna", about="Done")
    again = await world.app.inbox.accept(mail())
    await world.quiet()

    assert {*ids, again} == {ids[0]}
    assert len(await runs(world)) == 1
    assert world.workshop.effects == ["stamp letter"]


async def test_an_item_that_is_handled_many_times_at_once_starts_one_run(world: World) -> None:
    async with world.stopped():
        await world.start(works=False, receives=False)
        inbound_id = await world.app.inbox.accept(mail())
        await asyncio.gather(*(world.app.inbox.handle(inbound_id) for _ in range(16)))
        await world.app.inbox.handle(inbound_id)
        await world.stop()

    await world.next_mail("anna", about="Done")
    assert len(await runs(world)) == 1
    assert world.workshop.effects == ["stamp letter"]


async def test_a_run_lives_in_the_shard_of_what_started_it(world: World) -> None:
    inbound_id = await world.app.inbox.accept(mail())
    await world.next_mail("anna", about="Done")

    [run_id] = await runs(world)

    assert shard_of(run_id) == shard_of(inbound_id)
    assert run_id.partition("-")[2] == inbound_id.partition("-")[2]


async def test_a_run_is_told_where_it_was_asked(world: World) -> None:
    await world.app.inbox.accept(mail())

    told = await world.next_mail("anna", about="Done")

    assert "<m1@corp>" in told.references


async def test_an_item_of_a_channel_that_this_process_has_not_is_not_lost(world: World) -> None:
    inbound_id = await world.app.inbox.accept(mail(channel="pigeon"))

    with pytest.raises(LookupError, match="no channel 'pigeon' is set up in this process"):
        await world.app.inbox.handle(inbound_id)

    assert await world.app.store.inbound(inbound_id) is not None


async def test_a_reply_that_names_a_delivery_of_ours_that_is_gone_is_held(world: World) -> None:
    await world.opened(await world.trigger("press bell"))
    card = await world.next_mail("bo")
    for shard in range(world.app.store.shards):
        await world.app.store.client.do("DEL", f"{{s{shard}}}:deliveries")

    await world.reply("bo", card, "approve")

    async def held() -> bool:
        return any("not one of ours" in note for note in await world.dead())

    await until(held)
    assert world.workshop.effects == []
