"""Held items and dead letters: listed for people, and bounded."""

import json
from typing import get_args

import pytest

from bot.store import Accepted, Store, WorkItem
from bot.store.ids import WorkKind
from bot.store.keys import Keys
from tests.kit.guards import guards

RAW = b"x" * 100_000


def item(number: int) -> str:
    return f"s0i-aaaaaaaaaaaa{chr(97 + number)}"


async def hold(store: Store, number: int, most: int = 10) -> None:
    await store.accept(Accepted(item(number), f"email:{number}", b"{}", RAW, 60))
    await store.hold(item(number), json.dumps(number).encode(), most)


async def test_a_held_item_is_listed_waits_for_nothing_and_is_the_same_when_it_comes_again(store: Store) -> None:
    await hold(store, 1)

    assert await store.lists.dead() == {item(1): b"1"}
    assert WorkItem("in", item(1)) not in await store.sweep(0)
    assert await store.inbound(item(1)) is None, "nobody reads its bytes again"
    assert await store.accept(Accepted(item(2), "email:1", b"{}", RAW, 60)) == (item(1), False)


@guards("bury.lua:most")
async def test_of_too_many_held_items_the_newest_stay_and_dead_letters_do(store: Store) -> None:
    await store.give_up(WorkItem("out", "s0o-aaaaaaaaaaaab"), b"dead")
    for number in range(6):
        await hold(store, number, most=3)

    assert sorted((await store.lists.dead()).values()) == [b"3", b"4", b"5", b"dead"]
    assert await store.client.do("EXISTS", *(Keys(0).inbound(item(number)) for number in range(6))) == 0


async def given_up(store: Store, kind: WorkKind, number: int) -> None:
    some_id = f"s0{'i' if kind == 'in' else 'o'}-aaaaaaaaaaaa{chr(97 + number)}"
    await store.client.do("HSET", Keys(0).outbox, some_id, b"{}")
    await store.accept(Accepted(some_id, f"email:{number}", b"{}", RAW, 60))
    await store.give_up(WorkItem(kind, some_id), json.dumps(number).encode(), most=3)


@guards("bury.lua:most")
@pytest.mark.parametrize("kind", get_args(WorkKind))
async def test_of_too_many_messages_that_were_given_up_the_newest_stay_and_all_runs_and_requests(
    store: Store, kind: WorkKind
) -> None:
    for number in range(6):
        await given_up(store, kind, number)

    is_message = kind in {"in", "out"}
    there = 3 if is_message else 6
    assert sorted((await store.lists.dead()).values()) == [b"%d" % number for number in range(6 - there, 6)]
    assert await store.client.do("HLEN", Keys(0).outbox) == there
    assert sum([await store.inbound(one.decode()) is not None for one in await items(store)]) == there


async def items(store: Store) -> list[bytes]:
    return await store.client.do("HKEYS", Keys(0).dead)


@guards("bury.lua:requeued")
async def test_a_message_that_somebody_has_sent_again_is_not_forgotten_with_the_oldest(store: Store) -> None:
    await given_up(store, "out", 0)
    [first] = await items(store)
    await store.lists.requeue(WorkItem("out", first.decode()))

    for number in range(1, 5):
        await given_up(store, "out", number)

    assert await store.outgoing(first.decode()) is not None
