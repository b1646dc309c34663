"""What the terminal showed to whom: an approval is bound to that, and without it there is none."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import TypeAdapter

from agents.requests import Request
from bot.config.data_dir import Home
from bot.render.views import RequestView

_NOTE = "shown.json"
_KEPT = 1_000
_NOTES = TypeAdapter(dict[str, tuple[int, str]])


@dataclass(frozen=True, slots=True)
class Shown:
    """One request as it was printed."""

    revision: int
    digest: str


def last_shown(home: Home, person: str, request_id: str) -> Shown | None:
    """What was printed of a request for `person`; None when nothing was. `person` may be the name of a key."""
    found = _notes(home).get(_name(person, request_id))
    return Shown(*found) if found else None


def note_shown(home: Home, person: str, requests: Iterable[Request | RequestView]) -> None:
    """Remember what has just been printed for `person`; where nothing can be kept, nothing was shown."""
    notes = _notes(home)
    for one in requests:
        notes.pop(_name(person, one.id), None)  # the newest last: those that are dropped are the oldest
        notes[_name(person, one.id)] = (one.revision, one.digest)
    try:
        home.note(_NOTE, json.dumps(dict(list(notes.items())[-_KEPT:])))
    except OSError:
        return


def bound_to(digest: str, request: Request | RequestView, noted: Shown | None) -> Shown | None:
    """What an approval is for: the `digest` that was typed, else what is `noted`. No card of ours has revision 0."""
    if not digest:
        return noted
    return Shown(request.revision if digest == request.digest else 0, digest)


def not_shown(request_id: str, digest: str, person: str = "", *, as_json: bool) -> str:
    """Why nothing was approved, and how it is; over HTTP the key says who the `person` is."""
    again = f"./sayso answer {request_id} approve --digest {digest}" + (f" --as {person}" if person else "")
    if as_json:
        return f"Nothing was approved: --json shows nobody anything. Look at the request, then: {again}"
    return f"Nothing was approved yet: above is what it is about. To approve it, type the same again, or: {again}"


def _name(person: str, request_id: str) -> str:
    return f"{person} {request_id}"


def _notes(home: Home) -> dict[str, tuple[int, str]]:
    try:
        return _NOTES.validate_json(home.read(_NOTE) or "{}")
    except (OSError, ValueError):
        return {}
