"""One card for all who see the same place: placed once, whoever comes first, and told of all who share it."""

import asyncio
from collections.abc import Sequence

import pytest

from agents.events import CardDelivered
from agents.requests import DeliveryId
from agents.requests.record import RequestRecord
from bot.app import App, compose
from bot.queries.rebuild import placed as placed_by
from bot.store import Keys
from bot.store.outbox_entry import Delivery, placing_id
from channels import Address, Card, Channel
from tests.bot.bounces import failures
from tests.fakes.corkboard import Corkboard
from tests.fakes.slow import SlowChannel
from tests.kit.clerk import clerk
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import TOML, World, settings_of

EVE = """
[people.eve]
name = "Eve Egan"
email = "eve@corp.example"
groups = ["release"]
"""


@pytest.fixture
def board() -> Corkboard:
    """Bo and Cy are in the room, Eve is not."""
    return Corkboard(room={"bo", "cy"})


pytestmark = opens(TOML + EVE, beside=["board"], reach=("slack", "email"))


async def opened(world: World, what: str = "press bell") -> RequestRecord:
    return await world.opened(await world.trigger(what))


async def deliveries(world: World, record: RequestRecord) -> dict[str, Delivery]:
    """Return what is kept of each holder's card."""
    found = dict[str, Delivery]()
    for holder in record.holders:
        body = await world.app.store.delivery(holder.delivery_id)
        assert body is not None
        found[holder.person or holder.place] = Delivery.model_validate_json(body)
    return found


async def sent(world: World, record: RequestRecord) -> list[CardDelivered]:
    return [event for event in await world.events(record.request.run_id) if isinstance(event, CardDelivered)]


async def test_those_in_a_room_share_one_card_and_whoever_is_outside_has_their_own(
    world: World, board: Corkboard
) -> None:
    record = await opened(world)
    await world.quiet()

    assert sorted(to.to for to in board.sends) == ["eve", "room"]
    held = await deliveries(world, record)
    [owner] = [placed for person, placed in held.items() if person != "eve" and placed.shares is None]
    [other] = [placed for person, placed in held.items() if person != "eve" and placed.shares]
    assert other.shares == owner.id
    assert other.delivery == owner.delivery
    assert owner.delivery is not None
    assert (owner.delivery.address.to, owner.delivery.address.is_shared) == ("room", True)
    [card] = board.at("room")
    assert card.form is not None
    assert card.form.token.startswith(owner.id)
    told = {str(event.person): (event.is_shared, event.shares, event.handle) for event in await sent(world, record)}
    assert told[owner.person] == (True, None, owner.id)
    assert told[other.person] == (True, owner.id, owner.id)
    assert told["eve"][:2] == (False, None)
    assert not [person for person in ("bo", "cy", "eve") if world.mails(person)]


def workers(world: World, board: Channel, count: int) -> list[App]:
    """As many processes over the same Redis, of which nobody looks at anything by itself."""
    settings = settings_of(world.folder, world.toml)
    for name, policy in list(settings.policies.items()):
        settings.policies[name] = policy.model_copy(update={"reach": world.reach})
    return [compose(settings, world.url, [world.mail.channel(), board], (clerk(world.workshop),)) for _ in range(count)]


async def all_at_once(apps: Sequence[App], entries: Sequence[str], times: int = 1) -> None:
    await asyncio.gather(*(app.messages.outbox.send(entry) for _ in range(times) for app in apps for entry in entries))


async def test_workers_that_take_all_entries_of_a_request_at_once_place_one_card(
    world: World, board: Corkboard
) -> None:
    board.locked_out |= {"room", "eve"}
    records = [await opened(world, f"press bell {number}") for number in range(4)]
    async with world.stopped():
        board.locked_out.clear()
        apps = workers(world, board, 3)
        for record in records:
            await all_at_once(apps, [placing_id(holder.delivery_id) for holder in reversed(record.holders)], times=2)
        for app in apps:
            await app.store.client.close()

    await world.quiet()
    cards = board.at("room")
    assert sorted(card.title for card in cards) == sorted(record.request.title for record in records)
    for record in records:
        assert sorted(event.person for event in await sent(world, record)) == ["bo", "cy", "eve"]


async def tries(world: World) -> int:
    """Return how often anything had to be tried again."""
    return sum(await world.tries())


def in_the_room(card: Card, to: Address) -> bool:
    return to.to == "room" and card.form is not None


@pytest.fixture
def slow(board: Corkboard) -> SlowChannel:
    return SlowChannel(board, in_the_room)


@opens(TOML + EVE, beside=["slow"], reach=("slack", "email"))
async def test_whoever_comes_while_the_card_is_on_its_way_waits_and_no_failure_is_counted(
    world: World, board: Corkboard, slow: SlowChannel
) -> None:
    record = await opened(world)
    await until(lambda: slow.sent, what="the card is on its way")
    [first] = slow.sent
    others = [holder for holder in record.holders if holder.delivery_id != first and holder.person != "eve"]
    await all_at_once([world.app], [placing_id(holder.delivery_id) for holder in others], times=20)

    assert [to.to for to in board.sends].count("room") == 1
    assert await tries(world) == 0
    slow.may_return.set()
    await world.quiet()

    assert [to.to for to in board.sends].count("room") == 1
    assert sorted(event.person for event in await sent(world, record)) == ["bo", "cy", "eve"]


async def test_what_one_was_refused_there_the_others_are_refused_for_the_same_reason_and_all_get_a_mail(
    world: World, board: Corkboard
) -> None:
    board.banned.add("room")
    record = await opened(world)
    await world.quiet()

    assert sorted(await failures(world, record.request.run_id)) == [("bo", "slack"), ("cy", "slack")]
    held = await deliveries(world, record)
    assert held["bo"].failed == held["cy"].failed == {"slack": "room may not have a card here. Ask the janitor"}
    assert [len(world.mails(person)) for person in ("bo", "cy", "eve")] == [1, 1, 0]
    assert await world.dead() == []


async def test_the_place_of_somebody_who_left_before_their_card_was_there_is_the_next_ones(
    world: World, board: Corkboard
) -> None:
    board.locked_out.add("room")
    record = await opened(world)
    await until(lambda: tries(world), what="the card waits")
    owners = await world.app.store.client.do("HVALS", Keys.of(record.request.id).places(record.request.id))
    [owner] = [holder.person for holder in record.holders if holder.delivery_id.encode() in owners]

    board.room.remove(owner)
    board.locked_out.clear()

    async def all_have_it() -> bool:
        await world.move_time(5)
        return len(await sent(world, record)) == 3

    await until(all_have_it, what="everybody has a card")
    assert sorted(to.to for to in board.sends) == sorted([owner, "eve", "room"])
    held = await deliveries(world, record)
    assert all(placed.shares is None for placed in held.values())


async def test_a_changed_request_has_a_new_card_of_its_own_there_and_what_was_written_is_what_the_events_say(
    world: World, board: Corkboard
) -> None:
    record = await opened(world)
    await world.quiet()

    await world.edit("anna", await world.request(record.request.id), what="gong")
    await world.quiet()

    assert [card.title for card in board.at("room")] == ["Press bell?", "Press gong?"]
    assert [event.shares is None for event in await sent(world, record) if event.is_shared] == [True, False] * 2
    told = dict(placed_by(await world.events(record.request.run_id)))
    assert len(told) == 6
    for delivery_id, body in told.items():
        assert await world.app.store.delivery(DeliveryId(delivery_id)) == body
