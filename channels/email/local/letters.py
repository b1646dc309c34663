"""A person's mailbox as a terminal shows it: the list, and one mail. Reads Maildirs; changes nothing."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from channels.email.format import addresses, trace
from channels.email.format.body import read_text
from channels.email.format.dates import written_at
from channels.email.format.headers import MAIL_BYTES, Headers, Unreadable, read_headers
from channels.email.format.shown import decoded, subject_of
from channels.email.local import maildir
from language import say
from language.recorded import reason_of


@dataclass(frozen=True)
class Letter:
    """One mail, decoded for people. `at` is its Date, or when it arrived; `reply_to` None when nobody can answer it."""

    id: str
    subject: str
    sender: str
    at: datetime
    text: str
    reply_to: str | None
    message_id: str
    references: str


def letters(folder: Path) -> tuple[Letter, ...]:
    """Every mail in the Maildir `folder`, in the order of arrival; none when there is no such folder."""
    return tuple(letter for path in maildir.every_mail(folder) if (letter := _letter(path)) is not None)


def letter(folder: Path, identity: str) -> Letter | None:
    """The mail with this id; None when there is none, or several whose ids begin like this."""
    found = [path for path in maildir.every_mail(folder) if identity and _id(path).startswith(identity)]
    return _letter(found[0]) if len(found) == 1 else None


def _id(path: Path) -> str:
    """Stable while the file moves from `new/` to `cur/` and gets flags."""
    return hashlib.sha256(path.name.partition(":")[0].encode()).hexdigest()[:8]


def _letter(path: Path) -> Letter | None:
    try:
        raw = trace.read(maildir.read(path, MAIL_BYTES + 1)[0])[1]
        arrived = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        # Moved or deleted while we looked, or no mail at all.
        return None
    try:
        headers, text = read_headers(raw), _text(raw)
    except Unreadable as error:
        headers, text = Headers(), say("mail.unshown", why=reason_of(str(error)))
    return Letter(
        id=_id(path),
        subject=subject_of(headers),
        sender=decoded(headers.first("from")),
        at=(written_at(headers.first("date")) or arrived).astimezone(UTC),
        text=text,
        reply_to=addresses.author(headers.first("reply-to").strip() or headers.first("from").strip()),
        message_id=headers.first("message-id").strip(),
        references=headers.first("references").strip(),
    )


def _text(raw: bytes) -> str:
    try:
        return read_text(raw)
    except Unreadable as error:
        return say("mail.text-unshown", why=reason_of(str(error)))
