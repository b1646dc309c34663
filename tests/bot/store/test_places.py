"""The card that stands where many see it: the first that asked, however many ask at once."""

import asyncio

from agents.requests import DeliveryId, RequestId
from bot.store import Store
from bot.store.indexes import claim_place
from tests.kit.guards import guards

REQUEST = RequestId("s0q-aaaaaaaaaaaaa")
A, B, C = (DeliveryId(f"s0d-{letter * 13}") for letter in "abc")


@guards("write_if.lua:same")
async def test_a_place_is_the_first_ones_however_many_ask_at_once_and_asking_again_gives_the_same(store: Store) -> None:
    owners = await asyncio.gather(*(claim_place(store.client, REQUEST, "1 slack room", who) for who in (A, B, C) * 10))

    assert len(set(owners)) == 1
    assert await claim_place(store.client, REQUEST, "1 slack room", B) == owners[0]
    assert await claim_place(store.client, REQUEST, "2 slack room", B) == B


async def test_it_passes_on_only_from_the_one_who_has_it(store: Store) -> None:
    await claim_place(store.client, REQUEST, "1 slack room", A)

    assert await claim_place(store.client, REQUEST, "1 slack room", C, follows=B) == A
    assert await claim_place(store.client, REQUEST, "1 slack room", B, follows=A) == B
    assert await claim_place(store.client, REQUEST, "1 slack room", C, follows=A) == B
