"""Mail to the public address, which is open to anybody: what it asks, and the mail that answers it."""

import email.utils
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from channels import Ignored, Inquiry, Quarantined
from channels.email.format import addresses, message_ids, trace
from channels.email.format.body import read_body
from channels.email.format.headers import MAIL_BYTES, Headers, Unreadable
from channels.email.identity import UNPROVEN
from channels.email.identity.author import author_of, claimed
from channels.email.identity.machine import calendar_words, list_words
from channels.email.identity.proof import Prove, Unproven
from channels.email.mime import SUBJECT_CHARS, display_name, encoded, header_block, text_part
from channels.email.reading.attachments import files_of
from channels.email.reply import markup
from channels.email.tokens import recipients_of
from channels.showing import one_line

TEXT_CHARS = 8_000
"""Longest text of an enquiry; it goes before a model and, in part, onto a card."""

REFERENCES = 20
"""Most ids of earlier mails that are known and written (RFC 5322, 3.6.4 lets a program leave out the middle)."""

MARK = "X-Sayso-Desk"
"""Names the public address in every answer from it, so that two such addresses do not answer each other for ever."""

_ID = re.compile(r"<[^<>\s]{1,250}>")


@dataclass(frozen=True)
class Answer:
    """An answer, sent from the public address `own`; `name` stands before it. `key` makes its ids."""

    own: str
    name: str
    to: str
    subject: str
    text: str
    at: datetime
    key: str
    after: str = ""
    references: Sequence[str] = ()


def is_public(raw: bytes, headers: Headers, own: str, public: str) -> bool:
    """Return whether the mail came to `public` and not to `own` as well; with both it is read as any other mail."""
    block, _ = trace.read(raw)
    if not public or block:
        return block is not None and addresses.split_tag(block.recipient)[0] == public
    named = {addresses.split_tag(each)[0] for each in recipients_of(headers)}
    return public in named and own not in named


def read(raw: bytes, size_bytes: int, headers: Headers, subject: str, prove: Prove) -> Inquiry | Quarantined | Ignored:
    """Read what somebody wrote to the public address; mail of machines is told apart before. Raises Unreadable."""
    if words := list_words(headers) or calendar_words(raw):
        return Ignored(reason=words)
    author = author_of(headers)
    if author is None:
        raise Unreadable("its From is not exactly one plain address, so nobody knows whom to answer")
    if headers.all(MARK.lower()):
        return Quarantined(
            reasons=("another desk sent it, and two desks could go on for ever",), claims=claimed(headers)
        )
    if size_bytes > MAIL_BYTES:
        raise Unreadable(f"it is larger than {MAIL_BYTES // 1_000_000} MB")
    body = read_body(raw)
    if body.unsure:
        raise Unreadable(body.unsure)
    if words := calendar_words(b"", body.files):
        return Ignored(reason=words)
    text = (body.plain if body.plain is not None else markup.as_text(body.html or "").text).strip()
    is_long = len(text) > TEXT_CHARS
    proof = prove(raw, author)
    doubt = f"{UNPROVEN}{proof.reason}" if isinstance(proof, Unproven) else ""
    message_id = next((each for each in _ids(headers, "message-id") if message_ids.is_message_id(each)), "")
    said = "\n".join((author, message_id, headers.first("date"), subject, text, doubt))
    return Inquiry(
        sender=author,
        subject=one_line(subject, SUBJECT_CHARS),
        text=text[:TEXT_CHARS],
        message_id=message_id,
        references=_thread(headers),
        held_because=f"its text is longer than {TEXT_CHARS} characters; answer it by hand" if is_long else "",
        doubt=doubt,
        key=f"enquiry-{hashlib.sha256(said.encode(errors='replace')).hexdigest()[:32]}" if message_id else "",
        files=files_of(body.files),
    )


def compose(answer: Answer) -> bytes:
    """The mail: the same bytes for the same answer. Raises ValueError for what can stand in no header."""
    if not addresses.is_address(answer.to) or not addresses.is_address(answer.own):
        raise ValueError(f"{one_line(answer.to, 80)!r} is not a plain mail address")
    ids = [each for each in (*answer.references[-REFERENCES:], answer.after) if message_ids.is_message_id(each)]
    name = f"{display_name(answer.name)} <{answer.own}>" if answer.name.strip() else answer.own
    headers = [
        ("From", name),
        ("To", answer.to),
        ("Subject", encoded(answer.subject)),
        ("Date", email.utils.format_datetime(answer.at.astimezone(UTC))),
        ("Message-ID", message_ids.answer_id(answer.key, answer.own)),
    ]
    if ids:
        headers.append(("References", "\r\n ".join(ids)))
    if message_ids.is_message_id(answer.after):
        headers.append(("In-Reply-To", answer.after))
    headers += [(MARK, answer.own), ("MIME-Version", "1.0")]
    return header_block(headers) + text_part(answer.text)


def _thread(headers: Headers) -> tuple[str, ...]:
    """The ids of the mails before it, oldest first, each once."""
    found = [*_ids(headers, "references"), *_ids(headers, "in-reply-to")]
    return tuple(dict.fromkeys(each for each in found if message_ids.is_message_id(each)))[-REFERENCES:]


def _ids(headers: Headers, name: str) -> list[str]:
    return [each for value in headers.all(name) for each in _ID.findall(value[:10_000])]
