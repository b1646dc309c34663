"""Sending what the outbox holds: once per entry as far as the world allows, never lost, failures told."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

import structlog
from pydantic import ValidationError

from agents.events import CardDelivered, Event
from agents.requests import DeliveryId, PersonId, RequestId, RunId
from agents.requests.record import RequestRecord
from bot.outbound.announcements import announced_in
from bot.outbound.calls import Calls, LineBelow
from bot.outbound.dead_letter import Note
from bot.outbound.failures import Stood
from bot.outbound.lines_below import LinesBelow
from bot.outbound.live_cards import LiveCards
from bot.outbound.lockouts import LockedOut
from bot.outbound.raw_mail import RawMail
from bot.outbound.sending import CardToSend, Reach, Reached, Sender, Undeliverable
from bot.outbound.shared_cards import CardClaims, ClaimPending, nobodys_own
from bot.outbound.together import HeldBack, Together
from bot.people.noted import NotedTables
from bot.people.offers import waits_for
from bot.render.cards import Words, notice
from bot.render.request_card import comment_standing
from bot.requests.decisions import Decisions
from bot.requests.gathering import Gathering
from bot.requests.opening import who_asked
from bot.store import Commit, WorkItem, Written
from bot.store.commit import MAX_EVENTS_AT_ALL
from bot.store.indexes import begin_thread, note_question, note_thread
from bot.store.journal import Journal, outbox_entry, outgoing_id
from bot.store.outbox_entry import (
    Alert,
    AnswerStranger,
    Delivery,
    OutboxEntry,
    PlaceCard,
    PostMail,
    ShowStatus,
    Tell,
    UpdateCard,
    place_for,
    read_entry,
    request_of,
)
from channels import (
    SESSION,
    Address,
    Card,
    ChannelRefused,
    ChannelUnanswered,
    ChannelUnauthorized,
    ChannelUnavailable,
    Placement,
)
from language import say, speaking
from language.recorded import recorded, trouble_of

log = structlog.stdlib.get_logger()

# With doubling waits this is most of a day: longer than any mail server's maintenance.
_UNAVAILABLE_TRIES = 300
_FIRST_WAIT_S = 1.0
# About eight minutes: too long for a restart, early enough to fix it before a request expires. A server that takes a
# mail and never answers needs ten for one try.
_ALARMING_TRIES, _ALARMING_S = 9, 300.0
# One server that is away keeps everybody's mail; whoever looks after it need not hear of each.
_ALARMS, _ALARMS_PER_S = 10, 3600.0
# Longer than a request stays open.
_TRIED_S = 31 * 24 * 3600.0


class Outbox:
    """Takes entries off the outbox."""

    def __init__(self, journal: Journal, decisions: Decisions, reach: Reach, gathering: Gathering) -> None:
        self._journal, self._store, self._decisions, self._people = journal, journal.store, decisions, reach.people
        self._channels, self._tokens = reach.channels, reach.tokens
        self._raw_mail, self._failures, self._alerting = RawMail(journal), reach.failures, asyncio.Lock()
        self._claims, self._noted = CardClaims(journal.store, reach.failures), NotedTables(journal.store)
        self._locked_out = LockedOut(journal.store, self.alert_once)
        self._calls = Calls(journal.store, reach.people, reach.failures)
        self._gathering = gathering
        self._together = Together(journal.store, reach.people, reach.tokens, reach.console)
        self._sender = Sender(
            self._store, decisions, reach, self._claims, self._calls, self._locked_out, self._together
        )
        self._lines = LinesBelow(journal, decisions, reach, self._calls, self._sender, self._locked_out)
        self._live_cards = LiveCards(self._store, reach, self._calls, self._sender.for_channel)
        # Hears to whom something of theirs has opened or closed.
        self.concerns: Callable[[Iterable[PersonId]], None] = lambda _: None

    async def send(self, outgoing_id: str) -> RequestId | None:
        """Send one entry, or put it off while the channel is away; return the request that it asks of who has left.

        A process that still had the file from before may have opened it. One that has a newer file than this one may
        have, too: then it is put off until that has come here.
        """
        body = await self._store.outgoing(outgoing_id)
        if body is None:
            return None
        entry = read_entry(body)
        structlog.contextvars.bind_contextvars(run_id=entry.run_id, request_id=request_of(entry), person=entry.person)
        if self._waits_for_file(entry):
            await self._claims.come_back(entry)
            return None
        self.concerns(_concerned(entry))
        began = self._store.about_now()
        try:
            match entry:
                case PlaceCard():
                    await self._place(entry)
                case UpdateCard():
                    await self._update(entry)
                    await self._sent(entry)
                case Tell(beside=Address() as there, request_id=str() as request_id):
                    if why := await self._lines.say(entry, there, request_id):
                        await self._failed(entry, why)
                case Tell(to_absent=True) if await self._sender.is_seen(entry):
                    await self._sent(entry)
                case Tell() | Alert():
                    sending = await self._answerable(entry)
                    # An alert may be of a process that serves HTTP and has no channels; one that sends has them all.
                    reach = tuple(self._channels) if isinstance(entry, Alert) else entry.reach
                    found = await self._sender.deliver(sending, reach)
                    await self._note_thread(sending, found.delivery)
                    await self._sent(entry)
                case AnswerStranger():
                    await self._answer(entry)
                case PostMail():
                    await self._raw_mail.deliver(entry, self._channels, await self._sender.receipt(entry, asks=False))
                    await self._sent(entry)
                case ShowStatus():
                    await self._live_cards.status(entry)
                    await self._sent(entry)
        except HeldBack as error:
            await self._store.come_back(WorkItem("out", entry.id), error.at)
        except ClaimPending:
            await self._claims.come_back(entry)
        except ChannelUnauthorized as error:
            await self._unauthorized(entry, error)
        except ChannelUnavailable as error:
            log.warning("not sent yet", outgoing_id=entry.id, error=str(error))
            if isinstance(entry, UpdateCard | ShowStatus) and isinstance(error, ChannelUnanswered):
                entry = await self._again(entry)
            await self._put_off(entry, str(error), began)
        except Undeliverable as error:
            return await self._undeliverable(entry, str(error))
        return None

    async def _undeliverable(self, entry: OutboxEntry, why: str) -> RequestId | None:
        """Wait where a file may bring whom it is for, else give it up; return the request that it asks of who left."""
        is_here = self._people.is_here(entry.person)
        if self._waits_for_file(entry):  # since it was looked at
            await self._claims.come_back(entry)
        elif not is_here and await self._noted.names([entry.person], self._people):
            await self._put_off(entry, why)
        else:
            log.warning("not sent", outgoing_id=entry.id, error=why)
            await self._failed(entry, why)
            return entry.request_id if isinstance(entry, PlaceCard) and not is_here else None
        return None

    def _waits_for_file(self, entry: OutboxEntry) -> bool:
        """Return whether it is for somebody who may only be missing in a file; an alert is told them all the same."""
        if place_for(entry) or isinstance(entry, AnswerStranger | PostMail):
            return False
        is_told = isinstance(entry, Alert) and self._people.contact_to_alert(entry.person) is not None
        called = entry.card.mentions if isinstance(entry, Tell) else ()
        return any(map(self._people.is_missing, (entry.person, *called))) and not is_told

    async def _update(self, entry: UpdateCard) -> None:
        """Show what became of a card, or of the message that lists what it is about. Raises ClaimPending."""
        placed = await self._claims.settled(entry.delivery_id)
        if placed is None:
            return None
        if not placed.together:
            await self._live_cards.update(entry, placed)
            return await self._tell_voter(entry, placed) if entry.card.closes else None
        channel = self._channels.get(placed.delivery.address.channel) if placed.delivery else None
        if channel is None or channel.name in placed.failed:
            return None
        record, _, _ = await self._decisions.request(placed.request_id)
        is_told = entry.card.closes and record.decision is not None and await self._took_part(entry, record)
        if channel.edits or not is_told:
            await self._together.follow(entry, placed, channel)
        if is_told:
            # No list says what came of it, and whoever voted hears that as with a card of its own.
            await self._live_cards.update(entry.model_copy(update={"card": self._ending(entry)}), placed)
        return None

    async def _took_part(self, entry: UpdateCard, record: RequestRecord) -> bool:
        """Return whether the person of `entry` voted on the request, or on one that its run asked before."""
        return _has_voted(entry, record) or entry.person in (await self._store.run(entry.run_id)).voters

    async def _tell_voter(self, entry: UpdateCard, placed: Delivery) -> None:
        """Tell the news of a request to somebody who voted on it before any list named it to them."""
        if placed.delivery or placed.failed:
            return
        record, _, _ = await self._decisions.request(placed.request_id)
        if _has_voted(entry, record) and await self._gathering.gathers(record, entry.person):
            told = Tell(
                id=entry.id,
                run_id=entry.run_id,
                person=entry.person,
                reach=entry.reach,
                card=self._ending(entry),
                thread=entry.thread,
                request_id=entry.request_id,
            )
            sending = CardToSend(told, told.card, told.id)
            found = await self._sender.deliver(sending, told.reach)
            await self._note_thread(sending, found.delivery)

    def _ending(self, entry: UpdateCard) -> Card:
        """Return the card of `entry`, so that a denial in answer to it counts as below a card of its own."""
        return entry.card.model_copy(update={"ends": self._tokens.make(entry.delivery_id)})

    async def _place(self, entry: PlaceCard) -> None:
        """Put a request in front of somebody, unless there is nothing to answer any more."""
        record, _, _ = await self._decisions.request(entry.request_id)
        stood = await self._failures.stands(entry.delivery_id, entry.run_id)
        placed = stood.placed
        is_asked = record.state == "open" and record.request.revision == entry.revision
        if placed is None or not (is_asked or await self._store.remembered(_tried(entry))):
            await self._sent(entry)
            return
        failed = {} if entry.again else placed.failed
        reach = [name for name in entry.reach if name not in failed]
        together = await self._together_with(entry, record, placed)
        if together and not (is_asked and waits_for(record, entry.person, self._people)):
            there = [self._channels[name] for name in reach if name in self._channels]
            await self._together.forget(entry, together, there)
            await self._sent(entry)
            return
        if not is_asked:
            await self._find(entry, reach, record, stood)
            return
        if any(name in self._channels and self._channels[name].edits for name in reach):
            # Whoever dies after the card was sent leaves buttons that are pressed before anybody looks again.
            await self._store.remember(_tried(entry), b"1", _TRIED_S)
        before = [f"{channel}: {why}" for channel, why in failed.items()]
        sending = CardToSend(entry, self._filled(entry, entry.delivery_id), entry.delivery_id, record, together)
        try:
            found = await self._sender.deliver(sending, reach, before)
        except Undeliverable as error:
            if not entry.waits:
                raise
            log.warning("not sent there as well", outgoing_id=entry.id, error=str(error))
            await self._sent(entry)
            return
        await self._arrived(entry, found, stood, together)
        self.concerns(record.askers)

    async def _together_with(self, entry: PlaceCard, record: RequestRecord, placed: Delivery) -> str:
        """Return the API key with other requests of which it stands in one message; empty where it is a card.

        Whoever has voted by now needs neither.
        """
        if not placed.asks or placed.about or not await self._gathering.gathers(record, entry.person):
            return ""
        is_over = record.state != "open" or record.request.revision != entry.revision
        waits = is_over or _has_voted(entry, record) or waits_for(record, entry.person, self._people)
        return record.request.asked_with if waits else ""

    async def _find(self, entry: PlaceCard, reach: Sequence[str], record: RequestRecord, stood: Stood) -> None:
        """Find a card whose sending was never answered and which nobody may answer any more.

        The update follows the card there. Nothing is lost if no channel has it.
        """
        edits = [name for name in reach if name in self._channels and self._channels[name].edits]
        if entry.waits:  # it was never there, and stands elsewhere
            await self._sent(entry)
            return
        card = entry.card.model_copy(update={"form": None, "closes": True})
        try:
            found = await self._sender.deliver(CardToSend(entry, card, entry.delivery_id, record), edits)
        except Undeliverable:
            await self._sent(entry)
            return
        await self._arrived(entry, found, stood)

    async def _arrived(self, entry: PlaceCard, found: Reached, stood: Stood, together: str = "") -> None:
        """Write down where a card stands; not where it came back from before we got here.

        Where a channel before it refuses us, the card goes there as well once it takes us. `stood` is what was read
        before it was sent: where anything has come in since, it is read again.
        """
        delivery, channel, shares = nobodys_own(found.delivery), found.delivery.address.channel, found.shares
        if not together:  # what is written below a list is about no one of them
            await self._know_thread(delivery, entry.run_id)
        if self._channels[channel].edits and not together:
            await self._know_card(delivery, entry.run_id)
        if delivery.address.thread and entry.thread.startswith(SESSION) and not together:
            await note_thread(self._store, channel, delivery.address.thread, entry.run_id)
        event = CardDelivered(
            at=self._store.about_now(entry.run_id),
            request_id=entry.request_id,
            delivery_id=entry.delivery_id,
            revision=entry.revision,
            person=entry.person,
            channel=channel,
            to=delivery.address.to,
            thread=delivery.address.thread,
            handle=delivery.handle,
            is_shared=delivery.address.is_shared,
            shares=shares,
            place=entry.place,
            together=together,
        )
        written = Written("conflict")
        while written.state == "conflict":
            placed, seq = stood
            if placed is None or (channel in placed.failed and not entry.again):
                await self._sent(entry)
                return
            failed = {name: why for name, why in placed.failed.items() if name != channel}
            new = tuple(one for one in found.called if one not in placed.called)
            about = {"shares": shares, "called": (*placed.called, *new), "together": together}
            stands = placed.model_copy(update={"delivery": delivery, "failed": failed, **about})
            changed, told = [stands], list[OutboxEntry]()
            if shares and (calls := await self._call(entry, channel, shares)):
                changed, told, new = [stands, calls.card], [calls.line], calls.called
            deliveries = [(one.id, one.model_dump_json().encode()) for one in changed]
            written = await self._sent(
                entry, [event.model_copy(update={"called": new})], deliveries, seq, waits=found.waits, told=told
            )
            if written.state == "conflict":
                stood = await self._failures.stands(entry.delivery_id, entry.run_id)

    async def _call(self, entry: PlaceCard, channel: str, shares: DeliveryId) -> LineBelow | None:
        """Return what calls the person of `entry`, who shares a card, below it; None where they are called already.

        All of it is read after the length of the run by which it is fenced.
        """
        first = await self._failures.placed(shares)
        record, _, _ = await self._decisions.request(entry.request_id)
        return await self._calls.below(entry, record, self._channels[channel], first) if first else None

    async def _note_thread(self, sending: CardToSend, delivery: Placement) -> None:
        """What people write below a card that asks them something goes to its run, and so does what answers a mail, or
        is written below what tells somebody of it in a direct message.
        """
        entry, address = sending.entry, delivery.address
        if isinstance(entry, Tell):
            await self._know_thread(delivery, entry.run_id)
        if isinstance(entry, Tell) and entry.to:
            return
        if sending.card.form and delivery.handle:
            asks = entry.delivery_id if isinstance(entry, Tell) else None
            if asks and (placed := await self._failures.placed(asks)) and placed.about:
                await note_question(self._store, address.channel, delivery.handle, placed.about)
            await note_thread(self._store, address.channel, delivery.handle, entry.run_id)
        elif isinstance(entry, Tell) and self._channels[address.channel].edits and not address.is_shared:
            know = note_thread if entry.thread.startswith(SESSION) else begin_thread
            if thread := address.thread or delivery.handle:
                await know(self._store, address.channel, thread, entry.run_id)

    async def _know_thread(self, delivery: Placement, run_id: RunId) -> None:
        """Know by its thread what answers a message that no answer names by itself, as a mail that asks nothing."""
        channel, thread = delivery.address.channel, delivery.address.thread
        if thread and not self._channels[channel].edits:
            await begin_thread(self._store, channel, thread, run_id)

    async def _know_card(self, delivery: Placement, run_id: RunId) -> None:
        """Know both threads of a card: what is said in the one of a run that started this one goes to both."""
        channel, thread = delivery.address.channel, delivery.address.thread
        if thread:
            await begin_thread(self._store, channel, thread, run_id)
        if delivery.handle:
            await note_thread(self._store, channel, delivery.handle, run_id)

    async def _answerable(self, entry: Tell | Alert) -> CardToSend:
        """The card as it can be answered now: without its form when what it asks is not asked any more."""
        if isinstance(entry, Alert) or entry.card.form is None or entry.request_id is None or not entry.delivery_id:
            return CardToSend(entry, entry.card, entry.id)
        record, _, now = await self._decisions.request(entry.request_id)
        placed = await self._failures.placed(entry.delivery_id)
        if record.state == "open" and (record.request.revision == entry.revision or (placed and placed.about)):
            return CardToSend(entry, self._filled(entry, entry.delivery_id), entry.id, record)
        if placed and placed.about:  # whoever is asked hears that it is decided by now
            with self._people.speaking_to(entry.person):
                told = comment_standing(record, placed, entry.person, self._people, now)
            return CardToSend(entry, told, entry.id, record)
        return CardToSend(entry, entry.card.model_copy(update={"form": None}), entry.id, record)

    def _filled(self, entry: PlaceCard | Tell, delivery_id: DeliveryId | None) -> Card:
        """The card with the token of its form."""
        if entry.card.form is None or delivery_id is None:
            raise ValueError(f"{entry.id} names no delivery to answer")
        form = entry.card.form.model_copy(update={"token": self._tokens.make(delivery_id)})
        return entry.card.model_copy(update={"form": form})

    async def _answer(self, entry: AnswerStranger) -> None:
        """One try or a few to answer a stranger; nobody need hear of it when it does not work."""
        for channel in filter(None, map(self._channels.get, entry.reach)):
            try:
                address = Address(channel=channel.name, person="", to=entry.to, thread=entry.thread)
                await channel.send(entry.card, address, entry.id)
            except ChannelRefused as error:
                log.warning("a stranger was not answered", outgoing_id=entry.id, error=str(error))
        await self._sent(entry)

    async def _sent(
        self,
        entry: OutboxEntry,
        events: Sequence[Event] = (),
        deliveries: Sequence[tuple[str, bytes]] = (),
        expect: int | None = None,
        waits: Sequence[str] = (),
        told: Sequence[OutboxEntry] = (),
    ) -> Written:
        """Record that the entry was sent, and what follows; but for the channels that it `waits` for."""
        left = [outbox_entry(entry.model_copy(update={"reach": tuple(waits), "waits": True}))] if waits else []
        return await self._journal.write(
            Commit(
                run_id=entry.run_id,
                events=events,
                expect=expect,
                sent=None if waits else entry.id,
                outgoing=[*left, *map(outbox_entry, told)],
                deliveries=deliveries,
                limit=MAX_EVENTS_AT_ALL,
            )
        )

    async def _again(self, entry: UpdateCard | ShowStatus) -> UpdateCard | ShowStatus:
        """Put an entry of its own in the place of one whose call was not answered, to show what stands once more.

        The call may land over what is newer, also where another worker has shown that and is done with `entry`. One
        that is sent again already is kept, so that its tries are counted.
        """
        again = entry if entry.again else entry.model_copy(update={"id": outgoing_id(entry.run_id), "again": True})
        await self._store.commit(Commit(run_id=entry.run_id, outgoing=[outbox_entry(again)]), push=False)
        if again.id != entry.id:
            await self._sent(entry)
        return again

    async def _unauthorized(self, entry: OutboxEntry, error: ChannelUnauthorized) -> None:
        """Put off an entry while its channel refuses us: no fault of `entry`, so no try is counted, for a month."""
        log.warning("not sent yet: we are refused", outgoing_id=entry.id, channel=error.channel, error=str(error))
        await self.locked_out(entry.id, error)
        is_old = (self._store.about_now(entry.id) - entry.card.at).total_seconds() > _TRIED_S
        if isinstance(entry, AnswerStranger) or is_old:
            await self._put_off(entry, str(error))
        else:
            await self._claims.come_back(entry)

    async def locked_out(self, some_id: str, error: ChannelUnauthorized) -> None:
        """Note that a channel refused us when `some_id` was tried, and tell the operators."""
        await self._locked_out.note(some_id, error)

    async def _put_off(self, entry: OutboxEntry, why: str, began: datetime | None = None) -> None:
        note = await self._note(entry, why)
        took_s = (note.at - began).total_seconds() if began else 0.0
        tries = await self._store.put_off(WorkItem("out", entry.id), _FIRST_WAIT_S)
        if isinstance(entry, AnswerStranger | ShowStatus):
            if tries >= _ALARMING_TRIES:
                await self._sent(entry)
            return
        is_late = tries == _ALARMING_TRIES or (tries < _ALARMING_TRIES and took_s >= _ALARMING_S)
        if is_late and not isinstance(entry, Alert) and await self._may_alarm(entry):
            words = partial(_words, "notice.alert-not-yet-title", "notice.alert-not-yet", note)
            await self.alert_once(f"not yet {entry.id}", _TRIED_S, entry.id, words)
        # A mail has its day, and says itself when it is over.
        if tries >= _UNAVAILABLE_TRIES and not isinstance(entry, PostMail):
            words = partial(_words, "notice.alert-given-up-title", "notice.alert-given-up", note)
            await self.alert(entry.id, words, also=await self._announcers(entry))
            await self._store.give_up(WorkItem("out", entry.id), note.model_dump_json().encode())

    async def _announcers(self, entry: OutboxEntry) -> tuple[PersonId, ...]:
        """Return who had `entry` announced: their run has ended, and told them that it was."""
        if not isinstance(entry, Tell) or entry.thread != announced_in(entry.run_id):
            return ()
        return who_asked(await self._store.run(entry.run_id))

    async def _may_alarm(self, entry: OutboxEntry) -> bool:
        return await self._store.admit("alarms", entry.id, _ALARMS, _ALARMS_PER_S)

    async def _failed(self, entry: OutboxEntry, why: str) -> None:
        """Give up on an entry nobody takes; the run records it, operators are told, rather twice than never."""
        note = await self._note(entry, why)
        if isinstance(entry, PlaceCard):
            placed = await self._failures.placed(entry.delivery_id)
            if placed and not placed.failed:
                await self._failures.fail(entry.delivery_id, ",".join(entry.reach), why, places_again=False)
        if not isinstance(entry, Alert):
            name = self._people.called(entry.person, place_for(entry))
            keys = ("notice.alert-unreached-title", "notice.alert-unreached")
            words = partial(_words, *keys, note, name=name, id=entry.id)
            await self.alert(entry.id, words, also=await self._announcers(entry))
        if isinstance(entry, PlaceCard):
            again = outbox_entry(entry.model_copy(update={"again": True}))
            # Not pushed: it is given up, and only whoever has it done again sends it.
            await self._store.commit(Commit(run_id=entry.run_id, outgoing=[again]), push=False)
        await self._store.give_up(WorkItem("out", entry.id), note.model_dump_json().encode())

    async def alert_once(self, name: str, every_s: float, near: str, words: Words) -> None:
        """Alert as `alert` does, once in `every_s` for this `name`, and again where we died before."""
        async with self._alerting:
            await self._store.tell_once(f"told {name}", every_s, partial(self.alert, near, words))

    async def alert(self, near: str, words: Words, also: Sequence[PersonId] = ()) -> None:
        """Tell the operators, and `also`, something that nobody else can hear; always in the log as well."""
        with speaking("en"):
            title, text = words()
        log.error("alert", title=title, text=text)
        now, entries = await self._store.now(near), list[Alert]()
        await self._people.look_up(self._people.tables.alerts)
        for person in dict.fromkeys((*self._people.alerted(now), *also)):
            with self._people.speaking_to(person):
                card = notice(*words(), now, near)
            entries.append(
                Alert(
                    id=outgoing_id(near),
                    run_id=RunId(near),
                    person=person,
                    reach=tuple(self._channels),
                    card=card,
                    thread=f"alert-{near}",
                )
            )
        await self._journal.send(*entries)

    async def is_alert(self, item: WorkItem) -> bool:
        """Return whether `item` is an alert that waits to be sent; what can't be read is none."""
        body = await self._store.outgoing(item.id) if item.kind == "out" else None
        try:
            return body is not None and isinstance(read_entry(body), Alert)
        except ValidationError:
            return False

    async def _note(self, entry: OutboxEntry, why: str) -> Note:
        """Return the entry's line in the list of what was given up on: what it is, and for whom."""
        match entry:
            case PlaceCard() | UpdateCard():
                what, to = "trouble.the-card", ""
            case AnswerStranger():
                what, to = "trouble.an-answer", entry.to
            case PostMail():
                what, to = "trouble.the-mail", entry.to
            case Tell() | Alert() | ShowStatus():
                what, to = "trouble.the-news", ""
        whom = self._people.called(entry.person, place_for(entry)) or to
        return Note(
            kind="dead",
            what=recorded(what, title=entry.card.title, name=whom),
            why=why,
            at=await self._store.now(entry.id),
            member=str(WorkItem("out", entry.id)),
        )


def _words(title: str, text: str, note: Note, **values: str) -> tuple[str, str]:
    """Return the title and the text, by their keys, of an alert about `note`."""
    return say(title, **values), say(text, what=trouble_of(note.what), why=trouble_of(note.why), **values)


def _concerned(entry: OutboxEntry) -> tuple[PersonId, ...]:
    """Return whoever hears by `entry` that something of theirs has opened or closed."""
    if isinstance(entry, UpdateCard):
        form = entry.card.form
        return (entry.person,) if entry.card.closes or form is None or form.only_stops else ()
    return (entry.person,) if isinstance(entry, PlaceCard | Tell) else ()


def _has_voted(entry: OutboxEntry, record: RequestRecord) -> bool:
    """Return whether the person of `entry` has voted on a request."""
    return entry.person in {vote.person for vote in record.votes}


def _tried(entry: OutboxEntry) -> str:
    """Under this is remembered that `entry` was sent and may stand somewhere, though nobody said so."""
    return f"tried {entry.id}"
