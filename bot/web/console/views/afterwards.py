"""What came of a request once it is no longer open: in one word, then in full. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from agents.deploy.results import live_now
from agents.requests import Attachment, PersonId, Request
from agents.requests.record import RequestRecord
from agents.run import Run
from agents.state import AttemptOutcome, failed_command, made_for
from bot.people.directory import People
from bot.render.outcome import word_of
from bot.render.output import Output, output_of
from bot.render.request_card import is_asked_anew
from bot.render.status_line import paused, waits_frozen
from bot.render.views import is_of_program
from bot.render.words import queued_behind
from language import say
from language.recorded import result_of

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


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with a run: the error in a sentence, and what was `printed` last, of which `files` hold all."""

    error: str
    printed: str
    files: tuple[Attachment, ...]
    output: Output | None

    def tells(self, output: Output | None) -> bool:
        """Return whether all of `output` is told here."""
        return output is not None and output.whole.endswith((self.printed or self.error).strip("\n"))


def failure_of(run: Run) -> Failure | None:
    """Return what went wrong with a run that has failed, as far as code knows; None for any other."""
    ended = run.ended
    if ended is None or word_of(run) != "failed":
        return None
    made = failed_command(run.made)
    told = ended.summary if ended.words_of == "code" else made.text if made else ""
    error, _, printed = told.partition("\n")
    return Failure(error, printed, made.files if made else (), output_of(printed)) if told else None


def afterwards(record: RequestRecord, run: Run | None, people: People) -> Afterwards:
    """Return what came of a request that is no longer open; as far as the record knows where there is no `run`."""
    made = made_for(run.made, record.request.id) if run else None
    if run and made and (record.state == "approved" or made.state in {"ok", "error"}):
        if run.queued and made.state == "running":
            behind = queued_behind(run.queued, people)
            return Afterwards(say("console.after-queued"), "work", behind, is_settled=False)
        after = _made(made, people, has_ended=bool(run.ended))
        return replace(after, text=_live(record.request, run) or after.text) if made.state == "ok" else after
    match record.state:
        case "approved":
            return _approved(record, run, people)
        case "answered":
            return Afterwards(say("console.after-answered"), "good")
        case "revoked":
            return Afterwards(say("console.after-stopped"), "doubt", say("console.after-taken-back"))
        case "superseded":
            if is_asked_anew(record, run):
                return Afterwards(say("console.after-replaced"), "doubt", say("console.after-newer-asks"))
            return Afterwards(say("standing.no-longer-asked"), "doubt", _undone(record.request))
        case "expired":
            is_late = record.decision is None or not record.decision.reason
            is_plain = is_late and not is_of_program(record.request)
            undecided = say("console.after-nobody-decided") if is_plain else _undone(record.request)
            text = undecided if record.request.format == "approval" else ""
            return Afterwards(say("console.after-expired"), "doubt", text)
        case "denied":
            return Afterwards(say("console.after-denied"), "doubt", _undone(record.request))
        case _:
            return Afterwards(say("console.after-withdrawn"), "doubt", _undone(record.request))


def _undone(request: Request) -> str:
    """The sentence that says what did not happen; what a program does, nobody here knows."""
    return say("console.after-program-told" if is_of_program(request) else "console.after-nothing-done")


def _live(request: Request, run: Run) -> str:
    """The sentence that says what was live after the deploy that `request` allowed; empty for anything else.

    Others may have deployed since: a page is read at any time.
    """
    where = request.call.effect.environment if request.call else ""
    what = live_now(run).get(where or "")
    return say("console.after-live", what=what, where=where) if what else ""


def _approved(record: RequestRecord, run: Run | None, people: People) -> Afterwards:
    has_broken = record.decision is not None and record.decision.broke_glass
    word = say("console.after-glass") if has_broken else say("console.after-approved")
    if run and run.ended:
        return Afterwards(say("console.after-not-begun"), "doubt", say("console.after-run-ended-before"))
    if record.began_at:
        return Afterwards(say("console.after-running"), "work", began=record.began_at, is_settled=False)
    held = [waits_frozen(record.request)] if record.frozen else []
    held += [paused(run, people)] if run and run.is_paused else []
    not_yet = say("console.after-program" if record.request.program else "console.after-not-yet")
    return Afterwards(word, "work", " ".join((*(f"{one}." for one in held), not_yet)), is_settled=False)


def _made(made: AttemptOutcome, people: People, *, has_ended: bool) -> Afterwards:
    began, ended, by = made.started_at, made.ended_at, people.names_of(made.by)
    match made.state:
        case "running":
            outside = say("console.after-program-does") if made.begun_by else ""
            return Afterwards(say("console.after-running"), "work", outside, began=began, is_settled=False)
        case "ok" if made.begun_by and not made.by and not made.text:
            return Afterwards(say("agent.relay-allowed"), "work", began=began)
        case "ok" if made.begun_by and not made.by:
            return Afterwards(say("console.after-program-done"), "good", "", began, ended, output_of(made.text))
        case "error" if made.begun_by:
            return Afterwards(say("console.after-program-failed"), "bad", "", began, ended, output_of(made.text))
        case "left" if not has_ended:
            return Afterwards(
                say("console.after-running"), "work", say("console.after-tried-again"), began, is_settled=False
            )
        case "ok" if made.by:
            return Afterwards(say("console.after-done"), "good", say("console.after-said-done", names=by), began)
        case "ok":
            return Afterwards(say("console.after-done"), "good", "", began, ended, output_of(result_of(made.text)))
        case "error":
            return Afterwards(
                say("console.after-failed"), "bad", "", began, ended, output_of(made.text), files=made.files
            )
        case "not_done":
            return Afterwards(
                say("console.after-not-done"), "doubt", say("console.after-said-not-done", names=by), began
            )
        case "left":
            return Afterwards(say("console.after-interrupted"), "doubt", say("console.after-interrupted-ended"), began)
        case "unknown" if ended:  # it was waited for as long as it may take
            return Afterwards(say("console.after-unknown"), "doubt", "", began, output=output_of(made.text))
        case "unknown" if made.begun_by:
            left = say("standing.run-ended") if has_ended else say("standing.deciders-asked")
            return Afterwards(say("console.after-unknown"), "doubt", f"{say('console.after-no-word')} {left}", began)
        case "unknown":
            text = say("console.after-unknown-ended") if has_ended else say("console.after-unknown-asked")
            return Afterwards(say("console.after-unknown"), "doubt", text, began)
