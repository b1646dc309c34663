"""Words for times, channels, states of a request and judgements of an answer, wherever people read them."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import partial
from zoneinfo import ZoneInfo

from agents.events import RunStarted, ToolQueued
from agents.moves import begun
from agents.requests import (
    AllOf,
    AnyOf,
    Anyone,
    Decision,
    Freeze,
    PersonId,
    Purpose,
    Request,
    RequestId,
    RequestState,
    Rule,
    StandIn,
    Vote,
    parts_of,
    people_of,
)
from agents.requests.asked import AskedAs
from agents.requests.record import RequestRecord
from agents.run import Run
from agents.standing import ALLOW_AGAIN
from agents.text import first_line, one_line, quote
from bot.command_line import command
from bot.people.directory import QUESTION, People
from bot.people.recognition import as_told_now
from bot.policy.approvers.quorum import Needs
from bot.policy.approvers.steps import needed_elsewhere, still_open
from bot.policy.approvers.who import Who, who_of
from bot.policy.edits import Edited, EditRefused
from bot.policy.freezes import ComingWindow
from bot.policy.judge import ways_for, ways_to_approve
from bot.policy.judgements import (
    Act,
    AlreadyDecided,
    AlreadyVoted,
    Asked,
    ClosedOtherwise,
    Counted,
    Decided,
    Delegated,
    DelegationRefused,
    GlassUnconfirmed,
    Judgement,
    Last,
    NotEntitled,
    NoteUnconfirmed,
    NotThisWay,
    OutOfDate,
    Remarked,
    Replied,
    Revoked,
    StopOrAnswer,
    TooLate,
    Unclear,
)
from bot.policy.whole import is_its_own, may_be_done
from bot.render.forms import told
from bot.render.times import length, moment
from language import say, say_many
from language.dates import in_words
from language.lists import both, either
from language.numbers import in_word
from language.recorded import reason_of

REASON_CHARS = 500
_SAID_CHARS = 100

STOPPED = {
    "denied": "words.stopped-denied",
    "withdrawn": "words.stopped-withdrawn",
    "expired": "words.stopped-expired",
    "revoked": "words.stopped-revoked",
    "cancelled": "words.stopped-cancelled",
}
"""The keys of how people stopped a run."""

_CHANNELS = {"email": "words.channel-email", "slack": "words.channel-slack"}


def wish(text: str, chars: int, *, by_model: bool) -> str:
    """Return what a run began with, as it is called: as a model's words where one worded it for a run of its own."""
    return (
        say("card.model-wrote-words", words=quote(first_line(text, chars), chars))
        if by_model
        else first_line(text, chars)
    )


def wish_of(started: RunStarted | None, chars: int) -> str:
    """Return what the run that `started` is called; empty where none did."""
    return wish(started.text, chars, by_model=started.is_of_model) if started else ""


def channel_name(channel: str) -> str:
    """Return the name that people have for a channel that reaches them."""
    return say(_CHANNELS[channel]) if channel in _CHANNELS else channel


_HOW = {
    "slack": "standing.how-slack",
    "email": "standing.how-email",
    "console": "standing.how-console",
    "cli": "standing.how-cli",
    "api": "standing.how-api",
}


def by_way(channel: str) -> str:
    """`in the terminal`: how something came, to stand after what was done; empty where that is not known."""
    return say(_HOW[channel]) if channel in _HOW else channel and say("standing.how-other", channel=channel)


_WAYS = {
    "email": "console.channel-email",
    "slack": "console.channel-slack",
    "console": "console.channel-console",
    "cli": "console.channel-cli",
    "api": "console.channel-api",
}


def channel_word(channel: str) -> str:
    """Return the word for the way by which something came; `channel` itself where there is none."""
    return say(_WAYS[channel]) if channel in _WAYS else channel


_STANDS = {
    "open": "console.state-open",
    "running": "console.state-running",
    "waiting": "console.state-waiting",
    "paused": "console.state-paused",
    "unknown": "console.state-unknown",
    "done": "console.state-done",
    "failed": "console.state-failed",
    "cancelled": "console.state-cancelled",
    "approved": "console.state-approved",
    "denied": "console.state-denied",
    "answered": "console.state-answered",
    "expired": "console.state-expired",
    "withdrawn": "console.state-withdrawn",
    "revoked": "console.state-stopped",
    "superseded": "console.state-superseded",
    "stopped": "console.state-stopped",
    "ended": "console.state-ended",
    "unchanged": "console.state-unchanged",
    "interrupted": "console.state-interrupted",
    "not begun": "console.state-not-begun",
    "not done": "console.state-not-done",
    "started": "console.state-started",
    "glass": "console.state-glass",
    "frozen": "console.state-frozen",
    "queued": "console.state-queued",
    "replaced": "console.state-replaced",
    "partly": "console.state-partly",
    "nobody knows": "console.state-nobody-knows",
}


def stands_as(state: str, decision: Decision | None) -> str:
    """Return `state`, or `glass` for what was approved by breaking the glass: nobody is to read it as approved."""
    return "glass" if state == "approved" and decision and decision.broke_glass else state


def state_word(state: str) -> str:
    """Return the word for the state of a run or a request in a list; `state` itself where there is none."""
    return say(_STANDS[state]) if state in _STANDS else state


def state_title(state: str) -> str:
    """Return the same word where it begins a title or a sentence."""
    said = state_word(state)
    return f"{said[:1].upper()}{said[1:]}"


def who_decides(who: Who, people: People, me: PersonId | None = None) -> str:
    """`Bo Berg or Cy Cole`, `Two of three: Bo Berg, Cy Cole, Dan Dorn`, `Bo Berg; and one of Cy Cole and Dan Dorn`.

    To `me`, who alone reads it: `you or Cy Cole`. Where there are steps, `step 1 of 2, manager: Bo Berg; then finance:
    one of Cy Cole and Dan Dorn`, as far as that is not met. Nobody is named who has left, or whose approval would leave
    too few for another step.
    """
    asked, here = who.asked, people.all()
    now = _rule_in_words(asked, people, who.out | needed_elsewhere(who, (), here), me)
    if asked.step is None:
        return now
    now = say("timing.step", number=asked.in_step + 1, count=len(asked.steps), name=asked.step.name, who=now)
    left = still_open(who, (), here)
    for number, later in enumerate(asked.steps):
        if number > asked.in_step and number in left:
            now = say("timing.then-step", now=now, name=later.name, who=_rule_in_words(later, people, who.out, me))
    return now


def _rule_in_words(needs: Needs, people: People, out: Collection[PersonId], me: PersonId | None) -> str:
    may = [one for one in dict.fromkeys(people_of(needs.rule)) if one not in out and people.is_here(one)]
    if not may:
        return say("words.nobody")

    def seat(rule: Rule) -> str:
        match rule:
            case Anyone():
                names = [person for person in rule.people if person in may]
                listed = both(called(names, people, me)) or say("words.nobody")
                return listed if not names or len(names) == 1 else say("words.one-of", names=listed)
            case AllOf():
                return say("words.and-seat").join(seat(part) for part in rule.of)
            case AnyOf():
                return say("words.or-seat").join(seat(part) for part in rule.of)

    if any(isinstance(part, AllOf) for part in parts_of(needs.rule)):
        seats = seat(needs.rule)
        return say("words.seats-at-least", seats=seats, count=needs.quorum) if needs.quorum > 1 else seats
    return some_of(needs.quorum, may, people, me)


def some_of(count: int, persons: Sequence[PersonId], people: People, me: PersonId | None = None) -> str:
    """`Bo Berg or Cy Cole` if one is enough; to `me`, `you and Cy Cole`, or `Two of three: you, Cy Cole, Dan Dorn`."""
    names = called(persons, people, me)
    if me is not None and list(persons) == [me]:
        return say("words.only-you")
    if count == len(names):
        return both(names)
    if count == 1:
        return either(names)
    return say("words.some-of", count=in_word(count).capitalize(), all=in_word(len(names)), names=", ".join(names))


def called(persons: Iterable[PersonId], people: People, me: PersonId | None = None) -> list[str]:
    """Return their names, with `you` in front for `me`."""
    ordered = sorted(persons, key=lambda person: person != me)
    return [say("words.you") if person == me else people.name_of(person) for person in ordered]


def asked_by(purpose: Purpose, askers: Iterable[PersonId], people: People) -> str:
    """Return who asks, to stand after `asked by`: a review is asked by the policy, by nobody whom it is about."""
    return say("asked.by-policy") if purpose == "review" else people.names_of(people.by_now(askers))


_GONE = frozenset({"left", "void", "excluded"})


def why_asked(record: RequestRecord, people: People, person: PersonId, *, names_step: bool = True) -> str:
    """`as a member of the group release`, `because Bo Berg handed it on`: why one is asked, to stand after `You`;
    empty where that is not known. `names_step` is left out where the step stands beside it.
    """
    asked = record.asked
    if record.request.purpose == "review":
        return say("asked.review")
    if given := next((one for one in reversed(asked.handed_on) if one.to == person), None):
        key = "asked.absent" if given.why == "absent" else "asked.delegated"
        return say(key, name=people.name_of(given.person))
    came = asked.asked_as.get(person)
    came = came if came and came.in_step == asked.in_step else None
    seats = (one for one in parts_of(asked.rule) if isinstance(one, Anyone) and person in one.people)
    seat = came if came and came.source else next(seats, None)
    why = ""
    match came:
        case None:
            pass
        case AskedAs(why="left") if came.person and people.ids_of(came.person)[0] == person:
            pass  # they were asked before, under another id
        case AskedAs(why="escalated") if asked.escalate_after_s and asked.escalated_at:
            after, since = length(timedelta(seconds=asked.escalate_after_s)), in_words(asked.escalated_at)
            why = say("asked.escalated", time=after, when=since)
        case AskedAs(why="left") if came.person:
            why = say("asked.left", name=people.known_as(came.person))
        case AskedAs(why="void") if came.person:
            why = say("asked.void", name=people.known_as(came.person))
        case AskedAs(why="excluded") if came.person:
            why = say("asked.excluded", name=people.name_of(came.person))
        case _:
            return ""
    is_told = came is None or came.source or came.why in _GONE
    as_whom = _as_whom(seat, record.request) if seat and is_told else ""
    step = say("asked.step", step=asked.step.name) if names_step and asked.step and (why or as_whom) else ""
    return ", ".join(filter(None, (step, why, as_whom)))


def _as_whom(seat: Anyone | AskedAs, request: Request) -> str:
    kind, _, name = seat.source.partition(":")
    if "," in name:  # a question may go to several at once
        return ""
    match kind:
        case "group":
            return say("asked.group", name=name)
        case "person" if request.policy.name == QUESTION:
            by = "asked.name-program" if request.program else "asked.name-question"
            return say(by if request.purpose == "question" else "asked.name")
        case "person":
            return say("asked.person", policy=request.policy.name)
        case "oncall" if seat.until:
            return say("asked.oncall-until", name=name, when=in_words(seat.until))
        case "oncall":
            return say("asked.oncall", name=name)
        case _:
            return ""


def decided(decision: Decision, people: People, *, is_asked_anew: bool = False) -> str:
    """`Bo Berg approved at 14:02 UTC on 3 May 2026.`; `is_asked_anew`: a new request asks in place of this one."""
    names, when = people.names_of(decision.by), in_words(decision.at)
    reason = reason_given(decision.reason)
    match decision.state:
        case "approved" if decision.standing:
            sentences = [standing_use(decision, people)]
        case "approved" if decision.broke_glass:
            sentences = [say("words.broke-glass", names=names, when=when), reason]
        case "approved":
            sentences = [say("words.approved", names=names, when=when), _quoting("words.note", decision.reason)]
        case "denied":
            sentences = [say("words.denied", names=names, when=when), reason]
        case "answered":
            sentences = [say("words.answered", names=names, when=when), reason]
        case "expired":
            # Code says why where it was closed before its time: nobody is left who could answer.
            early = [say("words.closed-undecided", when=when), reason]
            sentences = early if reason else [say("words.expired", when=when)]
        case "withdrawn":
            withdrawn = (
                say("words.withdrawn-by", names=names, when=when) if names else say("words.withdrawn", when=when)
            )
            sentences = [withdrawn, reason]
        case "superseded":
            newer = decision.newer_run
            if newer:
                by = people.names_of(decision.newer_by) or say("words.nobody")
                return say("words.superseded-by", when=when, run=newer, names=by)
            closed = say("words.replaced" if is_asked_anew else "words.superseded", when=when)
            sentences = [closed, reason]
    return " ".join(filter(None, [*sentences, _with_keys(decision, people)]))


def reason_given(reason: str) -> str:
    """`Reason: “no time”.`; empty for none."""
    return _quoting("words.reason", reason)


def _quoting(key: str, words: str) -> str:
    if not words.strip():
        return ""
    said = quote(words, REASON_CHARS)
    sentence = say(key, reason=said, note=said)
    return sentence.removesuffix(".") if said[-2:-1] in {".", "!", "?", "…"} else sentence


def taking_back(record: RequestRecord) -> Vote | None:
    """Return the word that took an approval back; None where code did."""
    return next((vote for vote in reversed(record.votes) if not vote.approve), None)


def is_left_to_program(record: RequestRecord) -> bool:
    """Return whether a program took back itself what it was allowed: nobody here knows whether it did it."""
    back = taking_back(record)
    return back is not None and is_its_own(record.request, back.proof)


def taken_back(record: RequestRecord, people: People) -> str:
    """`Cy Cole took it back at 14:02 UTC on 3 May 2026, in Slack, before it began.`"""
    back = taking_back(record)
    if back is None:
        return say("standing.taken-back")
    name, when = people.name_of(back.person), in_words(back.at)
    if is_left_to_program(record) or may_be_done(record):
        return f"{say('words.withdrawn-by', names=name, when=when)} {say('standing.perhaps-done')}"
    how = f", {by_way(back.channel)}," if by_way(back.channel) else ""
    return say("standing.taken-back-by", name=name, when=when, how=how)


def decided_briefly(decision: Decision, people: People) -> str:
    """Return who decided and when, for a row of a list, which has no room for a reason."""
    return decided(decision.model_copy(update={"reason": ""}), people).removesuffix(".")


def standing_use(decision: Decision, people: People) -> str:
    """Return which standing approval allowed something, which use of it that was, and who granted it."""
    used = decision.standing
    if used is None:
        return ""
    count = say("again.use", number=used.number, of=used.of)
    granted = say("again.granted-by", names=people.names_of(decision.by))
    return f"{say('again.allowed', id=used.id, when=in_words(decision.at))} {count} {granted}"


def ends_standing(record: RequestRecord | None) -> str:
    """Say how to end the standing approval that allowed something, or that this has granted, to whoever stops that
    alone; else nothing.
    """
    decision = record.decision if record else None
    if record is None or decision is None:
        return ""
    if used := decision.standing:
        return f" {say('again.allowed', id=used.id, when=in_words(decision.at))} {say('again.end-it', id=used.id)}"
    call = record.request.call
    if call is None or call.tool != ALLOW_AGAIN or record.began_at is None:
        return ""
    from bot.store.ids import standing_of  # noqa: PLC0415 - who only shows a request needs no store

    return f" {say('again.end-granted', id=standing_of(record.request.run_id))}"


def _with_keys(decision: Decision, people: People) -> str:
    """Whose word came with a key that was not made by themselves."""
    whose = people.names_of(decision.operators_keys)
    return say("words.operators-key", whose=whose) if whose else ""


def _closed(state: RequestState, request: Request) -> str:
    if state == "superseded":
        return say("answer.superseded")
    if state == "expired" and request.purpose == "unknown":
        return say("answer.expired-unknown")
    return say("answer.closed", state=state_word(state))


def copies_go_on(copies: Sequence[str]) -> str:
    """Say which runs that were made from one go on, and how to stop those; nothing where none does."""
    return f" {say('notice.stop-copies', runs=', '.join(copies))}" if copies else ""


def feedback_text(judgement: Judgement, record: RequestRecord, people: People) -> str:
    """Tell the person who answered what became of the answer, and what to do now if anything."""
    told = _feedback(judgement, record, people) if stands(judgement, record) else _by_now(judgement, record, people)
    return told + copies_go_on(copies_left(judgement))


def copies_left(judgement: Judgement) -> Sequence[str]:
    """Return the copies that go on whatever an answer stopped."""
    return judgement.copies if isinstance(judgement, Last) else ()


def _feedback(judgement: Judgement, record: RequestRecord, people: People) -> str:
    request = record.request
    match judgement:
        case Counted():
            return _counted(judgement, as_told_now(record, people), people)
        case Decided():
            return decided(judgement.decision, people)
        case Revoked():
            return f"{say('answer.revoked')}{ends_standing(record)}"
        case TooLate():
            key = "answer.too-late-program" if request.program and request.format == "approval" else "answer.too-late"
            return f"{say(key, when=in_words(judgement.started_at))}{ends_standing(record)}"
        case AlreadyDecided():
            key = "answer.decided-not-begun" if judgement.may_stop else "answer.already-decided"
            return say(key, decided=decided(judgement.decision, people))
        case AlreadyVoted():
            return say("answer.already-voted")
        case ClosedOtherwise():
            return _closed(judgement.state, request)
        case NotEntitled():
            return _not_entitled(judgement, people)
        case NotThisWay():
            return _not_this_way(judgement, request)
        case OutOfDate():
            return say(_OLDER.get(judgement.act, "answer.out-of-date"), changes=changes_of(request))
        case Unclear():
            return _unclear(request, judgement)
        case NoteUnconfirmed() | StopOrAnswer() | GlassUnconfirmed():
            return _which(judgement)
        case Remarked():
            return say("answer.remarked")
        case Asked():
            names = people.names_of(asking_now(judgement.whom, people))
            return say("answer.asked", names=names) if names else say("answer.asked-nobody")
        case Replied():
            return say("answer.replied")
        case Edited() | Delegated():
            return _changed(judgement, as_told_now(record, people), people)
        case EditRefused() | DelegationRefused():
            return judgement.why


def stands(judgement: Judgement, record: RequestRecord) -> bool:
    """Return whether what a judgement has done holds as the `record` stands: the same answer is told of once more, as
    by the back button or a program that heard nothing, when an approval is void by now and an edit was edited.
    """
    match judgement:
        case Counted(vote=vote):
            is_void = vote.reply_id in {one.reply_id for one in record.void}
            is_older = is_void or vote.binding.revision != record.request.revision
            return record.state == "open" and (vote.person in record.approved_by or not is_older)
        case Edited(digest=digest):
            return record.state == "open" and digest == record.request.digest
        case Delegated() | Remarked() | Asked():
            return record.state == "open"
        case Decided(decision=decision) if decision.state == "approved":
            return record.state not in {"revoked", "superseded"}
        case _:
            return True


def _by_now(judgement: Judgement, record: RequestRecord, people: People) -> str:
    """Return what is so by now in place of what a judgement has done."""
    if record.state == "open":
        return say("answer.out-of-date", changes=changes_of(record.request))
    if isinstance(judgement, Decided):
        return f"{decided(judgement.decision, people)} {_closed(record.state, record.request)}"
    if record.decision and record.state in {"approved", "denied", "answered"}:
        return say("answer.already-decided-unasked", decided=decided(record.decision, people))
    return _closed(record.state, record.request)


def _which(judgement: NoteUnconfirmed | StopOrAnswer | GlassUnconfirmed) -> str:
    """Ask which of two things somebody meant."""
    if isinstance(judgement, GlassUnconfirmed):
        said = one_line(judgement.reason, REASON_CHARS)
        return say("answer.glass-unconfirmed", reason=said, word=say("mail.glass-word"))
    if isinstance(judgement, NoteUnconfirmed):
        return say("answer.note-unconfirmed", note=quote(judgement.note, REASON_CHARS))
    return say("answer.stop-or-answer", said=one_line(judgement.text, _SAID_CHARS), word=say("answer.word"))


def _counted(counted: Counted, record: RequestRecord, people: People) -> str:
    began, asked, who = counted.next_step, record.asked, who_of(record)
    if began is None or began.number not in range(len(asked.steps)):
        return say("answer.counted", needed=who_decides(who, people))
    # It may be told before the step is in force, or after it.
    if asked.in_step != began.number:
        asked = begun(asked, began.number, began.filled, record.request.opened_at)
    return say("timing.counted-step", needed=who_decides(replace(who, asked=asked), people))


def present(persons: Iterable[PersonId], people: People) -> tuple[PersonId, ...]:
    """Return those who are in the directory, or may only be missing in a file: nobody else can answer."""
    return tuple(person for person in persons if people.contact(person) or people.is_missing(person))


def asking_now(persons: Iterable[PersonId], people: People) -> tuple[PersonId, ...]:
    """Return those of `persons`, who asked, who are in the directory, under the id that is theirs by now."""
    return present(people.by_now(persons), people)


def unread_words(count: int) -> str:
    """Return the sentences that say how many entries a list leaves out as nothing can read them; empty for none."""
    return say_many("words.unread", count, command=command("rebuild")) if count else ""


def askers_of(run: Run, people: People) -> tuple[PersonId, ...]:
    """Return who hears how `run` goes on and ends: whoever began it; where they have left, all who wrote to it."""
    began = (run.started.requester,) if run.started else ()
    others = (one for one in run.writers if one not in run.others)
    return asking_now(began, people) or asking_now(others, people) or began


def queued_behind(queued: ToolQueued, people: People) -> str:
    """Return the sentence that says behind whom something waits for its turn, or when it goes on by itself."""
    if queued.within_s:
        return interrupted(queued.within_s)
    by = people.name_of(queued.requester) if queued.requester else ""
    return say("words.queued-behind", run=queued.behind, by=by and say("status.queued-by", name=by))


def interrupted(within_s: float) -> str:
    """`Interrupted; goes on by itself within 30 s.`"""
    seconds = math.ceil(within_s)
    time = length(timedelta(seconds=seconds)) if seconds % 60 == 0 else say("words.seconds", count=seconds)
    return say("words.interrupted", time=time)


_OUTCOMES = {
    "too_late": "story.outcome-too-late",
    "already_decided": "story.outcome-already-decided",
    "already_voted": "story.outcome-already-voted",
    "closed": "story.outcome-closed",
    "not_entitled": "story.outcome-not-entitled",
    "not_this_way": "story.outcome-not-this-way",
    "superseded": "story.outcome-superseded",
    "unclear": "story.outcome-unclear",
    "note_unconfirmed": "story.outcome-note-unconfirmed",
    "glass_unconfirmed": "story.outcome-glass-unconfirmed",
    "stop_or_answer": "story.outcome-stop-or-answer",
    "edit_refused": "story.outcome-edit-refused",
    "delegation_refused": "story.outcome-delegation-refused",
}


def frozen_words(freeze: Freeze, people: People) -> str:
    """`Frozen since 14:02 UTC on 22 Nov 2026 by Bo Berg: “incident 4711”`: what starts nothing, and until when."""
    return say("words.frozen", since=frozen_since(freeze, people))


def frozen_since(freeze: Freeze, people: People) -> str:
    """`since 14:02 UTC on 22 Nov 2026 by Bo Berg: “incident 4711”`, to stand after a label that says `Frozen`."""
    since = in_words(freeze.since)
    until = say("words.frozen-until", at=in_words(freeze.until)) if freeze.until else ""
    if freeze.window:
        return say("words.frozen-by-window", name=quote(freeze.window, REASON_CHARS), since=since, until=until)
    why = _why_frozen(freeze.reason)
    told = say("words.frozen-by", since=since, name=_who_froze(freeze.by, people), why=why)
    if freeze.was_listed and freeze.environment not in people.as_written.environments:
        told = say("words.frozen-unlisted", told=told, name=freeze.environment)
    if freeze.again_at is None:
        return told
    at, again = in_words(freeze.again_at), _why_frozen(freeze.again_reason)
    return f"{told}; {say('words.frozen-again', at=at, name=_who_froze(freeze.again_by, people), why=again)}"


def frozen_by(freeze: Freeze, people: People) -> str:
    """`frozen by Bo Berg: “incident 4711”`: who froze it, and why."""
    if freeze.window:
        return say("card.risk-frozen-window", name=quote(freeze.window, REASON_CHARS))
    return say("card.risk-frozen", name=_who_froze(freeze.by, people), why=_why_frozen(freeze.reason))


def _who_froze(person: PersonId, people: People) -> str:
    return people.name_of(person) if person else "sayso"


def _why_frozen(reason: str) -> str:
    return quote(reason, REASON_CHARS) if reason.strip() else say("words.frozen-no-reason")


def no_environment(where: str, known: Collection[str]) -> str:
    """Return the warning that the settings have no environment `where`, only the `known` ones; empty if they have it.

    It may be misspelt, or one of a tool's own, as it is where nothing is `known`.
    """
    if not where or not known or where in known:
        return ""
    meant = get_close_matches(where.casefold(), [one.casefold() for one in known], n=1)
    name = next((one for one in known if one.casefold() in meant), "")
    told = say("notice.freeze-unknown", where=where, names=both(list(known)))
    return f"{told} {say('notice.freeze-meant', name=name)}" if name else told


def coming_words(window: ComingWindow, moment_of: Callable[[datetime], str] | None = None) -> str:
    """`production: the window “weekend”, from Sat 28 Nov, 00:00 CET, until …`: on the clock of the window's own zone,
    or as `moment_of` words a moment.
    """
    word = moment_of or partial(moment, ZoneInfo(window.timezone))
    where = both(window.environments) or say("words.frozen-everything")
    until = say("words.frozen-until", at=word(window.until)) if window.until else ""
    name = quote(window.window, REASON_CHARS)
    return say("words.window-comes", where=where, name=name, since=word(window.since), until=until)


def outcome_name(outcome: str) -> str:
    """Return the words for why an answer did not count, by the type of its judgement."""
    return say(_OUTCOMES[outcome]) if outcome in _OUTCOMES else outcome.replace("_", " ")


_FAILURES = {
    "timeout": "story.failure-timeout",
    "connection": "story.failure-connection",
    "overloaded": "story.failure-overloaded",
    "rate_limited": "story.failure-rate-limited",
    "auth": "story.failure-auth",
    "out_of_credit": "story.failure-out-of-credit",
    "refused": "story.failure-refused",
    "too_long": "story.failure-too-long",
    "not_sent": "story.failure-not-sent",
    "no_tool": "story.failure-no-tool",
    "many_tools": "story.failure-many-tools",
    "unknown_tool": "story.failure-unknown-tool",
    "bad_arguments": "story.failure-bad-arguments",
    "bad_body": "story.failure-bad-body",
}


def failure_name(kind: str) -> str:
    """Return the word for how a model failed; one of another release as it is."""
    return say(_FAILURES[kind]) if kind in _FAILURES else kind


# The server gave no answer to read; in all other cases there was one, or nothing was asked.
_NO_ANSWERS = {"timeout", "connection", "overloaded", "rate_limited", "auth", "out_of_credit", "refused"}


def why_rules(stand_in: StandIn) -> str:
    """Return why fixed rules chose: `The model did not answer (401). Fixed rules chose the steps.`

    A run whose model failed is no rehearsal, and is never called one.
    """
    why = str(stand_in.status) if stand_in.status else failure_name(stand_in.kind)
    key = "words.model-no-answer" if stand_in.kind in _NO_ANSWERS else "words.model-no-step"
    return f"{say(key, why=why)} {say('words.rules-chose-some' if stand_in.some else 'words.rules-chose')}"


def changes_of(request: Request) -> str:
    """Return the sentences on what changed since the card before, or on what is asked now."""
    return " ".join(request.changed) or say("answer.is-now", title=request.title)


def _changed(judgement: Edited | Delegated, record: RequestRecord, people: People) -> str:
    """Return what an edit or a hand-on did, to whoever wanted it."""
    if isinstance(judgement, Delegated):
        return say("delegation.done", name=people.name_of(judgement.to))
    key = "answer.edited-approve" if judgement.may_approve else "answer.edited"
    return say(key, names=both(list(judgement.names)), who=who_decides(who_of(record), people))


def _not_entitled(judgement: NotEntitled, people: People) -> str:
    who = people.names_of(present(judgement.approvers, people)) or say("words.nobody")
    match judgement.why:
        case "requester":
            return say("answer.not-the-requester", who=who)
        case "not_addressee":
            return say("answer.not-the-addressee", who=who)
        case "not_an_approver":
            return say("answer.not-an-approver", who=who)
        case "editor":
            return say("answer.not-the-editor", who=who)
        case "handed_on":
            return say("delegation.handed-on-already", who=who)
        case "break_glass":
            return say("answer.not-break-glass", who=who)
        case "needed_later":
            return say("answer.needed-later", who=who)
        case "not_asker":
            return say("run.not-your-request")
        case "not_withdrawn":
            return say("run.withdraw-unknown")
        case "over":
            return say("answer.not-theirs-and-over")


# In the order in which people are told of them.
_HOW_TO_APPROVE = {
    "slack": "answer.way-slack",
    "console": "answer.way-console",
    "cli": "answer.way-cli",
    "api": "answer.way-api",
    "email": "answer.way-email",
}


def how_to_approve(request: RequestId, ways: Collection[str], *, has_no_room: bool = False) -> str:
    """Return how people approve in each of `ways`; where mail is none, the console needs another log-in, but not where
    a mail only has no room for it.

    Where HTTP is none, a terminal is one beside `sayso dev` alone: anywhere else it is a program with a key.
    """
    others = {} if "email" in ways or has_no_room else {"console": "answer.way-console-not-by-mail"}
    others |= {} if "api" in ways else {"cli": "answer.way-cli-not-by-key"}
    told = {"request": request, "command": command(f"answer {request} approve")}
    found = [say(how, **told) for way, how in (_HOW_TO_APPROVE | others).items() if way in ways]
    return "; ".join(found) or say("words.none")


def has_no_room(request: Request) -> bool:
    """Return whether an approval by mail would count, and a mail only has no room for all of it."""
    return "email" in ways_to_approve(request.policy) and "email" not in ways_for(request)


def _not_this_way(judgement: NotThisWay, request: Request) -> str:
    first = _NOTHING_DONE.get(judgement.act)
    ways = how_to_approve(request.id, judgement.ways, has_no_room=has_no_room(request))
    key = "answer.too-long" if judgement.too_long else "answer.not-this-way"
    why = say("answer.rests-on-mail" if judgement.rests_on_mail else key, ways=ways)
    return f"{say(first)} {why}" if first else why


_NOTHING_DONE: Mapping[Act, str] = {"edit": "answer.edit-not-this-way", "hand_on": "answer.hand-on-not-this-way"}
_OLDER: Mapping[Act, str] = {"edit": "answer.edit-out-of-date", "hand_on": "answer.hand-on-out-of-date"}


def _unclear(request: Request, judgement: Unclear) -> str:
    if judgement.why:
        is_vote = request.format == "approval"
        return say("answer.unclear-why" if is_vote else "answer.unclear-why-question", why=reason_of(judgement.why))
    if judgement.misfits:
        return say("answer.unclear-fields", reasons=told(request.fields, judgement.misfits))
    return f"{not_counted(request)} {_how_to_say_it(request)}".strip()


def not_counted(request: Request) -> str:
    """Return what was not counted and why, where the words of an answer said nothing that can be counted."""
    return say(_NOT_COUNTED.get(request.format, "answer.unclear-text"))


_NOT_COUNTED = {
    "approval": "answer.not-counted",
    "choice": "answer.not-counted-choice",
    "choices": "answer.not-counted-choice",
    "yes_no": "answer.not-counted-yes-no",
    "form": "answer.not-counted-form",
}


def _how_to_say_it(request: Request) -> str:
    match request.format:
        case "approval" if "email" in ways_for(request):
            return say("answer.unclear-approval")
        case "approval":
            return say("answer.unclear-approval-no-mail")
        case "choice" | "choices":
            numbered = "; ".join(f"{number}: {option}" for number, option in enumerate(request.options, 1))
            return say("answer.unclear-choice", options=numbered)
        case "yes_no":
            return say("answer.unclear-yes-no")
        case "form":
            names = [field.title for field in request.fields] or ["?"]
            return say("answer.unclear-form", first=names[0], names=", ".join(names))
        case "free_text":
            return ""
