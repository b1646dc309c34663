"""Show the model a run: its events as text, one per line, in which no quoted text can pose as another event.

A line is `<event seq=".." type=".." at="..">JSON</event>`. All that comes from outside sits in the JSON, where `<`,
`>` and `&` are escaped, and characters that nobody sees, or that would end a line, are gone. docs/write-an-agent.md
explains the budget, and what leaves first.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby

from pydantic import JsonValue

from agents.context.fields import Cut, fields_of
from agents.context.pruning import Entry, entries, fit
from agents.context.tokens import tokens_in
from agents.events import (
    ContextFetched,
    Event,
    PersonSaid,
    RequestDecided,
    RunForked,
    RunStarted,
    StepChosen,
    StepFailed,
    ThoughtDropped,
    ToolFinished,
)
from agents.run import Run
from agents.text import one_line, strip_invisible
from language import say
from language.numbers import whole

# As `agents.NAME.context_tokens` is without a configuration.
BUDGET_TOKENS = 20_000
_NAMED_CHARS = 80
_ASKED = (StepChosen, StepFailed, ThoughtDropped)
# The number of its event, 0 for none, and the line with its end.
_Line = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Context:
    """`blocks` are the parts of the one user message for the next step, in so many `tokens` by our own estimate.

    The first `stable` of them begin the next contexts of the run as well, byte for byte, unless something in them
    leaves. `longest` is the longest part of it, where it `is_too_long`; `agent` is whose budget it is.
    """

    blocks: tuple[str, ...]
    stable: int
    tokens: int
    budget_tokens: int
    longest: Entry | None = None
    agent: str = "NAME"

    @property
    def text(self) -> str:
        """The whole message."""
        return "".join(self.blocks)

    @property
    def is_too_long(self) -> bool:
        """True if even what is never cut is above the budget."""
        return self.tokens > self.budget_tokens

    @property
    def why_too_long(self) -> str:
        """The reason why it is too long, for people who must do something about it, in the language that is spoken."""
        return say(
            "run.why-too-long",
            tokens=whole(self.tokens),
            limit=whole(self.budget_tokens),
            longest=_named(self.longest) if self.longest else "",
            agent=self.agent,
        )


def render(run: Run, events: Sequence[Event], budget_tokens: int = BUDGET_TOKENS) -> str:
    """The text of `build`."""
    return build(run, events, budget_tokens).text


def build(run: Run, events: Sequence[Event], budget_tokens: int = BUDGET_TOKENS) -> Context:
    """Build what the model sees for the next step of `run`, whose events these are: same events, same bytes.

    Never cut: what began the run, the newest facts, what people said, the last step and the last result. They are there
    even where that `is_too_long`, which is better not sent.
    """
    shown = entries(run, events)
    for entry in shown:
        _write(entry, run)
    shown = [entry for entry in shown if entry.text]
    used, frame, left_out = sum(entry.tokens for entry in shown), _frame_tokens(run, shown, 0), 0
    if used + frame > budget_tokens:
        # What says that something is left out needs room as well.
        room = budget_tokens - _frame_tokens(run, shown, len(events))
        left_out = fit(shown, room, lambda entry: _write(entry, run))
        used, frame = sum(entry.tokens for entry in shown), _frame_tokens(run, shown, left_out)
    longest = max(shown, key=lambda entry: entry.tokens) if shown and used + frame > budget_tokens else None
    agent = run.started.agent if run.started else "NAME"
    blocks, stable = _blocks(_lines(shown), events)
    return Context((*blocks, _ending(run, left_out)), stable, used + frame, budget_tokens, longest, agent)


def budget_after(run: Run, budget_tokens: int) -> int:
    """The budget of the next context: half of it once the model has found one too long."""
    is_too_long = bool(run.failures) and run.failures[-1].kind == "too_long"
    return budget_tokens // 2 if is_too_long else budget_tokens


def _named(entry: Entry) -> str:
    match entry.event:
        case RunStarted():
            what = say("run.longest-began", person=entry.event.requester)
        case PersonSaid():
            what = say("run.longest-wrote", person=entry.event.person)
        case RequestDecided() if entry.event.decision.by:
            what = say("run.longest-answered", person=entry.event.decision.by[0])
        case ContextFetched():
            what = say("run.longest-looked-up")
        case ToolFinished():
            what = say("run.longest-result")
        case _:
            what = entry.event.type
    return say("run.longest", number=entry.seq, what=one_line(what, _NAMED_CHARS), tokens=whole(entry.tokens))


def _frame_tokens(run: Run, shown: Sequence[Entry], left_out: int) -> int:
    """The tokens of all that is no event: a text has those of its lines."""
    forks = [replace(entry, text="") for entry in shown if isinstance(entry.event, RunForked)]
    return tokens_in("".join(text for _, text in _lines(forks)) + _ending(run, left_out))


def _lines(shown: Sequence[Entry]) -> Iterator[_Line]:
    """All lines up to the last event, each with the number of the event that it belongs to."""
    fork = next((entry for entry in reversed(shown) if isinstance(entry.event, RunForked)), None)
    yield 0, "<run>\n"
    if fork:
        yield 0, "<history>\n"
    for entry in shown:
        if entry is fork:
            yield entry.seq, "</history>\n"
        if entry.text:
            yield entry.seq, f"{entry.text}\n"


def _blocks(lines: Iterable[_Line], events: Sequence[Event]) -> tuple[list[str], int]:
    """The lines in blocks, and how many of those stay.

    A block ends wherever somebody was asked for a step: what was sent then are whole blocks now. Failures of the model
    leave once there is a step, and so nothing from the first one on stays.
    """
    asked = [seq for seq, event in enumerate(events, start=1) if isinstance(event, _ASKED)]
    failures = {seq for seq, event in enumerate(events, start=1) if isinstance(event, StepFailed)}
    blocks, stable = list[str](), None
    for _, group in groupby(lines, key=lambda line: bisect_right(asked, line[0])):
        block = list(group)
        if stable is None and any(seq in failures for seq, _ in block):
            stable = len(blocks)
        blocks.append("".join(text for _, text in block))
    return blocks, len(blocks) if stable is None else stable


def _ending(run: Run, left_out: int) -> str:
    """The lines below the last event. They change with each step."""
    lines = ["</run>"]
    if left_out:
        lines.append(f"Left out for want of room: {left_out} older events, none of them what people said or decided.")
    limit = run.budget.limits.steps
    return "\n".join([*lines, f"Steps taken: {run.steps} of {limit}. Choose the next step."])


def _write(entry: Entry, run: Run) -> None:
    """Give `entry` its line; none when the event does not matter."""
    where = f"`sayso events {run.id}` prints all of it, as event {entry.seq}" if run.id else ""
    shown = fields_of(entry.event, Cut(where, entry.is_brief, entry.failed), entry.about)
    if shown is None:
        entry.text, entry.tokens = "", 0
        return
    text = json.dumps(_shown(shown.fields), ensure_ascii=False, separators=(",", ":"))
    text = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    event = entry.event
    entry.text = f'<event seq="{entry.seq}" type="{event.type}" at="{_moment(event.at)}">{text}</event>'
    entry.tokens = tokens_in(entry.text + "\n")


def _moment(at: datetime) -> str:
    try:
        return at.astimezone(UTC).isoformat(timespec="seconds")
    except OverflowError:  # within a day of the first or the last one that there is
        return at.isoformat(timespec="seconds")


def _shown(value: JsonValue) -> JsonValue:
    """`value` without what nobody sees, and without empty fields."""
    match value:
        case str():
            return strip_invisible(value)
        case list():
            return [_shown(part) for part in value]
        case dict():
            return {strip_invisible(key): _shown(part) for key, part in value.items() if part not in ("", [], {}, None)}
        case _:
            return value
