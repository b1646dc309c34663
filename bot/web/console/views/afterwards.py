"""What came of a request once it is no longer open, as a page sets it out. Pure."""

from dataclasses import dataclass
from datetime import datetime

from agents.requests import Attachment, AttemptId
from agents.requests.record import RequestRecord
from agents.run import Run
from agents.state import failed_command, failed_last
from bot.people.directory import People
from bot.render.became import Became, Mark, became, sentence, word
from bot.render.outcome import word_of
from bot.render.output import Output, output_of
from bot.render.status_line import paused, waits_frozen
from language.recorded import result_of


@dataclass(frozen=True, slots=True)
class Afterwards:
    """`word` says it at once, `mark` in its colour, `text` in a sentence.

    `files` hold all that a failed command printed.
    """

    word: str
    mark: Mark
    text: str
    began: datetime | None
    ended: datetime | None
    output: Output | None
    files: tuple[Attachment, ...]
    attempt: AttemptId | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with a run: the error in a sentence, and what was printed last, of which `files` hold all.

    `attempt` is whose output that is.
    """

    error: str
    attempt: AttemptId | None
    files: tuple[Attachment, ...]
    output: Output | None

    def tells(self, attempt: AttemptId | None) -> bool:
        """Return whether what `attempt` printed is told here."""
        return attempt is not None and attempt == self.attempt


def first_of(output: Output | None) -> Output | None:
    """Return the first line of `output`: how it ended, without what was printed."""
    return output_of(output.whole.partition("\n")[0]) if output else None


def failure_of(run: Run) -> Failure | None:
    """Return what went wrong with a run that has failed, as far as code knows; None for any other."""
    ended = run.ended
    if ended is None or word_of(run) != "failed":
        return None
    is_ours = ended.words_of == "code"
    made = failed_command(run.made) or (failed_last(run.made) if is_ours else None)
    told = ended.summary if is_ours else made.text if made else ""
    error, _, more = told.partition("\n")
    printed = output_of(made.text.partition("\n")[2] if made else more)
    return Failure(error, made.id if made else None, made.files if made else (), printed) if told else None


def afterwards(record: RequestRecord, run: Run | None, people: People) -> Afterwards:
    """Return what came of a request that is no longer open; as far as the record knows where there is no `run`."""
    what = became(record, run)
    made, has_result = what.made, what.kind in {"done", "failed"} and not (what.made and what.made.by)
    return Afterwards(
        word=word(what),
        mark=what.mark,
        text=" ".join(filter(None, (*_held(what, people), sentence(what, people)))),
        began=what.began,
        ended=what.ended,
        output=_output(what) if has_result or what.kind == "unknown" else None,
        files=made.files if made and what.kind == "failed" else (),
        attempt=made.id if made else None,
    )


def _held(what: Became, people: People) -> list[str]:
    """Return what holds back what is approved, a sentence each."""
    if what.kind != "approved":
        return []
    held = [waits_frozen(what.record.request)] if what.record.frozen else []
    held += [paused(what.run, people)] if what.run and what.run.is_paused else []
    return [f"{one}." for one in held]


def _output(what: Became) -> Output | None:
    made = what.made
    if made is None:
        return None
    is_own = what.kind == "done" and not what.is_programs_word
    return output_of(result_of(made.text) if is_own else made.text)
