"""One message for what a person gets of an API key beyond `cards_per_person`: it lists what waits, and follows it.

Where a channel can change it, it is changed where it stands; else it is sent anew, once in five minutes at most, and an
entry that is held back is sent when they are over. One process at a time changes a message, and draws it from what
stands by then, so that whoever changes it last shows the last state. It is no card: no answer names it.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from weakref import WeakValueDictionary

import structlog

from agents.requests import DeliveryId, RequestId
from agents.requests.record import RequestRecord
from bot.outbound.shared_cards import ClaimPending, theirs_now
from bot.people.directory import People
from bot.people.offers import waits_for
from bot.render.cards import notice
from bot.render.together import listed
from bot.requests.stored import record_in
from bot.requests.tokens import Tokens
from bot.store import Store
from bot.store.outbox_entry import Delivery, PlaceCard, UpdateCard
from bot.store.together import MAIL_EVERY_S, Gathered, GatheredMessages, message_name
from channels import Address, Card, Channel, ChannelRefused, ChannelUnanswered, ChannelUnavailable, Placement
from language import say, say_many

log = structlog.stdlib.get_logger()

# Two of them, and what is read and written beside, end before the hold does.
_CALL_S = 45.0
_HOLD_S = 120.0
# A mail is sent once, and its server may look through it for ten minutes: to give up is to send the list once more.
# Whoever died meanwhile keeps others waiting for as long.
_MAIL_S, _MAIL_HOLD_S = 660.0, 720.0

# A server may leave a message unanswered for long: more that wait for it would leave a worker no room for others.
_IN_LINE = 20

T = TypeVar("T")


class HeldBack(ClaimPending):
    """The message was sent a moment ago: what is new comes with the next one, `at` then."""

    def __init__(self, at: datetime) -> None:
        super().__init__("A message of the same list was sent a moment ago", "The next one comes in five minutes")
        self.at = at


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The requests that a message lists: those that wait on its person, in order, and those that are over."""

    waiting: tuple[RequestRecord, ...]
    over: tuple[RequestRecord, ...]
    card: Card | None

    @property
    def mark(self) -> str:
        """What stands for this look: the same for the same."""
        shown = f"{self.card.title}\n{self.card.summary}" if self.card else ""
        return hashlib.sha256(shown.encode(errors="replace")).hexdigest()[:16]


class Together:
    """Places requests in such messages, and has the messages follow. `console` is where they are answered."""

    def __init__(self, store: Store, people: People, tokens: Tokens, console: str | None) -> None:
        self._store, self._people, self._tokens = store, people, tokens
        self._messages, self._page = GatheredMessages(store), f"{console}/"
        self._locks, self._in_line = WeakValueDictionary[str, asyncio.Lock](), Counter[str]()
        self._joining = dict[str, dict[RequestId, DeliveryId]]()

    async def place(self, entry: PlaceCard, key: str, channel: Channel, to: Address) -> Placement:
        """Return where the message stands that lists the request of `entry`, among the others of the API key `key`.

        Raises ChannelRefused, ChannelUnavailable, and HeldBack.
        """
        name = message_name(key, entry.person, channel.name)
        # Whoever has the message now takes all who wait for it along.
        self._joining.setdefault(name, {})[entry.request_id] = entry.delivery_id
        async with self._held(name, channel):
            message = await self._messages.read(name)
            is_told = message.told.get(entry.request_id) == entry.delivery_id and not entry.again
            if message.placement and is_told:
                return message.placement
            if message.placement and channel.edits and entry.revision > 1:
                await self._asked_anew(entry, channel, message.placement)
            joined = {**message.deliveries, **self._joining.pop(name, {}), entry.request_id: entry.delivery_id}
            message = message.model_copy(update={"deliveries": joined})
            there = await self._shown(name, message, entry, channel, to, is_due=True)
            if there is None or entry.request_id not in (await self._messages.read(name)).deliveries:
                raise ClaimPending("It does not wait for this person any more", "What became of it is looked at again")
            return there

    async def follow(self, entry: UpdateCard, placed: Delivery, channel: Channel) -> None:
        """Have the message that lists `placed` show how things stand, and remind its person where `entry` does.

        Raises ChannelUnavailable and HeldBack.
        """
        now = await theirs_now(placed, placed.delivery, channel, self._people) if placed.delivery else None
        if now is None:
            return
        name, to = message_name(placed.together, placed.person, channel.name), now.address
        async with self._held(name, channel):
            message = await self._messages.read(name)
            is_listed = placed.request_id in message.deliveries
            if not is_listed or (entry.reminds and not channel.edits and _is_since(message.sent_at, entry.card.at)):
                return
            try:
                there = await self._shown(name, message, entry, channel, to, is_due=entry.reminds or entry.card.closes)
                if entry.reminds and there and channel.edits:
                    await self._remind(name, entry, channel, there)
            except ChannelRefused as error:
                log.warning("a list was refused", outgoing_id=entry.id, error=str(error))

    async def forget(self, entry: PlaceCard, key: str, channels: list[Channel]) -> None:
        """Have no message go on listing the request of `entry`, which was closed before anybody knew where it stands.

        Raises as `follow` does.
        """
        for channel in channels:
            name = message_name(key, entry.person, channel.name)
            async with self._held(name, channel):
                message = await self._messages.read(name)
                contact = self._people.contact(entry.person)
                if entry.request_id in message.deliveries and contact and (to := await channel.address(contact, "")):
                    await self._shown(name, message, entry, channel, to, is_due=False)

    async def _asked_anew(self, entry: PlaceCard, channel: Channel, there: Placement) -> None:
        """Say below the message what has changed in it: whoever has voted on that counts on it."""
        with self._people.speaking_to(entry.person):
            line = say("together.changed-below", title=entry.card.title)
        try:
            await self._below(entry, channel, there, line)
        except ChannelRefused as error:  # such as for a message that somebody deleted: the list is sent anew
            log.warning("nothing is said below a list", outgoing_id=entry.id, error=str(error))

    async def _remind(self, name: str, entry: UpdateCard, channel: Channel, there: Placement) -> None:
        """Say below the message that it still waits: a change of it notifies nobody."""
        message = await self._messages.read(name)
        if not message.deliveries or not await self._store.admit(f"reminded {name}", entry.id, 1, MAIL_EVERY_S):
            return
        with self._people.speaking_to(entry.person):
            reminder = say_many("together.reminder", len(message.deliveries))
        await self._below(entry, channel, there, reminder)

    async def _below(self, entry: PlaceCard | UpdateCard, channel: Channel, there: Placement, line: str) -> None:
        card = notice(line, "", entry.card.at, link=self._page)
        below = there.address.model_copy(update={"thread": there.address.thread or there.handle})
        await _within(channel.send(card, below, entry.id))

    async def _shown(
        self,
        name: str,
        message: Gathered,
        entry: PlaceCard | UpdateCard,
        channel: Channel,
        to: Address,
        *,
        is_due: bool,
    ) -> Placement | None:
        """Show what stands, and return where; None where there is nothing to show. `is_due`: it is worth a mail."""
        drawn = await self._drawn(entry, message, says_over=not channel.edits)
        if channel.edits:
            return await self._edited(name, message, drawn, entry, channel, to)
        if not is_due or drawn.card is None:
            await self._messages.keep(name, _left(message, drawn, keeps_over=not is_due))
            return message.placement
        return await self._mailed(name, message, drawn, drawn.card, entry, channel, to)

    async def _edited(
        self, name: str, message: Gathered, drawn: _Drawn, entry: PlaceCard | UpdateCard, channel: Channel, to: Address
    ) -> Placement | None:
        if message.placement and message.placement.address.to != to.to:  # somebody else may read there by now
            message = message.model_copy(update={"placement": None, "is_tried": False})
        if drawn.card is None or (message.placement is None and not message.is_tried and not drawn.waiting):
            await self._messages.keep(name, _left(message, drawn))
            return None
        there, is_again = message.placement, message.is_tried
        if there is None:
            number = message.number if is_again else message.number + 1
            # Whoever dies after it was sent leaves a message that has to be found again.
            message = message.model_copy(update={"number": number, "is_tried": True})
            await self._messages.keep(name, message)
            there = await _within(channel.send(drawn.card, to, _key(name, number)))
            await self._messages.stands(there)
        if is_again or (message.placement and message.mark != drawn.mark):
            # Until it is answered nobody knows what it shows.
            await self._messages.keep(name, message.model_copy(update={"mark": ""}))
            try:
                await _within(channel.update(there, drawn.card, f"{entry.id}-{drawn.mark}"))
            except ChannelRefused as error:  # such as for a message that somebody deleted
                log.warning("a list is sent anew", outgoing_id=entry.id, error=str(error))
                gone = message.model_copy(update={"placement": None, "is_tried": False})
                return await self._edited(name, gone, drawn, entry, channel, to)
        left = _left(message, drawn)
        # What comes once nothing waits is a new message: nobody is notified of one that is changed.
        stands = {"placement": there if drawn.waiting else None, "is_tried": False, "mark": drawn.mark}
        await self._messages.keep(name, left.model_copy(update=stands))
        return there

    async def _mailed(
        self,
        name: str,
        message: Gathered,
        drawn: _Drawn,
        card: Card,
        entry: PlaceCard | UpdateCard,
        channel: Channel,
        to: Address,
    ) -> Placement | None:
        now, before = await self._store.now(entry.id), message.sent_at
        if before and _is_since(before, now - timedelta(seconds=MAIL_EVERY_S)):
            await self._messages.keep(name, message)
            raise HeldBack(before + timedelta(seconds=MAIL_EVERY_S))
        # Before it is sent: whoever dies now may have sent it, and the next one, which says it all, waits its time.
        tried = message.model_copy(update={"number": message.number + 1, "sent_at": now})
        await self._messages.keep(name, tried)
        receipt = self._tokens.make_receipt(entry.delivery_id)
        # Such mails are a thread of their own, which is that of no run.
        to = to.model_copy(update={"thread": _key(name, 0)})
        try:
            sent = channel.send(card.model_copy(update={"receipt": receipt}), to, _key(name, tried.number))
            there = await _within(sent, _MAIL_S)
        except (ChannelRefused, ChannelUnavailable) as error:
            if not isinstance(error, ChannelUnanswered):
                await self._messages.keep(name, tried.model_copy(update={"sent_at": before}))
            raise
        await self._messages.keep(name, _left(tried, drawn).model_copy(update={"placement": there}))
        return there

    async def _drawn(self, entry: PlaceCard | UpdateCard, message: Gathered, *, says_over: bool) -> _Drawn:
        """Return what the message is to list, as it stands now. `says_over`: how those ended that it listed before."""
        found = await asyncio.gather(*map(self._kept, message.deliveries))
        in_order = sorted(filter(None, found), key=lambda one: (one.request.opened_at, one.request.id))
        waiting = tuple(one for one in in_order if waits_for(one, entry.person, self._people))
        over = tuple(one for one in in_order if one.state != "open" and one.request.id in message.told)
        if not in_order or (says_over and not (waiting or over)):
            return _Drawn(waiting, over, None)
        with self._people.speaking_to(entry.person):
            card = listed(in_order[0], waiting, over if says_over else (), entry.card.at, self._page, self._people)
        return _Drawn(waiting, over, card)

    async def _kept(self, request_id: RequestId) -> RequestRecord | None:
        """Return a request that is listed; None where it has left Redis: it was over long before, or can't be read."""
        found = await self._store.record(request_id)
        return record_in(found.body) if found else None

    @asynccontextmanager
    async def _held(self, name: str, channel: Channel) -> AsyncGenerator[None]:
        """Hold the message alone. Raises ClaimPending while another process does, or many here wait for it."""
        if self._in_line[name] >= _IN_LINE:
            raise ClaimPending("Many wait for the list just now", "This one follows them")
        self._in_line[name] += 1
        try:
            async with self._locks.setdefault(name, asyncio.Lock()):
                if not await self._messages.hold(name, _HOLD_S if channel.edits else _MAIL_HOLD_S):
                    raise ClaimPending("Another process changes the list just now", "This one follows it")
                try:
                    yield
                finally:
                    await self._messages.let_go(name)
        finally:
            self._in_line[name] -= 1
            if not self._in_line[name]:
                del self._in_line[name]


def _left(message: Gathered, drawn: _Drawn, *, keeps_over: bool = False) -> Gathered:
    """Return the message without what it need not follow any more, as it was told just now."""
    stay = {one.request.id for one in (*drawn.waiting, *(drawn.over if keeps_over else ()))}
    deliveries = {one: it for one, it in message.deliveries.items() if one in stay}
    told = message.told if keeps_over else deliveries
    return message.model_copy(update={"deliveries": deliveries, "told": told})


def _key(name: str, number: int) -> str:
    return f"together-{hashlib.sha256(name.encode()).hexdigest()[:16]}-{number}"


def _is_since(moment: datetime | None, then: datetime) -> bool:
    return moment is not None and moment > then


async def _within(call: Awaitable[T], within_s: float = _CALL_S) -> T:
    """Make a call of a channel while the message is certainly held. Raises ChannelUnanswered where it takes longer."""
    try:
        async with asyncio.timeout(within_s):
            return await call
    except TimeoutError:
        raise ChannelUnanswered("The other side has not answered", "It is tried again") from None
