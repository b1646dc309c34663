"""A run told in sentences, one line per event that a person cares about. Pure."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from agents.events import (
    AnswerNoted,
    CardDelivered,
    ContextFetched,
    DeliveryFailed,
    Event,
    RequestDecided,
    RequestOpened,
    RequestRevised,
    RequestRevoked,
    RunCancelled,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    StepChosen,
    StepFailed,
    StepGated,
    StepRefused,
    ToolFinished,
    ToolOrphaned,
    ToolStarted,
    VoteCast,
)
from agents.steps import CallTool, Done, RequestHumanInput
from bot.cards import decided
from bot.people import People

_TEXT_CHARS = 400


def lines(events: Iterable[Event], people: People) -> Iterator[str]:
    """`14:02:11  Bo Berg approved …`, oldest first; control characters of outside text are shown, not obeyed."""
    for event in events:
        yield f"{_time(event.at)}  {_plain(_sentence(event, people))}"


def _time(at: datetime) -> str:
    return at.strftime("%H:%M:%S")


def _plain(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return shown if len(shown) <= _TEXT_CHARS else f"{shown[:_TEXT_CHARS]}…"


def _sentence(event: Event, people: People) -> str:  # noqa: C901, PLR0912 - one line per kind of event reads best together
    name = people.name_of
    match event:
        case RunStarted():
            return _started(event, name(event.requester))
        case ContextFetched():
            return "looked up: " + ", ".join(fact.label for fact in event.facts)
        case StepChosen():
            return _step(event)
        case StepFailed():
            again = "; tries again" if event.retry_at else ""
            return f"no step from {event.call.model}: {event.kind}: {event.detail}{again}"
        case StepRefused():
            return f"refused: {event.error}"
        case StepGated():
            return f"now needs approval under policy {event.gate}"
        case RequestOpened():
            return f"asks: {event.request.title} {event.request.quoted} ({event.request.id})"
        case RequestRevised():
            return f"{name(event.by)} amended: {event.request.title} (revision {event.request.revision})"
        case CardDelivered():
            return f"card sent to {name(event.person)} by {event.channel}"
        case DeliveryFailed():
            return f"{name(event.person)} could not be reached: {event.error}"
        case VoteCast():
            return f"{name(event.vote.person)} {'approves' if event.vote.approve else 'denies'} by {event.vote.channel}"
        case AnswerNoted():
            return f"{name(event.person)} answered by {event.channel}, not counted ({event.outcome}): {event.text}"
        case RequestDecided():
            return decided(event.decision, people)
        case RequestRevoked():
            return f"{name(event.vote.person)} took the approval back: {event.vote.reason}"
        case ToolStarted():
            return f"starts {event.tool}: {' '.join(event.effect.argv)}"
        case ToolFinished():
            return f"failed: {event.error}" if event.error else f"ended well: {event.output}"
        case ToolOrphaned():
            if event.may_have_started:
                return "the worker went away while it ran; the effect may have happened"
            return "the effect had not begun: its worker went away, or it was no longer as approved when its turn came"
        case RunPaused():
            return f"{name(event.by)} paused the run"
        case RunResumed():
            return f"{name(event.by)} resumed the run"
        case RunCancelled():
            return f"{name(event.by)} cancelled the run"
        case RunEnded():
            return f"{event.outcome}: {event.summary}"


def _started(event: RunStarted, who: str) -> str:
    through = event.service or event.submitter
    way = f"{event.channel} (sent by {through})" if through else event.channel
    context = f" with {json.dumps(event.context, ensure_ascii=False)}" if event.context else ""
    return f"{who} asked by {way}: {event.text}{context}"


def _step(event: StepChosen) -> str:
    by = " (rehearsal)" if event.call.rehearsal else f" ({event.call.model})"
    match event.step:
        case CallTool():
            gate = f", needs approval under policy {event.gate}" if event.gate else ""
            return f"next: {event.step.tool} {dict(event.step.arguments)}{gate}{by}"
        case RequestHumanInput():
            return f"next: a question to people{by}"
        case Done():
            return f"next: nothing more to do{by}"
