"""How the checks of a commit stand, by a server that ran them or was told of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agents.deploy.backends.api import SAID_CHARS
from agents.text import one_line

_GOOD = {"success", "neutral", "skipped"}
_SHOWN_NAMES, _NAME_CHARS = 5, 40


@dataclass(frozen=True, slots=True)
class CIStatus:
    """The state of all checks, in one line; the `lines` are each of them, and `unread` says why not all."""

    text: str
    lines: tuple[str, ...] = ()
    unread: str = ""


class Checks(Protocol):
    """A server that knows how the checks of a commit stand."""

    @property
    def name(self) -> str:
        """What people call it, such as "GitHub"."""
        ...

    @property
    def server(self) -> str:
        """The address that is asked."""
        ...

    async def checks(self, commit: str) -> CIStatus:
        """Return how all checks of `commit` stand: `passed`, `failed: …`, `running: …` or `unknown: …`.

        Raises LookFailed.
        """
        ...


def ci_status(checks: Sequence[tuple[str, str]], total: int) -> CIStatus:
    """Return how `total` checks stand, by the name and the end of those that were read; it is empty while one runs."""
    lines = tuple(f"{one_line(end, _NAME_CHARS) or 'running'}: {one_line(name, SAID_CHARS)}" for name, end in checks)
    unread = f"there are {total} checks, and only {len(checks)} were read" if total > len(checks) else ""
    return CIStatus(_in_a_word(checks, total), lines, unread)


def _in_a_word(checks: Sequence[tuple[str, str]], total: int) -> str:
    bad = [name for name, end in checks if end and end not in _GOOD]
    running = [name for name, end in checks if not end]
    if bad:
        return f"failed: {_names(bad)}"
    if total > len(checks):
        return f"unknown: there are {total} checks, and only {len(checks)} were read"
    if running:
        return f"running: {_names(running)}"
    return f"passed ({total} checks)" if checks else "unknown: this commit has no checks"


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(one_line(name, _NAME_CHARS) for name in names[:_SHOWN_NAMES])
    return f"{shown} and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else shown
