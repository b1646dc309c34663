"""What becomes of a run while it is paused. Its end says so as well, and comes once somebody resumes it. Pure."""

from collections.abc import Iterator, Set
from dataclasses import dataclass

from agents.events import Change, ChildStarted, OutsideReported
from agents.events.tools import Stopped
from agents.requests import PersonId, RunId
from agents.run import Run
from agents.state import AttemptOutcome
from agents.text import quote
from bot.people.directory import People
from bot.render.became import attempt_word, how_stopped, says_it
from bot.render.outcome import WORDS_CHARS, state_of
from bot.render.words import asking_now, reason_given, state_title, wish
from language import say
from language.recorded import ending_of, result_of

_WISH_CHARS = 200


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """A piece of news, which `what` tells from any other of its run. Who it is `by` knows it; those in `allowed_by`
    let it be done, in an emergency too, and see it on no card of theirs.
    """

    what: str
    title: str
    text: str = ""
    by: tuple[PersonId, ...] = ()
    allowed_by: tuple[PersonId, ...] = ()


def meanwhile(run: Run, people: People, edits: Set[str]) -> Iterator[Meanwhile]:
    """Yield what has become of a paused `run`: that its last step was stopped or refused, what came of what it had
    begun, and how runs ended that it had started. `edits` are the channels that change a card where it stands.
    """
    before = run.at_pause or run
    last = run.results[-1] if run.results[run.copied :] and run.pending is None else None
    heard = run.pending.child if run.pending else last and last.child
    below: dict[RunId, tuple[ChildStarted, Change]] = {
        child.run_id: (child, change)
        for child in run.children
        if (change := run.ended_children.get(child.run_id))
        and change != "not_wanted"
        and change != before.ended_children.get(child.run_id)
    }
    if last and (stop := last.stopped) and not (last.child and last.child.report_id in below):
        yield _stopped(stop, f"stopped in pause {last.step_id}", how_stopped(stop, people))
    if last and last.kind == "refused" and len(run.results) > len(before.results):
        yield Meanwhile(f"refused in pause {last.step_id}", state_title("not begun"), ending_of(last.text))
    was = {one.id: one.state for one in before.made}
    for made in run.made:
        is_known = made.is_settled or (made.state == "left" and not made.never_began)
        if made.changes and is_known and was.get(made.id) != made.state:
            yield _came_of(made, run, people, edits)
    for child, change in below.values():
        yield _below(child, change, heard, people)


def _stopped(stop: Stopped, what: str, title: str) -> Meanwhile:
    return Meanwhile(what, title, reason_given(stop.reason), stop.by)


def _came_of(made: AttemptOutcome, run: Run, people: People, edits: Set[str]) -> Meanwhile:
    asked = run.requests.get(made.request_id) if made.request_id else None
    name = asked.request.title.removesuffix("?") if asked else made.tool
    title = say("standing.title", word=attempt_word(made), title=name)
    text = says_it(made, people) or (quote(result_of(made.text), WORDS_CHARS) if made.text else "")
    if made.state == "left":  # it is tried again, and only once somebody resumes the run
        text = say("standing.not-known")
    cards = [one for one in run.cards if one.request_id == made.request_id and one.channel in edits]
    shown = {one.person for one in cards if not one.together}
    by = [one for one in asked.decision.by if one not in shown] if asked and asked.decision else ()
    return Meanwhile(f"{made.state} in pause {made.id}", title, text, made.by, asking_now(by, people))


def _below(child: ChildStarted, change: Change, heard: OutsideReported | None, people: People) -> Meanwhile:
    what, name = f"{change} in pause {child.run_id}", wish(child.text, _WISH_CHARS, by_model=child.by_model)
    if heard and heard.report_id == child.run_id and (stop := heard.stopped):
        return _stopped(stop, what, say("standing.title", word=how_stopped(stop, people), title=name))
    return Meanwhile(what, say("standing.title", word=state_title(state_of(change)), title=name))
