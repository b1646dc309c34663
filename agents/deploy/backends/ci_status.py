"""How the checks of a commit stand, by a server that ran them or was told of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from agents.deploy.backends.api import SAID_CHARS
from agents.text import one_line

Stands = Literal["passed", "failed", "running", "unknown"]

_GOOD = {"success", "neutral", "skipped"}
_SHOWN_NAMES, _NAME_CHARS = 5, 40


@dataclass(frozen=True, slots=True)
class CIStatus:
    """How all checks stand, and as `text` in one line; the `lines` are each of them, and `unread` says why not all."""

    stands: Stands
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
        """Return how all checks of `commit` stand. Raises LookFailed."""
        ...


def ci_status(checks: Sequence[tuple[str, str]], total: int) -> CIStatus:
    """Return how `total` checks stand, by the name and the end of those that were read; it is empty while one runs."""
    lines = tuple(f"{one_line(end, _NAME_CHARS) or 'running'}: {one_line(name, SAID_CHARS)}" for name, end in checks)
    unread = f"there are {total} checks, and only {len(checks)} were read" if total > len(checks) else ""
    return CIStatus(*_together(checks, total), lines, unread)


def _together(checks: Sequence[tuple[str, str]], total: int) -> tuple[Stands, str]:
    bad = [name for name, end in checks if end and end not in _GOOD]
    running = [name for name, end in checks if not end]
    if bad:
        return "failed", f"failed: {_names(bad)}"
    if total > len(checks):
        return "unknown", f"unknown: there are {total} checks, and only {len(checks)} were read"
    if running:
        return "running", f"running: {_names(running)}"
    return ("passed", f"passed ({total} checks)") if checks else ("unknown", "unknown: this commit has no checks")


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(one_line(name, _NAME_CHARS) for name in names[:_SHOWN_NAMES])
    return f"{shown} and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else shown
