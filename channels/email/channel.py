"""The mailbox as a `Channel`: mails become what `accept` takes, cards and alerts become mails."""

import asyncio
import hashlib
import logging
import re
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from channels import (
    Accept,
    Address,
    Bounced,
    Card,
    ChannelError,
    ChannelRefused,
    Contact,
    Directory,
    Inbound,
    Marks,
    Newest,
    Placement,
    Quarantined,
    Reading,
    Reply,
    RequestLookup,
    Trigger,
)
from channels.email import mime, tokens
from channels.email.format import addresses
from channels.email.format.message_ids import thread_root
from channels.email.identity.proof import Prove
from channels.email.mailbox import Item, Mailbox, fingerprint_of
from channels.email.mime import Post
from channels.email.reading.reader import ASKED_NOTHING, Reader
from channels.email.reading.sandbox import LIMITS, Children, Limits, SandboxedReader, contacts_of
from channels.email.reply import binding
from channels.email.reply.binding import Answered, SentCard, Wished
from channels.email.reply.lines import BLANK
from channels.email.reply.signature import is_dashes
from channels.email.reply.stored import squashed
from channels.email.transport import SenderRefused, Transport
from channels.email.ways import Way
from channels.showing import one_line
from language import Language, speaking, spoken
from language.recorded import recorded

DELAYS_S = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
"""Waits between tries while the mailbox or the store can't be reached; the last one repeats."""

LIVED_S = 60.0
"""A connection that lasted so long was a good one: when it ends the next try is soon."""
# A mail on its way, and clocks that differ; whoever sends an old one again changes no date that is signed.
_FRESH = timedelta(hours=1)
_OLD = "it was not written within the last hour"

BESIDE_DAYS = 400
"""The time for which a signature is known: who approves once a year is not asked for it again."""

BESIDE_CHARS = 300
"""Characters shown of what is new beside an answer."""

_log = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class EmailChannel:
    """Reaches people by mail from `address`. `prove` is the way to tell that a mail comes from its From.

    `way` is where a reply token travels. Mails are read within `limits` in a child process, which knows the people who
    are in `directory` as a mail is read. `public` is an address of the same mailbox that anybody may write to; what is
    sent from it goes by `post`, where that is not the same way. Channels of one process may share `children`.
    """

    def __init__(
        self,
        *,
        mailbox: Mailbox,
        transport: Transport,
        directory: Directory,
        address: str,
        prove: Prove,
        public: str = "",
        post: Transport | None = None,
        way: Way = "plus",
        limits: Limits = LIMITS,
        children: Children | None = None,
        now: Callable[[], datetime] = _utc_now,
        delays_s: Sequence[float] = DELAYS_S,
    ) -> None:
        self._mailbox = mailbox
        self._transport, self._post = transport, post or transport
        self._directory = directory
        self._own, self._public = address.lower(), public.lower()
        self._known, self._prove = contacts_of(directory), prove
        self._way: Way = way
        self._reader = SandboxedReader(self._reader_now(), limits, children)
        self._is_likely_answer = tokens.hint(way, self._own)
        self._now = now
        self._delays_s = delays_s
        self._accepted = 0
        self._may_tag_sender = way != "reference"
        self._marks: Marks | None = None

    @property
    def name(self) -> str:
        """`email`, also in policies."""
        return "email"

    @property
    def edits(self) -> bool:
        """A sent mail stays as it is."""
        return False

    async def receive(self, accept: Accept, desk: RequestLookup) -> None:
        """Hand over each mail for ever; it is done in the mailbox only after `accept` returned."""
        try:
            await self._receive(accept)
        finally:
            self._reader.end()

    def remember_in(self, marks: Marks) -> None:
        """Keep in `marks` what was sent. Without it no approval by mail can be told from a mail about lunch."""
        self._marks = marks

    async def read(self, inbound: Inbound) -> Reading:
        """Read the mail. Raises ChannelUnavailable when no child process could; it may be read later."""
        if (known := contacts_of(self._directory)) != self._known:
            self._known = known
            self._reader.change(self._reader_now())
        found = await self._reader.read(inbound.raw, inbound.size_bytes, is_answer=inbound.is_answer)
        match found:
            case Answered():
                return await self._bound(found, inbound)
            case Bounced(receipt=receipt) if receipt.startswith("<"):
                return found.model_copy(update={"receipt": (await self._sent_as(receipt)).receipt})
            case Wished(written_at=at):
                is_old = at is None or abs(inbound.received_at - at) > _FRESH
                new = await self._new_beside(found, found.beside, at, inbound)
                weakness, root = found.weakness or (_OLD if is_old else new), (await self._sent_as(found.within)).thread
                plain = found.wish()
                # What may be part of an order stands below it, and not where a signature does.
                text = _without_dashes(found.text) if new else found.text
                return plain.model_copy(update={"text": text, "weakness": weakness, "within": root or found.within})
            case _:
                return found

    def _reader_now(self) -> Reader:
        return Reader(self._own, self._known, self._prove, tokens.returning(self._way), self._public)

    async def _bound(self, answered: Answered, inbound: Inbound) -> Reading:
        """The answer with the token that it brings, or that of the card whose Message-ID it names; it is read again
        beside the text of that card.
        """
        named = [await self._sent_as(each) for each in answered.about.in_reply_to] if not answered.token else []
        token = answered.token or next((each.token for each in named if each.token), "")
        if not token:
            return Quarantined(reasons=(ASKED_NOTHING,), person=answered.person, about=answered.about.subject)
        sent = await self._card_of(token)
        if sent and sent.text:
            again = await self._reader.read(inbound.raw, inbound.size_bytes, sent.text, is_answer=True)
            is_denial = isinstance(again, Answered) and again.said == "deny"
            if answered.said == "deny" and not is_denial:
                again = answered  # it counts from the token alone
            if not isinstance(again, Answered):
                return again
            answered = again
        reply = binding.bound(answered.model_copy(update={"token": token}), sent, inbound.received_at)
        new = await self._new_beside(reply, answered.about.beside, answered.about.sent_at, inbound)
        return reply.model_copy(update={"unbound": reply.unbound or new})

    async def _new_beside(
        self, said: Reply | Trigger, beside: Sequence[str], written_at: datetime | None, inbound: Inbound
    ) -> str:
        """Return why what stands beside the words of a mail may be part of them: no earlier mail of this person had it.

        Code can't tell a signature from `Just the small one`; a person has theirs below every mail. The next one that
        they write may have it.
        """
        contact, new = self._directory.contact(said.person), list[str]()
        writer = (contact and contact.email) or said.person
        sighting = _Sighting(mail=said.copy_key, at=inbound.received_at)
        for piece in beside:
            name = _name("beside", f"{writer}\n{squashed(piece)}")
            first = sighting
            if self._marks:
                kept = await self._marks.put_if_absent(name, sighting.model_dump_json(), days=BESIDE_DAYS)
                first = _Sighting.model_validate_json(kept)
            # Mails are dated to the second.
            if first.mail == said.copy_key or written_at is None or written_at < first.at.replace(microsecond=0):
                new.append(piece)
        return recorded("reason.new-beside", lines=one_line("\n".join(new), BESIDE_CHARS)) if new else ""

    async def address(self, contact: Contact, thread: str, *, anew: bool = False) -> Address | None:
        """The contact's mail address, if there is one. Answers name the thread by the id that our mails give it."""
        if contact.email is None:
            return None
        root = thread_root(thread, self._own) if thread else ""
        return Address(channel=self.name, person=contact.id, to=contact.email, thread=root)

    async def send(self, card: Card, to: Address, key: str) -> Placement:
        """Send `card` as one mail. The same key and card again repeat exactly the same bytes and Message-ID."""
        return await self._send(card, to, key)

    async def _send(self, card: Card, to: Address, key: str, after: SentCard | None = None) -> Placement:
        """One mail; `after` is the one that it goes on from."""
        contact = self._directory.contact(to.person)
        zone = contact.timezone if contact else "UTC"
        with speaking(self._language_of(to.person)):
            post = mime.compose(card, to, key, own=self._own, timezone=zone, way=self._way, after=after)
        await self._remember(post, card, to, key, after.token if after and after.token else card.ends)
        await self._submit(post, self._envelope_sender(card, to))
        # What finds a mail is its Message-ID, which an answer brings back: it stands in no event.
        return Placement(key=key, address=to, handle="")

    async def post(self, raw: bytes, to: str, receipt: str) -> None:
        """Send `raw`, from the public address, to `to`. Raises as `send` does."""
        if not self._public:
            raise ChannelRefused("there is no public address to send from", "Set address in [desk] of sayso.toml")
        # Word of a failure comes to us whichever it is: all are addresses of one mailbox.
        for sender in (*self._tagged(receipt), self._public):
            try:
                await self._post.send(raw, sender=sender, recipients=(to,))
                return
            except SenderRefused as error:
                _log.info("not sent with this envelope sender: %s", error)
        await self._post.send(raw, sender=self._own, recipients=(to,))

    def _tagged(self, receipt: str) -> tuple[str, ...]:
        """The envelope sender of a mail from the public address that brings `receipt` back, where there is one.

        In another domain than that of From, SPF would not speak for the mail (RFC 7489, 3.1.2).
        """
        is_aligned = self._public.rpartition("@")[2].lower() == self._own.rpartition("@")[2].lower()
        may_tag = self._may_tag_sender and self._way != "reference"
        return (tokens.reply_address(self._way, self._own, receipt),) if is_aligned and may_tag else ()

    async def update(self, delivery: Placement, card: Card, key: str, newest: Newest | None = None) -> None:
        """A mail can't be changed: one short mail in the same thread if `card` closes what was asked, else nothing."""
        if card.closes:
            await self._send(card, delivery.address, key, await self._earlier(delivery, card))

    async def _earlier(self, delivery: Placement, card: Card) -> SentCard | None:
        """The mail of `delivery`, which `card` goes on from."""
        token = await self._marks.get(_name("key", delivery.key)) if self._marks else None
        return await self._card_of(token or "")

    def _language_of(self, person: str) -> Language:
        """Return what `person` reads; for nobody whom we know, what is spoken here."""
        contact = self._directory.contact(person)
        return contact.language if contact else spoken()

    async def _remember(self, post: Post, card: Card, to: Address, key: str, closed: str) -> None:
        """Keep what an answer, or a report of failure, is about; before it is sent, so that none can be earlier.

        `closed` is the token of what it closes.
        """
        if self._marks is None:
            return
        asks = post.asks
        sent_as = _SentAs(token=asks.token if asks else closed, receipt=card.receipt, thread=to.thread)
        if sent_as.token or sent_as.receipt:
            await self._marks.put_if_absent(_name("id", post.message_id), sent_as.model_dump_json())
        if asks:
            # Answers are dated by the clocks of people, and a card by Redis's, which may be ahead of all of them.
            asks = asks.model_copy(update={"sent_at": min(asks.sent_at, datetime.now(UTC))})
            await self._marks.put_if_absent(_name("card", asks.token), asks.model_dump_json())
            await self._marks.put_if_absent(_name("key", key), asks.token)

    async def _sent_as(self, message_id: str) -> "_SentAs":
        """Return the record of the mail that was sent under `message_id`."""
        kept = await self._marks.get(_name("id", message_id)) if self._marks and message_id else None
        return _SentAs.model_validate_json(kept) if kept else _SentAs()

    async def _card_of(self, token: str) -> SentCard | None:
        """The mail that brought `token` to somebody."""
        kept = await self._marks.get(_name("card", token)) if self._marks and token else None
        return SentCard.model_validate_json(kept) if kept else None

    def _envelope_sender(self, card: Card, to: Address) -> str:
        """Return the address that is told when `card` does not arrive."""
        if not to.person:
            # Nothing can come back from a stranger and start a loop (RFC 3834, 3.3).
            return ""
        return tokens.reply_address(self._way, self._own, card.receipt) if card.receipt else self._own

    async def _submit(self, post: Post, sender: str) -> None:
        """Send with the envelope `sender` that a report of failure comes back to; From stays the own address.

        SPF and DMARC stay aligned: both have the same domain. Servers that let people send from nothing but their
        log-in (Microsoft 365) get that, for as long as this process lives; then the Message-ID is what comes back.
        """
        sender = sender if self._may_tag_sender or not sender else self._own
        try:
            await self._transport.send(post.raw, sender=sender, recipients=(post.recipient,))
        except SenderRefused as error:
            if sender in ("", self._own):
                raise
            await self._transport.send(post.raw, sender=self._own, recipients=(post.recipient,))
            _log.warning("reports of failure come to the plain address from now on: %s", error)
            self._may_tag_sender = False

    async def _receive(self, accept: Accept) -> None:
        """One connection to the mailbox after another."""
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            before, began_s = self._accepted, loop.time()
            try:
                await self._hand_over(accept)
            except ChannelError as error:
                _log.warning("mail can't be fetched; trying again: %s", error)
            except Exception:  # noqa: BLE001 - whatever it was, the mail is still there and only we fetch it
                _log.exception("mail can't be fetched; trying again")
            went_well = self._accepted > before or loop.time() - began_s > LIVED_S
            failures = 0 if went_well else failures + 1
            await asyncio.sleep(self._delays_s[min(failures, len(self._delays_s) - 1)])

    async def _hand_over(self, accept: Accept) -> None:
        """Every mail from one connection to the mailbox, until it ends or something fails."""
        async with aclosing(self._mailbox.items()) as items:
            async for item in items:
                await accept(self._inbound(item))
                self._accepted += 1
                await self._done(item)

    async def _done(self, item: Item) -> None:
        try:
            await self._mailbox.done(item)
        except OSError:
            # It is durable with us; the next start finds it again and drops it as a duplicate.
            _log.exception("mail %s could not be taken out of the mailbox", item.name)

    def _inbound(self, item: Item) -> Inbound:
        if item.trouble:
            _log.warning("mail %s can't be read: %s", item.name, item.trouble)
        is_answer = _has_token(item.recipient, self._own) or self._is_likely_answer(item.raw)
        return Inbound(
            channel=self.name,
            key=fingerprint_of(item),
            raw=item.raw,
            size_bytes=item.size_bytes,
            is_answer=is_answer,
            sender=_found_in(item.raw, _FROM).lower(),
            # What its writer sends after it waits for it, such as a stop.
            begins="" if is_answer else _found_in(item.raw, _ID),
            received_at=self._now(),
            arrived_at=item.arrived_at,
        )


# Mails are read in a process of their own; this is no reading, and nothing but their order goes by it.
_FROM = re.compile(rb"^from:[^\n]{0,500}?([\w.+-]{1,64}@[\w.-]{1,255})", re.IGNORECASE | re.MULTILINE)
_ID = re.compile(rb"^message-id:\s*(<[^<>\s]{1,900}>)", re.IGNORECASE | re.MULTILINE)
_LOOKED_AT_BYTES = 16_384


def _found_in(raw: bytes, what: re.Pattern[bytes]) -> str:
    head, _, _ = raw[:_LOOKED_AT_BYTES].replace(b"\r\n", b"\n").partition(b"\n\n")
    found = what.search(head)
    return found[1].decode(errors="replace") if found else ""


class _Sighting(BaseModel):
    """The first mail of a person that had a piece beside its words, and when it came."""

    mail: str
    at: datetime


class _SentAs(BaseModel):
    """The tokens that a Message-ID of ours stands for, and the thread: a program may name no other mail of it."""

    token: str = ""
    receipt: str = ""
    thread: str = ""


def _without_dashes(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if not is_dashes(line.strip(BLANK)))


def _name(kind: str, secret: str) -> str:
    """A key that tells nobody the token that it is about."""
    return f"{kind} {hashlib.sha256(secret.lower().encode()).hexdigest()[:40]}"


def _has_token(recipient: str, own: str) -> bool:
    name, tag = addresses.split_tag(recipient)
    return name == own and tag is not None
