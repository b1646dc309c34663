"""What came of a request once it is no longer open, as a page sets it out. Pure."""

from dataclasses import dataclass

from agents.requests import Attachment, AttemptId, PersonId, Request
from agents.requests.record import RequestRecord
from agents.run import Run
from agents.state import failed_command, failed_last
from bot.people.directory import People
from bot.policy.approvers.who import who_of
from bot.render.became import Became, Mark, became, block
from bot.render.cards import below_title, quoted_as
from bot.render.forms import answer_lines
from bot.render.in_run import in_run
from bot.render.outcome import word_of
from bot.render.output import Output, output_of
from bot.render.status_line import paused, waits_frozen
from bot.store.ids import review_of
from channels import Line
from language import say
from language.recorded import result_of


@dataclass(frozen=True, slots=True)
class Afterwards:
    """What a page sets out beside the card: the colour of what came of it as `mark`, and what `held` it, in sentences.

    `asked` are the words of others that the request itself quotes, and `is_said`: the card quotes others, about what
    came of it. `answer` is set of a question, and `output` is what a program printed, of which `files` hold all.
    `review` is the run that asks afterwards whether breaking the glass was right, for those whom it concerns.
    """

    mark: Mark
    held: str
    asked: Line | None
    is_said: bool
    answer: tuple[Line, ...]
    output: Output | None
    files: tuple[Attachment, ...]
    review: str
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


def afterwards(record: RequestRecord, run: Run | None, people: People, me: PersonId) -> Afterwards:
    """Return what a page sets out of a request that is no longer open; without a `run`, as far as the record knows."""
    request = record.request
    what = became(record, in_run(run, request.id) if run else None)
    made, has_result = what.made, what.kind in {"done", "failed"} and not (what.made and what.made.by)
    return Afterwards(
        mark=what.mark,
        held=" ".join(_held(what, run, people)),
        asked=_asked(request, people),
        is_said=bool(block(what, people).quoted),
        answer=_answer(record) if what.kind == "answered" else (),
        output=_output(what) if has_result or what.kind == "unknown" else None,
        files=made.files if made and what.kind == "failed" else (),
        review=_review(record, me),
        attempt=made.id if made else None,
    )


def _asked(request: Request, people: People) -> Line | None:
    quoted = below_title(request.title, request.quoted)
    return Line(label=quoted_as(request, people) or say("card.unverified"), text=quoted) if quoted else None


def _answer(record: RequestRecord) -> tuple[Line, ...]:
    given = record.decision.given if record.decision else None
    return answer_lines(record.request, given) if given else ()


def _review(record: RequestRecord, me: PersonId) -> str:
    decision = record.decision
    if decision is None or not decision.broke_glass:
        return ""
    return review_of(record.request.id) if me in {*who_of(record).reviewers, *decision.by} else ""


def _held(what: Became, run: Run | None, people: People) -> list[str]:
    """Return what holds back what is approved, a sentence each."""
    if what.kind != "approved":
        return []
    held = [waits_frozen(what.record.frozen)] if what.record.frozen else []
    held += [paused(run, people)] if run and run.is_paused else []
    return [f"{one}." for one in held]


def _output(what: Became) -> Output | None:
    made = what.made
    if made is None:
        return None
    is_own = what.kind == "done" and not what.is_programs_word
    return output_of(result_of(made.text) if is_own else made.text)
