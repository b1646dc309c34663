"""The header fields of a mail, and of each of its parts: bytes -> names and values, or why they can't be read safely.

Python's own parser is not used on what arrives: it takes a bare CR for a line break, raises many kinds of errors
on reading a header, and needs most of a second for thousands of parts. Two readers that disagree about a mail are
how a mail lies, so this one refuses whatever is unclear. Pure and bounded, as is `body`.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

MAIL_BYTES = 2_000_000
"""Largest mail that is read; a reply with a long thread below it stays under a tenth of this."""

HEADER_BYTES = 64 * 1024
"""Most bytes above the first blank line, of the mail and of each of its parts."""

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"([!-9;-~]+):(.*)", re.DOTALL)


class Unreadable(ValueError):
    """A mail that must not be taken as anybody's word; the text says why, to people."""


@dataclass(frozen=True)
class Headers:
    """Header fields from the top down: name in lower case, value unfolded and not decoded."""

    fields: tuple[tuple[str, str], ...] = ()

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of `name`, topmost first."""
        return tuple(value for field, value in self.fields if field == name)

    def first(self, name: str) -> str:
        """The topmost value of `name`, or nothing: for what is shown, or was written by the last server."""
        return next(iter(self.all(name)), "")

    def one(self, name: str) -> str:
        """The value of `name`, or nothing. Raises Unreadable when there are several."""
        values = self.all(name)
        if len(values) > 1:
            raise Unreadable(f"it has {len(values)} {name.title()} headers where one is allowed")
        return values[0].strip(" \t") if values else ""


def read_headers(raw: bytes) -> Headers:
    """The headers of `raw`, which may be cut short below them. Raises Unreadable."""
    return fields_of(split(raw)[0])


def guess_headers(raw: bytes) -> Headers:
    """The headers of `raw` as a lenient program would see them. Good for telling machines' mail, never for trust."""
    with suppress(Unreadable):
        return read_headers(raw)
    block = raw[:HEADER_BYTES].lstrip(b" \t\r\n")
    blank = _BLANK_LINE.search(block)
    fields = list[list[bytes]]()
    for line in block[: blank.start() if blank else len(block)].replace(b"\r", b"").split(b"\n"):
        match = _FIELD.fullmatch(line)
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1].append(line)
        elif match:
            fields.append([match[1], match[2]])
    return Headers(tuple((name.decode("ascii").lower(), _value(b"".join(value))) for name, *value in fields))


def split(raw: bytes) -> tuple[bytes, bytes]:
    """The header block and what follows its blank line. Raises Unreadable."""
    if raw[:1] in (b"\n", b"\r"):
        raise Unreadable("it begins with a blank line, so that its headers are not headers")
    blank = _BLANK_LINE.search(raw, 0, HEADER_BYTES + 4)
    if blank is None and len(raw) > HEADER_BYTES:
        raise Unreadable(f"it has more than {HEADER_BYTES // 1024} KB of headers")
    if blank and raw[: blank.start()].endswith(b"\r"):
        raise Unreadable("it has a control character in its headers")
    return (raw[: blank.start()], raw[blank.end() :]) if blank else (raw, b"")


@lru_cache(maxsize=8)
def fields_of(block: bytes) -> Headers:
    """The fields of a header block. Raises Unreadable."""
    # Cached, because each step of reading one mail asks for its headers and trusts no other's copy.
    fields: list[list[bytes]] = []
    for line in block.removesuffix(b"\n").split(b"\n"):
        text = line.removesuffix(b"\r")
        if b"\r" in text or b"\0" in text:
            raise Unreadable("it has a control character in its headers")
        match = _FIELD.fullmatch(text)
        if text[:1] in (b" ", b"\t") and fields:
            fields[-1].append(text)
        elif match:
            fields.append([match[1], match[2]])
        else:
            raise Unreadable("it has a line in its headers that is not one")
    return Headers(tuple((name.decode("ascii").lower(), _value(b"".join(value))) for name, *value in fields))


def without_comments(field: str) -> str | None:
    """Return `field` with a blank for each comment, which may nest (RFC 5322, 3.2.2); None when one does not end."""
    out, depth = list[str](), 0
    for piece in re.findall(r'"(?:[^"\\]|\\.)*"|\\.|[()]|[^"()\\]+|.', field, re.DOTALL):
        if piece in ("(", ")"):
            depth += 1 if piece == "(" else -1
            out.append(" ")
        elif not depth:
            out.append(piece)
        if depth < 0:
            return None
    return "".join(out) if depth == 0 else None


def _value(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
