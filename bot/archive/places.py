"""The places an archive can be kept in: a directory here, a bucket in `bucket.py`. Each holds bytes under names."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from bot.command_line import command
from bot.config.files import read_file
from bot.errors import Unavailable

# No run and no segment of ours comes near it.
_FILE_BYTES = 256 * 2**20


class ArchiveUnavailable(Unavailable):
    """The archive can't be read or written at the moment."""


class Place(Protocol):
    """Bytes under names such as `runs/s0/ab/NAME`. All methods block, and raise ArchiveUnavailable."""

    @property
    def where(self) -> str:
        """The place in words, without secrets."""
        ...

    def put(self, name: str, body: bytes) -> None:
        """Keep `body`, in place of what is there; when it returns, it is durable. Readers see all of one of the two."""
        ...

    def get(self, name: str) -> bytes | None:
        """Return what is kept under `name`."""
        ...

    def names(self, folder: str) -> list[str]:
        """Return the names directly below `folder`, sorted, without it."""
        ...

    def remove(self, name: str) -> None:
        """Remove what is kept under `name`, if it is there."""
        ...


class FolderPlace:
    """A directory, which every process that reads or writes the archive has to see."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def where(self) -> str:
        """Its path."""
        return str(self._folder)

    def put(self, name: str, body: bytes) -> None:
        """Write beside it, sync, rename, sync the directory: a crash leaves the old file or the new one."""
        path = self._folder / name
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            self._make(path.parent)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
            _sync(path.parent)
        except OSError as error:
            _drop(fresh)
            raise self._unavailable(error) from error

    def get(self, name: str) -> bytes | None:
        """Read the file; what is none, as a pipe, is not waited for."""
        path = self._folder / name
        try:
            check_size(f"{path}", path.stat().st_size)
            return read_file(path, _FILE_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._unavailable(error) from error

    def names(self, folder: str) -> list[str]:
        """List the directory; what is being written has a name of its own until it is whole."""
        try:
            return sorted(entry.name for entry in os.scandir(self._folder / folder) if not entry.name.startswith("."))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unavailable(error) from error

    def remove(self, name: str) -> None:
        """Delete the file."""
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise self._unavailable(error) from error

    def _make(self, folder: Path) -> None:
        """Make a directory and those above it; each lasts only once the one above it is synced."""
        for missing in reversed(list(_missing(folder))):
            missing.mkdir(mode=0o700, exist_ok=True)
            _sync(missing.parent)

    def _unavailable(self, error: OSError) -> ArchiveUnavailable:
        return ArchiveUnavailable(
            f"The archive in {self._folder} can't be used ({error.strerror})",
            f"Nothing was deleted; {command('doctor')}",
        )


def check_size(name: str, size: int) -> None:
    """Check that a file may be read, which somebody else may have put there. Raises ArchiveUnavailable."""
    if size > _FILE_BYTES:
        what = f"The archive holds {name} with {size} bytes, more than any of ours"
        raise ArchiveUnavailable(what, "Look for an older copy of it")


def _missing(folder: Path) -> Iterator[Path]:
    while not folder.is_dir():
        yield folder
        if folder.parent == folder:
            return
        folder = folder.parent


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _drop(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # what brought us here is told
        return
