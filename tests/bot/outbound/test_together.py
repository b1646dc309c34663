"""The message that lists what came beyond the cards: one at each person, whichever process changes it or dies."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from bot.app import App
from channels import Card
from tests.bot.outbound.test_shared_cards import workers
from tests.fakes.corkboard import Corkboard
from tests.fakes.slow import SlowChannel
from tests.kit.opens import opens
from tests.kit.waiting import until
from tests.kit.world import World
from tests.servers.web import Api, serving
from tests.stories.test_cards_per_person import ALONE, REMINDED, asker, asks, numbers, wanter, wants


@pytest.fixture
def board() -> Corkboard:
    return Corkboard()


pytestmark = opens(ALONE, beside=["board"], reach=("slack", "email"))


def listings(board: Corkboard) -> list[Card]:
    """The lists at Bo's, as they look by now."""
    of_bo = {key: card for key, (to, card) in board.pinned.items() if to.person == "bo"}
    return [board.closed.get(key, card) for key, card in of_bo.items() if key.startswith("together-")]


async def held_back(world: World, board: Corkboard, count: int) -> list[dict[str, Any]]:
    """So many asks, of which nothing was sent yet."""
    board.locked_out.add("bo")
    async with serving(world.app) as api:
        return await asks(await asker(api), 1, count)


def slow_worker(world: World, board: Corkboard) -> tuple[SlowChannel, App]:
    """A process that may send to everybody by now, and whose list hangs once it is on its way."""
    board.locked_out.clear()
    slow = SlowChannel(board, lambda card, _to: card.form is None)
    [app] = workers(world, slow, 1)
    return slow, app


async def all_sent(world: World, apps: list[App]) -> None:
    """Each process sends some of the entries, all at once, until none is left."""
    while left := [entry.id for entry in await world.unsent()]:
        async with asyncio.TaskGroup() as group:  # a gather that is cancelled leaves some of them going on
            for number, entry in enumerate(left):
                group.create_task(apps[number % len(apps)].messages.outbox.send(entry))


async def test_processes_that_send_all_at_once_leave_one_message_that_lists_everything(
    world: World, board: Corkboard
) -> None:
    asked = await held_back(world, board, 4)
    async with world.stopped():
        board.locked_out.clear()
        apps = workers(world, board, 3)
        await all_sent(world, apps)
        for app in apps:
            await app.store.client.close()

    [listing] = listings(board)
    assert numbers(listing.summary) == [f"{number:02}" for number in range(2, 5)]
    for one in asked:
        told = await world.events(one["run_id"])
        assert [event.type for event in told].count("card_delivered") == 1


async def test_a_process_that_dies_after_the_message_was_sent_leaves_no_second_one(
    world: World, board: Corkboard
) -> None:
    asked = await held_back(world, board, 3)
    async with world.stopped():
        slow, dying = slow_worker(world, board)
        sending = asyncio.create_task(all_sent(world, [dying]))
        await until(lambda: slow.sent, what="the list is on its way")
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending
        await dying.store.client.close()

    async with serving(world.app) as api:
        await (await api.client("bo")).post(f"/v1/requests/{asked[1]['id']}/answer", json={"text": "yes"})
    await world.quiet()

    [listing] = listings(board)
    assert numbers(listing.summary) == ["03"]


async def test_attack_all_who_wait_for_a_list_that_hangs_leave_a_worker_no_room_for_anything_else(
    world: World, board: Corkboard
) -> None:
    asked = await held_back(world, board, 26)
    async with world.stopped():
        slow, app = slow_worker(world, board)
        sending = [asyncio.create_task(app.messages.outbox.send(entry.id)) for entry in await world.unsent()]
        await until(lambda: slow.sent, what="the list is on its way")

        await until(lambda: sum(not one.done() for one in sending) <= 20, what="most of the others are put off")
        slow.may_return.set()
        await asyncio.gather(*sending)
        await all_sent(world, [app])
        await app.store.client.close()

    assert len(listings(board)) == 1
    for one in asked:
        told = await world.events(one["run_id"])
        assert [event.type for event in told].count("card_delivered") == 1


async def test_who_wants_to_change_a_message_while_another_process_sends_it_comes_after_that(
    world: World, board: Corkboard
) -> None:
    asked = await held_back(world, board, 3)
    async with world.stopped():
        slow, first = slow_worker(world, board)
        [second] = workers(world, board, 1)
        entries = {entry.run_id: entry.id for entry in await world.unsent()}
        [of_first, of_second] = [entries[one["run_id"]] for one in asked[1:]]
        sending = asyncio.create_task(first.messages.outbox.send(of_first))
        await until(lambda: slow.sent, what="the list is on its way")

        await second.messages.outbox.send(of_second)

        assert of_second in [entry.id for entry in await world.unsent()]
        slow.may_return.set()
        await sending
        await all_sent(world, [first, second])
        for app in (first, second):
            await app.store.client.close()

    async with serving(world.app) as api:
        await (await api.client("bo")).post(f"/v1/requests/{asked[2]['id']}/answer", json={"text": "yes"})
    await world.quiet()
    assert [numbers(one.summary) for one in listings(board)] == [["02"]]


async def test_attack_a_mail_server_that_looks_through_a_list_for_ten_minutes_gets_it_again_meanwhile(
    world: World, board: Corkboard
) -> None:
    board.edits = False
    await held_back(world, board, 2)
    async with world.stopped():
        slow, app = slow_worker(world, board)
        sending = [asyncio.create_task(app.messages.outbox.send(entry.id)) for entry in await world.unsent()]
        await until(lambda: slow.sent, what="the list is on its way")

        client = app.store.client
        [held_ms] = [int(await client.do("PTTL", key)) async for key in client.scan("*together*holder*")]

        assert held_ms > 660_000
        slow.may_return.set()
        await asyncio.gather(*sending)
        await all_sent(world, [app])
        await client.close()

    assert len(listings(board)) == 1


@opens(REMINDED, beside=["board"], reach=("slack", "email"))
async def test_all_reminders_of_a_list_that_can_be_changed_are_one_line_below_it(
    world: World, board: Corkboard, api: Api
) -> None:
    await wants(await wanter(api), 1, 5)
    await world.quiet()
    before = len(board.at("bo"))

    await world.move_time(1801)
    await world.quiet()

    [listing] = listings(board)
    assert numbers(listing.summary) == ["02", "03", "04", "05"]
    said = board.at("bo")[before:]
    assert sorted(card.title for card in said) == [
        "Reminder: The program ci asks: “Drop item-01”?", "Still waiting for you: 4 requests in this list",
    ]  # fmt: skip
