"""How a run ended, in words that code makes of what its tools did. What a model wrote is only quoted, and called that.

Pure. All that is told of it is put together in `became`.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Literal

from agents.changes import changed_in, stops_of
from agents.deploy.results import live_seen, unhealthy
from agents.events import Change, RunEnded
from agents.events.tools import ArgumentChanged, ByPeople, NoteBeside, Stopped
from agents.relay import RELAY
from agents.run import Run
from agents.state import ArgumentEdit, AttemptOutcome
from agents.steps import CallTool
from agents.text import one_line, quote
from bot.people.directory import People
from bot.render.edits import shown
from bot.render.words import is_left_to_program, state_title, state_word, wish_of
from language import say
from language.lists import both

_STOPPED = {
    "denied": "denied",
    "withdrawn": "withdrawn",
    "expired": "expired",
    "revoked": "stopped",
    "cancelled": "stopped",
}
_HEADINGS = {"ended": "answered", "unknown": "nobody knows"} | {
    word: word for word in ("done", "partly", "failed", "cancelled", "unchanged", "answered")
}
_ENDS = {"changed": "done", "nothing": "unchanged", "not_wanted": "answered", "unknown": "nobody knows"}
_SENTENCES: dict[Change, str] = {
    "nothing": "card.nothing-changed",
    "not_wanted": "card.nothing-changed",
    "partly": "card.something-changed",
    "failed": "card.change-failed",
    "unknown": "card.change-unknown",
}
# What the first word of an end that is not done leaves open, whoever words the rest.
IN_SPITE: dict[Change, str] = {
    "changed": "card.something-changed",
    "partly": "card.something-changed",
    "failed": "card.change-failed",
    "unknown": "card.change-unknown",
}
WORDS_CHARS = 1_000
# So many changes and notes of a run and of those below it are told.
_TOLD = 20
ONLY_SAID = ("unchanged", "partly", "denied", "withdrawn", "expired", "stopped", "failed", "unknown")
"""Words for runs that ended as done, and did not do what was wished."""


def word_of(run: Run) -> str:
    """Return the word for how a run stands: what people refused did not fail, what changed nothing is not done, what
    changed something before they refused the rest is done in part, and what is approved and frozen waits for nobody's
    answer.
    """
    ended = run.ended
    if ended is None and run.freeze and run.state == "waiting":
        return "frozen"
    if run.is_silent and run.state == "running":
        return "interrupted"
    if ended is None or ended.outcome == "cancelled":
        return "waiting" if run.queued and run.state == "running" else run.state
    stop = stopped(run)
    if stop and ended.change == "partly":
        return "partly"
    if ended.outcome == "failed":
        return _STOPPED[stop.how] if stop else "unknown" if ended.change == "unknown" else run.state
    match ended.change:
        case "changed":
            return "done"
        case "failed" | "unknown":
            return ended.change
        case "partly":
            return "failed"
        case "nothing":
            return _STOPPED[stop.how] if stop else "unchanged"
        case "not_wanted":
            return "answered" if any(one.kind in {"ok", "answered"} for one in run.results) else "ended"


def stopped(run: Run) -> Stopped | None:
    """Return how people stopped what `run` was to do, or had others do; None where they did not."""
    ended = run.ended
    if ended and (ended.outcome == "done" or (ended.outcome == "failed" and ended.words_of == "model")):
        # Whoever went on after a no, and changed nothing more, was still stopped by it.
        stops = stops_of(run, by_rules=ended.words_of == "code")
        return stops[-1] if stops and ended.change in {"nothing", "partly"} else None
    own = run.results[run.copied :]
    return own[-1].stopped if ended and ended.outcome == "failed" and own else None


def stopped_for_parent(run: Run) -> Stopped | None:
    """Return how people stopped what `run` was to do, for the run that started it: whoever cancels it does so too.

    What was only to ask has nothing that could be stopped.
    """
    if run.ended is None or run.ended.change == "not_wanted":
        return None
    if run.ended.outcome != "cancelled":
        return stopped(run)
    if run.cancelled_by is None:
        return None
    last = run.results[-1] if run.results[run.copied :] else None
    # A question that was open is withdrawn with it, and knows where something was to be changed.
    where = last.environment if last and last.kind == "withdrawn" else None
    return Stopped(how="cancelled", by=(run.cancelled_by,), environment=where)


def is_unchanged(run: Run) -> bool:
    """Return whether lists and figures have `run` among those that were only said to be done."""
    return run.ended is not None and run.state == "done" and word_of(run) in ONLY_SAID


def heading(run: Run) -> str:
    """Return the first word of what is told of the end of `run`.

    Not `Denied`, which would come back in quotes as somebody's answer. What a program takes back it may have done.
    """
    if run.ended is None:
        return state_title("running")
    word = word_of(run)
    is_withdrawn = word == "withdrawn" and run.started is not None and run.started.agent == RELAY
    if is_withdrawn or (word == "stopped" and any(map(is_left_to_program, run.requests.values()))):
        return say("card.taken-back")
    return state_title(_HEADINGS.get(word, "stopped"))


def how_ended(ended: RunEnded, word: str = "") -> str:
    """Return how a run ended, as part of a sentence; `word` is the one for how it stands, where that is known."""
    if word in {"partly", *_STOPPED.values()}:  # what people refused did not fail
        return state_word(word)
    is_done = ended.outcome == "done" and ended.change != "changed"
    how = ended.change if is_done else ended.outcome
    how = state_word(_ENDS.get(how, how))
    match IN_SPITE.get(ended.change) if ended.outcome != "done" else None:
        case "card.something-changed":
            return say("story.ended-though", how=how)
        case "card.change-failed" if ended.outcome == "cancelled":
            return say("story.ended-failed", how=how)
        case "card.change-unknown":
            return f"{how}; {state_word('nobody knows')}"
        case _:
            return how


def is_model(ended: RunEnded) -> bool:
    """Return whether a model worded the summary, so that it must be called that wherever it stands."""
    return ended.words_of == "model" and bool(ended.summary)


def is_only_said(ended: RunEnded) -> bool:
    """Return whether a model says that the run is done, and no tool did what that takes."""
    is_done = ended.outcome == "done" and ended.words_of == "model"
    return is_done and ended.change not in {"changed", "not_wanted"}


def sentences(run: Run, *, is_failure_told: bool = False) -> list[str]:
    """Return what our own code knows of the end of `run`, beside its summary: what changed, and what is live where.

    `is_failure_told`: what failed stands beside it, and says so itself.
    """
    ended = run.ended
    if ended is None:
        return []
    change = None if is_failure_told and ended.change == "failed" else ended.change
    live = live_seen(run)
    return [*_unhealthy(run), *_sentences(ended.outcome, ended.words_of, change, live, ended.says_live)]


def _unhealthy(run: Run) -> list[str]:
    """Return what a model may have left out; our own rules say it."""
    is_model = run.ended is not None and run.ended.words_of == "model"
    return [say("card.unhealthy", where=where) for where in unhealthy(run)] if is_model else []


def program_said(made: AttemptOutcome, text: str, chars: int) -> str:
    """Return what a program said came of what it did, as its words; empty where that is no program's word."""
    if not made.begun_by or not made.text or made.by or made.state not in {"ok", "error"}:
        return ""
    return say("agent.relay-failed" if made.state == "error" else "agent.relay-done", text=quote(text, chars))


def said_late(run: Run) -> list[tuple[str, str]]:
    """Return what came of what `run` did when it did not wait for that, and what each is called.

    It came afterwards, or was about another attempt than the one that `run` ended with.
    """
    return [*filter(None, (_said_late(one, run) for one in run.heard_late))]


def _said_late(heard: str, run: Run) -> tuple[str, str] | None:
    """Return what came of an attempt, or of a run below; None where nothing is known."""
    if below := next((change for child, change in run.ended_children.items() if child == heard), None):
        return say("card.afterwards"), say("card.child-late", run=heard, how=state_word(state_of(below)))
    made = next((one for one in run.made if one.id == heard), None)
    text = (program_said(made, made.text, WORDS_CHARS) or _came_late(made, run)) if made else ""
    if made is None or not text:
        return None
    is_before = run.ended and made.ended_at and made.ended_at < run.ended.at
    is_earlier = is_before and made != run.made[-1] and made.id not in run.heard_after
    return say("card.earlier-attempt" if is_earlier else "card.afterwards"), text


def _came_late(made: AttemptOutcome, run: Run) -> str:
    """Return what an effect of our own came to after all; empty where nothing was changed, or only made once more."""
    is_again = made.idempotent and made.id not in run.heard_after
    if made.begun_by or is_again or not made.changes or made.state not in {"ok", "error"}:
        return ""
    key = "card.came-late" if made.state == "ok" else "card.failed-late"
    return say(key, tool=made.tool, text=quote(made.text, WORDS_CHARS))


def in_spite(run: Run, *, beside_summary: bool = False) -> str:
    """Return that something was or may have been changed, or failed, though `run` is not done, and its first word does
    not say so; empty where nothing was tried.

    `beside_summary`: one of ours says it itself where something is known to be live.
    """
    ended = run.ended
    if ended is None or (ended.outcome == "done" and ended.change != "partly"):
        return ""
    is_said = beside_summary and ended.words_of == "code" and bool(live_seen(run))
    is_said = is_said or word_of(run) == ended.change == "failed"
    key = None if is_said else IN_SPITE.get(ended.change)
    return say(key) if key else ""


def told(
    summary: str,
    state: str,
    words_of: Literal["code", "model"],
    change: Change,
    live: Mapping[str, str],
    says_live: Mapping[str, str],
    chars: int = WORDS_CHARS,
) -> str:
    """Return what our own code knows of an end, and then the summary: quoted and labelled where a model wrote it.

    `says_live` is what the summary itself says is live: where nobody has seen that lately, it is told beside it.
    """
    said = _sentences(state, words_of, change, live, says_live)
    return " ".join(filter(None, (*said, as_words_of(words_of, summary, chars))))


def as_words_of(words_of: Literal["code", "model"], summary: str, chars: int = WORDS_CHARS) -> str:
    """Return a summary as a part of what we say: quoted, and called a model's where one wrote it."""
    if words_of == "code" or not summary:
        return summary
    return say("card.model-wrote-words", words=quote(summary, chars))


def _sentences(
    outcome: str,
    words_of: Literal["code", "model"],
    change: Change | None,
    live: Mapping[str, str],
    says_live: Mapping[str, str],
) -> list[str]:
    is_model = words_of == "model"
    is_due = is_model or (outcome == "done" and change != "not_wanted")
    key = _SENTENCES.get(change) if change and is_due else None
    if outcome != "done" and change and change in IN_SPITE:
        # Of a deploy, what is live says it; of what failed, the word.
        is_due = is_model or outcome == "cancelled" or not (live or change == outcome)
        key = IN_SPITE[change] if is_due else None
    said = [say(key)] if key else []
    said += [_live(what, where) for where, what in live.items() if says_live.get(where) != what]
    return said + [say("card.live-before", where=where) for where in says_live if where not in live]


def _live(what: str, where: str) -> str:
    return say("card.live-now", what=what, where=where)


def state_of(change: str) -> str:
    """Return what a run came to, as a state that `words.state_word` has a word for."""
    return _ENDS.get(change, change)


def done_by_edit(run: Run) -> tuple[ArgumentEdit, ...]:
    """Return what of what `run` did, or tried, somebody had changed after it was asked for, and not back."""
    closed = [one for one in run.results[run.copied :] if one.kind in {"ok", "error"}]
    calls = [(one.step_id, one.step) for one in closed if isinstance(one.step, CallTool)]
    first = {(edit.step_id, edit.tool, edit.name): edit.was for edit in reversed(run.edits)}

    def is_done(edit: ArgumentEdit) -> bool:
        own = (step for step_id, step in calls if edit.step_id in {None, step_id} and step.tool == edit.tool)
        return any(step.arguments.get(edit.name) == edit.value for step in own)

    return tuple(
        edit
        for edit in run.edits
        if is_done(edit) and not (edit.is_own and edit.value == first[edit.step_id, edit.tool, edit.name])
    )


def by_people(run: Run) -> ByPeople:
    """Return what people did about what `run` asked, or a run that it started: whoever asked reads only its own end."""
    edits = [ArgumentChanged(editor=one.editor, name=one.name, now=shown(one.value)) for one in done_by_edit(run)]
    own = ByPeople(
        deciders=tuple(chain.from_iterable(by for about, by in run.deciders.items() if run.stands(about))),
        by_glass=run.by_glass,
        edits=tuple(edits),
        notes=tuple(NoteBeside(person=person, text=note) for about, person, note in run.notes if run.stands(about)),
    )
    every = [own, *(one.child.by_people for one in run.results[run.copied :] if one.child)]
    return ByPeople(
        deciders=tuple(dict.fromkeys(person for one in every for person in one.deciders)),
        by_glass=tuple(dict.fromkeys(person for one in every for person in one.by_glass)),
        edits=tuple(dict.fromkeys(edit for one in every for edit in one.edits))[-_TOLD:],
        notes=tuple(note for one in every for note in one.notes)[-_TOLD:],
    )


def broken(run: Run, people: People) -> str:
    """Return that the glass was broken for what `run`, or one below it, did, to stand behind what it is about."""
    broke = by_people(run).by_glass
    return say("status.broke-glass", names=people.names_of(broke)) if broke else ""


def about(run: Run, people: People, chars: int) -> str:
    """Return what the end of `run` is about: what it put live, else what was asked for, and who changed that."""
    if live := put_live(run, chars):
        return live
    editors = tuple(dict.fromkeys(one.editor for one in by_people(run).edits))
    changed = say("status.edited", names=people.names_of(editors)) if editors else ""
    return f"{wish_of(run.started, chars)}{changed}"


def put_live(run: Run, chars: int) -> str:
    """`v1.2.0 is live in production`, without the hash, of each place to which a run, or those below it, deployed.

    The wish may name another version, or places to which nothing was deployed. Empty for a run that deployed nothing.
    """
    changed = changed_in(run) if run.ended and word_of(run) == "done" else ()
    live = {where: one_line(what.split(" (")[0], chars) for where, what in live_seen(run).items() if where in changed}
    said = both([_live(what, where).removesuffix(".") for where, what in live.items()])
    return said if len(live) == 1 else one_line(said, chars)
