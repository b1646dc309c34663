"""Held items: listed for people, bounded, and without their bytes."""

import json

from bot.store import Accepted, Store, WorkItem
from bot.store.keys import Keys
from tests.guards import guards

RAW = b"x" * 100_000


def item(number: int) -> str:
    return f"s0i-aaaaaaaaaaaa{chr(97 + number)}"


async def hold(store: Store, number: int, most: int = 10) -> None:
    await store.accept(Accepted(item(number), f"email:{number}", b"{}", RAW, 60))
    await store.hold(item(number), json.dumps(number).encode(), most)


async def test_a_held_item_is_listed_and_waits_for_nothing(store: Store) -> None:
    await hold(store, 1)

    assert await store.lists.dead() == {item(1): b"1"}
    assert WorkItem("in", item(1)) not in await store.sweep(0)
    assert await store.inbound(item(1)) is None, "nobody reads its bytes again"


@guards("hold.lua:most")
async def test_of_too_many_held_items_the_newest_stay_and_dead_letters_do(store: Store) -> None:
    await store.give_up(WorkItem("out", "s0o-aaaaaaaaaaaab"), b"dead")
    for number in range(6):
        await hold(store, number, most=3)

    assert sorted((await store.lists.dead()).values()) == [b"3", b"4", b"5", b"dead"]
    assert await store.client.do("EXISTS", *(Keys(0).inbound(item(number)) for number in range(6))) == 0


async def test_the_same_item_again_is_still_the_same(store: Store) -> None:
    await hold(store, 1)

    known, is_new = await store.accept(Accepted(item(2), "email:1", b"{}", RAW, 60))

    assert (known, is_new) == (item(1), False)
