"""A run told in sentences, one line per event that a person cares about. Pure."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from agents.events import (
    AnswerHeld,
    AnswerNoted,
    CardDelivered,
    CardReplaced,
    ChildStarted,
    ContextFetched,
    ContinuationAsked,
    DeliveryFailed,
    Event,
    OutsideReported,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestRevised,
    RequestRevoked,
    RunCancelled,
    RunEnded,
    RunForked,
    RunPaused,
    RunResumed,
    RunStarted,
    StepChosen,
    StepFailed,
    StepGated,
    StepRefused,
    ThoughtDropped,
    ToolFinished,
    ToolOrphaned,
    ToolStarted,
    ToolWaits,
    VoteCast,
)
from agents.requests import Attachment, FromDesk, FromPerson, FromTrigger, PersonId
from agents.steps import CallTool, Done, RequestHumanInput
from bot.people.directory import People
from bot.policy.attachments import files_in, size
from bot.render.cards import below_title
from bot.render.words import decided
from channels.showing import escape_invisible

_TEXT_CHARS = 400
# How a run ended may be an answer of many lines: a list, what everybody said.
_END_LINES = 60


class TranscriptLine(NamedTuple):
    """An event in words: `text` is ours, `quoted` is what a person, a model or a tool wrote."""

    text: str
    quoted: str = ""


def lines(events: Iterable[Event], people: People) -> Iterator[str]:
    """`14:02:11  Bo Berg approved …`, oldest first; control characters of outside text are shown, not obeyed.

    Below what came with files, one more line in the same text for each; so for the further lines of how it ended.
    """
    for event in events:
        text, *more = ": ".join(filter(None, transcript_line(event, people))).split(
            "\n", _END_LINES if _is_end(event) else 0
        )
        below = (*filter(str.strip, more), *map(about, files_in(event)))
        yield "\n".join((f"{event.at:%H:%M:%S}  {_plain(text)}", *(f"{'':10}{_plain(line)}" for line in below)))


def _is_end(event: Event) -> bool:
    return isinstance(event, RunEnded)


def about(file: Attachment) -> str:
    """`report.csv  text/csv  4.2 KB  sha256 …`, and what is to be known about it."""
    notes = [file.note, "a small picture within the text" if file.is_inline else ""]
    return "  ".join(filter(None, (file.name, file.type, size(file.size_bytes), f"sha256 {file.sha256}", *notes)))


def _plain(text: str) -> str:
    shown = escape_invisible(re.sub(r"[\r\n\t]", " ", text))
    return shown if len(shown) <= _TEXT_CHARS else f"{shown[:_TEXT_CHARS]}…"


def transcript_line(event: Event, people: People) -> TranscriptLine:  # noqa: C901, PLR0912 - one line per kind of event reads best together
    """`event` as a sentence for people."""
    name = people.name_of
    match event:
        case RunStarted():
            return _started(event, name(event.requester))
        case PersonSaid():
            return TranscriptLine(f"{name(event.person)} said by {event.channel}", event.text)
        case ContextFetched():
            return TranscriptLine("looked up: " + (", ".join(fact.label for fact in event.facts) or "nothing"))
        case StepChosen():
            return _step(event)
        case StepFailed() | ThoughtDropped():
            return _no_step(event)
        case StepRefused():
            return TranscriptLine("refused", event.error)
        case StepGated():
            return TranscriptLine(f"now needs approval under policy {event.gate}")
        case RequestOpened():
            return TranscriptLine(
                f"asks: {event.request.title} ({event.request.id})",
                below_title(event.request.title, event.request.quoted),
            )
        case RequestRevised():
            request = event.request
            is_remark = bool(request.remarks) and request.remarks[-1].at == event.at
            verb = "wrote beside" if is_remark else "amended"
            return TranscriptLine(f"{name(event.by)} {verb}: {request.title} (revision {request.revision})")
        case CardDelivered():
            return _delivered(event, people.called(event.person, event.place))
        case CardReplaced():
            return _replaced(event, name(event.person))
        case DeliveryFailed():
            return TranscriptLine(f"{people.called(event.person, event.place)} could not be reached", event.error)
        case VoteCast():
            note = event.vote.reason if event.vote.approve else ""
            verb = "approves" if event.vote.approve else "denies"
            made = " with a key that an operator made" if event.vote.is_by_operators_key else ""
            said = f"{name(event.vote.person)} {verb} by {event.vote.channel}{made}"
            return TranscriptLine(f"{said} with a note" if note else said, note)
        case AnswerNoted():
            said = f"{name(event.person)} answered by {event.channel}, not counted ({event.outcome.replace('_', ' ')})"
            return TranscriptLine(said, event.text)
        case AnswerHeld():
            who = f"is from {name(event.person)}" if event.person else f"claims to be from {event.claims or 'nobody'}"
            return TranscriptLine(f"an answer that {who} was quarantined, not counted", event.why)
        case RequestDecided():
            given = event.decision.given
            return TranscriptLine(decided(event.decision, people), given.text if given else "")
        case RequestRevoked():
            return TranscriptLine(f"{name(event.vote.person)} took the approval back", event.vote.reason)
        case ToolStarted() | ToolFinished() | ToolOrphaned() | ToolWaits() | OutsideReported() | ChildStarted():
            return _work(event)
        case ContinuationAsked() | RunForked() | RunPaused() | RunResumed() | RunCancelled() | RunEnded():
            return _course(event, people)


def _replaced(event: CardReplaced, name: str) -> TranscriptLine:
    why = {
        "comment": "",
        "unbound": ": another mail came to the address that answers the old one",
        "seen_by_others": ": others saw what answers the old one",
        "upgrade": ": sayso was upgraded",
    }
    does = "gets a new card" if event.holder else "can't approve with the card at hand"
    return TranscriptLine(f"{name} {does}{why[event.why]}")


def _work(
    event: ToolStarted | ToolFinished | ToolOrphaned | ToolWaits | OutsideReported | ChildStarted,
) -> TranscriptLine:
    match event:
        case ToolStarted():
            return TranscriptLine(f"starts {event.tool}", " ".join(event.effect.argv))
        case ToolFinished():
            return TranscriptLine("failed", event.error) if event.error else TranscriptLine("ended well", event.output)
        case ToolOrphaned():
            if event.may_have_started:
                return TranscriptLine("the worker went away while it ran; the effect may have happened")
            why = "its worker went away, or it was no longer as approved when its turn came"
            return TranscriptLine(f"the effect had not begun: {why}")
        case ToolWaits():
            return TranscriptLine(f"waits for {event.handle}", event.note)
        case OutsideReported():
            return TranscriptLine(f"news of {event.handle}", event.text)
        case ChildStarted():
            key = f" for {event.key}" if event.key else ""
            return TranscriptLine(f"starts {event.run_id} of the {event.agent} agent{key}", event.text)


def _course(
    event: ContinuationAsked | RunForked | RunPaused | RunResumed | RunCancelled | RunEnded, people: People
) -> TranscriptLine:
    name = people.name_of
    match event:
        case ContinuationAsked():
            return TranscriptLine(event.question)
        case RunForked():
            return TranscriptLine(
                f"{name(event.by)}: {event.how} of {event.source} at {event.at_seq}; what came before is history"
            )
        case RunPaused():
            return TranscriptLine(f"{name(event.by)} paused the run")
        case RunResumed():
            return TranscriptLine(f"{name(event.by)} resumed the run")
        case RunCancelled():
            return TranscriptLine(_cancelled(event, name))
        case RunEnded():
            return TranscriptLine(event.outcome, event.summary)


def _cancelled(event: RunCancelled, name: Callable[[PersonId], str]) -> str:
    if event.parent is None:
        return f"{name(event.by)} cancelled the run" if event.by else "the run was cancelled"
    by = f": {name(event.by)} cancelled that" if event.by else ""
    return f"stopped by {event.parent}, which started it{by}"


def _delivered(event: CardDelivered, who: str) -> TranscriptLine:
    where = ", where others see it" if event.is_shared else ""
    if not who:
        return TranscriptLine(f"card posted by {event.channel}{where}", event.to)
    return TranscriptLine(f"card {'shared with' if event.shares else 'sent to'} {who} by {event.channel}{where}")


def _started(event: RunStarted, who: str) -> TranscriptLine:
    through = event.service or event.submitter
    way = f"{event.channel} (sent by {through})" if through else event.channel
    context = f" with {json.dumps(event.context, ensure_ascii=False)}" if event.context else ""
    match event.origin:
        case FromPerson():
            said = f"{who} asked by {way}"
        case FromTrigger(name=trigger):
            said = f"the trigger {trigger} ({way}) asked for {who}"
        case FromDesk(address=address):
            said = f"a mail to the desk from {address} ({way}) asked for {who}"
    return TranscriptLine(said, f"{event.text}{context}")


def _no_step(event: StepFailed | ThoughtDropped) -> TranscriptLine:
    call = event.call
    if isinstance(event, ThoughtDropped):
        tokens = call.input_tokens + call.output_tokens
        return TranscriptLine(
            f"the run changed while {call.model} chose a step, which is not used; its {tokens:,} tokens count"
        )
    again = "; tries again" if event.retry_at else ""
    return TranscriptLine(f"no step from {call.model}: {event.kind}{again}", event.detail)


def _step(event: StepChosen) -> TranscriptLine:
    by = " (rehearsal)" if event.call.rehearsal else f" ({event.call.model})"
    match event.step:
        case CallTool():
            gate = f", needs approval under policy {event.gate}" if event.gate else ""
            arguments = json.dumps(dict(event.step.arguments), ensure_ascii=False)
            return TranscriptLine(f"next: {event.step.tool}{gate}{by}", arguments)
        case RequestHumanInput():
            return TranscriptLine(f"next: a question to people{by}")
        case Done():
            return TranscriptLine(f"next: nothing more to do{by}")
