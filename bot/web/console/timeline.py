"""A run's story as rows of a page. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from agents.events import (
    AnswerHeld,
    AnswerNoted,
    CardDelivered,
    DeliveryFailed,
    Event,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestRevised,
    RequestRevoked,
    RunCancelled,
    RunEnded,
    RunForked,
    RunStarted,
    StepFailed,
    StepRefused,
    ToolFinished,
    ToolOrphaned,
    VoteCast,
    own,
)
from agents.requests import Attachment, PersonId, RequestId
from bot.people.directory import People
from bot.policy.attachments import files_in
from bot.render.transcript import transcript_line

Mark = Literal["person", "work", "ask", "good", "bad", "doubt"]
_QUOTED_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class Row:
    """One event. `mark` is its colour and word; `request_id` links to a request, `mailbox` to where a card lies.

    `files` came with it. `is_copied`: it happened in the run that this one goes on from.
    """

    seq: int
    at: datetime
    mark: Mark
    text: str
    quoted: str = ""
    request_id: RequestId | None = None
    mailbox: PersonId | None = None
    files: tuple[Attachment, ...] = ()
    is_copied: bool = False


def rows(events: Sequence[Event], people: People) -> list[Row]:
    """`events`, a whole run in order, as rows, oldest first."""
    copied = len(events) - len(own(events))
    found = [_row(seq, event, people) for seq, event in enumerate(events, 1)]
    forked = events[copied - 1] if copied else None
    # Of what a file says happened elsewhere, nothing is here that could be looked at.
    lost = {"request_id": None, "mailbox": None} if isinstance(forked, RunForked) and forked.how == "import" else {}
    return [replace(row, is_copied=True, **lost) if row.seq < copied else row for row in found]


def _row(seq: int, event: Event, people: People) -> Row:
    told = transcript_line(event, people)
    quoted = told.quoted if len(told.quoted) <= _QUOTED_CHARS else f"{told.quoted[:_QUOTED_CHARS]}…"
    mailbox = event.person if isinstance(event, CardDelivered) and event.channel == "email" else None
    return Row(seq, event.at, _mark(event), _capital(told.text), quoted, _request_of(event), mailbox, files_in(event))


def _mark(event: Event) -> Mark:
    match event:
        case RequestOpened() | RequestRevised():
            return "ask"
        case RequestDecided():
            return _decision_mark(event)
        case ToolFinished():
            return "bad" if event.error else "good"
        case RunEnded():
            return "good" if event.outcome == "done" else "bad"
        case StepFailed() | StepRefused() | DeliveryFailed() | RequestRevoked() | RunCancelled():
            return "bad"
        case ToolOrphaned():
            return "doubt"
        case AnswerNoted() | AnswerHeld():
            return "doubt"
        case RunStarted() | PersonSaid() | VoteCast():
            return "person"
        case _:
            return "work"


def _decision_mark(event: RequestDecided) -> Mark:
    match event.decision.state:
        case "approved" | "answered":
            return "good"
        case "superseded":
            return "doubt"
        case "denied" | "expired" | "withdrawn":
            return "bad"


def _request_of(event: Event) -> RequestId | None:
    if isinstance(event, RequestOpened | RequestRevised):
        return event.request.id
    return event.request_id if isinstance(event, RequestDecided | RequestRevoked) else None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
