"""Getting a card to somebody: through the first channel that takes it, with what that channel's people need on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import structlog

from agents.requests import DeliveryId, PersonId
from agents.requests.record import RequestRecord
from bot.outbound.calls import Calls
from bot.outbound.failures import DeliveryFailures
from bot.outbound.lockouts import LockedOut
from bot.outbound.shared_cards import CardClaims, ClaimPending, RefusedThere, Stands
from bot.outbound.together import Together
from bot.people.directory import People
from bot.people.recognition import as_told_now
from bot.people.sessions import Sessions, brought_by
from bot.policy.attachments import with_lists
from bot.render.cards import deciders, on_yes, risks_of
from bot.render.difference import difference_page, with_difference
from bot.render.due import asked_line
from bot.render.output import with_kept
from bot.render.request_card import offered_form, with_approvals
from bot.requests.decisions import Decisions
from bot.requests.opening import card_for
from bot.requests.tokens import Tokens
from bot.store import Store
from bot.store.indexes import Receipt, note_receipt
from bot.store.outbox_entry import (
    Alert,
    Delivered,
    OutboxEntry,
    PlaceCard,
    PostMail,
    Tell,
    UpdateCard,
    place_for,
    place_of,
    request_of,
    topic_in,
)
from channels import Address, Card, Channel, ChannelRefused, ChannelUnauthorized, Contact, Placement, Posts

log = structlog.stdlib.get_logger()


class Undeliverable(Exception):
    """No channel could take it; the text says what each one said."""


@dataclass(frozen=True, slots=True)
class CardToSend:
    """An entry, the card that it sends, and the key under which a channel sends it once.

    `record` is the request as it was read for this card; where there is none, it is read for each channel. `together`
    is the API key with other requests of which it stands in one message.
    """

    entry: Delivered
    card: Card
    key: str
    record: RequestRecord | None = None
    together: str = ""


@dataclass(frozen=True, slots=True)
class Reached:
    """The place where a card stands.

    `shares`: it is the card of that delivery, and nothing was sent. `waits` are channels that come before it and refuse
    us just now; the card goes there once they take us. `called` are the deliveries of those whom it names.
    """

    delivery: Placement
    shares: DeliveryId | None = None
    waits: tuple[str, ...] = ()
    called: tuple[DeliveryId, ...] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """The ways to people: who they are, through which channels, and what is known of cards that did not arrive.

    `console` is where people find our pages, and `sessions` make the links that let them in.
    """

    people: People
    channels: Mapping[str, Channel]
    tokens: Tokens
    failures: DeliveryFailures
    sessions: Sessions
    console: str | None = None


class Sender:
    """Sends a card by the first of its ways that takes it."""

    def __init__(
        self,
        store: Store,
        decisions: Decisions,
        reach: Reach,
        claims: CardClaims,
        calls: Calls,
        locked_out: LockedOut,
        together: Together,
    ) -> None:
        self._store, self._decisions, self._people = store, decisions, reach.people
        self._channels, self._tokens = reach.channels, reach.tokens
        self._failures, self._console = reach.failures, reach.console
        self._claims, self._locked_out, self._sessions = claims, locked_out, reach.sessions
        self._calls, self._together = calls, together

    async def deliver(self, sending: CardToSend, reach: Sequence[str], failed: Sequence[str] = ()) -> Reached:
        """Deliver the card and return its place, in the first channel of `reach` that takes it.

        `failed` are refusals from before. Raises ChannelUnavailable, ChannelUnauthorized if all channels that are left
        refuse us, or Undeliverable if all refuse the card.
        """
        entry = sending.entry
        if not place_for(entry) and _contact(entry, self._people) is None:
            raise Undeliverable(f"{entry.person} is not in the directory")
        if delivery := await self._aside(sending):
            return Reached(delivery)
        sending = _that_stays(sending)
        refusals, missing, unauthorized = list(failed), list[str](), list[ChannelUnauthorized]()
        for name in reach:
            try:
                found = await self._through(name, sending)
            except ChannelUnauthorized as error:
                await self._locked_out.note(entry.id, error)
                unauthorized.append(error)
                continue
            if isinstance(found, Reached):
                return replace(found, waits=tuple(error.channel for error in unauthorized))
            if found is None:
                missing.append(f"{name}: does not reach {self._people.called(entry.person, place_for(entry))}")
            else:
                refusals.append(f"{name}: {found}")
        if unauthorized:
            raise unauthorized[0]
        raise Undeliverable("; ".join([*refusals, *missing]) or "the policy names no channel")

    async def _through(self, name: str, sending: CardToSend) -> Reached | str | None:
        """Return the place of the card, or why the channel `name` does not take it; None if that reaches nobody."""
        entry, channel = sending.entry, self._channels.get(name)
        address = await self._address(sending, channel) if channel else None
        if channel is None or address is None:
            return None
        try:
            found = await self._try(sending, channel, address)
            if isinstance(found, str) and address.is_shared and not place_for(entry):
                found = await self._alone(sending, channel, found)
        except ClaimPending:
            # The card that this one follows waits until the channel takes us again, and nobody waits that long.
            if error := await self._locked_out.found(name):
                raise error from None
            raise
        if isinstance(found, str):
            return await self._refused(entry, name, found)
        await self._locked_out.works(entry.id, name)
        return found

    async def _alone(self, sending: CardToSend, channel: Channel, why: str) -> Reached | str:
        """Place the card at this person's own address, as the shared place refuses it; else return why."""
        entry, contact = sending.entry, _contact(sending.entry, self._people)
        to = await channel.address(contact, "", anew=True) if contact else None
        if to is None or to.is_shared:
            return why
        found = await self._try(sending, channel, to)
        if isinstance(found, str):
            return f"{why}; and to {self._people.name_of(entry.person)} alone: {found}"
        if isinstance(entry, PlaceCard):
            await self._failures.moved(entry.delivery_id, channel.name, why)
        return found

    async def _try(self, sending: CardToSend, channel: Channel, to: Address) -> Reached | str:
        """Return where it stands, or why `channel` does not take it."""
        if _login_of(sending.entry) and to.is_shared:
            return "others would see a link that logs one person in"
        if sending.together and isinstance(sending.entry, PlaceCard):
            try:
                alone = to.model_copy(update={"thread": ""})  # such a message lists more than one thread
                return Reached(await self._together.place(sending.entry, sending.together, channel, alone))
            except ChannelRefused as error:
                return str(error)
        shared = await self._claims.at(to, sending.entry) if isinstance(sending.entry, PlaceCard) else None
        if isinstance(shared, Stands):
            return Reached(shared.delivery, shares=shared.id)
        if isinstance(shared, RefusedThere):
            return shared.why
        sending, called = await self._calling(sending, channel, to)
        try:
            return Reached(await channel.send(await self._card(sending, channel, to), to, sending.key), called=called)
        except ChannelRefused as error:
            return str(error)

    async def _calling(
        self, sending: CardToSend, channel: Channel, to: Address
    ) -> tuple[CardToSend, tuple[DeliveryId, ...]]:
        """Return `sending` as it is placed where several see it: in the language of the place, with those who are asked
        named on it; and the deliveries of these. One that asks nothing any more calls nobody.
        """
        entry, record = sending.entry, sending.record
        asks_many = to.is_shared and not place_for(entry) and sending.card.form is not None
        if not (isinstance(entry, PlaceCard) and record and asks_many):
            return sending, ()
        called = await self._calls.on_card(entry, record, channel, to)
        card = await self._calls.naming(self._of_place(sending, entry, record), record, called.values(), anew=True)
        return replace(sending, card=card), tuple(called)

    def _of_place(self, sending: CardToSend, entry: PlaceCard, record: RequestRecord) -> Card:
        """Return the card in the language of the installation, as no one person reads it."""
        nobody = PersonId("")
        if self._people.language_of(entry.person) == self._people.language_of(nobody) or sending.card.form is None:
            return sending.card
        card = card_for(record, self._people, nobody, entry.card.at)
        form = card.form.model_copy(update={"token": sending.card.form.token}) if card.form else None
        return card.model_copy(update={"form": form})

    async def _refused(self, entry: Delivered, channel: str, why: str) -> str:
        """`why`, noted down for a card that must reach somebody, which those who were to share it read."""
        if isinstance(entry, PlaceCard):
            await self._failures.fail(entry.delivery_id, channel, why, places_again=False)
        return why

    async def _aside(self, sending: CardToSend) -> Placement | None:
        """Said to this person alone where they spoke; None where that can't be done."""
        entry = sending.entry
        if not isinstance(entry, Tell) or not entry.to:
            return None
        channel = self._channels.get(entry.reach[0]) if entry.reach else None
        if channel is None:
            return None
        to = Address(channel=channel.name, person=entry.person, to=f"only:{entry.to}", thread=entry.thread)
        try:
            return await channel.send(await self._card(sending, channel, to), to, sending.key)
        except (ChannelRefused, ChannelUnauthorized) as error:
            log.info("not said in its place", outgoing_id=entry.id, error=str(error))
            return None

    async def below(self, sending: CardToSend, channel: Channel, there: Address) -> None:
        """Send a line below the card at `there`. Raises ChannelRefused, ChannelUnavailable."""
        await channel.send(await self._card(sending, channel, there), there, sending.key)

    async def is_seen(self, entry: Tell) -> bool:
        """Return whether the person of `entry` sees its thread, as others do. Raises ChannelUnavailable."""
        channel, contact = self._channels.get(entry.reach[0]), _contact(entry, self._people)
        there = await channel.address(contact, entry.thread, anew=True) if channel and contact else None
        return there is not None and there.is_shared

    async def _address(self, sending: CardToSend, channel: Channel) -> Address | None:
        entry, record = sending.entry, sending.record
        if place := place_for(entry):
            return Address(channel=channel.name, person="", to=place_of(place)[1], is_shared=True)
        contact = _contact(entry, self._people)
        # Who has left since may not be left without their card, nor without the news.
        to = await channel.address(contact, entry.thread, anew=True) if contact else None
        by_policy = record is not None and record.request.policy.cards == "dm"
        goes_alone = isinstance(entry, PlaceCard) and (entry.alone or by_policy or bool(sending.together))
        if contact and to and to.is_shared and goes_alone:
            to = await channel.address(contact, "")
            return None if to and to.is_shared else to
        return to

    async def _card(self, sending: CardToSend, channel: Channel, to: Address) -> Card:
        me = None if to.is_shared else PersonId(to.person) or None
        card = await self.for_channel(sending.entry, sending.card, channel.name, sending.record, me)
        if not (login := _login_of(sending.entry)):
            return card
        # Another one with each try: what was sent before, where nobody knows that it was, still opens.
        token = await self._sessions.link(sending.entry.person, by=brought_by(channel.name))
        address, _, back = login.partition("?")
        return card.model_copy(update={"link": f"{address}?{urlencode({'token': token})}&{back}"})

    async def for_channel(
        self,
        entry: OutboxEntry,
        card: Card,
        name: str,
        record: RequestRecord | None = None,
        me: PersonId | None = None,
    ) -> Card:
        """The card leads to the console; its form offers what counts of `me`, who alone sees it, or of all who do.

        Its receipt tells us later whom it did not reach. `record` is the request that the card was just drawn from, if
        it was; else it is read.
        """
        receipt = await self.receipt(entry, asks=card.form is not None, through=self._channels[name])
        card = card.model_copy(update={"link": card.link or self._link(card.ref), "receipt": receipt})
        card = await self._with_kept(entry, card, self._channels[name], me)
        request_id = request_of(entry)
        if request_id is None:
            return card
        record = record or (await self._decisions.request(request_id)).record
        card = card.model_copy(update={"topic": topic_in(entry, record.request)})
        card = with_lists(card, record.request, await self._decisions.lists(record.request))
        card = with_difference(card, record.request, difference_page(self._console, record.request.id))
        if (form := card.form) is None or form.format != record.request.format:  # a comment's form is its reader's own
            return card
        is_live = self._channels[name].edits
        with self._people.speaking_to(me or ""):
            if not isinstance(entry, UpdateCard):
                told = as_told_now(record, self._people)
                now = {
                    "asked": asked_line(told, self._people, me),
                    "risks": risks_of(told, self._people),
                    "decides": tuple(deciders(told, self._people, me)),
                    "on_yes": on_yes(told, self._people, me),
                }
                card = card.model_copy(update=now)
            if isinstance(entry, PlaceCard) and is_live and form.format == "approval":
                # As it stands now: nothing may change it until somebody decides.
                card = with_approvals(card, record, self._people)
            # Whoever answers a mail by which nothing counts is answered as well, by its token.
            offered = offered_form(form, record, self._people, name, card.at, me, keeps=not is_live)
        return card.model_copy(update={"form": offered})

    async def _with_kept(self, entry: OutboxEntry, card: Card, channel: Channel, me: PersonId | None) -> Card:
        """`card` with what is kept beside its run; a channel that changes cards where they stand links to it."""
        named = [line.kept for line in card.facts if line.kept]
        found = {name: await self._decisions.file(entry.run_id, name) for name in named}
        kept = {name: content for name, content in found.items() if content is not None}
        with self._people.speaking_to(me or ""):
            return with_kept(card, kept, attaches=not channel.edits) if named else card

    async def receipt(self, entry: OutboxEntry, *, asks: bool, through: Channel | None = None) -> str:
        """Return the receipt with which `entry` comes back: its delivery's, else its own, which is noted down.

        None is noted for what goes `through` a channel that carries no mail: nothing comes back there.
        """
        match entry:
            case PlaceCard():
                return self._tokens.make_receipt(entry.delivery_id)
            case UpdateCard() if asks and entry.delivery_id:
                return self._tokens.make_receipt(entry.delivery_id)
            case _ if through is not None and not isinstance(through, Posts):
                return ""
            case _:
                to = entry.to if isinstance(entry, PostMail) else ""
        note = Receipt(kind=entry.kind, run_id=entry.run_id, person=entry.person, title=entry.card.title, to=to)
        await note_receipt(self._store.client, entry.id, note)
        return self._tokens.make_receipt(entry.id)

    def _link(self, ref: str) -> str:
        """The page of what a card is about, where there is one."""
        places = {"q": "requests", "r": "runs"}
        place = places.get(ref.partition("-")[0][-1:])
        return f"{self._console}/{place}/{ref}" if self._console and place else ""


def _contact(entry: Delivered, people: People) -> Contact | None:
    if isinstance(entry, Alert):
        return people.contact_to_alert(entry.person)
    # News are for a human, under whichever id they asked; a card is answered under the id that it is for.
    return people.contact(people.ids_of(entry.person)[0] if isinstance(entry, Tell) else entry.person)


def _that_stays(sending: CardToSend) -> CardToSend:
    """Return a word about an answer as it is sent where it stays: nothing takes its buttons away later."""
    if not (isinstance(sending.entry, Tell) and sending.entry.to):
        return sending
    return replace(sending, card=sending.card.model_copy(update={"form": None}))


def _login_of(entry: Delivered) -> str:
    return entry.login if isinstance(entry, Tell) else ""
