"""Tells the operators when nobody has been able to read the mailbox for long, and when it is read again.

Workers watch: they send alerts in any case, and a mail process that has died can't say so.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from bot.store.client import StoreError
from bot.store.locks import MailboxState, MailboxStore

AWAY_FOR = timedelta(minutes=5)
"""The time a mailbox is away before anybody is notified: server restarts and cut connections are shorter."""

LOOK_EVERY_S = 30.0

TELL_WITHIN_S = 60.0
"""The time one watcher has to tell people, before another one does."""

Alert = Callable[[str, str], Awaitable[None]]
"""Tell the operators a title and a text."""


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
        since = f"has not been read since {state.reached_at:%d %b %H:%M} UTC" if state.reached_at else "was never read"
        why = state.trouble or "no process reads it. Start sayso mail"
        text = (
            f"{self._name} {since}: {why}. Nothing is lost: mail that comes meanwhile is read later, "
            "but no answer by mail counts until then. `sayso doctor` says how to fix it."
        )
        await self._notify("The mailbox can't be read", text, is_away=True)

    async def _notify_back(self) -> None:
        text = f"{self._name} is read, with all that has come meanwhile."
        await self._notify("The mailbox is read again", text, is_away=False)

    async def _notify(self, title: str, text: str, *, is_away: bool) -> None:
        if await self._store.is_told_away() == is_away or not await self._store.may_tell(self._tell_within_s):
            return
        # Another one may have told it between the two questions.
        if await self._store.is_told_away() != is_away:
            await self._alert(title, text)
        await self._store.note_told(is_away=is_away)
