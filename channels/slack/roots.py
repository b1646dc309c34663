"""Threads that do not exist yet: a run begun by a command has a place, and no message there to answer to."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from channels import Card, ChannelError, Marks
from channels.slack import cards
from channels.slack.api import Calls
from channels.slack.placing import Placing, Spot
from channels.slack.threads import Thread

# Whoever else is at it is done by then, or died.
_WAIT_S, _STEP_S = 5.0, 0.25


class Roots:
    """Begins such threads, each with one message, whoever comes first."""

    def __init__(self, api: Calls, marks: Marks, placing: Placing, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._api, self._marks, self._placing, self._sleep = api, marks, placing, sleep

    async def ts(self, thread: Thread, card: Card) -> str:
        """The ts that messages of `thread` answer to; begins it with the name of `card`. Raises as Placing does."""
        return thread.ts or await self.begun(thread) or await self._begin(thread, card)

    async def begun(self, thread: Thread) -> str:
        """The ts of its first message; "" while there is none."""
        return thread.ts or await self._marks.kept(f"root {thread.name}") or ""

    async def _begin(self, thread: Thread, card: Card) -> str:
        is_first = await self._marks.mark(f"beginning {thread.name}")
        if not is_first and (ts := await self._by_another(thread)):
            return ts
        try:
            ts = await self._placing.place(cards.root(card), Spot(thread.channel), f"root {thread.name}")
        except ChannelError:
            await self._marks.keep(f"not begun {thread.name}", "1")
            raise
        kept = await self._marks.keep(f"root {thread.name}", ts)
        if kept != ts:
            with suppress(ChannelError):
                await self._api.call("chat.delete", thread.channel, channel=thread.channel, ts=ts)
        return kept

    async def _by_another(self, thread: Thread) -> str:
        """The ts of the message with which somebody else begins it now; "" if that takes too long, or failed."""
        for _ in range(int(_WAIT_S / _STEP_S)):
            if (ts := await self.begun(thread)) or await self._marks.kept(f"not begun {thread.name}"):
                return ts
            await self._sleep(_STEP_S)
        return ""
