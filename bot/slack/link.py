"""Says in Redis how the line of this process to Slack is, while it runs."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from bot.store.client import StoreError
from bot.store.links import SAYS_EVERY_S, Links, LinkState

_WHY_CHARS = 300


class LinkReport:
    """What the channel says of its line, for all who ask: at once when it changes, and again and again."""

    def __init__(self, links: Links, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._links, self._now = links, now
        self._state = LinkState(connected=False, since=now(), why="it has just started")
        self._changed = asyncio.Event()

    async def report(self, connected: bool, why: str) -> None:
        """The line is there, or `why` it is not. May be called as often as one likes."""
        if (connected, why[:_WHY_CHARS]) == (self._state.connected, self._state.why):
            return
        since = self._state.since if connected == self._state.connected else self._now()
        self._state = LinkState(connected=connected, since=since, why=why[:_WHY_CHARS])
        self._changed.set()

    async def keep(self) -> None:
        """Say it for ever; when this ends nobody hears of the line any more."""
        try:
            while True:
                self._changed.clear()
                with suppress(StoreError):  # what is not said is not believed
                    await self._links.say(self._state)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), SAYS_EVERY_S)
        finally:
            with suppress(StoreError, TimeoutError):
                await asyncio.wait_for(self._links.end(), 1)
