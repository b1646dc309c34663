"""A run as one JSON file, and such a file read again. Whoever holds a file may have changed every word of it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, AwareDatetime, BaseModel, FailFast, Field, StringConstraints

from agents.events import (
    AnswerNoted,
    Event,
    OutsideReported,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestRevised,
    RequestRevoked,
    RunForked,
    RunStarted,
    StepChosen,
    VoteCast,
    read_event,
    write_event,
)
from agents.requests import Frozen, RunId
from bot.store.format import FORMAT, of_other_format

# What a request to the API may have, which a run of ordinary length is far below.
FILE_BYTES = 8_000_000
# The longest thing a run of ours says at once is the output of a tool.
_EVENT_BYTES = 1_000_000
# A run of 10,000 ordinary events has half as many.
VALUES_AT_MOST = 500_000
# Each is looked for among the others after many an event. A run of ours knows those who are in the configuration.
PEOPLE_AT_MOST = 1_000
# Outside these years there are moments that can't be shown in another time zone.
_YEARS = range(1970, 9999)


def _of_ours(version: int) -> int:
    """`version` if files of it are read. Raises ValueError, which says what to do."""
    if version != FORMAT:
        raise ValueError(str(of_other_format("The file holds a run", version)))
    return version


def _sound(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """`events` if they can be stored, folded and shown. Raises ValueError, which names the first that can't."""
    for place, event in enumerate(events, 1):
        if isinstance(event, RunStarted) != (place == 1):
            raise ValueError(f"event {place} is {event.type}; a run begins with run_started, once")
        try:
            body = write_event(event)
            is_same = read_event(body) == event
        except ValueError:
            is_same, body = False, b""
        if not is_same:
            raise ValueError(f"event {place}: it holds numbers that JSON has not, or that are far too long")
        if len(body) > _EVENT_BYTES:
            raise ValueError(f"event {place}: it has {len(body)} bytes; {_EVENT_BYTES} are allowed")
        if any(moment.year not in _YEARS for moment in _moments(event)):
            raise ValueError(f"event {place}: it has a moment in a year that no clock of ours shows")
    if len({person for event in events for person in _people(event)}) > PEOPLE_AT_MOST:
        raise ValueError(f"more than {PEOPLE_AT_MOST} people have a part in it")
    return events


def _people(event: Event) -> Iterator[str]:
    """Yield the people whom the fold, or a copy, remembers for what `event` says they did."""
    match event:
        case RunStarted():
            yield from (event.requester, event.submitter or event.requester, *event.inherits)
        case PersonSaid() | AnswerNoted():
            yield event.person
        case VoteCast() | RequestRevoked():
            yield event.vote.person
        case RequestOpened() | RequestRevised():
            yield from event.request.requesters
            yield from (one.person for change in event.request.changes for one in change.by)
        case StepChosen():
            yield from (one.person for one in event.read_by)
        case OutsideReported():
            yield from (*(one.person for one in event.by), *(event.stopped.by if event.stopped else ()))
            did = event.by_people
            others = (*(one.editor for one in did.edits), *(one.person for one in did.notes))
            yield from (*did.deciders, *did.by_glass, *others)
        case RequestDecided():
            yield from event.decision.by
        case RunForked():
            yield event.by
        case _:
            pass


def _moments(value: object) -> Iterator[datetime]:
    """Every moment within `value`."""
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, BaseModel):
        for _, part in value:
            yield from _moments(part)
    elif isinstance(value, tuple):
        for part in cast("tuple[object, ...]", value):
            yield from _moments(part)


_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\Z)', re.DOTALL)


def check_values(body: bytes) -> None:
    """Check that a file has no more values than may be. Raises ValueError: to read each takes some microseconds."""
    bare = _STRING.sub(b"", body)
    count = sum(map(bare.count, (b",", b"[", b"{")))
    if count > VALUES_AT_MOST:
        raise ValueError(f"the file holds some {count} values; {VALUES_AT_MOST} are allowed")


class Exported(Frozen):
    """A run in a file: its events as they were, under `release` when it was written. Bytes of files are not in it."""

    format: Literal["sayso run"] = "sayso run"
    version: Annotated[int, AfterValidator(_of_ours)] = FORMAT
    release: Annotated[str, StringConstraints(max_length=200)] = ""
    exported_at: AwareDatetime
    run_id: Annotated[RunId, StringConstraints(pattern=r"^s[0-9]{1,2}r-[a-z2-7]{13}$")]
    # The first that is none ends it: what is said of each takes some hundred times the bytes of a small one.
    events: Annotated[tuple[Event, ...], FailFast(), Field(min_length=1, max_length=10_000), AfterValidator(_sound)]


def export(run_id: RunId, events: tuple[Event, ...], release: str, now: datetime) -> Exported:
    """The file of a run. Nothing is checked: what a run of ours holds can be written."""
    return Exported.model_construct(
        format="sayso run",
        version=FORMAT,
        release=release,
        exported_at=now.astimezone(UTC),
        run_id=run_id,
        events=events,
    )
