"""The way out to Slack: where somebody is reached, one message once, and what became of it shown where it stands."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from channels import (
    SESSION,
    Address,
    Card,
    ChannelRefused,
    ChannelUnavailable,
    Contact,
    Directory,
    Marks,
    Newest,
    Placement,
)
from channels.slack import cards, places
from channels.slack.api import Calls, Refused, Unauthorized
from channels.slack.members import Members
from channels.slack.places import Only, Places, Seen, Thread
from channels.slack.placing import Placing, Roots, Spot, posted
from channels.slack.rate_limit import Paced
from language import Language, say, speaking, spoken

# These say that the app is no agent here, or may not be one: nothing about the thread.
_NOWHERE = frozenset(
    ("unknown_method", "missing_scope", "not_allowed_token_type", "method_deprecated", "feature_not_enabled",
     "access_denied", "team_access_not_granted", "no_permission")
)  # fmt: skip
_MOST = 5_000


class Status:
    """https://docs.slack.dev/reference/methods/agents.sessions.setStatus. Nothing depends on it, so it never fails."""

    def __init__(self, api: Calls) -> None:
        self._api = api
        self._is_there = True
        self._without = set[tuple[str, str]]()
        self._wanted = dict[tuple[str, str], bool]()
        self._at_it = dict[tuple[str, str], asyncio.Task[None]]()

    def want(self, channel: str, ts: str, *, is_busy: bool) -> None:
        """Show that something is being done in this thread, or no longer: soon, and what was wanted last is shown last.

        Nobody waits for it.
        """
        key = (channel, ts)
        if not ts or not self._is_there or key in self._without:
            return
        self._wanted[key] = is_busy
        if key not in self._at_it:
            self._at_it[key] = asyncio.create_task(self._show(*key), name="show a status")

    async def _show(self, channel: str, ts: str) -> None:
        key = (channel, ts)
        try:
            while (is_busy := self._wanted.pop(key, None)) is not None:
                await self._call(channel, ts, is_busy=is_busy)
        finally:
            del self._at_it[key]

    async def _call(self, channel: str, ts: str, *, is_busy: bool) -> None:
        status = "processing" if is_busy else "active"
        with suppress(ChannelUnavailable):
            try:
                await self._api.call(
                    "agents.sessions.setStatus", channel, channel_id=channel, thread_ts=ts, status=status
                )
            except (Refused, Unauthorized) as error:
                self._remember(error.error, channel, ts)

    def _remember(self, error: str, channel: str, ts: str) -> None:
        """Not to be asked again where it can't be."""
        if error in _NOWHERE:
            self._is_there = False
        if len(self._without) >= _MOST:
            self._without.clear()
        self._without.add((channel, ts))


NAME = "slack"

_USER = re.compile(r"[UW][A-Z0-9]{2,}", re.ASCII)
# Something there is not as we remember it.
_MOVED = ("channel_not_found", "not_in_channel", "is_archived", "user_not_in_channel", "restricted_action")


@dataclass(frozen=True, slots=True)
class Clocks:
    """`now` in seconds since 1970, `passing` in seconds that only grow, and how to wait for some of them."""

    now: Callable[[], float] = time.time
    passing: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class SlackSender:
    """Places cards in Slack. `api` should be the one that `members` asks through.

    Of the Slack channels that another company reads, only `shared_channels` (`#partners`, or ids) take cards.
    """

    def __init__(
        self,
        api: Paced,
        members: Members,
        marks: Marks,
        directory: Directory,
        clocks: Clocks | None = None,
        shared_channels: Collection[str] = (),
    ) -> None:
        clocks = clocks or Clocks()
        self._shared_channels = shared_channels
        self._api, self._members, self._directory = api, members, directory
        self._places = Places(api, clocks.passing)
        self._placing = Placing(api, marks, members, clocks.now)
        self._roots = Roots(api, marks, self._placing, clocks.sleep)
        self._status = Status(api)

    async def address(self, contact: Contact, thread: str, *, anew: bool = False) -> Address | None:
        """The thread, where `contact` sees it; else their DM; None without a Slack id. Raises ChannelUnavailable."""
        if contact.slack is None:
            return None
        alone = Address(channel=NAME, person=contact.id, to=contact.slack)
        within = places.thread(thread)
        if within is None:
            return await self._in_session(alone, thread) if thread.startswith(SESSION) else alone
        if within.is_direct:
            is_theirs = await self._is_theirs(within.channel, contact.slack)
            return alone.model_copy(update={"thread": thread}) if is_theirs else alone
        if await self._is_inside(within.channel, contact.slack, anew=anew):
            return Address(channel=NAME, person=contact.id, to=within.channel, thread=thread, is_shared=True)
        return alone

    async def _in_session(self, alone: Address, session: str) -> Address:
        """Return the thread of a session in somebody's DM. Who can't be reached hears that when something is sent."""
        try:
            return alone.model_copy(update={"thread": f"{await self._places.direct(alone.to)}/~{session}"})
        except Refused:
            return alone

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        """Place `card` once per `key`; to one person's eyes alone (`only:…`) at least once.

        Raises ChannelRefused; ChannelUnavailable: call again with the same key.
        """
        with speaking(self._language_of(to)):
            return await self._send(card, to, key)

    async def _send(self, card: Card, to: Address, key: str) -> Placement:
        alone = places.only(to.to)
        if alone is not None:
            # In a DM it stays, and nothing changes it later: what it says of a card is answered on that card.
            card = card.model_copy(update={"form": None}) if alone.is_direct else card
            message = cards.message(card, cards.revision(card), self._zone_of(to))
            return Placement(key=key, address=to, handle=await self._whisper(message, alone, to, key))
        channel = await self._channel(to)
        if _USER.fullmatch(to.to) and not card.is_line and await self._members.is_deactivated(to.to):
            raise Refused("user_disabled", to.to)
        async with self._named(channel, to.to):
            seen = await self._read_by_others(channel)
            if seen and not card.is_line and not self._takes_cards(seen, channel):
                raise ChannelRefused(f"People of another company read #{seen.name}", _LET_IN.format(seen.name))
            card = self._naming(card if seen is None else _marked(card), to)
            message = cards.message(card, cards.revision(card), self._zone_of(to))
            spot = Spot(channel, await self._thread_ts(card, to, channel))
            ts = await self._placing.place(message, spot, key)
        if card.is_line:
            self._status.want(channel, spot.ts, is_busy=card.is_busy)
        if spot.ts:  # what people write in a thread that we have begun comes with the name it has since
            to = to.model_copy(update={"thread": places.handle(channel, spot.ts)})
        return Placement(key=key, address=to, handle=places.handle(channel, ts))

    def _naming(self, card: Card, to: Address) -> Card:
        """`card` with the people and groups whom it mentions as Slack knows them.

        In a direct message nobody need be mentioned, but in a thread that they do not follow; where we began it and ask
        something, its reader is.
        """
        if not (to.is_shared or to.thread):
            return card.model_copy(update={"mentions": (), "groups": ()})
        within = places.thread(to.thread)
        if card.form and not to.is_shared and within and within.is_direct and not within.ts:
            card = card.model_copy(update={"mentions": (to.person,)})
        groups = [group for group in card.groups if {*group.people} <= {*card.mentions}]
        grouped = {person for group in groups for person in group.people}
        contacts = (self._directory.contact(one) for one in card.mentions if one not in grouped)
        people = (one.slack for one in contacts if one and one.slack)
        return card.model_copy(update={"mentions": (*(group.id for group in groups), *people)})

    async def update(self, delivery: Placement, card: Card, key: str, newest: Newest | None = None) -> None:
        """Show `card` where `delivery` stands, and nowhere else. Raises as `send` does; may be repeated."""
        with speaking(self._language_of(delivery.address)):
            await self._update(delivery, card, newest)

    async def _update(self, delivery: Placement, card: Card, newest: Newest | None) -> None:
        channel, ts = places.from_handle(delivery.handle)
        if not ts:
            raise ChannelRefused(
                "It was shown to one person alone and can't be changed", "Nothing: it was only said once"
            )
        async with self._named(channel, delivery.address.to):
            seen = await self._read_by_others(channel)

            def fitting(card: Card) -> cards.Message:
                card = self._naming(card, delivery.address)
                if seen:
                    # It was placed before they could read it: from now on it says no more than what it is about.
                    card = _marked(card) if self._takes_cards(seen, channel) else _bare(card)
                return cards.message(card, cards.revision(card), self._zone_of(delivery.address))

            async def by_now() -> cards.Message:
                nonlocal card
                card = await newest() if newest else card
                return fitting(card)

            await self._placing.update(fitting(card), channel, ts, delivery.key, by_now)
        if card.is_line and (within := places.thread(delivery.address.thread)):
            self._status.want(within.channel, within.ts, is_busy=card.is_busy)

    def _language_of(self, to: Address) -> Language:
        """Return what is read there: by one person their own, by many what is spoken."""
        contact = None if to.is_shared else self._directory.contact(to.person)
        return contact.language if contact else spoken()

    def _zone_of(self, to: Address) -> tzinfo:
        """Return the zone of whoever reads alone what stands there."""
        contact = None if to.is_shared else self._directory.contact(to.person)
        return ZoneInfo(contact.timezone) if contact else UTC

    async def _is_theirs(self, channel: str, user: str) -> bool:
        """Return whether this is our DM with them. Who can't be reached at all hears that when something is sent."""
        try:
            return await self._places.direct(user) == channel
        except Refused:
            return False

    async def _is_inside(self, channel: str, user: str, *, anew: bool) -> bool:
        """Return whether they and we are in this Slack channel, and it is open."""
        try:
            # Both at once, so that many who want to know at the same time share both questions.
            inside, seen = await asyncio.gather(
                self._members.inside(channel, anew=anew), self._places.seen(channel, anew=anew)
            )
            us = (await self._members.ourselves()).bot_user
            return {user, us} <= inside and not seen.is_archived
        except Refused:
            return False

    async def _read_by_others(self, channel: str) -> Seen | None:
        """The Slack channel, if people of another company read it as well."""
        seen = None if channel.startswith("D") else await self._places.seen(channel)
        return seen if seen and seen.has_others else None

    def _takes_cards(self, seen: Seen, channel: str) -> bool:
        return not {f"#{seen.name}", channel}.isdisjoint(self._shared_channels)

    async def _channel(self, to: Address) -> str:
        """The id of the Slack channel or DM that an address means."""
        if to.person and not to.is_shared and _USER.fullmatch(to.to):
            return await self._places.direct(to.to)
        return await self._places.channel(to.to)

    async def _thread_ts(self, card: Card, to: Address, channel: str) -> str:
        within: Thread | None = places.thread(to.thread)
        return await self._roots.ts(within, card) if within and within.channel == channel else ""

    async def _whisper(self, message: cards.Message, alone: Only, to: Address, key: str) -> str:
        """The handle of what one person alone is shown; in a DM it is a message like any other."""
        user = alone.user or self._user(to.person)
        channel = await self._places.direct(user) if alone.is_direct else alone.channel
        if alone.channel not in {channel, user}:
            raise ChannelRefused("That is a direct message with somebody else", "They are told in their own")
        async with self._named(channel, user):
            spot = Spot(channel, alone.ts)
            if alone.is_direct:
                return places.handle(channel, await self._placing.place(message, spot, key))
            shown = posted(message, spot)
            del shown["unfurl_links"], shown["unfurl_media"]
            answer = await self._api.call("chat.postEphemeral", alone.channel, user=user, **shown)
            return f"only:{alone.channel}/{answer['message_ts']}"

    def _user(self, person: str) -> str:
        contact = self._directory.contact(person)
        if contact is None or contact.slack is None:
            raise ChannelRefused("They have no Slack id", "Set `slack` of that person in sayso.toml")
        return contact.slack

    @asynccontextmanager
    async def _named(self, channel: str, user: str) -> AsyncGenerator[None]:
        """Errors name the place in people's words, and make us ask again how things are there."""
        try:
            yield
        except Refused as error:
            words = await self._places.words(channel)
            if error.error.startswith(_MOVED):
                self._members.forget(channel)
                self._places.forget(channel)
                self._places.forget(user)
            raise error.about(words) from error


_LET_IN = 'To let cards in, name it in sayso.toml: [slack] shared_channels = ["slack:#{}"]'


def _marked(card: Card) -> Card:
    """`card` with the sentence that says who else reads it; a line has room for none."""
    if card.is_line:
        return card
    return card.model_copy(update={"summary": f"{say('slack.read-by-others')}\n{card.summary}".strip()})


def _bare(card: Card) -> Card:
    return card if card.is_line else Card(title=card.title, at=card.at, is_line=True)
