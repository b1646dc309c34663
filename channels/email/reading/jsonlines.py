"""One JSON object in, one out: what the product reads in a text or a mail. For `sayso parse-reply` and its scorer.

In: `{"id", "kind": "text"|"html"|"eml", "body" or "raw_b64", "context": {...}}`. Out: `{"id", "new_text", "class",
"counted", "reason"}`. With a context that names `own`, `authserv_id`, `approvers` and `tokens`, a mail goes through the
whole reader with the identity way `dmarc`; the caller's part, which tokens are open and whose, is played here.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from channels import Bounced, Contact, Ignored, Quarantined, Reply
from channels.email.format.body import read_body
from channels.email.format.headers import Headers, Unreadable, guess_headers
from channels.email.format.shown import decoded
from channels.email.identity.machine import calendar_words, machine_words
from channels.email.identity.proof import dmarc
from channels.email.reading.reader import Reader
from channels.email.reply import Said, read_both
from channels.email.reply.binding import Answered, MailReading, SentCard, bound
from channels.email.tokens import returning

AUTHOR = "Anna Berg"
"""The writer where a message names none: the sets' texts are all hers. Nobody else's name may stand below one."""


class SentMail(BaseModel):
    """The mail that asked."""

    message_id: str
    sent_at: AwareDatetime
    subject: str
    first_line: str


class Token(BaseModel):
    """A reply token: whose it is, whether it is `open`, and the `card` that brought it."""

    recipient: str
    state: str
    card: SentMail | None = None

    def sent(self, name: str, own: str) -> SentCard | None:
        """The card as the mail channel would have kept it that sends from `own`."""
        card = self.card
        if card is None:
            return None
        return SentCard(
            token=name,
            message_id=card.message_id,
            sender=own,
            subject=card.subject,
            opening=card.first_line,
            sent_at=card.sent_at,
        )


class Context(BaseModel):
    """The product's knowledge of a message; empty for sets that ask only what was written."""

    own: str = ""
    authserv_id: str = ""
    approvers: tuple[str, ...] = ()
    tokens: dict[str, Token] = Field(default_factory=dict[str, Token])
    seen_message_ids: tuple[str, ...] = ()
    now: AwareDatetime | None = None
    marker: str = ""
    author: str = ""


class Message(BaseModel):
    """One line of input."""

    id: str
    kind: str = "text"
    body: str = ""
    raw_b64: str = ""
    context: Context = Context()


class Answer(BaseModel):
    """One line of output. `class` is `machine` for what no person wrote."""

    id: str
    new_text: str = ""
    said: str = Field(default="free_text", serialization_alias="class")
    counted: bool = False
    reason: str = ""


@dataclass(frozen=True)
class _Approvers:
    """A directory of these addresses, all under one name."""

    addresses: tuple[str, ...]
    name: str

    def contacts(self) -> tuple[Contact, ...]:
        return tuple(found for address in self.addresses if (found := self.contact(address)))

    def contact(self, person: str) -> Contact | None:
        return Contact(id=person, name=self.name, email=person) if person in self.addresses else None

    def by_email(self, address: str) -> Contact | None:
        return self.contact(address.lower())


_WRONG_CHARS = 500


def answer_line(line: str | bytes) -> str:
    """The answer to one line of input, as one line; a line that is none of ours is answered with what is wrong."""
    try:
        message = Message.model_validate_json(line)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc'])) or 'the line'}: {each['msg']}" for each in error.errors()]
        return Answer(id="", reason=f"not a message: {'; '.join(wrong)[:_WRONG_CHARS]}").model_dump_json(by_alias=True)
    return answer(message).model_dump_json(by_alias=True)


def answer(message: Message) -> Answer:
    """Return what the product reads in `message`."""
    if message.kind == "eml":
        try:
            raw = base64.b64decode(message.raw_b64, validate=True)
        except binascii.Error:
            return Answer(id=message.id, reason="raw_b64 is not base64")
        return _of_mail(message, raw)
    context, author = message.context, message.context.author or AUTHOR
    text, html = (None, message.body) if message.kind == "html" else (message.body, None)
    return _of_said(message.id, read_both(text, html, author, marker=context.marker, own=context.own))


def _of_mail(message: Message, raw: bytes) -> Answer:
    context, headers = message.context, guess_headers(raw)
    if words := machine_words(headers) or calendar_words(raw):
        return Answer(id=message.id, said="machine", reason=words)
    author = context.author or _shown_name(headers) or AUTHOR
    if context.own:
        return _of_reading(message, raw, headers, author)
    try:
        body = read_body(raw)
    except Unreadable as error:
        return Answer(id=message.id, reason=str(error))
    return _of_said(message.id, read_both(body.plain, body.html, author, marker=context.marker), body.unsure)


def _of_reading(message: Message, raw: bytes, headers: Headers, author: str) -> Answer:
    """The whole way of a mail; only a decision of the token's own person counts, while the token is open."""
    context = message.context
    people = _Approvers(tuple(each.lower() for each in context.approvers), author)
    reader = Reader(context.own, people, dmarc(context.authserv_id), returning("plus"))
    reading: MailReading = reader.read(raw, len(raw))
    match reading:
        case Ignored():
            return Answer(id=message.id, said="machine", reason=reading.reason)
        case Bounced():
            return Answer(id=message.id, said="machine", reason=f"a mail came back: {reading.why}")
        case Answered():
            token = context.tokens.get(next((each for each in context.tokens if each.lower() == reading.token), ""))
            sent = token.sent(reading.token, context.own) if token else None
            reply = bound(reading, sent, context.now or datetime.now(UTC))
            refused = _refused(reply, context, headers)
            counted = not refused and reply.said in ("approve", "deny")
            return Answer(
                id=message.id, new_text=reply.text, said=reply.said, counted=counted, reason=refused or reply.reason
            )
        case _:
            reason = "; ".join(reading.reasons) if isinstance(reading, Quarantined) else "it answers nothing"
            return Answer(id=message.id, reason=reason)


def _refused(reply: Reply, context: Context, headers: Headers) -> str:
    """Return why this answer does not count; nothing when it may."""
    tokens = {name.lower(): token for name, token in context.tokens.items()}
    token = tokens.get(reply.token)
    if token is None or token.state != "open":
        return "its token is not that of an open question"
    if token.recipient.lower() != reply.person:
        return "its token was somebody else's"
    ids = [value.strip() for value in headers.all("message-id")]
    if set(ids) & set(context.seen_message_ids):
        return "the same mail was here before"
    return reply.unbound if reply.said != "deny" else ""


def _of_said(identity: str, said: Said, unsure: str = "") -> Answer:
    why = unsure or said.unsure
    kind = "free_text" if why and said.said in ("approve", "deny") and unsure else said.said
    return Answer(id=identity, new_text=said.whole, said=kind, reason=said.reason or why)


def _shown_name(headers: Headers) -> str:
    """The display name in From, for want of a directory."""
    shown = decoded(headers.first("from"))
    return shown.partition("<")[0].strip(' "') if "<" in shown else ""
