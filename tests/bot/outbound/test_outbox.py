"""Cards on their way: sent once, to whoever can still answer, and put off while nobody takes them."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from agents.events import DeliveryFailed
from agents.requests import DeliveryId
from agents.requests.record import RequestRecord
from bot.app import compose
from bot.store import StoreUnavailable
from bot.store.client import Client, Command
from bot.store.outbox_entry import Delivery
from channels import Address, Card, Channel, ChannelUnavailable, Marks, Placement, Remembers
from channels.email.channel import EmailChannel
from channels.email.identity.proof import local
from channels.email.local.maildir_mailbox import MaildirMailbox
from channels.email.transport import Relay, Transport
from tests.channels.email.mails import People
from tests.fakes.slow import SlowChannel
from tests.kit.clerk import clerk
from tests.kit.long import few_of
from tests.kit.office import settings_of
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World, a_world, heading
from tests.servers.relay import Fault, RelayServer


async def test_a_card_is_delivered_once_to_each_who_may_decide_and_the_story_and_the_delivery_say_so(
    world: World,
) -> None:
    run_id = await world.trigger("press bell")
    record = await world.opened(run_id)
    await world.quiet()

    assert [len(world.mails(person)) for person in ("anna", "bo", "cy", "dan")] == [0, 1, 1, 0]
    sent = [event for event in await world.events(run_id) if event.type == "card_delivered"]
    assert {event.person: event.delivery_id for event in sent} == {
        holder.person: holder.delivery_id for holder in record.holders
    }
    for holder in record.holders:
        body = await world.app.store.delivery(DeliveryId(holder.delivery_id))
        assert body is not None
        placed = Delivery.model_validate_json(body)
        assert (placed.person, placed.revision, placed.digest) == (holder.person, 1, record.request.digest)
        assert placed.delivery is not None
        assert placed.delivery.address.to == f"{holder.person}@corp.example"


async def test_cards_wait_while_the_mail_server_is_away_and_are_sent_when_it_is_back(world: World) -> None:
    async with world.stopped():
        await world.start(receives=False)
        run_id = await world.trigger("press bell")
        await world.opened(run_id)
        await until(world.tries, what="a card was put off")
        assert world.mails("bo") == ()
        await world.stop()

    await world.move_time(120)
    assert heading(await world.next_mail("bo")) == "Press bell?"
    assert len(world.mails("bo")) == 1


class Unanswered(SlowChannel):
    """A server that takes each card, and has said nothing of it once the caller has waited for as long as it does."""

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        self.sent.append(key)
        await self.may_return.wait()
        raise ChannelUnavailable("the mail server did not answer", "It is sent again later")


def answers_none(world: World) -> None:
    world.through = Unanswered


@opens(change=answers_none)
async def test_operators_hear_of_a_mail_server_that_answers_no_mail_after_the_first_one_and_once(world: World) -> None:
    await world.trigger("press bell")
    mail = world.app.messages.channels["email"]
    assert isinstance(mail, Unanswered)
    await until(lambda: len(mail.sent) == 2, what="both cards are on their way")

    await world.move_time(600)
    mail.may_return.set()
    await until(lambda: _alerts(world, 2), what="operators are to be told")
    await world.move_time(300)
    await until(lambda: _have_tried(world, 3, 2), what="both are tried again and again")

    assert len([entry for entry in await world.unsent() if entry.kind == "alert"]) == 2
    async for key in world.app.store.client.scan("{s?}:tries:*"):
        await world.app.store.client.do("HSET", key, "count", 299)
    await world.move_time(300)
    await until(world.dead, what="it is given up after most of a day, and they are told")


async def _have_tried(world: World, tries: int, cards: int) -> bool:
    return len([count for count in await world.tries() if count >= tries]) >= cards


async def _alerts(world: World, count: int = 10) -> bool:
    return len([entry for entry in await world.unsent() if entry.kind == "alert"]) >= count


async def test_a_card_that_is_decided_before_it_could_be_sent_is_not_sent(world: World) -> None:
    async with world.stopped():
        await world.start(receives=False)
        run_id = await world.trigger("press bell")
        record = await world.opened(run_id)
        await world.decide("bo", record, "deny", "no")
        await world.ended(run_id)
        await world.stop()

    await world.move_time(120)
    await world.next_mail("anna", about="Stopped")
    await world.move_time(120)  # the change of a card that was never sent is tried once more
    await world.quiet()
    assert world.mails("bo") == ()
    assert world.mails("cy") == ()


class Meanwhile(Client):
    """A Redis whose answer to whether an entry still waits comes after `happens`."""

    happens: Callable[[], Awaitable[object]] | None = None

    async def read(self, *commands: Command) -> list[Any]:
        if self.happens and commands[0][0] == "HEXISTS":
            happens, self.happens = self.happens, None
            await happens()
        return await super().read(*commands)


def slow_for_bo(world: World) -> None:
    world.through = lambda channel: SlowChannel(channel, _asks_bo)


@opens(change=slow_for_bo)
async def test_a_card_that_arrives_while_its_update_looks_for_it_is_updated(world: World) -> None:
    record = await world.opened(await world.trigger("press bell"))
    await world.next_mail("bo", about="Press bell?")
    await world.decide("cy", record, "deny", "no")
    [update] = await until(lambda: _updates(world, record), what="the change of the card of bo waits")
    mail = world.app.messages.channels["email"]
    assert isinstance(mail, SlowChannel)

    client = Meanwhile(world.url)
    settings = settings_of(world.folder, world.toml)
    app = compose(settings, client, [world.mail.channel()], (clerk(world.workshop),))

    async def arrives() -> None:
        mail.may_return.set()
        await until(lambda: _stands(world, record), what="the card of bo stands")

    client.happens = arrives
    await app.messages.outbox.send(update)
    await client.close()

    assert client.happens is None
    assert "Cy Cole denied" in (await world.next_mail("bo")).text


def _asks_bo(card: Card, to: Address) -> bool:
    return to.person == "bo" and card.form is not None


async def _updates(world: World, record: RequestRecord) -> list[str]:
    unsent = await world.unsent()
    return [entry.id for entry in unsent if entry.kind == "update" and entry.person == "bo"]


async def _stands(world: World, record: RequestRecord) -> bool:
    [holder] = [holder for holder in record.holders if holder.person == "bo"]
    body = await world.app.store.delivery(holder.delivery_id)
    return body is not None and Delivery.model_validate_json(body).stands


@pytest.mark.parametrize("outcome", few_of(["approve", "deny"], 0))
async def test_whoever_held_a_card_sees_it_closed_and_the_requester_and_the_voter_see_the_end(
    world: World, outcome: str
) -> None:
    run_id = await world.trigger("press bell")
    card = await world.next_mail("bo")
    await world.quiet()

    await world.reply("bo", card, outcome)
    await world.ended(run_id)
    await world.quiet()

    word = "Done" if outcome == "approve" else "Stopped"
    assert [heading(letter) for letter in world.mails("anna")] == [f"{word}: press bell"]
    assert [heading(letter) for letter in world.mails("cy")] == ["Press bell?", "Closed: Press bell"]
    assert [heading(letter) for letter in world.mails("bo")] == ["Press bell?", f"{word}: press bell"]


def slow(world: World) -> None:
    world.through = SlowChannel


@opens(change=slow)
async def test_a_card_that_is_decided_while_it_is_on_its_way_is_closed_when_it_has_arrived(world: World) -> None:
    mail = world.app.messages.channels["email"]
    assert isinstance(mail, SlowChannel)
    record = await world.opened(await world.trigger("press bell"))
    await until(lambda: len(mail.sent) == 2)

    await world.decide("bo", record, "deny", "no")
    mail.may_return.set()

    assert "Bo Berg denied" in (await world.next_mail("cy", about="Closed: Press bell")).text


class Outward:
    """The world's mail, of which all that goes out goes through `server`."""

    def __init__(self, channel: Channel, server: RelayServer, folder: Path) -> None:
        self.name, self.edits = channel.name, channel.edits
        relay = Relay("localhost", server.port, tls="none")
        self._out = EmailChannel(
            mailbox=MaildirMailbox(folder),
            transport=Transport(lambda: relay, timeout_s=0.5, data_s=0.5),
            directory=People(),
            address="sayso@sayso.example",
            prove=local,
        )
        self.send, self.update = self._out.send, self._out.update
        self.receive, self.read, self.address = channel.receive, channel.read, channel.address
        self._in = channel

    def remember_in(self, marks: Marks) -> None:
        self._out.remember_in(marks)
        if isinstance(self._in, Remembers):
            self._in.remember_in(marks)


@pytest.mark.parametrize("faults", few_of([["450", "421", "450"], ["lost answer", "lost answer"], ["slow", "421"]], 0))
async def test_an_answer_that_may_change_is_waited_for_and_the_same_mail_is_sent_again_in_the_same_envelope(
    redis: str, tmp_path: Path, faults: list[Fault]
) -> None:
    async with RelayServer(faults=list(faults)) as server, a_world(redis, tmp_path / "data") as world:
        async with world.stopped():
            # One person with an address, so that each fault is about the one card.
            for person in ("anna", "cy", "dan"):
                world.toml = world.toml.replace(f'email = "{person}@corp.example"', f'uid = "{person}"')
            world.through = lambda channel: Outward(channel, server, tmp_path)
        run_id = await world.trigger("press bell")

        async def delivered() -> bool:
            await world.move_time(1)
            return any(event.type == "card_delivered" for event in await world.events(run_id))

        await until(delivered, what="the card is delivered")
        server.let_go()

        assert server.asked == len(faults) + 1
        assert len(set(server.taken)) == 1
        assert len(set(server.envelopes)) == 1
        assert server.envelopes[0][0].startswith("sayso+s")
        failed = [event for event in await world.events(run_id) if isinstance(event, DeliveryFailed)]
        assert [event.person for event in failed] == ["cy~2"]  # without the address it is somebody else


async def test_an_alert_that_comes_once_a_day_comes_again_where_it_could_not_be_written(world: World) -> None:
    near = await world.trigger("press bell")
    tries = list[int]()

    def words() -> tuple[str, str]:
        tries.append(1)
        if len(tries) == 1:
            raise StoreUnavailable("Redis does not answer", "Nothing is lost; it is tried again")
        return "The mail server is on fire", "Put it out"

    outbox = world.app.messages.outbox
    with pytest.raises(StoreUnavailable):
        await outbox.alert_once("fire", 86_400.0, near, words)
    for _ in range(3):
        await outbox.alert_once("fire", 86_400.0, near, words)
    await world.quiet()

    assert len([letter for letter in world.mails("dan") if letter.subject == "The mail server is on fire"]) == 1


async def test_an_alert_that_comes_once_an_hour_comes_again_though_redis_s_clock_was_put_back_meanwhile(
    world: World,
) -> None:
    near, outbox, store = await world.trigger("press bell"), world.app.messages.outbox, world.app.store

    async def passes(seconds: float) -> None:
        """So much time passes, and workers look at their clock, as they do each second."""
        await world.move_time(seconds)
        for shard in range(store.shards):
            await store.sweep(shard)

    await passes(86_400)
    await outbox.alert_once("fire", 3600.0, near, lambda: ("The mail server is on fire", "Put it out"))
    await passes(-86_400)
    for _ in range(3):
        await passes(3000)
        await outbox.alert_once("fire", 3600.0, near, lambda: ("The mail server is on fire", "Put it out"))
    await world.quiet()

    assert len([letter for letter in world.mails("dan") if letter.subject == "The mail server is on fire"]) == 2
