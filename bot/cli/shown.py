"""What the terminal last showed of each request: an answer is bound to that, not to what stands now."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from agents.requests import Request
from bot.home import Home
from bot.views import RequestView

_NOTE = "shown.json"
_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class Shown:
    """One request as it was printed."""

    revision: int
    digest: str


def last_shown(home: Home, request_id: str) -> Shown | None:
    """What was printed of a request; None when it has not been."""
    found = _notes(home).get(request_id)
    return Shown(*found) if found else None


def note_shown(home: Home, requests: Iterable[Request | RequestView]) -> None:
    """Remember what has just been printed."""
    notes = _notes(home) | {one.id: (one.revision, one.digest) for one in requests}
    home.note(_NOTE, json.dumps(dict(list(notes.items())[-_KEPT:])))


def _notes(home: Home) -> dict[str, tuple[int, str]]:
    return json.loads(home.read(_NOTE) or "{}")
