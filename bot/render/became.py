"""What became of a request that is no longer open, and of a run that has ended, in words of three lengths. Pure.

`word` is what a list, a title and a notification say at once, `line` is one line of sentences, and `block` what a card
and a page set out: the line, and what people wrote and programs printed. Everything else that tells of an end says one
of these, or what they are made of: `words.decided` for a decision, `outcome.sentences` for what a run changed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from agents.events.tools import Stopped
from agents.requests import Decision, PersonId
from agents.requests.record import RequestRecord
from agents.run import Run
from agents.state import AttemptOutcome, failed_command
from agents.text import ends_of, first_line, labelled, one_line
from bot.people.directory import People
from bot.policy.whole import is_its_own, is_of_program, may_be_done
from bot.render.forms import answer_lines
from bot.render.in_run import InRun
from bot.render.outcome import (
    IN_SPITE,
    about,
    as_words_of,
    broken,
    heading,
    how_ended,
    in_spite,
    sentences,
    stopped,
    word_of,
)
from bot.render.output import output_of
from bot.render.said import Said, whose
from bot.render.words import (
    STOPPED,
    by_way,
    decided,
    is_left_to_program,
    queued_behind,
    reason_given,
    state_title,
    taken_back,
    taking_back,
    wish_of,
)
from language import say
from language.dates import in_words
from language.recorded import result_of

# What a tool printed, or a person wrote, is on the run's page in full.
_HEAD_CHARS, _TAIL_CHARS, _LAST_CHARS = 900, 500, 2_000
_SAID_CHARS, _LINE_CHARS, _ASKED_CHARS = 500, 200, 80

Kind = Literal[
    "approved",
    "allowed",
    "not_begun",
    "queued",
    "goes_on",
    "running",
    "silent",
    "tried_again",
    "interrupted",
    "done",
    "failed",
    "not_done",
    "unknown",
    "answered",
    "denied",
    "expired",
    "withdrawn",
    "revoked",
    "replaced",
    "superseded",
]
Mark = Literal["work", "good", "bad", "doubt"]

_WORDS: Final[dict[Kind, tuple[str, Mark]]] = {
    "approved": ("approved", "work"),
    "allowed": ("approved", "work"),
    "not_begun": ("not begun", "doubt"),
    "queued": ("queued", "work"),
    "goes_on": ("interrupted", "work"),
    "running": ("running", "work"),
    "silent": ("interrupted", "work"),
    "tried_again": ("running", "work"),
    "interrupted": ("interrupted", "doubt"),
    "done": ("done", "good"),
    "failed": ("failed", "bad"),
    "not_done": ("not done", "doubt"),
    "unknown": ("unknown", "doubt"),
    "answered": ("answered", "good"),
    "denied": ("denied", "doubt"),
    "expired": ("expired", "doubt"),
    "withdrawn": ("withdrawn", "doubt"),
    "revoked": ("stopped", "doubt"),
    "replaced": ("replaced", "doubt"),
    "superseded": ("superseded", "doubt"),
}
_NOT_YET = {"approved", "queued", "goes_on"}
_ENDED: Final[dict[str, Kind]] = {"ok": "done", "error": "failed", "not_done": "not_done"}


@dataclass(frozen=True, slots=True)
class Became:
    """What became of the request of `record`, as far as that knows where nothing is known of its `run`.

    `made` is the attempt that says it: `goes_on` waits for the end of one that broke off, `allowed` is a program's
    that says nothing more, and `replaced` is asked anew.
    """

    kind: Kind
    record: RequestRecord
    run: InRun | None = None
    made: AttemptOutcome | None = None

    @property
    def may_stop(self) -> bool:
        """Whether an approval of it can still be taken back."""
        is_over = self.run is not None and self.run.ended is not None
        return self.kind in _NOT_YET and self.record.began_at is None and not is_over

    @property
    def began(self) -> datetime | None:
        """When it began; None where it did not, or waits for its turn."""
        if self.kind in {"not_begun", "queued", "goes_on"}:
            return None
        return self.made.started_at if self.made else self.record.began_at

    @property
    def ended(self) -> datetime | None:
        """When it ended, as far as what did it said so."""
        has_result = self.kind in {"done", "failed"} and self.made is not None and not self.made.by
        return self.made.ended_at if self.made and has_result else None

    @property
    def stands(self) -> str:
        """How it stands, as a state that `words.state_word` has a word for."""
        return _WORDS[self.kind][0]

    @property
    def mark(self) -> Mark:
        """How it looks at once."""
        return _WORDS[self.kind][1]

    @property
    def is_programs_word(self) -> bool:
        """Whether a program that did it itself says what came of it."""
        return self.made is not None and bool(self.made.begun_by) and not self.made.by


def became(record: RequestRecord, run: InRun | None) -> Became:
    """Return what became of a request that is no longer open."""
    made = run.made if run else None
    if run and made and (record.state == "approved" or made.state in {"ok", "error"}):
        return Became(_of(made, run), record, run, made)
    match record.state:
        case "open":
            raise ValueError(f"{record.request.id} is open")
        case "approved" if run and run.ended:
            kind = "not_begun"
        case "approved" if record.began_at:
            kind = "running"
        case "superseded" if (run and run.is_asked_anew) or (record.decision and record.decision.newer_run):
            kind = "replaced"
        case _:
            kind = record.state
    return Became(kind, record, run)


def _of(made: AttemptOutcome, run: InRun) -> Kind:
    match made.state:
        case "running" if run.queued:
            return "goes_on" if run.queued.within_s else "queued"
        case "running" if run.is_silent:
            return "silent"
        case "left":
            return "interrupted" if run.ended else "tried_again"
        case "ok":
            return "allowed" if made.begun_by and not made.by and not made.text else "done"
        case "error":
            return "failed"
        case "running" | "not_done" | "unknown":
            return made.state


def cut(text: str) -> str:
    """Return as much of what people wrote and programs printed as a card has room for."""
    return ends_of(text, _HEAD_CHARS, _TAIL_CHARS)


@dataclass(frozen=True, slots=True)
class Block:
    """What a card sets out: `text` in our own words, and below the line `quoted_as` what people wrote.

    `is_output` if a program printed that.
    """

    text: str
    quoted: str = ""
    quoted_as: str = ""
    is_output: bool = False


def word(of: Became | Run) -> str:
    """`Approved`: what a list, a title or a notification says at once."""
    if isinstance(of, Run):
        return heading(of)
    decision = of.record.decision
    if of.kind in {"approved", "allowed"} and decision and decision.broke_glass:
        return state_title("glass")
    if of.kind in {"done", "failed"} and of.made and of.is_programs_word:
        return attempt_word(of.made)
    if of.kind == "revoked" and is_left_to_program(of.record):
        return say("card.taken-back")
    return state_title(of.stands)


def attempt_word(made: AttemptOutcome) -> str:
    """`Done`: how an attempt ended that waits for nothing more."""
    stands = _WORDS[_ENDED.get(made.state, "unknown")][0]
    if made.begun_by and not made.by and made.state in {"ok", "error"}:
        return say("standing.program-done" if made.state == "ok" else "standing.program-failed")
    return state_title(stands)


def says_it(made: AttemptOutcome, people: People) -> str:
    """`Bo Berg said that it happened.`; empty where no person said what came of an attempt."""
    key = "standing.says-not-happened" if made.state == "not_done" else "standing.says-happened"
    return say(key, names=people.names_of(made.by)) if made.by else ""


def line(of: Became | Run, people: People) -> str:
    """Return in one line what became of it: of a request who decided, when it began, and what came of it then; of a run
    its word with what it is about.
    """
    if isinstance(of, Run):
        return _line_of_run(of, people)
    is_asked_anew = of.kind == "replaced"
    said = _decided(of.record.decision, people, is_asked_anew=is_asked_anew)
    # Of one that is asked anew, the sentence on who decided says so.
    told = [said, _began(of), "" if is_asked_anew else _came(of, people)]
    return " ".join(filter(None, told))


def block(of: Became | Run, people: People, shorten: Callable[[str], str] = cut) -> Block:
    """Return the line on a request, or the sentences on a run, with as much as `shorten` leaves of what was written or
    printed about that.
    """
    if isinstance(of, Run):
        return _block_of_run(of, people)
    text, record = line(of, people), of.record
    match of.kind:
        case "answered":
            return Block(text, _answer(record, people, shorten))
        case "denied" | "expired" | "withdrawn" if record.decision:
            return Block(text, *_reason(shorten(record.decision.reason), record.decision.by, people))
        case "revoked" if back := taking_back(record):
            return Block(text, *_reason(shorten(back.reason), (back.person,), people))
        case "denied" | "expired" | "withdrawn" | "revoked":
            return Block(text)
        case _:
            return Block(text, *_printed(of, shorten))


def told_of(run: Run, people: People) -> str:
    """Return all that is told of the end of `run`, in one text: to the run that started it, and to whoever tries it."""
    if run.ended is None:
        return ""
    return " ".join(filter(None, (*_known(run, people), as_words_of(run.ended.words_of, run.ended.summary))))


def _came(became: Became, people: People) -> str:
    """Return what came of it, in a sentence or two; empty where what was written or printed says it."""
    record, run, made = became.record, became.run, became.made
    by = made.by if made else ()
    match became.kind:
        case "approved":
            return say("standing.program-not-yet" if record.request.program else "standing.may-be-stopped")
        case "allowed":
            return say("agent.relay-allowed")
        case "not_begun" if run and run.ended:
            return say("standing.not-begun-ended", outcome=how_ended(run.ended, run.word))
        case "queued" | "goes_on" if run and run.queued:
            stop = say("standing.may-be-stopped") if became.may_stop else ""
            return f"{queued_behind(run.queued, people)} {stop}".strip()
        case "running":
            return say("standing.program-runs") if made and made.begun_by else ""
        case "silent":
            return say("words.silent")
        case "tried_again":
            return say("standing.tried-again")
        case "interrupted":
            return say("standing.was-interrupted")
        case "done" | "not_done" if made and by:
            return says_it(made, people)
        case "done" | "failed":
            return _live(became)
        case "unknown" if made and not made.ended_at:  # else it was waited for as long as it may take
            left = say("standing.run-ended" if run and run.ended else "standing.deciders-asked")
            return f"{say('standing.no-word' if made.begun_by else 'standing.not-known')} {left}"
        case "revoked":
            return f"{taken_back(record, people)} {_next(became)}".strip()
        case "replaced":
            return say("standing.newer-asks")
        case "denied" | "expired" | "withdrawn" | "superseded":
            return f"{_undone(became)} {_next(became)}".strip()
        case _:
            return ""


def _undone(became: Became) -> str:
    """Say what did not happen; what a program does, nobody here knows."""
    request = became.record.request
    if is_of_program(request):
        decision = became.record.decision
        is_own = decision is not None and is_its_own(request, decision.proof)
        is_open = is_own or may_be_done(became.record)
        return say("standing.perhaps-done" if is_open else "standing.program-told")
    if became.run is None:  # who knows whether it is asked anew, or was done by what was asked before?
        return ""
    if key := IN_SPITE.get(became.run.otherwise or "nothing"):
        return say(key)
    return say("standing.nothing-done") if request.format == "approval" else ""


def _next(became: Became) -> str:
    if became.run is None or became.kind == "superseded":
        return ""
    return say("standing.run-ended" if became.run.ended else "standing.run-goes-on")


def _live(became: Became) -> str:
    """Say what was live after the deploy that the request allowed, others may have deployed since; else nothing."""
    call = became.record.request.call
    where = call.effect.environment if call else ""
    what = became.run.live.get(where or "") if became.run else None
    return say("standing.was-live", what=what, where=where) if what else ""


def _reason(reason: str, by: Sequence[PersonId], people: People) -> tuple[str, str]:
    """Return the reason that people gave, and what it is called; those of code stand in the sentence."""
    return (reason, whose(Said("reason", tuple(by), reason), people)) if by else ("", "")


def _began(what: Became) -> str:
    """`It began at 14:02 UTC on 3 May 2026 and ended at …`; nothing where it did not, or waits for its turn."""
    if what.began is None:
        return ""
    until_then = say("standing.and-ended", when=in_words(what.ended)) if what.ended else ""
    return f"{say('standing.began', when=in_words(what.began))}{until_then}."


def _printed(what: Became, cut: Callable[[str], str]) -> tuple[str, str, bool]:
    """Return what was written or printed about what came of it, what that is called, and whether a program printed it.

    A tool says a sentence of its own, and below it the end of what a program printed.
    """
    made = what.made
    if made is None or made.by or not made.text:
        return "", "", False
    match what.kind:
        case "done" | "failed" if what.is_programs_word:
            return cut(made.text), say("standing.program-says"), False
        case "done":
            return cut(result_of(made.text)), say("standing.came-of-it"), False
        case "failed" | "unknown":
            said, _, printed = made.text.partition("\n")
            last = output_of(printed) if what.kind == "failed" else None
            if last is None:
                return cut(made.text), say("standing.went-wrong"), False
            return f"{one_line(said, _SAID_CHARS)}\n{last.tail[-_LAST_CHARS:]}", say("standing.printed"), True
        case _:
            return "", "", False


def _decided(decision: Decision | None, people: People, *, is_asked_anew: bool = False) -> str:
    """Return who decided, when and by which way.

    A reason that a person gave is quoted elsewhere; the reasons of code are ours.
    """
    if decision is None:
        return ""
    how = by_way(decision.channel)
    bare = decision.model_copy(update={"reason": ""}) if decision.by else decision
    sentence = decided(bare, people, is_asked_anew=is_asked_anew)
    return f"{sentence.removesuffix('.')}, {how}." if how else sentence


def _answer(record: RequestRecord, people: People, cut: Callable[[str], str]) -> str:
    """The question, each line of it marked, and below it the answer: no question can look like an answer."""
    decision = record.decision
    fields = answer_lines(record.request, decision.given) if decision and decision.given else ()
    given = cut("\n".join(labelled(line.label, line.text) if line.label else line.text for line in fields))
    asked = "\n".join(f"> {line}" for line in cut(record.request.quoted).splitlines())
    by = people.names_of(decision.by) if decision else ""
    return "\n".join(filter(None, (asked, f"{by}:" if by and asked else "", given)))


def _line_of_run(run: Run, people: People) -> str:
    ended, stop = run.ended, stopped(run)
    asked, is_failed = wish_of(run.started, _ASKED_CHARS), ended is not None and ended.outcome == "failed"
    said = in_spite(run, beside_summary=is_failed and not stop)
    changed = f". {said}" if said else ""
    if ended is None or ended.outcome == "done":
        return f"{word(run)}: {about(run, people, _ASKED_CHARS)}{broken(run, people)}{changed}"
    if ended.outcome == "cancelled":
        by = people.name_of(run.cancelled_by) if run.cancelled_by else ""
        return f"{say('status.cancelled-by', name=by) if by else word(run)}: {asked}{changed}"
    if stop:
        return f"{how_stopped(stop, people)}: {asked}{changed}"
    why = first_line(ended.summary, _LINE_CHARS)
    if not why:
        return f"{word(run)}: {asked}{changed}"
    why = as_words_of(ended.words_of, why, _LINE_CHARS)
    return f"{word(run)}: {asked}. {why}" if word_of(run) == "unknown" else f"{word(run)}: {asked}: {why}{changed}"


def _block_of_run(run: Run, people: People) -> Block:
    """Return what our own code knows of its end, and the end of what a program printed, or what those wrote who refused
    it. A model's words stand alone, or below that.
    """
    ended = run.ended
    if ended is None:
        return Block("")
    failure = failed_command(run.made) if word_of(run) == "failed" else None
    said = _known(run, people, is_failure_told=failure is not None)
    told = ended.summary if ended.words_of == "code" else failure.text if failure else ""
    if not told:
        quoted_as = f"{say('card.model-wrote')}:" if ended.words_of == "model" else ""
        return Block("\n".join(said), ended.summary, quoted_as)
    if ended.outcome != "failed" and not failure:
        return Block("\n".join((*said, told)))
    first, _, printed = told.partition("\n")
    last, text = output_of(printed), "\n".join((first, *said))
    if not last:
        return Block(text)
    stop = stopped(run)
    if refused := people.names_of(stop.by) if stop else "":
        return Block(text, last.whole, say("card.somebody-wrote", name=refused))
    return Block(text, last.tail, say("card.printed"), is_output=True)


def _known(run: Run, people: People, *, is_failure_told: bool = False) -> list[str]:
    """Return what our own code knows of its end: who stopped it, and why, where a model has the last word, and what
    changed. It does not begin as a denial would that comes back in quotes.
    """
    stop, said = stopped(run), sentences(run, is_failure_told=is_failure_told)
    if stop is None or run.ended is None or run.ended.words_of == "code":  # rules end with who stopped it
        return said
    why = reason_given(stop.reason) if stop.by else ""
    return [f"{how_stopped(stop, people)}. {why}".rstrip(), *said]


def how_stopped(stop: Stopped, people: People) -> str:
    """`Stopped: denied by Bo Berg`: what people are told of how they stopped a run."""
    how, names = say(STOPPED[stop.how]), people.names_of(stop.by)
    return say("status.stopped-by", how=how, names=names) if names else say("status.stopped", how=how)
