"""Cards on their way: sent once, to whoever can still answer, and put off while nobody takes them."""

import asyncio

import pytest

from agents.requests import DeliveryId
from bot.outgoing import Placed
from channels import Accept, Address, Card, Channel, Contact, Delivery, Inbound, Reading
from tests.waiting import until
from tests.world import World


async def test_a_card_is_delivered_once_to_each_who_may_decide_and_the_story_says_so(world: World) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.quiet()

    assert [len(world.mails(person)) for person in ("anna", "bo", "cy", "dan")] == [0, 1, 1, 0]
    sent = [event for event in await world.events(run_id) if event.type == "card_delivered"]
    assert sorted(event.person for event in sent) == ["bo", "cy"]
    assert {event.delivery_id for event in sent} == {holder.delivery_id for holder in record.holders}


async def test_a_delivery_knows_who_got_what_in_which_revision(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    await world.quiet()

    for holder in record.holders:
        body = await world.app.store.delivery(DeliveryId(holder.delivery_id))
        assert body is not None
        placed = Placed.model_validate_json(body)
        assert (placed.person, placed.revision, placed.digest) == (holder.person, 1, record.request.digest)
        assert placed.delivery is not None
        assert placed.delivery.address.to == f"{holder.person}@corp.example"


async def test_cards_wait_while_the_mail_server_is_away_and_are_sent_when_it_is_back(world: World) -> None:
    async with world.stopped():
        await world.start(receives=False)
        run_id = await world.trigger("press bell")
        await world.opened(run_id)
        await until(lambda: _tries(world), what="a card was put off")
        assert world.mails("bo") == ()
        await world.stop()

    await world.move_time(120)
    assert (await world.next_mail("bo")).subject == "Press bell?"
    assert len(world.mails("bo")) == 1


async def _tries(world: World) -> bool:
    found = [await world.app.store.client.do("HLEN", f"{{s{shard}}}:tries") for shard in range(2)]
    return any(found)


async def test_a_card_that_is_decided_before_it_could_be_sent_is_not_sent(world: World) -> None:
    async with world.stopped():
        await world.start(receives=False)
        run_id = await world.trigger("press bell")
        record = await world.opened(run_id)
        await world.decide("bo", record, "deny", "no")
        await world.ended(run_id)
        await world.stop()

    await world.move_time(120)
    await world.next_mail("anna", about="Failed")
    await world.quiet()
    assert world.mails("bo") == ()
    assert world.mails("cy") == ()


async def test_an_entry_that_was_sent_is_not_sent_again(world: World) -> None:
    run_id = await world.trigger("stamp letter")
    await world.ended(run_id)
    await world.quiet()

    await world.app.outbox.send("s0o-aaaaaaaaaaaaa")

    assert len(world.mails("anna")) == 1


@pytest.mark.parametrize("outcome", ["approve", "deny"])
async def test_whoever_held_a_card_sees_it_closed_and_the_requester_and_the_voter_see_the_end(
    world: World, outcome: str
) -> None:
    run_id = await world.trigger("press bell")
    card = await world.next_mail("bo")
    await world.quiet()

    await world.reply("bo", card, outcome)
    await world.ended(run_id)
    await world.quiet()

    word = "Done" if outcome == "approve" else "Failed"
    assert [letter.subject for letter in world.mails("anna")] == [f"{word}: press bell"]
    assert [letter.subject for letter in world.mails("cy")] == ["Press bell?", "Closed: Press bell?"]
    assert [letter.subject for letter in world.mails("bo")] == ["Press bell?", f"{word}: press bell"]


class SlowChannel:
    """The world's mail, whose `send` waits after the mail was taken until `may_return` is set."""

    def __init__(self, channel: Channel) -> None:
        self._channel, self.name, self.edits = channel, channel.name, channel.edits
        self.may_return, self.sent = asyncio.Event(), list[str]()

    async def receive(self, accept: Accept) -> None:
        await self._channel.receive(accept)

    async def read(self, inbound: Inbound) -> Reading:
        return await self._channel.read(inbound)

    def address(self, contact: Contact, thread: str) -> Address | None:
        return self._channel.address(contact, thread)

    async def send(self, card: Card, to: Address, key: str) -> Delivery:
        delivery = await self._channel.send(card, to, key)
        self.sent.append(key)
        await self.may_return.wait()
        return delivery

    async def update(self, delivery: Delivery, card: Card, key: str) -> None:
        await self._channel.update(delivery, card, key)


async def test_a_card_that_is_decided_while_it_is_on_its_way_is_closed_when_it_has_arrived(world: World) -> None:
    channels = dict[str, SlowChannel]()

    def slow(channel: Channel) -> Channel:
        return channels.setdefault("email", SlowChannel(channel))

    async with world.stopped():
        world.through = slow
    record = await world.opened(await world.trigger("press bell"))
    await until(lambda: len(channels["email"].sent) == 2)

    await world.decide("bo", record, "deny", "no")
    channels["email"].may_return.set()

    assert "Bo Berg denied" in (await world.next_mail("cy", about="Closed: Press bell?")).text
