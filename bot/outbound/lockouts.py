"""A channel that refuses sayso itself: operators are notified, readiness reports it, and what waits is kept."""

import re
from collections.abc import Awaitable, Callable

import structlog

from bot.render.cards import Words
from bot.store import Store
from bot.store.indexes import end_lockout, lockouts_of, note_lockout
from channels import ChannelUnauthorized
from language import say
from language.recorded import trouble_of

log = structlog.stdlib.get_logger()

AlertOnce = Callable[[str, float, str, Words], Awaitable[None]]
"""Tells the operators, each in their own words: under which name and how often at most (s), near which id, and what."""

_TITLES = {"email": "notice.alert-email-refused", "slack": "notice.alert-slack-refused"}

# One alert in so long for each channel and each thing that it says.
_TOLD_S = 6 * 3600.0
# Servers say when, and in which conversation: `550 5.4.5 … d9443c01a7336-2 - gsmtp`. It is no other thing for that.
_OF_ONE_TIME = re.compile(r"\S*\d\S*")
# What a process remembers; what is forgotten is over by itself a little later.
_REMEMBERED = 10_000


class LockedOut:
    """Knows which channels refuse us; `alert` reaches the operators through those that do not."""

    def __init__(self, store: Store, alert: AlertOnce) -> None:
        self._client, self._alert = store.client, alert
        self._met = dict[tuple[str, str], str]()

    async def note(self, some_id: str, error: ChannelUnauthorized) -> None:
        """The channel refused us when `some_id` was tried."""
        await note_lockout(self._client, error.channel, error.what, error.do)
        self._met[some_id, error.channel] = error.what
        if len(self._met) > _REMEMBERED:
            del self._met[next(iter(self._met))]
        thing = _OF_ONE_TIME.sub("", error.what)
        await self._alert(f"locked out {error.channel} {thing}", _TOLD_S, some_id, lambda: _words(error))

    async def works(self, some_id: str, channel: str) -> None:
        """The channel took `some_id`, for which it may have refused us before."""
        if what := self._met.pop((some_id, channel), None):
            log.info("a channel takes us again", channel=channel)
            await end_lockout(self._client, channel, what)

    async def found(self, channel: str) -> ChannelUnauthorized | None:
        """Return the reason this channel refuses us just now; None if it does not."""
        now = await lockouts_of(self._client)
        known = next((one for one in now if one.channel == channel), None)
        return ChannelUnauthorized(channel, known.what, known.do) if known else None


def _words(error: ChannelUnauthorized) -> tuple[str, str]:
    text = say("notice.alert-refused", what=trouble_of(error.what), do=trouble_of(error.do))
    return say(_TITLES[error.channel]), text
