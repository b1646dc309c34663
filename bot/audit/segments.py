"""A segment of a shard's chain as a file of the archive: compressed JSON lines. Pure.

The records stand there byte for byte. What may be forgotten of them is encrypted with the salts of the people whom it
is of, which stay in the store: whoever is forgotten there is forgotten in every file and every copy of one, and no file
is ever written anew.
"""

import base64
import gzip
import hashlib
import hmac
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.audit.chain import Head, Sealed, record_in
from bot.audit.privacy import Kept, Row, kept_in
from bot.errors import Invalid

_LEVEL = 6
_NONCE_BYTES = 12
# No segment and no run comes near it; what somebody else put there would fill the memory, and a line many times over
# what it has once its JSON is read: the longest thing that a line of ours holds is an event, or a record of a request.
_BYTES_AT_MOST, _LINE_AT_MOST = 256 * 2**20, 16 * 2**20
# Each of these bytes outside a text may begin a value, which takes up to a hundred times as much once it is read: a
# file of ours with 12,000 events has half as many, a line with a program's largest call a fifth.
_STRUCTURE, _STRUCTURE_AT_MOST, _STRUCTURE_IN_LINE = b"[{,:", 4_000_000, 500_000
# The end is optional, so that a text without one is read once, and not again from each mark in it.
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"?')
_LINES_AT_MOST = 500_000
# Of the texts of one line, give or take a record: those of a segment are more than a line holds where its policies name
# many people.
_TEXTS_IN_LINE = 4 * 2**20
_MARK_CHARS = 16
_FORMAT = "sayso audit segment"
_NAME = re.compile(r"(\d{12})-(\d{12})-([0-9a-f]{16})-([0-9a-f]{16})\.jsonl\.gz")

Texts = dict[int, Kept]


@dataclass(frozen=True, slots=True)
class Piece:
    """A segment by its name: its first and last record, and marks of the seals before it and at its end.

    So its neighbours are known by name: what a store left there that was restored from a backup since fits nowhere.
    """

    first: int
    last: int
    before: str
    after: str

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.first:012d}-{self.last:012d}-{self.before}-{self.after}.jsonl.gz"

    @classmethod
    def between(cls, before: Head, after: Head) -> "Piece":
        """The segment that comes after `before` and ends at `after`."""
        return cls(before.n + 1, after.n, _mark(before.seal), _mark(after.seal))


def _mark(seal: str) -> str:
    """Return what a name has of a seal, whatever was made of that."""
    return hashlib.sha256(seal.encode(errors="surrogateescape")).hexdigest()[:_MARK_CHARS]


def pieces(names: Sequence[str], end: Head) -> list[Piece]:
    """The segments up to `end` in their order; where one is missing, the next one before the gap follows."""
    found = [Piece(int(n[1]), int(n[2]), n[3], n[4]) for n in map(_NAME.fullmatch, names) if n]
    left = sorted((one for one in found if 0 < one.first <= one.last <= end.n), key=lambda one: one.last)
    chosen, last, mark = list[Piece](), end.n, _mark(end.seal)
    while left:
        while left and left[-1].last > last:
            left.pop()
        fits = [one for one in left if one.last == last and one.after == mark] or left[-1:]
        if fits:
            chosen.append(fits[-1])
            last, mark = fits[-1].first - 1, fits[-1].before
    return chosen[::-1]


def pack(shard: int, records: Sequence[Sealed], kept: Mapping[int, Kept], rows: Mapping[str, Row]) -> bytes:
    """The file of these records, and of what is kept of them; not of what nobody may know any more."""
    lines: list[Mapping[str, Any]] = [{"format": _FORMAT, "version": 1, "shard": shard}]
    # A body that was changed in the store need not be text.
    lines += [{"n": one.place, "b": one.body.decode(errors="surrogateescape"), "s": one.seal} for one in records]
    for of, texts in _by_whom(records, kept).items():
        if not of:
            lines += [{"texts": some} for some in _for_lines(texts)]
        elif key := _key(of, rows):
            lines += [{"of": of, "sealed": _closed(key, some)} for some in _for_lines(texts)]
    lines.append({"lines": len(lines)})
    # Without a time in it.
    return gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in lines), _LEVEL, mtime=0)


def _by_whom(records: Sequence[Sealed], kept: Mapping[int, Kept]) -> dict[tuple[str, ...], Texts]:
    """Return what is kept by the pseudonyms of those whom it is of; a policy is of nobody."""
    found = dict[tuple[str, ...], Texts]()
    for one in records:
        of = _whom(one.body)
        if of is None:
            continue
        for part, text in kept.get(one.place, {}).items():
            texts = found.setdefault(() if part == "policy" else of, {})
            texts.setdefault(one.place, {})[part] = text
    return found


def _for_lines(texts: Texts) -> Iterator[Texts]:
    """Yield texts in their order, as many at once as stand on one line."""
    some, size = Texts(), 0
    for place, kept in texts.items():
        some[place] = kept
        size += len(json.dumps(kept))
        if size >= _TEXTS_IN_LINE:
            yield some
            some, size = Texts(), 0
    if some:
        yield some


def _whom(body: bytes) -> tuple[str, ...] | None:
    """Return whom a record is of; None where that can't be read: it was changed, verify says so, and its texts go."""
    record = record_in(body)
    return tuple(sorted(record.get("of", ()))) if record else None


def _key(of: Sequence[str], rows: Mapping[str, Row]) -> bytes | None:
    """Return the key of what is of these people; None once one of them is forgotten."""
    if not all(one in rows for one in of):
        return None
    return hashlib.sha256(json.dumps(["audit texts", *(rows[one].salt for one in of)]).encode()).digest()


def _closed(key: bytes, texts: Texts) -> str:
    plain = zlib.compress(json.dumps(texts).encode(), _LEVEL)
    # By what it hides, so that two workers write the same file.
    nonce = hmac.digest(key, plain, "sha256")[:_NONCE_BYTES]
    hidden = AESGCM(key).encrypt(nonce, plain, None)
    return base64.b64encode(nonce + hidden).decode()


def _opened(key: bytes, text: str) -> Texts:
    """Return what was closed with `key`; nothing of what was changed, so a check finds that it is missing."""
    try:
        body = base64.b64decode(text, validate=True)
        plain = AESGCM(key).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], None)
    except (InvalidTag, ValueError):
        return {}
    return _texts(json.loads(zlib.decompress(plain)))


def unpack(body: bytes, rows: Mapping[str, Row]) -> tuple[list[Sealed], Texts]:
    """The records of a file, and what is kept of them and may still be known. Raises Invalid for one that is cut."""
    try:
        lines = _whole([json.loads(line) for line in lines_of(body)])
        records = [_sealed(one) for one in lines if "b" in one]
        return records, _all_texts(lines, rows)
    except (EOFError, ValueError, TypeError, KeyError, AttributeError, RecursionError, zlib.error) as error:
        why = str(error).partition("\n")[0]
        raise Invalid(f"A segment of the audit log can't be read ({why})", "Look for an older copy of it") from error


def lines_of(body: bytes) -> Sequence[bytes]:
    """Return the lines that are compressed in `body`.

    Raises ValueError or zlib.error for what is cut, or longer or denser than any file of the archive that we write.
    """
    stream = zlib.decompressobj(zlib.MAX_WBITS + 16)
    plain = stream.decompress(body, _BYTES_AT_MOST)
    if not stream.eof or stream.unused_data:
        raise ValueError("it is cut, or too long")
    if plain.count(b"\n") + plain.count(b"\r") > _LINES_AT_MOST:
        raise ValueError("it holds too many lines")
    lines = plain.splitlines()
    if any(len(line) > _LINE_AT_MOST for line in lines):
        raise ValueError("a line is too long")
    # Most files are not, also with what stands in their texts.
    if _is_dense(map(_marks, lines)) and _is_dense(_marks(_TEXT.sub(b"", line)) for line in lines):
        raise ValueError("it holds too many values")
    return lines


def _marks(line: bytes) -> int:
    return sum(map(line.count, _STRUCTURE))


def _is_dense(counts: Iterable[int]) -> bool:
    found = list(counts)
    return sum(found) > _STRUCTURE_AT_MOST or max(found, default=0) > _STRUCTURE_IN_LINE


def _sealed(line: Mapping[str, Any]) -> Sealed:
    if not isinstance(line["n"], int):
        raise TypeError("a number is none")
    seal = line["s"].encode(errors="replace").decode()
    return Sealed(line["n"], line["b"].encode(errors="surrogateescape"), seal)


def _whole(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`lines` themselves, if they are all, and of a segment. Raises ValueError."""
    if not lines or lines[-1].get("lines") != len(lines) - 1:
        raise ValueError("lines are missing")
    if (lines[0].get("format"), lines[0].get("version")) != (_FORMAT, 1):
        raise ValueError("it is no segment of this release")
    return lines


def _all_texts(lines: Sequence[Mapping[str, Any]], rows: Mapping[str, Row]) -> Texts:
    found = Texts()
    for texts in _each_texts(lines, rows):
        for place, kept in texts.items():
            found[place] = found.get(place, {}) | kept
    return found


def _each_texts(lines: Sequence[Mapping[str, Any]], rows: Mapping[str, Row]) -> Iterator[Texts]:
    for line in lines:
        if "texts" in line:
            yield _texts(line["texts"])
        elif "sealed" in line and (key := _key(line["of"], rows)):
            yield _opened(key, line["sealed"])


def _texts(found: object) -> Texts:
    return {int(place): kept_in(kept) for place, kept in cast("dict[str, Any]", found).items()}
