"""Live cards: the state of a request or run, drawn when sent and checked again after, in channels that can edit.

An outbox entry names its card only: drawn earlier, entries could overtake each other and leave dead buttons.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeVar
from weakref import WeakValueDictionary

import structlog

from agents.requests import PersonId, RunId
from agents.requests.record import RequestRecord
from agents.run import Run
from bot.outbound.calls import Calls
from bot.outbound.sending import Reach
from bot.outbound.shared_cards import reader_of, theirs_now
from bot.render.request_card import standing
from bot.render.status_line import WORKING, StatusLines, asked_for, status_card, status_line
from bot.store import Store
from bot.store.indexes import note_thread
from bot.store.outbox_entry import Delivery, OutboxEntry, ShowStatus, UpdateCard
from channels import Card, Channel, ChannelError, ChannelRefused, ChannelUnavailable, Newest, Placement
from language import Language, say, speaking, spoken

log = structlog.stdlib.get_logger()

# What a process remembers; for what is forgotten a channel is called once more.
_REMEMBERED = 10_000

T = TypeVar("T")


class Dress(Protocol):
    """Completes a card for the channel `name`, and for `me` where nobody else sees it.

    `record` is the request that it was just drawn from, if it was.
    """

    async def __call__(
        self,
        entry: OutboxEntry,
        card: Card,
        name: str,
        record: RequestRecord | None = None,
        me: PersonId | None = None,
    ) -> Card: ...


@dataclass(slots=True)
class _Drawn:
    """What `draw` gave last: a card, if there is anything to show, and how many events the run had that it shows."""

    draw: Callable[[], Awaitable[tuple[Card | None, int]]]
    language: Language
    card: Card | None = None
    seq: int = -1

    async def again(self) -> Card | None:
        """Draw it as it is by now, in the same language for all who see it."""
        with speaking(self.language):
            self.card, self.seq = await self.draw()
        return self.card


Show = Callable[[Card, str, Newest], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Called:
    """The last call for one message: when it `began`, how many events the run had that it showed, how it went."""

    began: int
    drawn: int
    error: ChannelError | None = None


class LiveCards:
    """Updates what was sent. `dress` adds what only the outbox knows: links, receipts, topics.

    Two workers may update one message at once, and the older update may land last. Each looks at the run again after
    its own call, and calls again if that shows something else; so whoever's call lands last has either drawn what
    stands now, or is about to.
    """

    def __init__(self, store: Store, reach: Reach, calls: Calls, dress: Dress) -> None:
        self._calls = calls
        self._store, self._people, self._tokens = store, reach.people, reach.tokens
        self._channels, self._dress = reach.channels, dress
        self._lines = StatusLines(store)
        self._turns = itertools.count(1)
        self._locks = WeakValueDictionary[str, asyncio.Lock]()
        self._asked, self._called = dict[str, int](), dict[str, _Called]()

    async def update(self, entry: UpdateCard, placed: Delivery) -> None:
        """Show what became of a card, where it was `placed`; a card that never arrived needs no update.

        Of what a message lists with others it is told in a message of its own. Where one card stands for several
        people, the entry of the delivery that it was sent for shows it. Raises ChannelUnavailable.
        """
        delivery = placed.delivery if placed.shares is None else None
        channel = self._channels.get(delivery.address.channel) if delivery else None
        if delivery is None or channel is None or channel.name in placed.failed:
            return
        delivery = await theirs_now(placed, delivery, channel, self._people)
        if delivery is None:
            log.info("not shown to whoever reads there now", outgoing_id=entry.id, person=placed.person)
            return
        try:
            if channel.edits and not placed.together:
                await self._card(entry, placed, delivery, channel)
                return
            card = await self._dress(entry, entry.card, channel.name, me=reader_of(placed, delivery))
            if channel.edits:  # what stands there lists others as well
                # By a key of its own, as an entry whose call was not answered gets another id.
                key = f"{entry.delivery_id} {entry.card.at.isoformat()}"
                there = await channel.send(card, delivery.address, key)
                await note_thread(self._store, channel.name, there.handle, entry.run_id)
            else:
                await channel.update(delivery, card, entry.id)
        except ChannelRefused as error:
            log.warning("update refused", outgoing_id=entry.id, error=str(error))

    async def _card(self, entry: UpdateCard, placed: Delivery, delivery: Placement, channel: Channel) -> None:
        """Show the state of the request of `placed`."""
        record: RequestRecord | None = None
        me = reader_of(placed, delivery)

        async def draw() -> tuple[Card | None, int]:
            nonlocal record
            run = await self._read(placed.run_id)
            record = run.requests.get(placed.request_id)
            if record is None:
                return None, run.seq
            with self._people.speaking_to(me or ""):
                card = standing(record, run, self._people, entry.card.at, placed.revision, me)
            if me is None and placed.called and placed.revision == record.request.revision:
                # Slack takes a notice back with the mention that is edited away.
                called = [one.person for one in record.holders if one.delivery_id in placed.called]
                card = await self._calls.naming(card, record, called)
            return self._with_token(card, placed), run.seq

        async def dressed(card: Card) -> Card:
            # Whoever was asked under another id before answers by a card of their own, and may stop it by this one.
            stops = card.form is not None and card.form.only_stops
            by = self._people.ids_of(me)[0] if me and stops else me
            return await self._dress(entry, card, channel.name, record, by)

        async def call(card: Card, key: str, newest: Newest) -> None:
            async def by_now() -> Card:
                return await dressed(await newest())

            await channel.update(delivery, await dressed(card), key, by_now)

        await self._show(entry, placed.id, draw, call)

    async def status(self, entry: ShowStatus) -> None:
        """Show how a run stands in one line of its thread. Raises ChannelUnavailable."""
        channel, contact = (
            self._channels.get(entry.reach[0]),
            self._people.contact(self._people.ids_of(entry.person)[0]),
        )
        if channel is None or not channel.edits:
            return
        known = await self._lines.find(entry.run_id)
        there = known.address if known else await channel.address(contact, entry.thread) if contact else None
        if there is None or not (contact or there.is_shared):
            return

        async def draw() -> tuple[Card | None, int]:
            run = await self._read(entry.run_id)
            request = run.pending.request if run.pending else None
            record = run.requests.get(request.id) if request else None
            line, topic = status_line(run, record, self._people), asked_for(run, self._people)
            return status_card(line, entry.card.at, topic, is_busy=run.state == "running"), run.seq

        async def call(card: Card, key: str, newest: Newest) -> None:
            nonlocal known
            if known is None:
                first = card.model_copy(update={"title": say(WORKING)})
                known = await channel.send(first, there, self._lines.key(entry.run_id))
                if await self._lines.keep(entry.run_id, known) and card == first:
                    return
            await channel.update(known, card, key, newest)

        try:
            with self._people.speaking_to("" if there.is_shared else there.person):
                await self._show(entry, self._lines.key(entry.run_id), draw, call)
        except ChannelRefused as error:
            log.warning("a status line was refused", run_id=entry.run_id, error=str(error))

    async def _read(self, run_id: RunId) -> Run:
        """The run and its requests, all as of one moment."""
        return await self._store.run(run_id)

    def _with_token(self, card: Card, placed: Delivery) -> Card:
        if card.form is None:
            return card
        form = card.form.model_copy(update={"token": self._tokens.make(placed.id)})
        return card.model_copy(update={"form": form})

    async def _show(
        self,
        entry: UpdateCard | ShowStatus,
        target: str,
        draw: Callable[[], Awaitable[tuple[Card | None, int]]],
        call: Show,
    ) -> None:
        """Draw and call until nothing differs. A call that began after this entry was taken counts for it as well."""
        asked = next(self._turns)
        # One that had to be put off waits for what was shown since it was first taken here.
        first = self._asked.setdefault(entry.id, asked)
        _bound(self._asked)
        lock = self._locks.setdefault(target, asyncio.Lock())
        async with lock:
            last = self._called.get(target, _Called(0, -1))
            error = last.error
            since = asked if error or entry.again else first
            counts = last.began > since or (not error and await self._is_shown(entry, last))
            if not counts:
                error = await self._call(entry, target, _Drawn(draw, spoken()), call)
        if isinstance(error, ChannelUnavailable):
            raise error
        self._asked.pop(entry.id, None)
        if error:
            raise error

    async def _is_shown(self, entry: UpdateCard | ShowStatus, last: _Called) -> bool:
        """Return whether nothing has happened since `last`.

        An entry older than the grace may be left from a worker that died, and one that is sent again from a worker that
        heard no answer: its call may have landed after `last`.
        """
        age = abs(self._store.about_now(entry.id) - entry.card.at)  # clocks are set back, too
        is_first = age < timedelta(seconds=self._store.grace_s) and not entry.again
        return is_first and last.drawn == await self._store.length(entry.run_id)

    async def _call(
        self,
        entry: UpdateCard | ShowStatus,
        target: str,
        drawn: _Drawn,
        call: Show,
    ) -> ChannelError | None:
        shown, began = None, 0
        while drawn.seq != await self._store.length(entry.run_id):
            turn = next(self._turns)
            card = await drawn.again()
            if card is None or card == shown:
                continue
            began = turn

            async def newest(first: Card = card) -> Card:
                return await drawn.again() or first

            try:
                await call(card, f"{entry.id}-{drawn.seq}", newest)
            except (ChannelRefused, ChannelUnavailable) as error:
                self._note(target, _Called(began, drawn.seq, error))
                return error
            shown = drawn.card
        self._note(target, _Called(began, drawn.seq))
        return None

    def _note(self, target: str, called: _Called) -> None:
        self._called.pop(target, None)
        self._called[target] = called
        _bound(self._called)


def _bound(remembered: dict[str, T]) -> None:
    while len(remembered) > _REMEMBERED:
        del remembered[next(iter(remembered))]
