"""The processes that hold a line to Slack."""

from datetime import UTC, datetime

import pytest

from bot.store import Store
from bot.store.indexes import LinkState, connection, links_of, note_link, remove_link
from tests.kit.waiting import until

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
UP, DOWN = LinkState(connected=True, since=NOW), LinkState(connected=False, since=NOW, why="the network is away")


async def test_each_process_says_a_line_of_its_own_until_it_leaves_or_dies(store: Store) -> None:
    client = store.client
    await note_link(client, "one", UP)
    await note_link(client, "one", DOWN)
    await note_link(client, "two", UP, lives_s=0.05)

    assert await links_of(client) in ((UP, DOWN), (DOWN,))

    async def one_is_left() -> bool:
        return await links_of(client) == (DOWN,)

    await until(one_is_left)
    await remove_link(client, "one")
    assert await links_of(client) == ()


@pytest.mark.parametrize(
    ("links", "words"),
    [((), "nobody is connected"), ((DOWN,), "not connected"), ((UP, DOWN), "connected"), ((DOWN, UP), "connected")],
)
def test_one_line_is_enough(links: tuple[LinkState, ...], words: str) -> None:
    assert connection(links) == words
