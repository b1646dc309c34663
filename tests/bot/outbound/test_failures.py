"""Channels that refuse a card at once, are slow, or give it back before we know that they took it."""

from pathlib import Path

import pytest

from agents.requests import DeliveryId
from bot.store.lists import NOT_DELIVERED
from bot.store.outbox_entry import Delivery
from channels import Address, Card, Channel, ChannelRefused, ChannelUnauthorized, Placement
from tests.bot.bounces import asked, bounce, failures
from tests.fakes.corkboard import Corkboard
from tests.fakes.slow import SlowChannel
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World, beside_it


@pytest.fixture
def board() -> Corkboard:
    return Corkboard()


@opens(beside=["board"], reach=("slack", "email"))
async def test_a_channel_that_refuses_at_once_is_written_down_and_told_once_and_the_next_one_is_asked(
    world: World, board: Corkboard
) -> None:
    board.banned.add("bo")
    record, card = await asked(world)
    await world.quiet()

    assert await failures(world, record.request.run_id) == [("bo", "slack")]
    assert (await world.app.store.lists.figures()).named(NOT_DELIVERED) == {"slack": 1}
    [told] = world.mails("anna")
    words = "Bo Berg could not be reached by Slack. The same goes to Bo Berg by email now."
    assert words in " ".join(told.text.split())
    assert "| bo may not have a card here. Ask the janitor" in told.text
    assert await world.dead() == []
    await world.reply("bo", card, "approve")
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"


def asks_bo(card: Card, to: Address) -> bool:
    return to.person == "bo" and card.form is not None


def slow_for_bo(world: World) -> None:
    world.through = lambda channel: SlowChannel(channel, asks_bo)


def through(world: World) -> Channel:
    """The mail as `world` sees it."""
    return world.app.messages.channels["email"]


@opens(beside=["board"], reach=("email", "slack"), change=slow_for_bo)
async def test_a_report_that_overtakes_our_own_note_of_the_delivery_is_not_lost(world: World, board: Corkboard) -> None:
    record, card = await asked(world)
    await bounce(world, card)
    await until(lambda: board.card("bo"), what="the card is on the board")
    mail = through(world)
    assert isinstance(mail, SlowChannel)
    mail.may_return.set()
    await world.quiet()

    sent = [event for event in await world.events(record.request.run_id) if event.type == "card_delivered"]
    assert sorted((event.person, event.channel) for event in sent) == [("bo", "slack"), ("cy", "email")]
    body = await world.app.store.delivery(DeliveryId(record.holders[0].delivery_id))
    assert body is not None
    found = Delivery.model_validate_json(body)
    assert found.delivery is not None
    assert (found.delivery.address.channel, list(found.failed)) == ("slack", ["email"])


class Refusing(SlowChannel):
    """The world's mail, of which nobody takes any for bo."""

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        if to.person == "bo":
            raise ChannelRefused("550 5.1.1 No such user", "Correct the address in the directory")
        return await self._channel.send(card, to, key)


def refuses_bo(world: World) -> None:
    world.through = Refusing


@opens(change=refuses_bo)
async def test_a_refusal_where_there_is_no_other_way_is_told_and_what_one_worker_gave_up_no_other_takes_again(
    world: World, redis: str, tmp_path: Path
) -> None:
    record = await world.opened(await world.trigger("press bell"))
    told = await world.next_mail("anna", about="Not reached: Press bell?")
    await until(world.dead, what="the card is given up")
    await world.quiet()
    [entry] = await world.unsent()

    async with world.stopped():
        other = World(redis, tmp_path / "data")
        refuses_bo(other)
        async with beside_it(other):
            await other.app.messages.outbox.send(entry.id)
    await world.quiet()

    assert "No such user" in told.text
    assert await failures(world, record.request.run_id) == [("bo", "email")]
    assert len(world.mails("anna")) == 1
    assert [letter.subject for letter in world.mails("dan")] == ["Bo Berg can't be reached"] * 2


class LockedOut(SlowChannel):
    """The world's mail, whose server does not accept our log-in until `takes_us`."""

    takes_us = False

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        if not self.takes_us:
            raise ChannelUnauthorized("email", "the SMTP server did not accept the log-in", "Check SAYSO_SMTP_USER")
        return await self._channel.send(card, to, key)


def locks_us_out(world: World) -> None:
    world.through = LockedOut


@opens(change=locks_us_out)
async def test_a_mail_server_that_refuses_our_log_in_uses_up_no_tries_and_gets_everything_later(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    for _ in range(3):
        await world.move_time(600)
    assert (await world.dead(), await world.tries()) == ([], [])
    assert await failures(world, record.request.run_id) == []
    assert (await world.request(record.request.id)).state == "open"

    mail = through(world)
    assert isinstance(mail, LockedOut)
    mail.takes_us = True
    await world.move_time(60)
    card = await world.next_mail("bo", about="Press bell?")
    await world.reply("bo", card, "approve")
    assert await world.summary(record.request.run_id) == "done: ok: press bell: done"
    await world.next_mail("dan", about="did not accept the log-in")
    assert sum("did not accept the log-in" in letter.text for letter in world.mails("dan")) == 1


class AtLimit(SlowChannel):
    """The world's mail, whose server takes no more today, and names the conversation as it says so, as Gmail does."""

    takes_us, conversation = False, 1

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        if not self.takes_us:
            what = "the SMTP server does not let us send: 550 5.4.5 Daily user sending limit exceeded"
            raise ChannelUnauthorized("email", f"{what} d9443c01a7336-2{self.conversation:04} - gsmtp", "Wait")
        return await self._channel.send(card, to, key)


def is_at_limit(world: World) -> None:
    world.through = AtLimit


@opens(change=is_at_limit)
async def test_attack_operators_are_told_of_one_limit_with_each_try_as_the_server_says_an_id_with_it(
    world: World,
) -> None:
    await world.opened(await world.trigger("press bell"))
    mail = through(world)
    assert isinstance(mail, AtLimit)
    for conversation in range(2, 8):
        mail.conversation = conversation
        await world.move_time(120)

    mail.takes_us = True
    await world.move_time(120)
    await world.next_mail("bo", about="Press bell?")
    await world.quiet()
    assert sum("sending limit" in letter.text for letter in world.mails("dan")) == 1
