"""The message that lists what came beyond the cards: one at each person, whichever process changes it or dies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bot.app import App
from channels import Card
from tests.bot.outbound.test_shared_cards import workers
from tests.fakes.corkboard import Corkboard
from tests.fakes.slow import SlowChannel
from tests.kit.waiting import until
from tests.kit.world import World, a_world
from tests.servers.web import serving
from tests.stories.test_cards_per_person import ALONE, REMINDED, asker, asks, numbers, wanter, wants


@pytest.fixture
def board() -> Corkboard:
    return Corkboard()


@pytest.fixture
async def office(redis: str, tmp_path: Path, board: Corkboard) -> AsyncIterator[World]:
    """A running sayso that reaches people by the board, where cards can be changed."""

    def change(world: World) -> None:
        world.beside, world.reach = (board,), ("slack", "email")

    async with a_world(redis, tmp_path / "data", ALONE, change=change) as world:
        yield world


def listings(board: Corkboard) -> list[Card]:
    """The lists at Bo's, as they look by now."""
    of_bo = {key: card for key, (to, card) in board.pinned.items() if to.person == "bo"}
    return [board.closed.get(key, card) for key, card in of_bo.items() if key.startswith("together-")]


async def held_back(office: World, board: Corkboard, count: int) -> list[dict[str, Any]]:
    """So many asks, of which nothing was sent yet."""
    board.locked_out.add("bo")
    async with serving(office.app) as api:
        return await asks(await asker(api), 1, count)


def slow_worker(office: World, board: Corkboard) -> tuple[SlowChannel, App]:
    """A process that may send to everybody by now, and whose list hangs once it is on its way."""
    board.locked_out.clear()
    slow = SlowChannel(board, lambda card, _to: card.form is None)
    [app] = workers(office, slow, 1)
    return slow, app


async def all_sent(office: World, apps: list[App]) -> None:
    """Each process sends some of the entries, all at once, until none is left."""
    while left := [entry.id for entry in await office.unsent()]:
        async with asyncio.TaskGroup() as group:  # a gather that is cancelled leaves some of them going on
            for number, entry in enumerate(left):
                group.create_task(apps[number % len(apps)].messages.outbox.send(entry))


async def test_processes_that_send_all_at_once_leave_one_message_that_lists_everything(
    office: World, board: Corkboard
) -> None:
    asked = await held_back(office, board, 12)
    async with office.stopped():
        board.locked_out.clear()
        apps = workers(office, board, 3)
        await all_sent(office, apps)
        for app in apps:
            await app.store.client.close()

    [listing] = listings(board)
    assert numbers(listing.summary) == [f"{number:02}" for number in range(2, 13)]
    for one in asked:
        told = await office.events(one["run_id"])
        assert [event.type for event in told].count("card_delivered") == 1


async def test_a_process_that_dies_after_the_message_was_sent_leaves_no_second_one(
    office: World, board: Corkboard
) -> None:
    asked = await held_back(office, board, 3)
    async with office.stopped():
        slow, dying = slow_worker(office, board)
        sending = asyncio.create_task(all_sent(office, [dying]))
        await until(lambda: slow.sent, what="the list is on its way")
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending
        await dying.store.client.close()

    async with serving(office.app) as api:
        await (await api.client("bo")).post(f"/v1/requests/{asked[1]['id']}/answer", json={"text": "yes"})
    await office.quiet()

    [listing] = listings(board)
    assert numbers(listing.summary) == ["03"]


async def test_attack_all_who_wait_for_a_list_that_hangs_leave_a_worker_no_room_for_anything_else(
    office: World, board: Corkboard
) -> None:
    asked = await held_back(office, board, 40)
    async with office.stopped():
        slow, app = slow_worker(office, board)
        sending = [asyncio.create_task(app.messages.outbox.send(entry.id)) for entry in await office.unsent()]
        await until(lambda: slow.sent, what="the list is on its way")

        await until(lambda: sum(not one.done() for one in sending) <= 20, what="most of the others are put off")
        slow.may_return.set()
        await asyncio.gather(*sending)
        await all_sent(office, [app])
        await app.store.client.close()

    assert len(listings(board)) == 1
    for one in asked:
        told = await office.events(one["run_id"])
        assert [event.type for event in told].count("card_delivered") == 1


async def test_who_wants_to_change_a_message_while_another_process_sends_it_comes_after_that(
    office: World, board: Corkboard
) -> None:
    asked = await held_back(office, board, 3)
    async with office.stopped():
        slow, first = slow_worker(office, board)
        [second] = workers(office, board, 1)
        entries = {entry.run_id: entry.id for entry in await office.unsent()}
        [of_first, of_second] = [entries[one["run_id"]] for one in asked[1:]]
        sending = asyncio.create_task(first.messages.outbox.send(of_first))
        await until(lambda: slow.sent, what="the list is on its way")

        await second.messages.outbox.send(of_second)

        assert of_second in [entry.id for entry in await office.unsent()]
        slow.may_return.set()
        await sending
        await all_sent(office, [first, second])
        for app in (first, second):
            await app.store.client.close()

    async with serving(office.app) as api:
        await (await api.client("bo")).post(f"/v1/requests/{asked[2]['id']}/answer", json={"text": "yes"})
    await office.quiet()
    assert [numbers(one.summary) for one in listings(board)] == [["02"]]


async def test_attack_a_mail_server_that_looks_through_a_list_for_ten_minutes_gets_it_again_meanwhile(
    office: World, board: Corkboard
) -> None:
    board.edits = False
    await held_back(office, board, 2)
    async with office.stopped():
        slow, app = slow_worker(office, board)
        [*_, entry] = await office.unsent()
        sending = asyncio.create_task(app.messages.outbox.send(entry.id))
        await until(lambda: slow.sent, what="the list is on its way")

        client = app.store.client
        [held_ms] = [int(await client.do("PTTL", key)) async for key in client.scan("*together*holder*")]

        assert held_ms > 660_000
        slow.may_return.set()
        await sending
        await all_sent(office, [app])
        await client.close()

    assert len(listings(board)) == 1


async def test_all_reminders_of_a_list_that_can_be_changed_are_one_line_below_it(
    redis: str, tmp_path: Path, board: Corkboard
) -> None:
    def change(world: World) -> None:
        world.beside, world.reach = (board,), ("slack", "email")

    async with a_world(redis, tmp_path / "data", REMINDED, change=change) as world, serving(world.app) as api:
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
