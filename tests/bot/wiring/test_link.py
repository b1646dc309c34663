"""A process's word on its line to Slack, and what the channel keeps."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from bot.store.client import Client
from bot.store.indexes import LinkState, StoreMarks, links_of
from bot.wiring.slack import LinkReport
from tests.bot.store.stores import a_store
from tests.kit.waiting import until


class Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@asynccontextmanager
async def kept(link: LinkReport) -> AsyncGenerator[None]:
    """`link` says how it is while the context is open."""
    keeping = asyncio.create_task(link.keep())
    try:
        yield
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


async def test_a_line_is_down_until_the_channel_says_that_it_is_up(redis: str) -> None:
    async with a_store(redis) as store:
        client, clock = store.client, Clock()
        link = LinkReport(client, clock)

        async def says() -> LinkState | None:
            return next(iter(await links_of(client)), None)

        async with kept(link):
            first = await until(says)
            clock.at += timedelta(seconds=30)
            await link.report(True, "")
            up = await until(lambda: _one(client, is_up=True))
            clock.at += timedelta(seconds=30)
            await link.report(False, "Slack can't be reached")
            await link.report(False, "Slack does not take the app token")
            down = await until(lambda: _one(client, is_up=False))
        after = await links_of(client)

    assert (first.connected, first.why) == (False, "it has just started")
    assert (up.connected, up.why, up.since) == (True, "", clock.at - timedelta(seconds=30))
    assert (down.why, down.since) == ("Slack does not take the app token", clock.at)
    assert after == ()


async def _one(client: Client, *, is_up: bool) -> LinkState | None:
    return next((link for link in await links_of(client) if link.connected == is_up), None)


async def test_a_mark_is_new_once_whoever_asks(redis: str) -> None:
    async with a_store(redis) as store:
        one, two = StoreMarks(store), StoreMarks(store)

        assert [await one.add_once("a"), await one.add_once("a"), await two.add_once("a"), await two.add_once("b")] == [
            True,
            False,
            False,
            True,
        ]


async def test_what_is_kept_first_stays(redis: str) -> None:
    async with a_store(redis) as store:
        one, two = StoreMarks(store), StoreMarks(store)

        assert await one.get("root") is None
        assert await one.put_if_absent("root", "C01OPS/1.2 ü") == "C01OPS/1.2 ü"
        assert await two.put_if_absent("root", "another") == "C01OPS/1.2 ü"
        assert await two.get("root") == "C01OPS/1.2 ü"
