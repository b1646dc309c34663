"""The agreement of several processes about App Homes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.store.client import Client
from bot.store.indexes import HOME_KEEP_S, Homes

NOW = datetime(2026, 3, 3, 14, 2, tzinfo=UTC)


@pytest.fixture
async def client(redis: str) -> AsyncIterator[Client]:
    made = Client(redis)
    yield made
    await made.close()


async def test_who_looked_is_known_for_a_month(client: Client) -> None:
    homes = Homes(client)
    await homes.note_opened("anna", NOW - timedelta(seconds=HOME_KEEP_S + 1))
    await homes.note_opened("bo", NOW - timedelta(days=2))
    assert await homes.opened_since(NOW - timedelta(days=60)) == {"anna", "bo"}

    await homes.note_opened("cy", NOW)

    assert await homes.opened_since(NOW - timedelta(days=60)) == {"bo", "cy"}, "what is too old is not kept"
    assert await homes.opened_since(NOW - timedelta(days=1)) == {"cy"}


async def test_of_several_processes_one_changes_a_home(client: Client) -> None:
    one, other = Homes(client), Homes(client)

    assert await one.hold("bo", 60)
    assert await one.hold("bo", 60), "it goes on"
    assert not await other.hold("bo", 60)
    assert await other.hold("anna", 60), "another one's is another thing"
    await one.hold("bo", 0)
    assert await other.hold("bo", 60)


async def test_an_opening_meanwhile_leaves_open_what_is_shown(client: Client) -> None:
    homes = Homes(client)
    await homes.note_changing("bo")
    await homes.note_shown("bo", "one")
    assert await homes.shown("bo") == "one"

    await homes.note_changing("bo")
    assert await homes.shown("bo") == ""
    await homes.note_opened("bo", NOW)
    await homes.note_shown("bo", "two")

    assert await homes.shown("bo") == ""
