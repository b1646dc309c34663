"""Card, address and key -> a complete mail as bytes. The same three give the same bytes, however often it is sent."""

import base64
import email.utils
import quopri
import re
from dataclasses import dataclass
from datetime import UTC

from channels import Address, Card, ChannelRefused
from channels.email import cards
from channels.email.format import addresses, message_ids
from channels.email.tokens import Way, reply_address
from channels.showing import one_line

SUBJECT_CHARS = 150
"""Longest subject; phones show about 40."""

RECEIPT = "X-Sayso-Receipt"
"""The header that says what stands for this mail when it could not be delivered."""

_WORD_BYTES = 45
"""UTF-8 bytes in one encoded word: 60 characters in base64, 72 with its frame, 75 at most (RFC 2047, 2)."""


@dataclass(frozen=True)
class Post:
    """A mail that is ready for SMTP. `message_id` has its angle brackets."""

    raw: bytes
    recipient: str
    message_id: str


def compose(card: Card, to: Address, key: str, *, own: str, timezone: str, way: Way = "plus", after: str = "") -> Post:
    """The mail that shows `card` to `to`, from the address `own`. Its Date is `card.at`, its ids come from `key`.

    `way` is how the card's token comes back, `after` the Message-ID of an earlier mail to the same person. The card's
    receipt stands in the Message-ID and, because some relays replace that, in a header of its own: reports that the
    mail did not arrive bring its headers back.

    Raises ChannelRefused when `to` is no plain address or a reply could not carry the card's token.
    """
    if not addresses.is_address(to.to):
        raise ChannelRefused(
            what=f"{one_line(to.to, 80)!r} is not a mail address", do=f"Correct the address of {to.person!r}"
        )
    token = card.form.token if card.form else ""
    code = token if way == "reference" else ""
    message_id = message_ids.card_id(card.receipt or code, key, own, asks=card.form is not None)
    root = message_ids.thread_root(to.thread, own)
    headers = [
        ("From", f"sayso <{own}>"),
        ("To", to.to),
        ("Subject", encoded(_subject(card))),
        ("Date", email.utils.format_datetime(card.at.astimezone(UTC))),
        ("Message-ID", message_id),
        ("In-Reply-To", after or root),
        ("References", f"{root}\r\n {after}" if after else root),
        # RFC 3834, 5: an answer to a mail is another thing than a mail of our own.
        ("Auto-Submitted", "auto-generated" if to.person else "auto-replied"),
    ]
    if card.receipt:
        headers.append((RECEIPT, card.receipt))
    if card.form is not None:
        headers.append(("Reply-To", f"sayso <{reply_address(way, own, token)}>"))
    texts = (cards.as_text(card, timezone, code), cards.as_html(card, timezone, code))
    return Post(_alternative(headers, texts, key), to.to, message_id)


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


def header_block(headers: list[tuple[str, str]]) -> bytes:
    """Header lines. Every value is made by this package; an unexpected line break is a bug and must not be sent."""
    for name, value in headers:
        if re.search(r"[\r\n]", value.replace("\r\n ", "")) or not value.isascii():
            raise ValueError(f"the {name} header would hold a line break or a character that is not ASCII: {value!r}")
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("ascii")


def _alternative(headers: list[tuple[str, str]], texts: tuple[str, str], key: str) -> bytes:
    """The plain text and the HTML that says the same below `headers`."""
    boundary = f"=_{message_ids.digest('boundary', key)}"
    top = [*headers, ("MIME-Version", "1.0"), ("Content-Type", f'multipart/alternative;\r\n boundary="{boundary}"')]
    parts = (text_part(texts[0]), text_part(texts[1], "html"))
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
    return header_block(top) + b"\r\n" + body + b"--%s--\r\n" % boundary.encode()
