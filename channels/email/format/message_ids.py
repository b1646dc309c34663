"""The Message-IDs of our mails, which are known again when a mail answers them or brings them back.

    <card.DIGEST@sayso.example>        a card that asks; who knows its id knows neither its token nor its receipt
    <done.DIGEST@sayso.example>        one that closes a card; a no to it is a no to that card
    <note.DIGEST@sayso.example>        one that asks nothing
    <thread.DIGEST@sayso.example>      what holds a thread together; nothing was ever sent under it
    <reply.DIGEST@corp.example>        what a person answered by `sayso mailbox`
    <answer.DIGEST@corp.example>       what was sent from the public address

A digest is the same for the same key, so that a repeated mail is known as one.
"""

import hashlib
import re
from datetime import datetime

from channels.email.format.headers import without_comments

MARK = r"[a-z0-9][a-z0-9._-]{0,63}"
"""A reply token or a receipt as it stands in ids, addresses and headers."""

_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,100}@[A-Za-z0-9.-]{1,100}>")
_DIGEST_CHARS = 32


def is_message_id(text: str) -> bool:
    """Return whether `text` is one Message-ID that can stand in a header as it is (RFC 5322, 3.6.4)."""
    return _MESSAGE_ID.fullmatch(text) is not None


def card_id(secret: str, key: str, own: str, *, asks: bool, closes: bool = False) -> str:
    """That of the card which is sent under `key`. Nobody can make it up who does not know `secret`."""
    return _made("card" if asks else "done" if closes else "note", f"{secret}\n{key}", own)


def thread_root(thread: str, own: str) -> str:
    """The Message-ID that holds a thread together: `thread` itself when it is one, else one derived from it."""
    return thread if is_message_id(thread) else _made("thread", thread, own)


def reply_id(original: str, text: str, at: datetime, own: str) -> str:
    """A Message-ID for a reply that was written at `at`."""
    return _made("reply", f"{original}\n{at.isoformat()}\n{text}", own)


def ours(kinds: str, own: str) -> str:
    """A pattern for the ids of our mails of these kinds, such as `card|note`; its one group is the whole id."""
    return rf"(<(?:{kinds})\.[0-9a-f]{{{_DIGEST_CHARS}}}@{_domain(own)}>)"


def ids_in(field: str) -> tuple[str, ...]:
    """The Message-IDs that a field such as In-Reply-To names, as far as it is looked at."""
    return tuple(_MESSAGE_ID.findall(field[:10_000]))


def named_in(field: str) -> tuple[str, ...]:
    """All that a field such as In-Reply-To names, in order: Message-IDs, and what stands there in place of one.

    A program writes the id of the mail that it answers as that has it, whatever its form (`<lunch:1@corp.example>`).
    Comments, and words beside an id, name nothing: `Your message of "Tue, 3 Mar 2026" <a@b.example>`.
    """
    plain = without_comments(field)
    pieces = [piece.strip() for piece in re.split(f"({_MESSAGE_ID.pattern})", field if plain is None else plain)]
    found = tuple(piece for piece in pieces if re.search("[<>@]", piece))
    return found or tuple(filter(None, [field.strip()]))


def answers_us(ids: str, own: str) -> bool:
    """Return whether one of the Message-IDs in `ids` is that of a mail of ours, whatever else comes from our domain."""
    ours = rf"<(?:card|done|note|thread)\.[^<>@\s]{{1,120}}@{_domain(own)}>"
    return re.search(ours, ids, re.IGNORECASE) is not None


def answer_id(key: str, own: str) -> str:
    """A Message-ID for what is sent under `key` from the public address `own`."""
    return _made("answer", key, own)


def digest(kind: str, name: str) -> str:
    """Return the digest that stands for `name` among others of its kind."""
    return hashlib.sha256(f"{kind}\n{name}".encode()).hexdigest()[:_DIGEST_CHARS]


def _made(kind: str, name: str, own: str) -> str:
    return f"<{kind}.{digest(kind, name)}@{own.rpartition('@')[2]}>"


def _domain(own: str) -> str:
    return re.escape(own.rpartition("@")[2])
