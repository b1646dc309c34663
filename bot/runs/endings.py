"""What is said where a run ends and where a question of it is closed, in the language that is spoken."""

from collections.abc import Sequence

from agents.budgets import Over
from agents.events import Why
from agents.requests import PersonId
from agents.run import Run
from agents.steps import CallTool
from agents.text import one_line
from bot.people.directory import People
from bot.render.outcome import program_said
from bot.render.words import state_word
from bot.runs.moves import Close, End
from language import say, say_many
from language.recorded import ending_of, trouble_of

# Of what goes on after the end, so many are named.
_GOES_ON, _GOES_ON_CHARS = 3, 300
_REASONS: dict[Why, str] = {
    "steps": "run.over-steps",
    "tokens": "run.over-tokens",
    "cost": "run.over-cost",
    "day": "run.over-day",
    "failures": "run.over-failures",
    "too_long": "run.over-too-long",
    "repeated": "run.over-repeated",
}


def summary_of(end: End, run: Run, people: People) -> str:
    """Return why `run` ends."""
    match end.why:
        case "full":
            return say("run.full", events=run.seq)
        case "cancelled":
            return _cancelled(run, people)
        case "over":
            return _over(run.budget.over) if run.budget.over else ""
        case "no_agent":
            return say("run.no-agent", agent=run.started.agent if run.started else "?")


def why_closed(close: Close, run: Run) -> str:
    """Return why nobody needs the answer to an open request of `run` any more."""
    match close.why:
        case "went_on":
            return say("run.closed-went-on")
        case "full":
            return say("run.full", events=run.seq)
        case "cancelled":
            return say("run.closed-cancelled")


def goes_on(run: Run) -> str:
    """Return what outlasts the end of `run`: an effect that its step has begun; "" for none, and for child runs."""
    pending = run.pending
    if pending is None or not isinstance(pending.step, CallTool):
        return ""
    if pending.attempt:
        return say("run.goes-on-running", tool=pending.step.tool)
    if pending.unknown or pending.earlier_attempt:
        return say("run.goes-on-unknown", tool=pending.step.tool)
    waits = pending.waits
    if waits is None or any(child.step_id == pending.id for child in run.children):
        return ""
    said = waits.note if waits.handle in waits.note else f"{waits.note} ({waits.handle})"
    return one_line(said if waits.note else waits.handle, _GOES_ON_CHARS)


def with_what_goes_on(summary: str, left: Sequence[str]) -> str:
    """`summary` of a run that ends, and in the same line what may go on in spite of that."""
    if not left:
        return summary
    more = say_many("run.may-go-on-more", len(left) - _GOES_ON) if len(left) > _GOES_ON else ""
    return say("run.may-go-on", summary=summary, what="; ".join(left[:_GOES_ON])) + more


def _cancelled(run: Run, people: People) -> str:
    parts = [say("run.stopped-by", run=run.stopped_with)] if run.stopped_with else []
    if run.cancelled_by or not run.stopped_with:
        parts.append(say("run.cancelled-by", name=people.name_of(run.cancelled_by or PersonId(""))))
    return ": ".join([*parts, *filter(None, [_over(run.budget.over) if run.budget.over else _last_word(run)])])


def _last_word(run: Run) -> str:
    """Return why its last step failed; what a program that did it outside says came of it is called its words."""
    last = run.results[-1] if run.results else None
    if last is None or last.kind not in {"ok", "error"}:
        return ""
    text = ending_of(last.text)
    made = run.made[-1] if run.made and run.made[-1].state == last.kind else None
    if said := program_said(made, text, _GOES_ON_CHARS) if made else "":
        return said
    return text if last.kind == "error" else ""


def _over(over: Over) -> str:
    why = say(_REASONS[over.why])
    match over.how:
        case "stop":
            return why
        case "nobody":
            return say("run.over-nobody", why=why, error=over.detail)
        case "again":
            return say("run.over-again", why=why, detail=trouble_of(over.detail))
        case "unanswered":
            said = say("run.over-unanswered", why=why, state=state_word(over.state or ""))
            return f"{said}: {over.detail}" if over.detail else said
