"""One message once: a mark before each post, and a look into Slack's history wherever an answer was lost.

Slack knows no idempotency keys. So each post carries its key as message metadata, which nobody sees
(https://docs.slack.dev/messaging/message-metadata), and each try to post is noted before it is made. A try of which
nobody knows how it ended, because we died or the answer was lost, is looked up before there is another one.
"""

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from channels import Card, ChannelError, ChannelUnavailable, Marks
from channels.slack import cards
from channels.slack.api import Ambiguous, Calls, Refused
from channels.slack.members import Members, pages
from channels.slack.places import Thread
from channels.slack.rate_limit import Paced, Posts

# Whoever else is at it is done by then, or died.
_WAIT_S, _STEP_S = 5.0, 0.25


Newest = Callable[[], Awaitable[cards.Message]]
"""The message as it is by now."""

_EVENT = "sayso_card"
# What became of a double: it is not found again.
_DOUBLE = "sayso_double"
# Slack's clock and ours need not agree.
_SKEW_S = 300.0
_PAGE = 200
# Later tries have no note of their own: they are looked up like the last one that has.
_TRIES_NOTED = 8
_TOP = "-"
# Words of Slack for: there is no such thread (any more).
_NO_THREAD = frozenset(("thread_not_found", "message_not_found"))


@dataclass(frozen=True, slots=True)
class Spot:
    """The place a message goes to: the thread `ts` of a Slack channel or DM, or its top level where `ts` is ""."""

    channel: str
    ts: str = ""


@dataclass(frozen=True, slots=True)
class _Try:
    """A try to post to `spot`, not before `since` (seconds since 1970); it `is_void` if nothing came of it."""

    spot: Spot
    since: float
    is_void: bool


class Placing:
    """Posts through `api`. `now` gives the seconds since 1970, by a clock that need not be Slack's."""

    def __init__(self, api: Paced, marks: Marks, members: Members, now: Callable[[], float]) -> None:
        self._api, self._marks, self._members, self._now = api, marks, members, now

    async def place(self, message: cards.Message, spot: Spot, key: str) -> str:
        """The ts of the message with this key, which stands once at `spot`.

        Raises Refused; ChannelUnavailable: call again with the same key.
        """
        # Whoever dies in the line has tried nothing, and whoever is sent back from it looks nothing up in vain.
        async with self._api.turn_to_post(spot.channel) as post:
            return await self._place(post, message, spot, key)

    async def _place(self, post: Posts, message: cards.Message, spot: Spot, key: str) -> str:
        tries = await self._tries(key)
        if any(not each.is_void for each in tries) or len(tries) == _TRIES_NOTED:
            await self._marks.put_if_absent(f"unsure {key}", "1")
            if ts := await self._stands(tries, spot, key):
                return ts
        number, since = len(tries) + 1, self._now()
        name = await self._note(number, spot, key)
        try:
            answer = await post(spot.channel, {**posted(message, spot), "metadata": _metadata(_EVENT, key)})
        except Ambiguous:
            raise
        except ChannelError:
            # Certainly not done: nobody need look for it.
            await self._marks.put_if_absent(f"void {name}", "1")
            raise
        ts = str(answer.data["ts"])
        is_alone = number < _TRIES_NOTED and await self._marks.get(f"post {key} {number + 1}") is None
        return ts if is_alone else await self._first(ts, spot, key, since)

    async def _first(self, ts: str, spot: Spot, key: str, since: float) -> str:
        """The first message with this key at `spot`, where `ts` is the newest; that one is deleted if it is another.

        Whoever stood still before a post may make it after all that others did in their place: nobody would change it.
        """
        first = min(await self._look(spot, since, key), default=ts)
        if first != ts:
            try:
                await self._api.call("chat.delete", spot.channel, channel=spot.channel, ts=ts)
            except Refused:
                await self._close(spot.channel, ts, key)
        return first

    async def update(
        self, message: cards.Message, channel: str, ts: str, key: str, newest: Newest | None = None
    ) -> None:
        """Show `message`, or the `newest` one where it had to wait, where the one with this key stands, and close its
        doubles. Raises as `place` does.
        """
        await self._change(message, channel, ts, _metadata(_EVENT, key), newest)
        if await self._marks.get(f"unsure {key}") is None:
            return
        for where, double in await self._found(await self._tries(key), key, Spot(channel)):
            if (where.channel, double) != (channel, ts):
                await self._close(where.channel, double, key)

    async def _tries(self, key: str) -> list[_Try]:
        """All that is known of earlier tries, oldest first."""
        found = list[_Try]()
        for number in range(1, _TRIES_NOTED + 1):
            name = f"post {key} {number}"
            noted = await self._marks.get(name)
            if noted is None:
                break
            since, channel, ts, _ = noted.split(" ")
            is_void = await self._marks.get(f"void {name}") is not None
            found.append(_Try(Spot(channel, "" if ts == _TOP else ts), float(since), is_void))
        return found

    async def _note(self, number: int, spot: Spot, key: str) -> str:
        """The name of the try that is about to be made. Raises ChannelUnavailable when somebody else makes it."""
        name = f"post {key} {min(number, _TRIES_NOTED)}"
        mine = f"{self._now():.6f} {spot.channel} {spot.ts or _TOP} {secrets.token_hex(8)}"
        if await self._marks.put_if_absent(name, mine) != mine and number <= _TRIES_NOTED:
            raise ChannelUnavailable("The same message is being sent by another process", "It is looked up")
        return name

    async def _stands(self, tries: list[_Try], spot: Spot, key: str) -> str:
        """The ts of the first message with this key at `spot`, or ""; all others are closed."""
        found = await self._found([*tries, _Try(spot, tries[-1].since, is_void=False)], key, spot)
        here = min((ts for where, ts in found if where == spot), default="")
        for where, ts in found:
            if (where, ts) != (spot, here):
                # What can't be closed now is closed with the next update.
                with suppress(ChannelUnavailable):
                    await self._close(where.channel, ts, key)
        return here

    async def _found(self, tries: list[_Try], key: str, here: Spot) -> list[tuple[Spot, str]]:
        """Our messages with this key, wherever a try brought them. Raises Refused where we may not look `here`."""
        since, found = dict[Spot, float](), list[tuple[Spot, str]]()
        for number, each in enumerate(tries, 1):
            if not each.is_void or number == _TRIES_NOTED:
                since[each.spot] = min(each.since, since.get(each.spot, each.since))
        for spot, at in since.items():
            try:
                found += [(spot, ts) for ts in await self._look(spot, at, key)]
            except Refused:
                # Where we were put out since, nothing can be closed any more.
                if spot.channel == here.channel:
                    raise
        return found

    async def _look(self, spot: Spot, since: float, key: str) -> list[str]:
        """The ts of each of our messages with this key, in Slack's history of `spot`."""
        found, us = list[str](), (await self._members.ourselves()).bot_id
        method, asked = "conversations.history", dict[str, JsonValue](channel=spot.channel, limit=_PAGE)
        asked |= {"oldest": f"{max(0.0, since - _SKEW_S):.6f}", "include_all_metadata": True}
        if spot.ts:
            method, asked = "conversations.replies", {**asked, "ts": spot.ts}
        try:
            async for page in pages(self._api, method, spot.channel, **asked):
                messages = cast("list[dict[str, JsonValue]]", page.get("messages") or [])
                found += [str(each["ts"]) for each in messages if each.get("bot_id") == us and _key(each) == key]
        except Refused as error:
            if error.error not in _NO_THREAD:
                raise
        return found

    async def _close(self, channel: str, ts: str, key: str) -> None:
        """Say of a double that it is one. Whoever deleted it has done the same."""
        with suppress(Refused):
            await self._change(cards.double(), channel, ts, _metadata(_DOUBLE, key))

    async def _change(
        self, message: cards.Message, channel: str, ts: str, metadata: JsonValue, newest: Newest | None = None
    ) -> None:
        def shown(message: cards.Message) -> dict[str, JsonValue]:
            return {
                "channel": channel,
                "ts": ts,
                "text": message.text,
                "blocks": list(message.blocks),
                "metadata": metadata,
            }

        async def by_now() -> dict[str, JsonValue]:
            return shown(await newest() if newest else message)

        await self._api.update(channel, shown(message), by_now if newest else None)


def posted(message: cards.Message, spot: Spot) -> dict[str, JsonValue]:
    """The arguments of a call that shows `message` at `spot`: never to the whole Slack channel from within a thread."""
    shown: dict[str, JsonValue] = {
        "channel": spot.channel,
        "text": message.text,
        "blocks": list(message.blocks),
        "unfurl_links": False,
        "unfurl_media": False,
    }
    return {**shown, "thread_ts": spot.ts} if spot.ts else shown


def _metadata(event: str, key: str) -> JsonValue:
    return {"event_type": event, "event_payload": {"key": key}}


def _key(message: dict[str, JsonValue]) -> str:
    """The key of a message of ours; "" if it has none."""
    match message.get("metadata"):
        case {"event_type": str(event), "event_payload": {"key": str(key)}} if event == _EVENT:
            return key
        case _:
            return ""


class Roots:
    """Begins the threads that have a name of ours, each with one message, whoever comes first."""

    def __init__(self, api: Calls, marks: Marks, placing: Placing, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._api, self._marks, self._placing, self._sleep = api, marks, placing, sleep

    async def ts(self, thread: Thread, card: Card) -> str:
        """The ts that messages of `thread` answer to; begins it with the name of `card`. Raises as Placing does."""
        return thread.ts or await self.begun(thread) or await self._begin(thread, card)

    async def begun(self, thread: Thread) -> str:
        """The ts of its first message; "" while there is none."""
        return thread.ts or await self._marks.get(f"root {thread.name}") or ""

    async def _begin(self, thread: Thread, card: Card) -> str:
        is_first = await self._marks.add_once(f"beginning {thread.name}")
        if not is_first and (ts := await self._by_another(thread)):
            return ts
        try:
            ts = await self._placing.place(cards.root(card), Spot(thread.channel), f"root {thread.name}")
        except ChannelError:
            await self._marks.put_if_absent(f"not begun {thread.name}", "1")
            raise
        kept = await self._marks.put_if_absent(f"root {thread.name}", ts)
        if kept != ts:
            with suppress(ChannelError):
                await self._api.call("chat.delete", thread.channel, channel=thread.channel, ts=ts)
        return kept

    async def _by_another(self, thread: Thread) -> str:
        """The ts of the message with which somebody else begins it now; "" if that takes too long, or failed."""
        for _ in range(int(_WAIT_S / _STEP_S)):
            if (ts := await self.begun(thread)) or await self._marks.get(f"not begun {thread.name}"):
                return ts
            await self._sleep(_STEP_S)
        return ""
