"""Reads files that people name or write: nothing else that stands in their place holds up or fills whoever reads."""

import errno
import os
import stat
from pathlib import Path

MOST_BYTES = 16_000_000
"""More than any settings have: a file of 50,000 people has half as many."""

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFDIR: "a directory",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def read_file(path: Path, most: int = MOST_BYTES) -> bytes:
    """Return what stands in a file. Raises OSError, in words where it is no regular file, or has more bytes."""
    with open(path, "rb", opener=_at_once) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes")
    return content


def write_whole(descriptor: int, content: bytes) -> None:
    """Write all of it in one. Raises OSError, also for a disk that took a part: the rest would be taken to be there."""
    if os.write(descriptor, content) != len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _at_once(path: str, flags: int) -> int:
    """Open a regular file, and wait for nobody who writes to a FIFO."""
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind == stat.S_IFREG:
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, f"it is {_KINDS.get(kind, 'something else')} and no file")
