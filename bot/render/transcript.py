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
    RequestFrozen,
    RequestOpened,
    RequestReassigned,
    RequestReminded,
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
    ToolQueued,
    ToolStarted,
    ToolWaits,
    VoteCast,
)
from agents.requests import Attachment, FromDesk, FromPerson, FromTrigger, PersonId, Vote
from agents.requests.moves import SeatsPassed
from agents.review import REVIEW
from agents.steps import FIXED_RULES, CallTool, Done, RequestHumanInput
from bot.people.directory import People
from bot.policy.attachments import files_in, size
from bot.render.cards import below_title
from bot.render.edits import differences
from bot.render.outcome import how_ended, is_model
from bot.render.times import clock, local
from bot.render.words import by_way, decided, failure_name, frozen_words, interrupted, outcome_name, state_word
from channels.showing import escape_invisible
from language import say
from language.dates import in_words
from language.labels import label_of
from language.numbers import whole
from language.recorded import answer_of, note_of, reason_of, result_of, trouble_of

_TEXT_CHARS = 400
# How a run ended may be an answer of many lines: a list, what everybody said.
_END_LINES = 60


class TranscriptLine(NamedTuple):
    """An event in words: `text` is ours, `quoted` is what a person, a model or a tool wrote."""

    text: str
    quoted: str = ""


def lines(events: Iterable[Event], people: People, word: str = "") -> Iterator[str]:
    """`14:02:11  Bo Berg approved …`, oldest first, by the clock of this machine; `word` is the one for how the run
    stands. Control characters of outside text are shown, not obeyed.

    Below what came with files, one more line in the same text for each; so for the further lines of how it ended.
    """
    for event in events:
        ours, quoted = transcript_line(event, people, word)
        told = ": ".join(filter(None, (local(None, ours), quoted)))
        text, *more = told.split("\n", _END_LINES if _is_end(event) else 0)
        below = (*filter(str.strip, more), *map(about, files_in(event)))
        yield "\n".join((f"{clock(None, event.at)}  {_plain(text)}", *(f"{'':10}{_plain(line)}" for line in below)))


def _is_end(event: Event) -> bool:
    return isinstance(event, RunEnded)


def about(file: Attachment) -> str:
    """`report.csv  text/csv  4.2 KB  sha256 …`, and what is to be known about it."""
    notes = [note_of(file.note), say("story.picture") if file.is_inline else ""]
    return "  ".join(filter(None, (file.name, file.type, size(file.size_bytes), f"sha256 {file.sha256}", *notes)))


def _plain(text: str) -> str:
    shown = escape_invisible(re.sub(r"[\r\n\t]", " ", text))
    return shown if len(shown) <= _TEXT_CHARS else f"{shown[:_TEXT_CHARS]}…"


def transcript_line(event: Event, people: People, word: str = "") -> TranscriptLine:  # noqa: C901 - one line per kind of event reads best together
    """`event` as a sentence for people; `word` is the one for how its run stands, where it has ended."""
    name = people.name_of
    match event:
        case RunStarted():
            return _started(event, name(event.requester))
        case PersonSaid():
            way = by_way(event.channel)
            return TranscriptLine(say("story.said", name=name(event.person), channel=way), event.text)
        case ContextFetched():
            facts = ", ".join(label_of(fact.label) for fact in event.facts) or say("words.nothing")
            return TranscriptLine(say("story.looked-up", facts=facts))
        case StepChosen():
            return _step(event)
        case StepFailed() | ThoughtDropped():
            return _no_step(event)
        case StepRefused():
            return TranscriptLine(say("story.refused"), event.error)
        case StepGated():
            return TranscriptLine(say("story.gated", policy=event.gate))
        case RequestOpened():
            return TranscriptLine(
                say("story.asks", title=event.request.title, request=event.request.id),
                below_title(event.request.title, event.request.quoted),
            )
        case RequestRevised():
            return _revised(event, name(event.by))
        case RequestReassigned() | RequestReminded() | RequestFrozen():
            return _pressed(event, people)
        case CardDelivered():
            return _delivered(event, people.called(event.person, event.place))
        case CardReplaced():
            return _replaced(event, name(event.person))
        case DeliveryFailed():
            whom = people.called(event.person, event.place)
            return TranscriptLine(say("story.unreached", name=whom), trouble_of(event.error))
        case VoteCast() | AnswerNoted() | AnswerHeld():
            return _answered(event, name)
        case RequestDecided():
            given = event.decision.given
            return TranscriptLine(decided(event.decision, people), answer_of(given.text) if given else "")
        case RequestRevoked():
            return TranscriptLine(say("story.taken-back", name=name(event.vote.person)), event.vote.reason)
        case (
            ToolStarted() | ToolFinished() | ToolOrphaned() | ToolQueued() | ToolWaits()
            | OutsideReported() | ChildStarted()
        ):  # fmt: skip
            return _work(event, people)
        case ContinuationAsked() | RunForked() | RunPaused() | RunResumed() | RunCancelled() | RunEnded():
            return _course(event, people, word)


def _revised(event: RequestRevised, name: str) -> TranscriptLine:
    request, edited = event.request, event.edited
    more = {"name": name, "title": request.title, "revision": request.revision}
    if edited:
        now = request.call.arguments if request.call else {}
        changes = differences(edited.changed, edited.before, now)
        return TranscriptLine(say("story.edited", **more, channel=by_way(edited.channel), changes=changes))
    return TranscriptLine(say("story.wrote-beside" if request.is_remarked else "story.amended", **more))


def _answered(event: VoteCast | AnswerNoted | AnswerHeld, name: Callable[[PersonId], str]) -> TranscriptLine:
    if isinstance(event, VoteCast):
        return _voted(event.vote, name(event.vote.person))
    if isinstance(event, AnswerNoted):
        outcome, way = outcome_name(event.outcome), by_way(event.channel)
        key = _NOTED.get(event.outcome, "story.not-counted")
        said = say(key, name=name(event.person), channel=way, outcome=outcome)
        return TranscriptLine(said, answer_of(event.text))
    key = "story.quarantined" if event.person else "story.quarantined-claim"
    who = name(event.person) if event.person else event.claims or say("words.nobody")
    return TranscriptLine(say(key, who=who), reason_of(event.why))


_REASSIGNED = {
    "escalated": "story.reassigned-escalated",
    "next_step": "story.reassigned-next-step",
    "left": "story.reassigned-left",
    "delegated": "story.reassigned-delegated",
    "absent": "story.reassigned-absent",
    "void": "story.reassigned-void",
    "excluded": "story.reassigned-excluded",
}


def _pressed(event: RequestReassigned | RequestReminded | RequestFrozen, people: People) -> TranscriptLine:
    if isinstance(event, RequestFrozen):
        return TranscriptLine(frozen_words(event.freeze, people) if event.freeze else say("story.frozen-no-longer"))
    if isinstance(event, RequestReminded):
        return TranscriptLine(say("story.reminded", names=people.names_of(event.people), number=event.number))
    if event.why == "absent" and not event.to:
        return TranscriptLine(_away(event, people), event.reason)
    # Who is asked already, and still decides, is not asked once more.
    to = people.names_of(event.to) or say("words.nobody" if event.why == "escalated" else "story.reassigned-others")
    by = people.name_of(event.by) if event.by else ""
    person = people.known_as(event.person) if event.person else ""
    return TranscriptLine(say(_REASSIGNED[event.why], by=by, name=person, to=to), event.reason)


def _away(event: RequestReassigned, people: People) -> str:
    """Say who is away, and that whoever stands in is asked already, if anybody does."""
    name = people.name_of(event.person) if event.person else ""
    moves = [one for one in event.moves if isinstance(one, SeatsPassed)]
    if any(one.until and one.until <= event.at for one in moves):
        return say("story.reassigned-back", name=name)
    to = next((one.asked for one in moves), None)
    if to is None:
        return say("story.reassigned-away", name=name)
    return say("story.reassigned-asked-already", name=name, to=people.name_of(to))


def _voted(vote: Vote, name: str) -> TranscriptLine:
    made, way = say("story.by-operators-key") if vote.is_by_operators_key else "", by_way(vote.channel)
    key = "story.breaks-glass" if vote.breaks_glass else "story.approves" if vote.approve else "story.denies"
    said = say(key, name=name, channel=way, made=made)
    note = vote.reason if vote.approve else ""
    has_note = bool(note) and not vote.breaks_glass
    return TranscriptLine(said + say("story.with-a-note") if has_note else said, note)


_NOTED = {"asked": "story.question", "replied": "story.answer"}
_REPLACED = {
    "unbound": "story.replaced-unbound",
    "seen_by_others": "story.replaced-seen",
    "unseen": "story.replaced-unseen",
}


def _replaced(event: CardReplaced, name: str) -> TranscriptLine:
    why = say(_REPLACED[event.why]) if event.why in _REPLACED else ""
    return TranscriptLine(say("story.new-card" if event.holder else "story.no-approving-card", name=name) + why)


def _work(
    event: ToolStarted | ToolFinished | ToolOrphaned | ToolQueued | ToolWaits | OutsideReported | ChildStarted,
    people: People,
) -> TranscriptLine:
    match event:
        case ToolStarted() if event.by:
            return TranscriptLine(say("story.program-began", name=event.by))
        case ToolFinished() if event.by:
            said = say("story.program-failed" if event.error else "story.program-done")
            return TranscriptLine(said, event.error or event.output)
        case ToolStarted():
            return TranscriptLine(say("story.running", tool=event.tool), " ".join(event.effect.argv))
        case ToolFinished() if event.unknown:
            return TranscriptLine(state_word("nobody knows"), event.error)
        case ToolFinished():
            return (
                TranscriptLine(say("story.failed"), event.error)
                if event.error
                else TranscriptLine(say("story.succeeded"), result_of(event.output))
            )
        case ToolOrphaned():
            if event.may_have_started:
                return TranscriptLine(say("story.may-have-happened"))
            return TranscriptLine(say("story.had-not-begun"))
        case ToolQueued():
            return TranscriptLine(_queued(event, people))
        case ToolWaits():
            return TranscriptLine(say("story.waits", what=event.handle), event.note)
        case OutsideReported():
            return TranscriptLine(say("story.news", what=event.handle), event.text)
        case ChildStarted():
            key = "story.child-for" if event.key else "story.child"
            said = say(key, run=event.run_id, agent=event.agent, key=event.key)
            return TranscriptLine(say("story.by-model", said=said) if event.by_model else said, event.text)


def _queued(event: ToolQueued, people: People) -> str:
    if event.behind is None:
        return say("story.began")
    if event.within_s:
        return interrupted(event.within_s).removesuffix(".")
    by = people.name_of(event.requester) if event.requester else ""
    return say("story.queued", run=event.behind, by=by and say("status.queued-by", name=by))


def _course(
    event: ContinuationAsked | RunForked | RunPaused | RunResumed | RunCancelled | RunEnded, people: People, word: str
) -> TranscriptLine:
    name = people.name_of
    match event:
        case ContinuationAsked():
            return TranscriptLine(event.question)
        case RunForked():
            return TranscriptLine(say(_COPIED[event.how], name=name(event.by), source=event.source, at=event.at_seq))
        case RunPaused():
            return TranscriptLine(_paused(event, name))
        case RunResumed():
            return TranscriptLine(say("story.resumed", name=name(event.by)))
        case RunCancelled():
            return TranscriptLine(_cancelled(event, name))
        case RunEnded():
            how = how_ended(event, word)
            return TranscriptLine(say("story.by-model", said=how) if is_model(event) else how, event.summary)


def _paused(event: RunPaused, name: Callable[[PersonId], str]) -> str:
    if event.restored_from:
        return say("story.paused-restored", at=in_words(event.restored_from))
    return say("story.paused", name=name(event.by or PersonId("")))


_COPIED = {"fork": "story.fork", "retry": "story.retry", "import": "story.import"}


def _cancelled(event: RunCancelled, name: Callable[[PersonId], str]) -> str:
    if event.parent is None:
        return say("story.cancelled-by", name=name(event.by)) if event.by else say("story.cancelled")
    by = say("story.cancelled-parent-by", name=name(event.by)) if event.by else ""
    return say("story.cancelled-parent", parent=event.parent) + by


def _delivered(event: CardDelivered, who: str) -> TranscriptLine:
    where = say("story.seen-by-others") if event.is_shared else ""
    if not who:
        return TranscriptLine(say("story.card-posted", channel=by_way(event.channel)) + where, event.to)
    key = "story.card-listed" if event.together else "story.card-shared" if event.shares else "story.card-sent"
    return TranscriptLine(say(key, who=who, channel=by_way(event.channel)) + where)


def _started(event: RunStarted, who: str) -> TranscriptLine:
    through = event.service or event.submitter
    came = by_way(event.channel)
    way = say("story.way-through", channel=came, through=through) if through else came
    found = json.dumps(event.context, ensure_ascii=False) if event.context else ""
    context = say("story.with-context", context=found) if found else ""
    match event.origin:
        case FromPerson() if event.agent == REVIEW:
            said = say("story.asked-by-policy", who=who, way=way)
        case FromPerson() if event.is_of_model:
            said = say("story.asked-by-model", who=who, way=way)
        case FromPerson():
            said = say("story.asked", who=who, way=way)
        case FromTrigger(name=trigger):
            said = say("story.asked-by-trigger", trigger=trigger, who=who, way=way)
        case FromDesk(address=address):
            said = say("story.asked-by-desk", address=address, who=who, way=way)
    return TranscriptLine(said, f"{event.text}{context}")


# The rest of it is how the model is told to do better.
_SAID_WHOLE = {"no_tool", "many_tools"}


def _no_step(event: StepFailed | ThoughtDropped) -> TranscriptLine:
    call = event.call
    if isinstance(event, ThoughtDropped):
        tokens = call.input_tokens + call.output_tokens
        return TranscriptLine(say("story.dropped", model=call.model, tokens=whole(tokens)))
    key = "story.no-step-again" if event.retry_at else "story.no-step"
    detail = "" if event.kind in _SAID_WHOLE else trouble_of(event.detail)
    if event.fallback:
        why, fallback = failure_name(event.kind), event.fallback
        said = say("story.no-step-fallback", model=call.model, why=why, fallback=fallback)
        return TranscriptLine(said, detail)
    return TranscriptLine(say(key, model=call.model, why=failure_name(event.kind)), detail)


def _step(event: StepChosen) -> TranscriptLine:
    by = say("story.fixed-rules") if event.call.rehearsal or event.call.model == FIXED_RULES else event.call.model
    match event.step:
        case CallTool():
            key = "story.next-gated" if event.gate else "story.next"
            arguments = json.dumps(dict(event.step.arguments), ensure_ascii=False)
            return TranscriptLine(say(key, tool=event.step.tool, policy=event.gate, by=by), arguments)
        case RequestHumanInput():
            return TranscriptLine(say("story.next-question", by=by))
        case Done():
            return TranscriptLine(say("story.next-nothing", by=by))
