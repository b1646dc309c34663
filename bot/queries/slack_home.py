"""Draws people's App Homes: when somebody opens theirs, and when something of their own opens or closes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

import structlog

from agents.requests import PersonId
from bot.computing import in_time
from bot.people.directory import People
from bot.store import Store, StoreError
from bot.store.indexes import HOME_KEEP_S, has_opened_home, note_home
from channels import ChannelError, RequestLookup
from channels.slack.modals import View, view
from language import speaking

log = structlog.stdlib.get_logger()

Publish = Callable[[str, View], Awaitable[None]]
"""Show a view as the App Home of a Slack user. Raises as `channels.slack.api.Api` does."""

_PUBLISH_WITHIN_S = 20.0


class HomeDrawing:
    """One per process. It draws one Home in `every_s` at most; what is not drawn now is drawn when it is opened."""

    def __init__(self, store: Store, people: People, publish: Publish, every_s: float = 1.0) -> None:
        self._store, self._people, self._publish, self._every_s = store, people, publish, every_s
        self._wanted, self._news = dict[PersonId, None](), asyncio.Event()

    async def opened(self, person: str) -> None:
        """Note that somebody opened their Home: from now on what opens or closes of theirs draws it. Never raises."""
        try:
            await note_home(self._store.client, person, self._store.about_now())
        except StoreError as error:
            log.warning("can't note that a Home was opened; the next opening does", person=person, error=str(error))

    def changed(self, people: Iterable[str]) -> None:
        """Have the Homes of these people drawn, of those who look at theirs."""
        self._wanted |= dict.fromkeys(self._people.by_now(map(PersonId, filter(None, people))))
        self._news.set()

    async def draw(self, desk: RequestLookup) -> None:
        """Draw what has changed, as `desk` finds it, for ever; ends only when cancelled."""
        while True:
            self._news.clear()
            if not self._wanted:
                await self._news.wait()
                continue
            person = next(iter(self._wanted))
            del self._wanted[person]  # what changes from here on is another state, and wanted again
            if await self._is_drawn(person, desk):
                await asyncio.sleep(self._every_s)

    async def _is_drawn(self, person: str, desk: RequestLookup) -> bool:
        """Draw one Home, and return whether that was tried."""
        contact = self._people.contact(person)
        if contact is None or contact.slack is None:
            return False
        try:
            since = self._store.about_now() - timedelta(seconds=HOME_KEEP_S)
            if not await has_opened_home(self._store.client, person, since):
                return False
            with in_time(), speaking(contact.language):
                found = view(await desk.overview(contact.id))
            async with asyncio.timeout(_PUBLISH_WITHIN_S):
                await self._publish(contact.slack, found)
        except (ChannelError, StoreError, TimeoutError) as error:
            log.warning("a Home is not up to date until it is opened", person=person, error=str(error))
        except Exception:
            log.exception("a Home can't be drawn", person=person)
        return True
