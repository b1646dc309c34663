"""A Maildir folder: one file per mail; `tmp/` while it is written, `new/` when it arrived, `cur/` when it was taken."""

import itertools
import os
import stat
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

NAME_CHARS = 200
"""Longest folder name for an address; file systems allow 255 bytes."""

_serial = itertools.count()


def folder_of(root: Path, address: str) -> Path:
    """Return the folder below `root` for mail to `address`: one for each, plus-part removed, letter case ignored.

    Raises ValueError when the address is too long for a file name.
    """
    local, _, domain = address.lower().rpartition("@")
    name = urllib.parse.quote(f"{local.partition('+')[0]}@{domain}", safe="@+")
    if len(name) > NAME_CHARS:
        raise ValueError(f"the address {address!r} is too long for a folder name")
    return root / (f"%2E{name[1:]}" if name.startswith(".") else name)


def create(folder: Path) -> None:
    """Make the Maildir `folder` if it is not there yet, readable by its owner only."""
    for name in ("tmp", "new", "cur"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)


def store(folder: Path, raw: bytes) -> str:
    """Put `raw` into `folder`; its file name. When this returns, the mail survives a power cut."""
    create(folder)
    now_ns = time.time_ns()
    name = f"{now_ns // 10**9}.M{now_ns % 10**9 // 1000:06}P{os.getpid():07}Q{next(_serial):07}.sayso"
    written = folder / "tmp" / name
    with written.open("xb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    written.rename(folder / "new" / name)
    _sync(folder / "new")
    return name


def take(folder: Path, name: str) -> None:
    """Move the mail `name` from `new/` to `cur/`, not marked as seen: people read this mailbox too.

    A mail that is no longer in `new/` was taken before, or deleted by its owner; both are fine.
    """
    info = "" if ":" in name else ":2,"
    try:
        (folder / "new" / name).rename(folder / "cur" / f"{name}{info}")
    except FileNotFoundError:
        return
    _sync(folder / "cur")


def names(folder: Path, part: str) -> list[str]:
    """File names in `folder / part` in the order of arrival; none when there is no such folder."""
    try:
        return sorted(entry.name for entry in os.scandir(folder / part) if not entry.name.startswith("."))
    except FileNotFoundError:
        return []


def read(path: Path, most_bytes: int) -> tuple[bytes, int]:
    """The first `most_bytes` of a mail file, and its size. Raises OSError for anything but a readable plain file."""
    # Neither a link to a file outside the mailbox nor a pipe, which would block for ever, is a mail.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(f"{path.name} is not a plain file")
        return file.read(most_bytes), facts.st_size


def every_mail(folder: Path) -> Iterator[Path]:
    """All mails in `folder`, taken or not, in the order of arrival."""
    found = [folder / part / name for part in ("new", "cur") for name in names(folder, part)]
    yield from sorted(found, key=lambda path: path.name)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
