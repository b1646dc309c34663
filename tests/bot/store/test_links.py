"""The processes that hold a line to Slack."""

from datetime import UTC, datetime

import pytest

from bot.store import Store
from bot.store.indexes import Links, LinkState, connection
from tests.kit.waiting import until

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
UP, DOWN = LinkState(connected=True, since=NOW), LinkState(connected=False, since=NOW, why="the network is away")


async def test_each_process_has_a_line_of_its_own_and_connected_ones_come_first(store: Store) -> None:
    one, two = Links(store.client), Links(store.client)

    await one.say(DOWN)
    await two.say(UP)

    assert await one.all() == await two.all() == (UP, DOWN)


async def test_what_a_process_says_replaces_what_it_said(store: Store) -> None:
    link = Links(store.client)

    await link.say(DOWN)
    await link.say(UP)

    assert await link.all() == (UP,)


async def test_a_process_that_leaves_is_forgotten_at_once(store: Store) -> None:
    link = Links(store.client)
    await link.say(UP)

    await link.end()

    assert await link.all() == ()


async def test_a_process_that_dies_is_forgotten_when_its_word_is_too_old(store: Store) -> None:
    link = Links(store.client, lives_s=0.05)
    await link.say(UP)

    async def is_forgotten() -> bool:
        return await link.all() == ()

    await until(is_forgotten)


@pytest.mark.parametrize(
    ("links", "words"),
    [((), "nobody is connected"), ((DOWN,), "not connected"), ((UP, DOWN), "connected"), ((DOWN, UP), "connected")],
)
def test_one_line_is_enough(links: tuple[LinkState, ...], words: str) -> None:
    assert connection(links) == words
