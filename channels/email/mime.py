"""Card, address and key -> a complete mail as bytes. The same three give the same bytes, however often it is sent."""

import base64
import email.utils
import hashlib
import quopri
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from channels import Address, AnswerForm, Card, ChannelRefused
from channels.email import cards, page
from channels.email.format import addresses, message_ids
from channels.email.reply.binding import SentCard, Written, packed
from channels.email.reply.quotes import NAME
from channels.email.tokens import reply_address
from channels.email.ways import Way
from channels.showing import one_line
from language import say

SUBJECT_CHARS = 150
"""Longest subject: a thread that a person began is called as they called it."""

TITLE_CHARS = 60
"""Longest subject of a card, besides the code that ends it; phones show about 40."""

RECEIPT = "X-Sayso-Receipt"
"""The header that says what stands for this mail when it could not be delivered."""

_CODE_CHARS = 6
"""Letters of the code in a card's subject: enough that no other card has the same; it opens nothing."""

_BUTTON_CODE_CHARS = 12

_PREFIX = re.compile(r"\s*[^\d\s:]{1,3}:")
"""Prefixes that Outlook takes for `Re:` and leaves out of answers ([MS-OXCMAIL], generating the subject prefix)."""

_WORD_BYTES = 45
"""UTF-8 bytes in one encoded word: 60 characters in base64, 72 with its frame, 75 at most (RFC 2047, 2)."""


@dataclass(frozen=True)
class Post:
    """A mail that is ready for SMTP. `message_id` has its angle brackets; `asks` is what an answer must be about."""

    raw: bytes
    recipient: str
    message_id: str
    asks: SentCard | None = None


def compose(
    card: Card, to: Address, key: str, *, own: str, timezone: str, way: Way = "plus", after: SentCard | None = None
) -> Post:
    """The mail that shows `card` to `to`, from the address `own`, in the language that is spoken.

    Its Date is `card.at`, its ids come from `key`. `way` is how the card's token comes back, `after` an earlier mail to
    the same person. The card's receipt stands in a header of its own: reports that the mail did not arrive bring its
    headers back.

    Raises ChannelRefused when `to` is no plain address or a reply could not carry the card's token.
    """
    if not addresses.is_address(to.to):
        raise ChannelRefused(
            what=f"{one_line(to.to, 80)!r} is not a mail address", do=f"Correct the address of {to.person!r}"
        )
    token = card.form.token if card.form else ""
    closes = after is not None or bool(card.ends)
    message_id = message_ids.card_id(token or card.receipt, key, own, asks=card.form is not None, closes=closes)
    root, asks, made = message_ids.thread_root(to.thread, own), None, cards.Made(timezone)
    subject = f"Re: {after.subject}" if after else _subject(card)
    headers = [
        ("From", f"{NAME} <{own}>"),
        ("To", to.to),
        ("Date", email.utils.format_datetime(card.at.astimezone(UTC))),
        ("Message-ID", message_id),
        ("In-Reply-To", after.message_id if after else root),
        ("References", f"{root}\r\n {after.message_id}" if after else root),
        # RFC 3834, 5: an answer to a mail is another thing than a mail of our own.
        ("Auto-Submitted", "auto-generated" if to.person else "auto-replied"),
    ]
    if card.receipt:
        headers.append((RECEIPT, card.receipt))
    if card.form is not None:
        answers_to = reply_address(way, own, token)
        headers.append(("Reply-To", f"{NAME} <{answers_to}>"))
        made = _made(card, timezone, answers_to, token if way == "reference" else "")
        subject = made.subject
        text = cards.as_text(card, made, labels=True)
        asks = SentCard(
            token=token,
            message_id=message_id,
            sender=own,
            subject=subject,
            opening=cards.opening(card, made),
            sent_at=card.at,
            button=made.approves,
            refuses=made.refuses,
            answers=_written(card.form, made),
            fills=made.fills,
            packed=packed(text),
        )
    subject = say("mail.reminder", subject=subject) if card.reminds else subject
    subject = say("mail.risky", subject=subject) if card.risks and card.form else subject
    headers.insert(2, ("Subject", encoded(subject)))
    texts = (cards.as_text(card, made), page.as_html(card, made))
    return Post(_whole(headers, texts, cards.attachments(card, made), key), to.to, message_id, asks)


def _made(card: Card, timezone: str, answers_to: str, code: str) -> cards.Made:
    """Return what makes this mail unlike any other one that asks the same."""
    token = card.form.token if card.form else ""
    mark = _letters(f"subject {token}", _CODE_CHARS)
    title = f"sayso: {card.title}" if _PREFIX.match(card.title) else card.title
    subject = f"{one_line(title, TITLE_CHARS)} [{mark}]"
    approves = cards.approval(card, _letters(f"button {token}", _BUTTON_CODE_CHARS), code)
    refuses = cards.denial(card, _letters(f"refusing {token}", _BUTTON_CODE_CHARS), code)
    said = cards.answers_of(card.form) if card.form else ()
    codes = (_letters(f"answer {place} {token}", _BUTTON_CODE_CHARS) for place in range(len(said)))
    answers = tuple(cards.answer(each, card, own, code) for each, own in zip(said, codes, strict=True))
    fills = cards.filling(card, _letters(f"filling {token}", _BUTTON_CODE_CHARS), code)
    return cards.Made(timezone, code, mark, subject, answers_to, approves, refuses, answers, fills)


def _written(form: AnswerForm, made: cards.Made) -> tuple[Written, ...]:
    """The sentences of the buttons that answer a question, and what each of them means."""
    if form.format == "yes_no":
        said = zip(made.answers, cards.answers_of(form), strict=True)
        return tuple(Written(sentence=sentence, text=text) for sentence, text in said)
    return tuple(Written(sentence=sentence, pick=place) for place, sentence in enumerate(made.answers, 1))


def _letters(secret: str, count: int) -> str:
    return base64.b32encode(hashlib.sha256(secret.encode()).digest()).decode()[:count]


def _subject(card: Card) -> str:
    """As its thread is called: Gmail and Outlook keep together only what has one subject but for `Re:`."""
    topic = card.topic.strip()
    return topic if topic.lower().startswith("re:") else f"Re: {topic}" if topic else card.title


def encoded(text: str) -> str:
    """`text` as the value of a header: one line, and encoded words (RFC 2047) wherever it is not short plain ASCII."""
    line = one_line(text, SUBJECT_CHARS)
    if line.isascii() and len(line) <= 65 and "=?" not in line:
        return line
    pieces, piece = list[str](), ""
    for char in line:
        if len((piece + char).encode()) > _WORD_BYTES:
            pieces.append(piece)
            piece = ""
        piece += char
    words = (base64.b64encode(each.encode()).decode() for each in (*pieces, piece))
    return "\r\n ".join(f"=?utf-8?b?{word}?=" for word in words)


def display_name(text: str) -> str:
    """A person's name before an address in angle brackets; never anything that could be read as an address itself."""
    name = one_line(text, 40)
    if re.fullmatch(r"[A-Za-z0-9 ]+", name):
        return name
    short = name.encode()[:_WORD_BYTES].decode(errors="ignore")
    return f"=?utf-8?b?{base64.b64encode(short.encode()).decode()}?="


def text_part(text: str, kind: str = "plain") -> bytes:
    """Headers and body of one text part, in lines of at most 76 ASCII characters."""
    body = quopri.encodestring(text.encode()).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return head.encode() + body


def file_part(name: str, text: str) -> bytes:
    """A text file; `name` is one of ours."""
    return b'Content-Disposition: attachment; filename="%s"\r\n' % name.encode("ascii") + text_part(text)


def header_block(headers: list[tuple[str, str]]) -> bytes:
    """Header lines. Every value is made by this package; an unexpected line break is a bug and must not be sent."""
    for name, value in headers:
        if re.search(r"[\r\n]", value.replace("\r\n ", "")) or not value.isascii():
            raise ValueError(f"the {name} header would hold a line break or a character that is not ASCII: {value!r}")
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("ascii")


def _whole(
    headers: list[tuple[str, str]], texts: tuple[str, str], attachments: Sequence[tuple[str, str]], key: str
) -> bytes:
    """The plain text and the HTML that says the same below `headers`, and text files beside them."""
    top = [*headers, ("MIME-Version", "1.0")]
    both = _multipart("alternative", [text_part(texts[0]), text_part(texts[1], "html")], "boundary", key)
    if not attachments:
        return header_block(top) + both
    return header_block(top) + _multipart("mixed", [both, *(file_part(*file) for file in attachments)], "files", key)


def _multipart(kind: str, parts: Sequence[bytes], name: str, key: str) -> bytes:
    boundary = f"=_{message_ids.digest(name, key)}"
    head = header_block([("Content-Type", f'multipart/{kind};\r\n boundary="{boundary}"')]) + b"\r\n"
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
    return head + body + b"--%s--\r\n" % boundary.encode()
