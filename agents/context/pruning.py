"""Choose the events of a run that the model sees, and what leaves first when there is no room. Pure.

Some never show: failures of the model before its last step, those of its server, failed calls that worked later on or
were tried again, waits that were written anew. The rest makes room as `fit` says.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from agents.context.fields import About, Cut, fields_of
from agents.events import (
    ChildStarted,
    ContextFetched,
    Event,
    OutsideReported,
    RequestDecided,
    RequestOpened,
    RequestRevised,
    RequestRevoked,
    StepChosen,
    StepFailed,
    StepGated,
    StepRefused,
    ToolFinished,
    ToolOrphaned,
    ToolQueued,
    ToolStarted,
    ToolWaits,
    VoteCast,
)
from agents.model.failures import is_of_the_answer
from agents.requests import AttemptId, Author, RequestId, StepId
from agents.run import Run
from agents.steps import CallTool

_Call = tuple[str, str]


@dataclass(slots=True)
class Entry:
    """An event that may be shown. `text` is its line in so many `tokens`; "" once it has left.

    `is_asked`: it belongs to a step that people were asked about. `about` is the request that it names.
    """

    seq: int
    event: Event
    about: About
    step_id: StepId | None = None
    is_asked: bool = False
    failed: int = 1
    is_brief: bool = False
    text: str = ""
    tokens: int = 0


@dataclass(slots=True)
class _Story:
    """The facts to know about the steps of a run. `shown` is the hash of the call on a card, by the digest of that."""

    attempts: dict[AttemptId, StepId] = field(default_factory=dict[AttemptId, StepId])
    calls: dict[StepId, _Call] = field(default_factory=dict[StepId, _Call])
    asked: set[StepId] = field(default_factory=set[StepId])
    about: dict[RequestId, About] = field(default_factory=dict[RequestId, About])
    shown: dict[str, str] = field(default_factory=dict[str, str])

    def for_model(self, event: Event) -> tuple[Event, About]:
        """Return `event` as a model reads it, and what it is about.

        Code takes one of its own words for an answer to its questions: what came with that is for people. A no counts
        by whatever card it is said, and is one to the call on that; which one it is meant for is not known where it
        came by no card, and there were two.
        """
        match event:
            case RequestOpened() | RequestRevised():
                request, before = event.request, self.about.get(event.request.id)
                is_of_code = request.purpose in {"go_on", "unknown"}
                options = frozenset(request.options) if is_of_code else frozenset[str]()
                call = self.shown[request.digest] = request.call.sha256 if request.call else ""
                was_another = before is not None and (before.was_another or before.call != call)
                self.about[request.id] = About(call, options, was_another)
                return event, About()
            case VoteCast() | RequestRevoked():
                about, seen = self.about.get(event.request_id, About()), event.vote.binding
                if not event.vote.approve:
                    is_sure = seen.by not in {"request", "thread"} or not about.was_another
                    about = replace(about, call=self.shown.get(seen.digest, "") if is_sure else "")
                    self.about[event.request_id] = about
                return event, about
            case RequestDecided():
                about = self.about.get(event.request_id, About())
                return event.model_copy(update={"files": ()}) if about.options else event, about
            case _:
                return event, About()

    def step_of(self, event: Event) -> StepId | None:
        match event:
            case StepChosen() | StepRefused() | StepGated() | ToolStarted() | ChildStarted():
                return event.step_id
            case ToolFinished() | ToolOrphaned() | ToolQueued() | ToolWaits():
                return self.attempts.get(event.attempt_id)
            case _:
                return None


def entries(run: Run, events: Sequence[Event]) -> list[Entry]:
    """The events of `run` that may be shown, oldest first."""
    story = _story(events)
    gone, failed = _superseded(events, story)
    shown = list[Entry]()
    for seq, event in enumerate(events, start=1):
        step_id, (told, about) = story.step_of(event), story.for_model(event)
        if step_id not in gone or isinstance(event, ChildStarted):
            shown.append(Entry(seq, told, about, step_id, step_id in story.asked, failed.get(seq, 1)))
    return _without_old_waits(_without_old_failures(shown, len(run.failures)))


def authors(events: Iterable[Event]) -> tuple[Author, ...]:
    """Return all whose words a model was shown of `events`, or could have been: what has left was read before."""
    story, found = _Story(), dict[Author, None]()
    for event in events:
        told, about = story.for_model(event)
        shown = fields_of(told, Cut(), about)
        found |= dict.fromkeys(shown.by if shown else ())
    return tuple(found)


def fit(shown: Sequence[Entry], room: int, write: Callable[[Entry], None]) -> int:
    """Make `shown` fit into `room` tokens if that can be; how many have left.

    First results of tools and reports get short, oldest first; then all else that can; then steps leave, oldest first.
    What people said, what began the run, the newest facts, the last step and the last result stay.
    """
    used = sum(entry.tokens for entry in shown)
    last = next((one for one in reversed(shown) if isinstance(one.event, ToolFinished | StepRefused)), None)
    old = [one for one in shown if one is not last]
    results = [one for one in old if isinstance(one.event, ToolFinished | OutsideReported)]
    for entry in [*results, *old]:
        if used <= room:
            return 0
        if not entry.is_brief:
            used -= _shortened(entry, write)
    count = 0
    for group in _leaving(old, last):
        if used <= room:
            break
        used -= sum(entry.tokens for entry in group)
        count += len(group)
        for entry in group:
            entry.text, entry.tokens = "", 0
    return count


def _shortened(entry: Entry, write: Callable[[Entry], None]) -> int:
    """Write `entry` in brief; the tokens that this saves."""
    text, tokens = entry.text, entry.tokens
    entry.is_brief = True
    write(entry)
    if entry.tokens > tokens:  # the note of what is left out was longer than that
        entry.text, entry.tokens = text, tokens
    return tokens - entry.tokens


def _leaving(old: Sequence[Entry], last: Entry | None) -> Iterator[list[Entry]]:
    """Yield what may leave, oldest first: a step goes with its result, or stays with it."""
    newest = next((one.step_id for one in reversed(old) if isinstance(one.event, StepChosen)), None)
    facts = next((one for one in reversed(old) if isinstance(one.event, ContextFetched)), None)
    stay = {newest, last.step_id if last else None}
    groups = dict[StepId | int, list[Entry]]()
    for entry in old:
        is_old_news = isinstance(entry.event, OutsideReported | ContextFetched) and entry is not facts
        is_old_step = not entry.is_asked and entry.step_id is not None and entry.step_id not in stay
        if is_old_news or is_old_step:
            groups.setdefault(entry.step_id or entry.seq, []).append(entry)
    yield from groups.values()


def _story(events: Sequence[Event]) -> _Story:
    story = _Story()
    for event in events:
        match event:
            case ToolStarted():
                story.attempts[event.attempt_id] = event.step_id
            case StepChosen() if isinstance(event.step, CallTool):
                arguments = json.dumps(event.step.arguments, sort_keys=True)
                story.calls[event.step_id] = (event.step.tool, arguments)
            case RequestOpened():
                story.asked.add(event.request.step_id)
            case _:
                pass
    return story


def _superseded(events: Sequence[Event], story: _Story) -> tuple[set[StepId], dict[int, int]]:
    """The failed calls that worked later on, or failed again, with the same arguments; and how often the latter did.

    A step that people were asked about is not among them: what people said is never left out.
    """
    gone, newer = set[StepId](), set[_Call]()
    failed, latest = Counter[_Call](), dict[_Call, int]()
    worked = set[_Call]()
    for seq, event in reversed(list(enumerate(events, start=1))):
        step_id = story.step_of(event)
        if not isinstance(event, ToolFinished | StepRefused) or step_id is None or step_id not in story.calls:
            continue
        call = story.calls[step_id]
        if isinstance(event, ToolFinished) and not event.error:
            worked.add(call)
            continue
        if call in worked | newer and step_id not in story.asked:
            gone.add(step_id)
        if call not in worked:
            newer.add(call)
            failed[call] += 1
            latest.setdefault(call, seq)
    return gone, {seq: failed[call] for call, seq in latest.items()}


def _without_old_failures(shown: list[Entry], count: int) -> list[Entry]:
    """With those of the last `count` failures of the model that its answer was; those alike in a row are one."""
    kept, left = list[Entry](), count
    for entry in reversed(shown):
        if not isinstance(entry.event, StepFailed):
            kept.append(entry)
        elif left > 0:
            left -= 1
            if not is_of_the_answer(entry.event.kind):
                continue
            if kept and _is_alike(entry.event, kept[-1].event):
                kept[-1].failed += 1
            else:
                kept.append(entry)
    return kept[::-1]


def _is_alike(failure: StepFailed, other: Event) -> bool:
    return isinstance(other, StepFailed) and (failure.kind, failure.detail) == (other.kind, other.detail)


def _without_old_waits(shown: list[Entry]) -> list[Entry]:
    """With the last wait of each attempt alone: it is written again after each look."""
    last = {one.event.attempt_id: one.seq for one in shown if isinstance(one.event, ToolWaits)}
    return [one for one in shown if not isinstance(one.event, ToolWaits) or last[one.event.attempt_id] == one.seq]
