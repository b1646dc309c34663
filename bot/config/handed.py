"""The file of the settings as one program has read it, for another that is to read that, whatever it says by then."""

import os
import tempfile
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path

from bot.config.files import MOST_BYTES

_HANDED = "_SAYSO_FILE"


class Handed:
    """A copy of what was read in a `file`, which may be none, at an open `descriptor`. Raises OSError."""

    def __init__(self, file: Path | None, content: bytes) -> None:
        self._file = file
        with tempfile.TemporaryFile() as copy:
            copy.write(content)
            copy.flush()
            self.descriptor = os.dup(copy.fileno())

    def __del__(self) -> None:
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)

    def variables(self, descriptor: int | None = None) -> dict[str, str]:
        """Return the variables by which a program finds it that has this `descriptor`, or ours."""
        return {_HANDED: f"{descriptor or self.descriptor} {self._file}"} if self._file else {}

    def hand_on(self, environ: MutableMapping[str, str]) -> None:
        """Leave it to the program that replaces this one."""
        kept = os.dup(self.descriptor)
        os.set_inheritable(kept, True)
        environ.update(self.variables(kept))


def handed_file(environ: Mapping[str, str]) -> str:
    """Return the path of the file that was handed to this process; empty where none was."""
    return environ.get(_HANDED, "").partition(" ")[2]


def handed_content(environ: Mapping[str, str]) -> bytes:
    """Return what stands in it. Raises OSError."""
    return os.pread(int(environ[_HANDED].partition(" ")[0]), MOST_BYTES, 0)


def read_itself(environ: MutableMapping[str, str]) -> None:
    """Have this process read the file itself from now on."""
    if descriptor := environ.pop(_HANDED, "").partition(" ")[0]:
        with suppress(OSError):
            os.close(int(descriptor))
