"""A finished run as compressed JSON lines: its events, as they stand in Redis, and the runs that were made of it.

The first line says what it is, the last one how many lines there are. Between them stand the events, one a line.
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from agents.events import Event, read_event
from agents.requests import RequestId, RunId
from agents.requests.record import RequestRecord
from agents.run import fold
from bot.audit.segments import lines_of
from bot.errors import Invalid
from bot.store.format import FORMAT, of_other_format

# Half a second for the largest run; a higher level saves a few per cent.
_LEVEL = 6
# How the line of an event begins.
_EVENT = b'{"seq": '


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A run as Redis holds it: its events in bytes that are opaque here, and the runs that were made of it."""

    run_id: str
    events: tuple[bytes, ...]
    forks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ArchivedRun:
    """A run as it is read again: what happened, and the runs that were made of it."""

    run_id: RunId
    archived_at: datetime
    events: tuple[Event, ...]
    forks: tuple[RunId, ...]

    @property
    def records(self) -> Mapping[RequestId, RequestRecord]:
        """The records of its requests, which follow from the events."""
        return fold(self.events).requests


class _Head(BaseModel):
    """The first line; what a later release adds to it is read past."""

    model_config = ConfigDict(frozen=True)

    format: Literal["sayso archived run"]
    version: int
    run_id: RunId
    archived_at: AwareDatetime
    forks: tuple[RunId, ...] = ()


def pack(kept: KeptRun, at: datetime) -> bytes:
    """The file of a run. Raises ValueError for what is no JSON."""
    lines = [b"".join(_spaced(part)) for part in _lines(kept, at)]
    lines.append(json.dumps({"lines": len(lines)}).encode())
    # Without a time in it the same run gives the same bytes.
    return gzip.compress(b"\n".join(lines) + b"\n", _LEVEL, mtime=0)


def _lines(kept: KeptRun, at: datetime) -> Iterator[dict[str, Any]]:
    head = {"format": "sayso archived run", "version": FORMAT, "run_id": kept.run_id, "archived_at": at.isoformat()}
    yield head | {"forks": list(kept.forks)}
    for seq, body in enumerate(kept.events, 1):
        yield {"seq": seq, "event": body}


def _spaced(values: Mapping[str, Any]) -> Iterator[bytes]:
    """The values as one JSON object in which stored JSON stands byte for byte, on one line."""
    between = b"{"
    for name, value in values.items():
        yield between + json.dumps(name).encode() + b": "
        yield _one_line(value) if isinstance(value, bytes) else json.dumps(value).encode()
        between = b", "
    yield b"}"


def _one_line(body: bytes) -> bytes:
    if b"\n" in body or b"\r" in body:
        return json.dumps(json.loads(body)).encode()
    return body


def unpack(body: bytes) -> ArchivedRun:
    """The run in a file. Raises Invalid for one that is cut, changed or of a later format."""
    try:
        first, *lines = lines_of(body)
        head = _Head.model_validate_json(first)
        if head.version != FORMAT:
            raise of_other_format("The archive holds a run", head.version)
        _check_end(lines)
        # One after the other: once they are read, lines take many times what they have here.
        events = tuple(read_event(json.dumps(one["event"])) for one in map(json.loads, lines) if "event" in one)
    except (EOFError, ValueError, TypeError, AttributeError, RecursionError, zlib.error) as error:
        why = str(error).partition("\n")[0]
        raise Invalid(f"The archive holds a file that can't be read ({why})", "Look for an older copy of it") from error
    return ArchivedRun(head.run_id, head.archived_at, events, head.forks)


def _check_end(lines: Sequence[bytes]) -> None:
    """Raise ValueError unless the last line says that these are all."""
    if not lines or json.loads(lines[-1]).get("lines") != len(lines):
        raise ValueError("lines are missing")


def holds(body: bytes, before: bytes) -> bool:
    """Return whether the file `body` holds every event of the file `before`: it is of the same run, as it went on."""
    try:
        old, new = _events_in(before), _events_in(body)
    except (ValueError, zlib.error):
        return False
    return bool(old) and new[: len(old)] == old


def _events_in(body: bytes) -> list[bytes]:
    return [line for line in lines_of(body) if line.startswith(_EVENT)]
