"""What came of a request once it is no longer open: in one word, then in full. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agents.requests import Attachment, PersonId
from agents.run import Run
from agents.state import AttemptOutcome, made_for
from bot.people.directory import People
from bot.policy.record import RequestRecord
from bot.render.output import Output, output_of

Mark = Literal["work", "good", "bad", "doubt"]


@dataclass(frozen=True, slots=True)
class Afterwards:
    """`word` says it at once, `mark` in its colour, `text` in a sentence. `is_settled`: nothing more comes of it.

    `files` hold all that a failed command printed.
    """

    word: str
    mark: Mark
    text: str = ""
    began: datetime | None = None
    ended: datetime | None = None
    output: Output | None = None
    is_settled: bool = True
    by: tuple[PersonId, ...] = ()
    files: tuple[Attachment, ...] = ()


def afterwards(record: RequestRecord, run: Run | None, people: People) -> Afterwards:
    """Return what came of a request that is no longer open; as far as the record knows where there is no `run`."""
    made = made_for(run.made, record.request.id) if run else None
    if made and (record.state == "approved" or made.state in {"ok", "error"}):
        return _made(made, people, has_ended=bool(run and run.ended))
    match record.state:
        case "approved":
            return _approved(record, run)
        case "answered":
            return Afterwards("Answered", "good")
        case "revoked":
            return Afterwards("Stopped", "doubt", "The approval was taken back before anything began.")
        case "superseded":
            return Afterwards("Replaced", "doubt", "A newer request asks instead of this one.")
        case "expired":
            return Afterwards("Expired", "doubt", "Nobody decided in time. Nothing was done.")
        case "denied":
            return Afterwards("Denied", "doubt", "Nothing was done.")
        case _:
            return Afterwards("Withdrawn", "doubt", "Nothing was done.")


def _approved(record: RequestRecord, run: Run | None) -> Afterwards:
    if record.request.program:
        return Afterwards("Approved", "good", "The program that asked may do it now; it is not done by sayso.")
    if run and run.ended:
        return Afterwards("Not begun", "doubt", "It was approved, and the run ended before it began.")
    if record.started_at:
        return Afterwards("Running", "work", began=record.started_at, is_settled=False)
    return Afterwards("Approved", "work", "It has not begun yet, and can be stopped until it does.", is_settled=False)


def _made(made: AttemptOutcome, people: People, *, has_ended: bool) -> Afterwards:
    began, ended, by = made.started_at, made.ended_at, people.names_of(made.by)
    match made.state:
        case "running":
            return Afterwards("Running", "work", began=began, is_settled=False)
        case "left" if not has_ended:
            return Afterwards("Running", "work", "It was interrupted and is tried again.", began, is_settled=False)
        case "ok" if made.by:
            return Afterwards("Done", "good", f"It was interrupted; {by} said that it happened.", began)
        case "ok":
            return Afterwards("Done", "good", "", began, ended, output_of(made.text))
        case "error":
            return Afterwards("Failed", "bad", "", began, ended, output_of(made.text), files=made.files)
        case "not_done":
            return Afterwards("Not done", "doubt", f"It was interrupted; {by} said that it did not happen.", began)
        case "left":
            return Afterwards("Interrupted", "doubt", "It was interrupted, and the run has ended.", began)
        case "unknown":
            left = "The run has ended." if has_ended else "Those who may decide are asked."
            return Afterwards(
                "Unknown", "doubt", f"It was interrupted; nobody knows whether it happened. {left}", began
            )
