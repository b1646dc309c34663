"""The file of a backup: gzip of a head, the entries, an end and the SHA-256 of all that. It is checked as it is read.

An entry is three whole numbers (big-endian: bytes of the key; when it expires, in milliseconds since 1970, -1 for
never; bytes of the content), the key and the content, which is what Redis's DUMP gives, with a check of its own. A key
may come again: the last entry counts, and one without content takes the key out.
"""

import gzip
import hashlib
import os
import struct
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from bot.errors import Conflict, Invalid, Unavailable

HEAD = b"sayso backup 1\n"
NEVER = -1
_NUMBERS = struct.Struct(">IqQ")
# More than Redis takes for one value (`proto-max-bulk-len` in redis.conf), a key of ours has, and an end.
_MOST_BYTES, _MOST_KEY_BYTES, _MOST_END_BYTES = 1 << 29, 1 << 16, 1 << 16
_SHOWN_CHARS = 60
# Half the time of the usual 9, for a few per cent more bytes.
_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Entry:
    """One key. `content` is None where it is gone; `expires_ms` is `NEVER`, or milliseconds since 1970."""

    key: str
    content: bytes | None
    expires_ms: int = NEVER


class End(BaseModel):
    """What a whole backup says of itself: the moment `at` whose state it holds, by the clock of the store.

    `shards` and `format` are numbers of the store, `format` 0 where it has none; `version` and `release` are those of
    the program that wrote it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: AwareDatetime
    shards: int
    format: int = 0
    keys: int
    version: str
    release: str = ""


class Sink(Protocol):
    """Where entries are written to."""

    def add(self, entry: Entry) -> None:
        """Write one more."""
        ...


class Writer:
    """Writes entries, and at last what it all is. Without `end` a file is not whole, and is not read."""

    def __init__(self, file: BinaryIO) -> None:
        self._zip = gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=file)
        self._digest = hashlib.sha256()
        self._write(HEAD)

    def add(self, entry: Entry) -> None:
        """Write one more entry. Raises Unavailable for one that could not be put back."""
        key, content = entry.key.encode(), entry.content or b""
        if len(key) > _MOST_KEY_BYTES or len(content) > _MOST_BYTES:
            what = f"{entry.key[:_SHOWN_CHARS]} has {len(content)} bytes, more than Redis takes back at once"
            raise Unavailable(what, "Keep the append-only file of this Redis instead")
        self._write(_NUMBERS.pack(len(key), entry.expires_ms, len(content)) + key + content)

    def end(self, end: End) -> None:
        """Write what it is; nothing comes after it."""
        told = end.model_dump_json().encode()
        self._write(_NUMBERS.pack(0, NEVER, len(told)) + told)
        self._zip.write(self._digest.digest())
        self._zip.close()

    def _write(self, part: bytes) -> None:
        self._digest.update(part)
        self._zip.write(part)


class Reader:
    """Reads a backup from its beginning. `end` is what it says of itself, once `entries` has given them all."""

    def __init__(self, file: BinaryIO) -> None:
        self._zip = gzip.GzipFile(fileobj=file, mode="rb")
        self._digest = hashlib.sha256()
        self.end: End | None = None

    def entries(self) -> Iterator[Entry]:
        """Every entry, in order. Raises Invalid where this is no backup, or one that is cut or damaged."""
        try:
            if self._read(len(HEAD)) != HEAD:
                raise Invalid("This is no backup that this release of sayso can read", "Nothing was written")
            yield from self._entries()
        except (OSError, EOFError, zlib.error, ValueError) as error:
            raise Invalid(f"This backup is cut or damaged ({error})", "Nothing more is read from it") from error

    def _entries(self) -> Iterator[Entry]:
        while True:
            key_bytes, expires_ms, content_bytes = _NUMBERS.unpack(self._read(_NUMBERS.size))
            if key_bytes == 0:
                told = self._read(content_bytes, _MOST_END_BYTES)
                break
            key, content = self._read(key_bytes, _MOST_KEY_BYTES).decode(), self._read(content_bytes, _MOST_BYTES)
            yield Entry(key, content or None, expires_ms)
        said = self._zip.read(self._digest.digest_size)
        if said != self._digest.digest() or self._zip.read(1):
            raise ValueError("its SHA-256 is another one")
        try:
            self.end = End.model_validate_json(told)
        except ValidationError as error:
            raise ValueError("it does not say what it is") from error

    def _read(self, count: int, most: int = _NUMBERS.size) -> bytes:
        if count > most:
            raise ValueError("an entry is too long")
        part = self._zip.read(count)
        if len(part) < count:
            raise EOFError("its end is missing")
        self._digest.update(part)
        return part


@contextmanager
def written(path: Path) -> Generator[BinaryIO]:
    """A new file that only its owner may read; it is there, whole, when the block ends well, else not at all.

    Raises Conflict where `path` exists, and Unavailable where it can't be written.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, path)  # unlike a rename it never takes the place of an older backup
        _sync(path.parent)
    except FileExistsError as error:
        raise Conflict(f"{path} exists already", "Name another file: a backup never replaces one") from error
    except OSError as error:
        raise Unavailable(f"{path} can't be written ({error.strerror})", "Name a file in a folder of yours") from error
    finally:
        with suppress(OSError):
            fresh.unlink()


@contextmanager
def piped(file: BinaryIO) -> Generator[BinaryIO]:
    """Standard output, to which all is written when the block ends well. Raises Unavailable where it can't be."""
    try:
        yield file
        file.flush()
    except OSError as error:
        do = "Give it room, and make the backup again: what is there is none"
        raise Unavailable(f"Standard output can't be written ({error.strerror})", do) from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
