"""Tells the operators when nobody has been able to read the mailbox for long, and when it is read again.

Workers watch: they send alerts in any case, and a mail process that has died can't say so.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from bot.render.cards import Words
from bot.store.client import StoreError
from bot.store.locks import MailboxState, MailboxStore
from language import say
from language.dates import date
from language.recorded import trouble_of

AWAY_FOR = timedelta(minutes=5)
"""The time a mailbox is away before anybody is notified: server restarts and cut connections are shorter."""

LOOK_EVERY_S = 30.0

TELL_WITHIN_S = 60.0
"""The time one watcher has to tell people, before another one does."""

Alert = Callable[[Words], Awaitable[None]]
"""Tell the operators, each in their own words."""


class MailWatch:
    """Watches one mailbox; of several watchers one tells. A crash while telling may tell it twice, never not at all."""

    def __init__(
        self,
        store: MailboxStore,
        name: str,
        alert: Alert,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        tell_within_s: float = TELL_WITHIN_S,
    ) -> None:
        self._store, self._name, self._alert, self._now = store, name, alert, now
        self._tell_within_s = tell_within_s
        # What was before us is not held against the mailbox: all of sayso may have been stopped.
        self._began = now()

    async def watch(self) -> None:
        """Look for ever."""
        while True:
            with suppress(StoreError):  # the next look is soon
                await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Tell what has changed for long enough. Raises StoreError."""
        state, now = await self._store.state() or MailboxState(), self._now()
        if not state.trouble and state.is_fresh(now):
            await self._notify_back()
        elif now - max(state.reached_at or self._began, self._began) >= AWAY_FOR:
            await self._notify_away(state)

    async def _notify_away(self, state: MailboxState) -> None:
        await self._notify(partial(_away, self._name, state), is_away=True)

    async def _notify_back(self) -> None:
        await self._notify(partial(_back, self._name), is_away=False)

    async def _notify(self, words: Words, *, is_away: bool) -> None:
        if await self._store.is_told_away() == is_away or not await self._store.may_tell(self._tell_within_s):
            return
        # Another one may have told it between the two questions.
        if await self._store.is_told_away() != is_away:
            await self._alert(words)
        await self._store.note_told(is_away=is_away)


def _away(name: str, state: MailboxState) -> tuple[str, str]:
    title, why = say("notice.alert-mailbox-title"), trouble_of(state.trouble) or say("trouble.no-process-reads")
    if state.reached_at is None:
        return title, say("notice.alert-mailbox-never", name=name, why=why)
    when = date(state.reached_at, "notice.alert-moment")
    return title, say("notice.alert-mailbox-since", name=name, when=when, why=why)


def _back(name: str) -> tuple[str, str]:
    return say("notice.alert-mailbox-back-title"), say("notice.alert-mailbox-back", name=name)
