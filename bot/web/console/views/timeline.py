"""A run's story as rows of a page. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from agents.events import (
    AnswerHeld,
    AnswerNoted,
    CardDelivered,
    ContextFetched,
    DeliveryFailed,
    Event,
    OutsideReported,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestRevised,
    RequestRevoked,
    RunCancelled,
    RunEnded,
    RunForked,
    RunStarted,
    StepChosen,
    StepFailed,
    StepRefused,
    ThoughtDropped,
    ToolFinished,
    ToolOrphaned,
    ToolStarted,
    ToolWaits,
    VoteCast,
    own,
)
from agents.requests import Attachment, AttemptId, PersonId, RequestId
from bot.people.directory import People
from bot.policy.attachments import files_in
from bot.render.output import Output, output_of
from bot.render.transcript import transcript_line
from bot.web.console.views.afterwards import Failure, first_of
from language import say

Mark = Literal["person", "work", "ask", "good", "bad", "doubt"]
_QUOTED_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class Row:
    """One event. `mark` is its colour and word; `request_id` links to a request, `mailbox` to where a card lies.

    `files` came with it. `gist` names a step that is folded with those beside it. `output` is set where it failed: what
    it printed, its end first; `attempt` is whose end it is. `is_last`: it is the end of the run. `is_copied`: it
    happened in the run that this one goes on from.
    """

    seq: int
    at: datetime
    mark: Mark
    text: str
    quoted: str = ""
    request_id: RequestId | None = None
    mailbox: PersonId | None = None
    files: tuple[Attachment, ...] = ()
    gist: str = ""
    output: Output | None = None
    attempt: AttemptId | None = None
    is_last: bool = False
    is_copied: bool = False


def rows(events: Sequence[Event], people: People, word: str = "") -> list[Row]:
    """`events`, a whole run in order that stands as `word` says, as rows, oldest first."""
    copied = len(events) - len(own(events))
    found = [_row(seq, event, people, word) for seq, event in enumerate(events, 1)]
    forked = events[copied - 1] if copied else None
    # Of what a file says happened elsewhere, nothing is here that could be looked at.
    lost = {"request_id": None, "mailbox": None} if isinstance(forked, RunForked) and forked.how == "import" else {}
    return [replace(row, is_copied=True, **lost) if row.seq < copied else row for row in found]


def without_failure(told: Sequence[Row], failure: Failure | None) -> list[Row]:
    """`told` without what stands above it already: what the `failure` of the run printed."""
    if failure is None:
        return list(told)
    found = [replace(row, output=first_of(row.output), files=()) if failure.tells(row.attempt) else row for row in told]
    return [replace(row, quoted="") if row.is_last else row for row in found]


def _row(seq: int, event: Event, people: People, word: str) -> Row:
    told = transcript_line(event, people, word)
    quoted = told.quoted if len(told.quoted) <= _QUOTED_CHARS else f"{told.quoted[:_QUOTED_CHARS]}…"
    mailbox = event.person if isinstance(event, CardDelivered) and event.channel == "email" else None
    output = output_of(told.quoted) if isinstance(event, ToolFinished) and event.error else None
    return Row(
        seq=seq,
        at=event.at,
        mark=_mark(event, word),
        text=_capital(told.text),
        quoted="" if output else quoted,
        request_id=_request_of(event),
        mailbox=mailbox,
        files=files_in(event),
        gist=_gist(event),
        output=output,
        attempt=event.attempt_id if isinstance(event, ToolFinished) else None,
        is_last=isinstance(event, RunEnded),
    )


def _gist(event: Event) -> str:
    """Return the few words of a step that few read; nothing for what concerns people, or went wrong."""
    match event:
        case ContextFetched():
            return say("console.story-looks-up")
        case StepChosen():
            return say("console.story-chooses")
        case ToolStarted():
            return event.tool
        case ToolFinished() if not event.error:
            return say("console.story-ends-well")
        case ThoughtDropped() | ToolWaits() | OutsideReported():
            return say("console.story-waits")
        case _:
            return ""


_NO_DOUBT = {"answered", "ended"}
_ENDS: dict[str, Mark] = {"done": "good", "cancelled": "doubt", "failed": "bad"}


def _mark(event: Event, word: str) -> Mark:
    match event:
        case RequestOpened() | RequestRevised():
            return "ask"
        case RequestDecided():
            return _decision_mark(event)
        case ToolFinished():
            return "doubt" if event.unknown else "bad" if event.error else "good"
        case RunEnded() if word and word != event.outcome:  # what people refused did not fail
            return "work" if word in _NO_DOUBT else "doubt"
        case RunEnded():
            return "doubt" if event.outcome == "done" and event.change != "changed" else _ENDS[event.outcome]
        case StepFailed() | StepRefused() | DeliveryFailed() | RequestRevoked() | RunCancelled():
            return "bad"
        case ToolOrphaned():
            return "doubt"
        case AnswerNoted(outcome="asked" | "replied"):
            return "person"
        case AnswerNoted() | AnswerHeld():
            return "doubt"
        case RunStarted() | PersonSaid() | VoteCast():
            return "person"
        case _:
            return "work"


def _decision_mark(event: RequestDecided) -> Mark:
    match event.decision.state:
        case "approved" if event.decision.broke_glass:
            return "doubt"
        case "approved" | "answered":
            return "good"
        case "superseded" | "denied" | "expired" | "withdrawn":
            return "doubt"


def _request_of(event: Event) -> RequestId | None:
    if isinstance(event, RequestOpened | RequestRevised):
        return event.request.id
    return event.request_id if isinstance(event, RequestDecided | RequestRevoked) else None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
