"""Read the files attached to a mail: name, type, size, hash, and of text files the text. Pure; nothing here raises.

A name or an encoding that can't be read makes no honest mail unreadable: no decision hangs on a file.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from channels import File
from channels.email.format.body import CHARSETS, Part
from channels.email.format.encodings import unwrapped
from channels.email.format.filenames import name_of, safe_name
from channels.email.format.headers import Unreadable, guess_headers
from channels.email.format.shown import subject_of
from channels.filetypes import ALL_TEXT_BYTES, TEXT_BYTES, UNKNOWN_TYPE, headed, is_text, is_type

LOGO_BYTES = 32 * 1024
"""Largest picture within the text that is marked as such; the logo of a signature has a few KB, a screenshot more."""

RAW = "its encoding is broken, so it is kept as it was sent"
NOT_TEXT = "its text can't be read: it is not in UTF-8 or in the character set that its type names"

# What proves that a mail was not changed is read by mail programs and by nobody else.
_SIGNATURES = ("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature")


def files_of(parts: Iterable[Part]) -> tuple[File, ...]:
    """The files among `parts`, which hold no text of the mail: attached ones first, small pictures last, none twice.

    Small pictures within the text are marked and not left out: a logo can't be told from a little screenshot for
    certain, and that would be missed.
    """
    found = dict[tuple[str, str], _Found]()
    for number, part in enumerate((part for part in parts if part.kind not in _SIGNATURES), 1):
        one = _found(part, number)
        found.setdefault((one.file.sha256, "" if one.file.is_inline else one.file.name), one)
    ordered = sorted(found.values(), key=lambda one: one.file.is_inline)
    return tuple(_with_texts(ordered))


def text_file(name: str, text: str) -> File:
    """`text`, which stood in the mail itself, as a file of its own."""
    content = text.encode(errors="replace")
    file = File(
        name=name,
        type="text/plain",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
    )
    return file.model_copy(update=headed(content.decode(), TEXT_BYTES))


@dataclass(frozen=True)
class _Found:
    file: File
    charset: str


def _found(part: Part, number: int) -> _Found:
    encoding = _field(part, "content-transfer-encoding", unclear="several")
    disposition, content_id = _field(part, "content-disposition"), _field(part, "content-id")
    content, kind = unwrapped(part.body, encoding), part.kind if is_type(part.kind) else UNKNOWN_TYPE
    data = part.body if content is None else content
    is_attached = disposition.lower().startswith("attachment")
    is_small_picture = kind.startswith("image/") and len(data) <= LOGO_BYTES
    name = name_of(disposition, _field(part, "content-type")) or _subject_of(kind, data) or f"file {number}"
    file = File(
        name=name,
        type=kind,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        note=RAW if content is None else "",
        is_inline=is_small_picture and bool(content_id) and not is_attached,
        content=data,
    )
    return _Found(file, part.parameters.get("charset", "utf-8").lower())


def _field(part: Part, name: str, unclear: str = "") -> str:
    try:
        return part.headers.one(name)
    except Unreadable:
        return unclear


def _subject_of(kind: str, data: bytes) -> str:
    """A mail that is attached is named after what it is about."""
    if kind != "message/rfc822":
        return ""
    subject = safe_name(subject_of(guess_headers(data)).replace("/", "_"))
    return safe_name(f"{subject}.eml") if subject else ""


def _with_texts(found: Iterable[_Found]) -> Iterator[File]:
    left = ALL_TEXT_BYTES
    for one in found:
        file = one.file if one.file.note else _with_text(one, min(left, TEXT_BYTES))
        left -= len(file.text.encode())
        yield file


def _with_text(found: _Found, most_bytes: int) -> File:
    """The file with what fits of its text, if it is one; what is not plainly a text of its charset has none."""
    file = found.file
    if not is_text(file.type, file.name):
        return file
    text = _decoded(file.content, found.charset)
    if text is None:
        return file.model_copy(update={"note": NOT_TEXT})
    return file.model_copy(update=headed(text, most_bytes))


def _decoded(content: bytes, charset: str) -> str | None:
    if not CHARSETS.fullmatch(charset):
        return None
    try:
        text = content.decode(charset)
        text.encode()
    except (UnicodeError, LookupError):
        return None
    return None if "\0" in text else text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
