"""What became of a request that is no longer open: data, in no language, and its words. Pure.

The decision has words of its own (`words.decided`). `word` says in one what came of it, `sentence` says the rest; a
card and a page set out what people wrote and programs printed beside them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from agents.deploy.results import live_now
from agents.requests import Vote
from agents.requests.record import RequestRecord
from agents.run import Run
from agents.state import AttemptOutcome, made_for
from bot.people.directory import People
from bot.policy.whole import is_of_program
from bot.render.outcome import how_ended, word_of
from bot.render.words import by_way, queued_behind
from language import say
from language.dates import in_words

Kind = Literal[
    "approved",
    "allowed",
    "not_begun",
    "queued",
    "goes_on",
    "running",
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
    "approved": ("standing.approved", "work"),
    "allowed": ("standing.approved", "work"),
    "not_begun": ("standing.not-begun", "doubt"),
    "queued": ("standing.queued", "work"),
    "goes_on": ("standing.interrupted", "work"),
    "running": ("standing.running", "work"),
    "tried_again": ("standing.running", "work"),
    "interrupted": ("standing.interrupted", "doubt"),
    "done": ("standing.done", "good"),
    "failed": ("standing.failed", "bad"),
    "not_done": ("standing.not-done", "doubt"),
    "unknown": ("standing.unknown", "doubt"),
    "answered": ("standing.answered", "good"),
    "denied": ("standing.denied", "doubt"),
    "expired": ("standing.expired", "doubt"),
    "withdrawn": ("standing.withdrawn", "doubt"),
    "revoked": ("standing.stopped", "doubt"),
    "replaced": ("standing.replaced", "doubt"),
    "superseded": ("standing.no-longer-asked", "doubt"),
}
_NOT_YET = {"approved", "queued", "goes_on"}


@dataclass(frozen=True, slots=True)
class Became:
    """What became of the request of `record`, as far as that knows where its `run` is not at hand.

    `made` is the attempt that says it: `goes_on` waits for the end of one that broke off, `allowed` is a program's
    that says nothing more, and `replaced` is asked anew.
    """

    kind: Kind
    record: RequestRecord
    run: Run | None = None
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
    def taken_back(self) -> Vote | None:
        """The word that took the approval back; None where code did."""
        return next((vote for vote in reversed(self.record.votes) if not vote.approve), None)

    @property
    def mark(self) -> Mark:
        """How it looks at once."""
        return _WORDS[self.kind][1]

    @property
    def is_programs_word(self) -> bool:
        """Whether a program that did it itself says what came of it."""
        return self.made is not None and bool(self.made.begun_by) and not self.made.by


def became(record: RequestRecord, run: Run | None) -> Became:
    """Return what became of a request that is no longer open."""
    made = made_for(run.made, record.request.id) if run else None
    if run and made and (record.state == "approved" or made.state in {"ok", "error"}):
        return Became(_of(made, run), record, run, made)
    match record.state:
        case "open":
            raise ValueError(f"{record.request.id} is open")
        case "approved" if run and run.ended:
            kind = "not_begun"
        case "approved" if record.began_at:
            kind = "running"
        case "superseded" if is_asked_anew(record, run):
            kind = "replaced"
        case _:
            kind = record.state
    return Became(kind, record, run)


def _of(made: AttemptOutcome, run: Run) -> Kind:
    match made.state:
        case "running" if run.queued:
            return "goes_on" if run.queued.within_s else "queued"
        case "left":
            return "interrupted" if run.ended else "tried_again"
        case "ok":
            return "allowed" if made.begun_by and not made.by and not made.text else "done"
        case "error":
            return "failed"
        case "running" | "not_done" | "unknown":
            return made.state


def is_asked_anew(record: RequestRecord, run: Run | None) -> bool:
    """Return whether another request asks in place of this one, as far as that is known."""
    pending = run.pending.request if run and run.pending else None
    is_other = pending is not None and pending.id != record.request.id
    return is_other or bool(record.decision and record.decision.newer_run)


def word(became: Became) -> str:
    """`Approved`: what a list, a title or a page says at once."""
    decision = became.record.decision
    if became.kind in {"approved", "allowed"} and decision and decision.broke_glass:
        return say("standing.broke-glass")
    if became.kind in {"done", "failed"} and became.is_programs_word:
        return say("standing.program-done" if became.kind == "done" else "standing.program-failed")
    return say(_WORDS[became.kind][0])


def sentence(became: Became, people: People) -> str:
    """Return what stands beside that word, in a sentence or two; empty where what was written or printed says it."""
    record, run, made = became.record, became.run, became.made
    by = made.by if made else ()
    match became.kind:
        case "approved":
            return say("standing.program-not-yet" if record.request.program else "standing.may-be-stopped")
        case "allowed":
            return say("agent.relay-allowed")
        case "not_begun" if run and run.ended:
            return say("standing.not-begun-ended", outcome=how_ended(run.ended, word_of(run)))
        case "queued" | "goes_on" if run and run.queued:
            stop = say("standing.may-be-stopped") if became.may_stop else ""
            return f"{queued_behind(run.queued, people)} {stop}".strip()
        case "running":
            return say("standing.program-runs") if made and made.begun_by else ""
        case "tried_again":
            return say("standing.tried-again")
        case "interrupted":
            return say("standing.was-interrupted")
        case "done" if by:
            return say("standing.says-happened", names=people.names_of(by))
        case "done":
            return _live(became)
        case "not_done":
            return say("standing.says-not-happened", names=people.names_of(by))
        case "unknown" if made and not made.ended_at:  # else it was waited for as long as it may take
            left = say("standing.run-ended" if run and run.ended else "standing.deciders-asked")
            return f"{say('standing.no-word' if made.begun_by else 'standing.not-known')} {left}"
        case "revoked":
            return _taken_back(became, people)
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
        return say("standing.program-told")
    return say("standing.nothing-done") if request.format == "approval" else ""


def _next(became: Became) -> str:
    if became.run is None or became.kind == "superseded":
        return ""
    return say("standing.run-ended" if became.run.ended else "standing.run-goes-on")


def _taken_back(became: Became, people: People) -> str:
    back = became.taken_back
    if back is None:
        return f"{say('standing.taken-back')} {_next(became)}".strip()
    how = f", {by_way(back.channel)}," if by_way(back.channel) else ""
    who = say("standing.taken-back-by", name=people.name_of(back.person), when=in_words(back.at), how=how)
    return f"{who} {_next(became)}".strip()


def _live(became: Became) -> str:
    """Say what was live after the deploy that the request allowed, others may have deployed since; else nothing."""
    call = became.record.request.call
    where = call.effect.environment if call else ""
    what = live_now(became.run).get(where or "") if became.run else None
    return say("standing.was-live", what=what, where=where) if what else ""
