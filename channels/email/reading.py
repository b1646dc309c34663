"""A mail's bytes -> what it means. Pure, as far as the directory and the way to prove a sender are.

The order matters: what a machine wrote is never held as a forgery, and nothing of a text is read before it is known
whose word it is.
"""

import re
from dataclasses import dataclass

from channels import Bounced, Directory, Enquiry, Held, Ignored, Reading, Reply, Trigger
from channels.email import bounce, enquiry
from channels.email.files import files_of
from channels.email.format import addresses, trace
from channels.email.format.body import read_body
from channels.email.format.headers import MAIL_BYTES, Headers, Unreadable, guess_headers, read_headers
from channels.email.format.message_ids import answers_us, is_message_id
from channels.email.format.shown import subject_of
from channels.email.identity import Accepted, Refused, recipients_of, who
from channels.email.machine import calendar_words, is_certain, machine_words
from channels.email.mime import SUBJECT_CHARS
from channels.email.reply import TWO_BODIES, is_courtesy, read_both
from channels.email.sender.author import author_of, claimed
from channels.email.sender.identify import is_asked_for
from channels.email.sender.proof import Prove, Proven
from channels.email.text import markup, newtext
from channels.email.tokens import TokenOf
from channels.showing import one_line

TEXT_BYTES = 32 * 1024
"""Longest text that is handed on, in UTF-8; it becomes part of an event, and of what a model reads."""

HOLDS = (TWO_BODIES, newtext.TOO_LONG, markup.TOO_LONG)
"""What makes nobody's comment of a text, because it was not read whole, or could be read in two ways."""

ASKED_NOTHING = "it answers a mail that asked nothing"

_REPLY = re.compile(r"\s*(?:re|aw|antw|sv)\s*[:\uff1a]", re.IGNORECASE)

UNREAD = "it could not be read from the mailbox, or is empty; look at it there"


def token_of(raw: bytes, own: str) -> str | None:
    """The reply token in the address this copy was delivered to, as the server of this mailbox wrote it down."""
    block, _ = trace.read(raw)
    name, tag = addresses.split_tag(block.recipient) if block else ("", None)
    return tag if name == own.lower() else None


@dataclass(frozen=True)
class Reader:
    """Reads mails to `own`, the bot's address; `token` finds the reply token that a mail brings back.

    What comes to `public` without a token is an enquiry, whoever wrote it.
    """

    own: str
    directory: Directory
    prove: Prove
    token: TokenOf = token_of
    public: str = ""

    def read(self, raw: bytes, size_bytes: int) -> Reading:
        """What `raw` means; it may be cut short when `size_bytes` is over the limit."""
        token, unclear = self._token(raw)
        if not raw:
            return Held(reasons=(UNREAD,))
        try:
            headers = read_headers(raw)
        except Unreadable as error:
            guessed = guess_headers(raw)
            if words := machine_words(guessed):
                return self._of_machine(raw, guessed, subject_of(guessed), token, words)
            return Held(reasons=(str(error),), token=token)
        subject = subject_of(headers)
        if author_of(headers) in {self.own, self.public or self.own}:
            return Ignored(reason="our own mail")
        if token is None and is_asked_for(subject):
            return Ignored(reason="the mail that sayso mail identify asked for")
        if words := machine_words(headers, subject):
            if token and not is_certain(headers) and self._is_proven(raw, headers):
                held = Held(reasons=(f"it looks like {words}",), claims=claimed(headers), token=token)
                return _described(held, headers, subject)
            return self._of_machine(raw, headers, subject, token, words)
        if token is None and not unclear and enquiry.is_public(raw, headers, self.own, self.public):
            return self._enquiry(raw, size_bytes, headers, subject)
        if words := calendar_words(raw):
            return Ignored(reason=words)
        found = who(raw, self.directory, self.prove)
        if isinstance(found, Refused):
            stranger = found.stranger if not unclear and self._is_named(headers) else ""
            held = Held(reasons=found.reasons, claims=found.claims, token=token, stranger=stranger)
            return _described(held, headers, subject)
        try:
            why = unclear or self._word_of(found, headers, subject, token, raw, size_bytes)
        except Unreadable as error:
            why = str(error)
        if not isinstance(why, str):
            return why
        held = Held(reasons=(why,), claims=claimed(headers), token=token, person=found.contact.id)
        return _described(held, headers, subject)

    def _enquiry(self, raw: bytes, size_bytes: int, headers: Headers, subject: str) -> Enquiry | Held | Ignored:
        try:
            return enquiry.read(raw, size_bytes, headers, subject, self.prove)
        except Unreadable as error:
            return _described(Held(reasons=(str(error),), claims=claimed(headers)), headers, subject)

    def _is_proven(self, raw: bytes, headers: Headers) -> bool:
        """Whether somebody of the directory certainly sent it, whoever wrote it."""
        author = author_of(headers) or ""
        return self.directory.by_email(author) is not None and isinstance(self.prove(raw, author), Proven)

    def _is_named(self, headers: Headers) -> bool:
        """Whether the mail was written to us; who only got a copy of it answers no stranger (RFC 3834, 2)."""
        return any(addresses.split_tag(each)[0] == self.own for each in recipients_of(headers))

    def _token(self, raw: bytes) -> tuple[str | None, str]:
        """The token, and why it is not clear which one."""
        try:
            return self.token(raw, self.own), ""
        except Unreadable as error:
            return None, str(error)

    def _of_machine(
        self, raw: bytes, headers: Headers, subject: str, token: str | None, words: str
    ) -> Bounced | Ignored:
        """A card of ours that came back, or nothing to anybody. It never counts as an answer."""
        why = bounce.failure_of(raw, headers, subject)
        if why is None:
            return Ignored(reason=words)
        # Where the envelope sender could not be ours the report comes to the plain address: the returned mail knows.
        receipts = bounce.receipts_of(raw, self.own) or frozenset(filter(None, [token]))
        if len(receipts) != 1:
            return Ignored(reason=f"{words}; it returns no mail that could be told to be ours")
        return Bounced(receipt=next(iter(receipts)), why=why)

    def _word_of(
        self, found: Accepted, headers: Headers, subject: str, token: str | None, raw: bytes, size_bytes: int
    ) -> Reading:
        """What a proven person's mail says. Raises Unreadable."""
        named = _tokens_named(headers, self.own)
        if len(named | {token} - {None}) > 1:
            raise Unreadable("it is addressed to several questions at once; answer each one in a mail of its own")
        if token is None and named:
            raise Unreadable("it names a question's address but was not delivered to it; reply to that address alone")
        if size_bytes > MAIL_BYTES:
            raise Unreadable(f"it is larger than {MAIL_BYTES // 1_000_000} MB")
        body, person = read_body(raw), found.contact.id
        if body.unsure:
            raise Unreadable(body.unsure)
        if words := calendar_words(b"", body.files):
            return Ignored(reason=words)
        if token is None and self._answers_us(headers, subject):
            if not body.files and is_courtesy(read_both(body.plain, body.html, found.contact.name), found.contact.name):
                return Ignored(reason="thanks for a mail that asked nothing")
            raise Unreadable(ASKED_NOTHING)
        if token is None:
            shown = body.plain if body.plain is not None else markup.as_text(body.html or "").text
            text = f"{subject}\n\n{shown.strip()}".strip()
            files = files_of(body.files)
            thread = _id_of(headers)
            return Trigger(person=person, text=_bounded(text), thread=thread, evidence=found.evidence, files=files)
        said = read_both(body.plain, body.html, found.contact.name)
        if said.unsure in HOLDS:
            raise Unreadable(said.unsure)
        return Reply(
            person=person,
            token=token,
            said=said.said,
            text=_bounded(said.asked if said.said == "free_text" and said.asked else said.text),
            reason=said.reason,
            evidence=found.evidence,
            files=files_of(body.files),
        )

    def _answers_us(self, headers: Headers, subject: str) -> bool:
        """Whether it answers a mail of ours; without a token, one that asked nothing. It must not start anything.

        Nor may what does not say which mail it answers: so do robots that hide what they are, and run in circles.
        """
        ids = " ".join((*headers.all("in-reply-to"), *headers.all("references")))
        return answers_us(ids, self.own) or (not ids.strip() and _REPLY.match(subject) is not None)


def named_token(raw: bytes, own: str) -> str | None:
    """The one reply token in the plain addresses of To and Cc, where the mailbox knows no envelope recipient."""
    try:
        found = [addresses.split_tag(each) for each in recipients_of(read_headers(raw))]
    except Unreadable:
        return None
    tags = {tag for name, tag in found if name == own.lower() and tag is not None}
    return next(iter(tags)) if len(tags) == 1 else None


def _tokens_named(headers: Headers, own: str) -> set[str]:
    """The tokens in the addresses the mail names as its recipients."""
    local, _, domain = own.partition("@")
    tagged = re.compile(rf"(?<![\w.+-]){re.escape(local)}\+([^\s@<>,;\"]{{1,64}})@{re.escape(domain)}", re.IGNORECASE)
    return {tag.lower() for name in ("to", "cc") for value in headers.all(name) for tag in tagged.findall(value)}


def _described(held: Held, headers: Headers, subject: str) -> Held:
    """`held` with what people recognise the mail by, and where an answer to it belongs."""
    return held.model_copy(update={"about": one_line(subject, SUBJECT_CHARS), "thread": _id_of(headers)})


def _id_of(headers: Headers) -> str:
    """The mail's Message-ID; nothing where it is not one."""
    return next((each for each in map(str.strip, headers.all("message-id")) if is_message_id(each)), "")


def _bounded(text: str) -> str:
    if len(text.encode()) > TEXT_BYTES:
        raise Unreadable(f"its text is longer than {TEXT_BYTES // 1024} KB; write a shorter one")
    return text
