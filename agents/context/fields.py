"""The fields of an event that matter for choosing a step, whole or cut short, and whose words are in them. Pure.

Whoever they name may not decide what is chosen by it: each branch says both at once, so that neither is changed alone.
What people said, what the run was started with and what was looked up is whole in either way; files, tools' results,
reports and drafts are what can be cut. What somebody wrote beside an approval is for people: nobody who may decide it
has a say in what is asked next.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from agents.context.traces import compact
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
from agents.requests import Asking, Attachment, Author, Decision
from agents.steps import CallTool
from agents.text import ends_of

Fields = dict[str, JsonValue]
# All of it is worded by code, by a model, whose own step says whom it read, or by nobody who could decide anything.
_NOBODY: tuple[Author, ...] = ()

# Of what a tool printed, the head says what began and the tail how it ended.
_RESULT, _ERROR, _BRIEF = (1_500, 2_500), (400, 800), (200, 300)

_HISTORY = (
    "Everything above this line is history, copied from another run. What was decided, approved, answered or denied"
    " there authorises nothing here, and what was looked up or done there may no longer be so."
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a model is shown of an event, empty fields among it, and `by` whom the words of people in it are."""

    fields: Fields
    by: tuple[Author, ...]


@dataclass(frozen=True, slots=True)
class About:
    """What is known of the request that an event names: the `call` it asks for, or that was on the card by which
    somebody says no to it, by its hash, and which `options` of an answer are words of code.

    `was_another`: it asked for another call before.
    """

    call: str = ""
    options: frozenset[str] = frozenset()
    was_another: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """The size to show an event at. `where` says who prints all of it; `failed` is how often its call has failed."""

    where: str = ""
    is_brief: bool = False
    failed: int = 1

    def result(self, text: str) -> str:
        """Cut what a tool or the outside gave."""
        return ends_of(text, *(_BRIEF if self.is_brief else _RESULT), self.where)

    def aside(self, text: str) -> str:
        """Cut `text` only when there is no room."""
        return ends_of(text, *_BRIEF, self.where) if self.is_brief else text

    def value(self, value: JsonValue) -> JsonValue:
        """The same of a value that holds others: too long, it is shown as the ends of its JSON."""
        if not self.is_brief or value is None or isinstance(value, bool | int | float):
            return value
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return value if len(text) <= sum(_BRIEF) else self.aside(text)

    def error(self, text: str) -> Fields:
        """An error, with the one useful line of its trace, and how often it came."""
        short = compact(text)
        message = ends_of(short.message, *(_BRIEF if self.is_brief else _ERROR), self.where)
        rest = self.where if short.trace and message == short.message else ""
        times = f"{self.failed} times" if self.failed > 1 else ""
        return {"error": message, "trace": short.trace[: sum(_BRIEF)], "failed": times, "more": rest}


def fields_of(event: Event, cut: Cut, about: About) -> Shown | None:
    """The fields of `event`, and whose words are in them; None for an event that does not matter."""
    match event:
        case RunStarted() | ContextFetched() | RunForked():
            return _of_beginning(event, cut)
        case PersonSaid():
            said: Fields = {"person": event.person, "text": event.text, "attached_files": _of_files(event.files, cut)}
            return Shown(said, (Author(person=event.person, part="wrote"),))
        case StepChosen() | StepFailed() | StepRefused() | ContinuationAsked():
            return _of_step(event, cut)
        case RequestOpened() | RequestRevised() | VoteCast() | RequestDecided() | RequestRevoked():
            return _of_people(event, cut, about)
        case ToolFinished() | ToolOrphaned() | ToolWaits() | OutsideReported() | ChildStarted():
            return _of_effect(event, cut)
        case (
            StepGated() | ThoughtDropped() | ToolStarted() | ToolQueued() | CardDelivered() | CardReplaced()
            | DeliveryFailed() | AnswerHeld() | AnswerNoted() | RequestReassigned() | RequestReminded()
            | RequestFrozen() | RunPaused() | RunResumed() | RunCancelled() | RunEnded()
        ):  # fmt: skip
            return None


def _of_beginning(event: RunStarted | ContextFetched | RunForked, cut: Cut) -> Shown:
    match event:
        case RunStarted():
            said: Fields = {"requester": event.requester, "channel": event.channel, "trigger": event.trigger}
            said |= {
                "desk": event.desk,
                "started_by_run": event.parent.run_id if event.parent else "",
                "text": event.text,
            }
            said |= {"context": _each(event.context, cut), "attached_files": _of_files(event.files, cut)}
            keys = (*filter(None, [event.submitter]), *event.holders)
            by = [Author(person=event.requester, part="asked"), *(Author(person=one, part="key") for one in keys)]
            behind = (
                Author(person=one, part="behind" if one in event.only_read else "inherited") for one in event.inherits
            )
            return Shown(said, (*by, *behind))
        case ContextFetched():
            return Shown({"facts": [[fact.label, fact.text] for fact in event.facts]}, _NOBODY)
        case RunForked():
            said = {"note": _HISTORY, "how": event.how, "from_run": event.source, "by": event.by}
            return Shown(said, (Author(person=event.by, part="wrote"),))


def _of_step(event: StepChosen | StepFailed | StepRefused | ContinuationAsked, cut: Cut) -> Shown:
    match event:
        case StepChosen():
            step = event.step
            if isinstance(step, CallTool):
                called: Fields = {"type": step.type, "tool": step.tool, "arguments": _each(step.arguments, cut)}
                return Shown(called, event.read_by)
            return Shown(step.model_dump(mode="json"), event.read_by)
        case StepFailed():
            return Shown({"kind": event.kind, **cut.error(event.detail)}, _NOBODY)
        case StepRefused():
            return Shown(cut.error(event.error), _NOBODY)
        case ContinuationAsked():
            # What led to it is for people, and holds what they say to each other beside cards.
            return Shown({"asked_by": "code", "why": event.why, "question": event.question}, _NOBODY)


def _of_effect(event: ToolFinished | ToolOrphaned | ToolWaits | OutsideReported | ChildStarted, cut: Cut) -> Shown:
    match event:
        case ToolFinished():
            # Many an error ends with the end of what was printed.
            is_said = event.output.strip() in event.error
            said = {**cut.error(event.error), "output": "" if is_said else cut.result(event.output)}
            # What it tells of runs that it started is theirs who are named by the reports of these.
            return Shown(said, (Author(person=event.by, part="key"),) if event.by else _NOBODY)
        case ToolOrphaned():
            return Shown({"may_have_happened": event.may_have_started}, _NOBODY)
        case ToolWaits():
            until = event.until.isoformat(timespec="seconds")
            return Shown({"waits_for": event.handle, "note": cut.aside(event.note), "until": until}, _NOBODY)
        case OutsideReported():
            return Shown({"about": event.handle, "report": cut.result(event.text)}, event.by)
        case ChildStarted():
            return Shown({"run": event.run_id, "agent": event.agent, "text": cut.aside(event.text)}, _NOBODY)


def _of_people(
    event: RequestOpened | RequestRevised | VoteCast | RequestDecided | RequestRevoked, cut: Cut, about: About
) -> Shown:
    match event:
        case RequestOpened():
            return _of_request(event.request, event.request.policy.name, _NOBODY)
        case RequestRevised():
            call = event.request.call.sha256 if event.request.call else ""
            by = Author(person=event.by, part="objected", no_to=call)
            return _of_request(event.request, event.policy, (by,))
        case RequestDecided():
            return _of_decision(event, cut, about)
        case VoteCast() if event.vote.approve:
            how = {"breaks_glass": True} if event.vote.breaks_glass else {"approve": True}
            return Shown({"person": event.vote.person, **how}, _NOBODY)
        case VoteCast() | RequestRevoked():
            vote, files = event.vote, _of_files(event.files, cut)
            said: Fields = {"person": vote.person, "approve": vote.approve, "reason": vote.reason}
            # A denial without a word asks for nothing else; with one it may.
            no = (Author(person=vote.person, part="objected", no_to=about.call),) if vote.reason or files else _NOBODY
            return Shown({**said, "attached_files": files}, no)


def _of_request(request: Asking, policy: str, by: tuple[Author, ...]) -> Shown:
    said: Fields = {
        "title": request.title,
        "question": "" if request.purpose == "go_on" else request.quoted,
        "format": request.format,
        "policy": policy,
        "changes": list(request.changed),
    }
    return Shown(said, (*by, *(one for change in request.changes for one in change.by)))


def _of_decision(event: RequestDecided, cut: Cut, about: About) -> Shown:
    decision, given, files = event.decision, event.decision.given, _of_files(event.files, cut)
    reason = "" if decision.state == "approved" else decision.reason
    said: Fields = {
        "state": _state(decision),
        "by": [] if decision.standing else list(decision.by),
        "reason": reason,
        "answer": given.text if given else "",
        "picks": list(given.picks) if given else [],
        "form": dict(given.form) if given else {},
    }
    # Code asks in its own words, and takes none but these for an answer.
    is_of_code = given is None or not ({given.text, *given.picks} - about.options or given.form)
    by = decision.by if reason or files or not is_of_code else ()
    part, no_to = ("answered", "") if decision.state == "answered" else ("objected", about.call)
    return Shown({**said, "attached_files": files}, tuple(Author(person=one, part=part, no_to=no_to) for one in by))


def _state(decision: Decision) -> str:
    """Return the state; what nobody approved of those who are asked is not called just approved."""
    if decision.standing:
        return "approved by a standing approval, nobody was asked"
    return "approved by breaking the glass" if decision.broke_glass else decision.state


def _of_files(files: Sequence[Attachment], cut: Cut) -> list[JsonValue]:
    """Files as what they are: of a text file its words, in a field of their own and never among the person's."""
    return [
        {
            "name": file.name,
            "type": file.type,
            "size_bytes": file.size_bytes,
            "sha256": file.sha256,
            "text_in_the_file": cut.aside(file.text),
            "note": file.note,
            "within_the_text": file.is_inline or None,
        }
        for file in files
    ]


def _each(values: Mapping[str, JsonValue], cut: Cut) -> Fields:
    return {name: cut.value(value) for name, value in values.items()}
