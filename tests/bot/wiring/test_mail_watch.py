"""Operators hear once when the mailbox is away for long, and once when it is back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.process.processes import mail_watch
from bot.render.cards import Words
from bot.store.client import Client
from bot.store.locks import MailboxStore
from bot.wiring.mail_watch import AWAY_FOR, LOOK_EVERY_S, TELL_WITHIN_S, MailWatch
from tests.kit.waiting import until
from tests.kit.world import World

NAME = "agent@mail.example"
LONG, SHORT = AWAY_FOR + timedelta(seconds=1), AWAY_FOR - timedelta(seconds=30)


class Watched:
    """One mailbox, any number of watchers with one clock, and what operators heard."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.now, self.heard = datetime.now(UTC), list[str]()
        self.store = MailboxStore(client, NAME)

    async def hears(self, words: Words) -> None:
        self.heard.append(". ".join(words()))

    def watcher(self, *, dies: bool = False) -> MailWatch:
        async def died(_: Words) -> None:
            raise ConnectionError

        alert = died if dies else self.hears
        # Only who dies has a claim that ends soon: one that ends while it tells would let another one tell it, too.
        tell_within_s = 0.3 if dies else TELL_WITHIN_S
        return MailWatch(MailboxStore(self.client, NAME), NAME, alert, lambda: self.now, tell_within_s=tell_within_s)

    def titles(self) -> list[str]:
        return [text.partition(". ")[0] for text in self.heard]


AWAY, BACK = "The mailbox can't be read", "The mailbox is read again"


@pytest.fixture
async def watched(redis: str) -> AsyncIterator[Watched]:
    client = Client(redis)
    yield Watched(client)
    await client.close()


async def test_a_mailbox_that_is_away_for_long_is_told_by_one_watcher_once_and_once_when_it_is_back_each_time(
    watched: Watched,
) -> None:
    watchers = [watched.watcher() for _ in range(5)]

    async def look() -> None:
        await asyncio.gather(*(watcher.look() for watcher in watchers))

    for told in (2, 4):
        await watched.store.note_reached()
        began = watched.now
        await watched.store.note_trouble("the server is away")
        watched.now += SHORT
        await look()
        assert len(watched.heard) == told - 2, "a short cut is told to nobody"
        for _ in range(2):
            watched.now += LONG
            await look()
        assert watched.titles()[told - 2 :] == [AWAY]
        assert "the server is away" in watched.heard[-1]
        assert f"since {began:%d %b %H:%M} UTC" in watched.heard[-1]

        watched.now = datetime.now(UTC)
        await watched.store.note_reached()
        for _ in range(2):
            await look()
        assert watched.titles()[told - 2 :] == [AWAY, BACK]


async def test_what_another_one_told_in_the_meantime_is_not_told_again(watched: Watched) -> None:
    other = watched.watcher()

    class Slow(MailboxStore):
        async def may_tell(self, within_s: float) -> bool:
            await other.look()
            return await super().may_tell(within_s)

    slow = MailWatch(Slow(watched.client, NAME), NAME, watched.hears, lambda: watched.now)
    watched.now += LONG
    await slow.look()

    assert watched.titles() == [AWAY]


async def test_a_mailbox_that_is_reached_and_lost_again_is_not_back(watched: Watched) -> None:
    watcher = watched.watcher()
    watched.now += LONG
    await watcher.look()

    watched.now = datetime.now(UTC)
    await watched.store.note_reached()
    await watched.store.note_trouble("away again")
    await watcher.look()

    assert watched.titles() == [AWAY]


async def test_what_a_watcher_that_died_did_not_tell_another_one_tells(watched: Watched) -> None:
    dying, other = watched.watcher(dies=True), watched.watcher()
    await watched.store.note_trouble("away")
    watched.now += LONG
    with pytest.raises(ConnectionError):
        await dying.look()

    async def is_told() -> bool:
        await other.look()
        return bool(watched.heard)

    await until(is_told, what="the dead one's time is up")
    assert watched.titles() == [AWAY]


async def test_that_nobody_reads_the_mailbox_at_all_is_told_too(watched: Watched) -> None:
    watcher = watched.watcher()
    await watcher.look()
    assert watched.heard == []
    watched.now += LONG
    await watcher.look()

    assert "Start sayso mail" in watched.heard[0]


async def test_the_night_before_a_start_is_not_held_against_the_mailbox(watched: Watched) -> None:
    await watched.store.note_reached()
    watched.now += timedelta(hours=12)
    watcher = watched.watcher()
    await watcher.look()
    watched.now += SHORT
    await watcher.look()

    assert watched.heard == []
    assert timedelta(seconds=LOOK_EVERY_S) < AWAY_FOR


async def test_operators_hear_it_by_the_alert_channel(world: World) -> None:
    moved = timedelta()
    watcher = mail_watch(world.app, now=lambda: datetime.now(UTC) + moved)
    moved = LONG
    await watcher.look()

    told = await world.next_mail("dan", AWAY)
    assert "Start sayso mail" in told.text
