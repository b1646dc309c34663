"""The state of a run: plain data, as `fold` makes it of events. Pure."""

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, JsonValue

from agents.budgets import Budget, Spent
from agents.events import (
    CardDelivered,
    Change,
    ChildStarted,
    ContinuationAsked,
    Event,
    OutsideReported,
    PersonSaid,
    RequestDecided,
    RequestOpened,
    RequestRevised,
    RequestRevoked,
    RunEnded,
    RunForked,
    RunStarted,
    StepFailed,
    ToolFinished,
    ToolOrphaned,
    ToolQueued,
    ToolStarted,
    ToolWaits,
    VoteCast,
)
from agents.events.tools import Stopped
from agents.forms import FormValue, text_of
from agents.requests import (
    Attachment,
    AttemptId,
    Author,
    Decision,
    Effect,
    Fact,
    Freeze,
    GatedCall,
    Given,
    PersonId,
    Remark,
    Request,
    RequestId,
    RunId,
    StandIn,
    StepId,
    Vote,
)
from agents.requests.proof import rests_on
from agents.requests.record import RequestRecord
from agents.steps import CallTool, RequestHumanInput, Step
from agents.text import labelled
from language import in_all

M = TypeVar("M", bound=BaseModel)
D = TypeVar("D")

# A file may tell of any number of votes.
_NOTES = 20
# A step has so many children at most.
_EARLY = 50


def replace(one: D, **changes: Any) -> D:
    """Return `one`, a frozen dataclass, with `changes`.

    One without slots is copied as it is, and not made anew field by field: a run has many, and changes with each event.
    """
    fields: dict[str, Any] | None = getattr(one, "__dict__", None)
    if fields is None:
        return dataclasses.replace(one, **changes)  # pyright: ignore[reportArgumentType, reportUnknownVariableType]
    if not changes.keys() <= fields.keys():
        raise TypeError(f"{type(one).__name__} has no {sorted(changes.keys() - fields.keys())}")
    new = object.__new__(type(one))
    new.__dict__.update(fields, **changes)
    return new


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a tool's effect. With `queued` it waits for its turn, and nothing of it has happened.

    `is_stopped`: somebody denied it after its start was recorded. If nothing of it has begun, nothing does.
    `is_silent`: nothing is heard of its worker. No event says so, and only who shows the run knows it.
    """

    id: AttemptId
    started_at: datetime
    host: str
    idempotent: bool
    effect: Effect
    queued: ToolQueued | None = None
    is_stopped: bool = False
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """The effect of `attempt` is under way outside, where it is called `handle`; see `ToolWaits`.

    `looks` found no result so far. `report` is what the newest report said; with `is_news` nobody has looked since.
    """

    attempt: Attempt
    handle: str
    check_at: datetime
    until: datetime
    note: str = ""
    looks: int = 0
    report_id: str = ""
    report: str = ""
    is_news: bool = False


@dataclass(frozen=True, slots=True)
class PendingStep:
    """The chosen step that is not closed yet.

    `request` is the newest one; `decision` is set once it is approved. `replaced` is a request that was superseded,
    with the reason. `attempt` runs now, as far as the events say; `waits` is for the result of one that ended;
    `unknown` is an attempt of which nobody knows whether its effect happened. `early` are reports that came before it
    was known what they are about. `raised` is set where code asks, and no agent chose it: whether to go on. `held` is
    the chosen step that waits for that answer; `again`: people let it go once more, though it gave the same twice.
    While it is `frozen` it does not start. `revoked` is a denial that came while it was queued. `earlier_attempt` may
    have had its effect as well, and is left to the next one, which has the same key. `by_model`: a model chose it, and
    its words are its own. `child` is the end of the run that it started.
    """

    id: StepId
    step: Step
    gate: str | None
    request: Request | None = None
    decision: Decision | None = None
    replaced: tuple[Request, str] | None = None
    attempt: Attempt | None = None
    unknown: Attempt | None = None
    raised: ContinuationAsked | None = None
    held: "PendingStep | None" = None
    again: bool = False
    early: tuple[OutsideReported, ...] = ()
    waits: Waiting | None = None
    by_model: bool = False
    frozen: Freeze | None = None
    revoked: Vote | None = None
    earlier_attempt: Attempt | None = None
    child: OutsideReported | None = None

    @property
    def effect(self) -> Effect | None:
        """What the step does outside, as it was begun or is asked for; None where it has none, or none is known yet."""
        held = self.attempt or self.unknown or (self.waits and self.waits.attempt)
        call = self.request.call if self.request else None
        return held.effect if held else call.effect if call else None

    @property
    def has_begun(self) -> bool:
        """True if its effect is under way: too late to take anything back, and not to be forgotten."""
        return self.attempt is not None or self.waits is not None

    @property
    def may_be_stopped(self) -> bool:
        """True while nothing of it has happened, as it waits for its turn at most."""
        is_queued = self.attempt is not None and self.attempt.queued is not None
        return self.unknown is None and (is_queued or not self.has_begun)


def left_to_next(pending: PendingStep | None) -> AttemptId | None:
    """Return the attempt that may have had its effect, where the next one of `pending` is to find that out."""
    if pending is None or pending.has_begun or pending.unknown or pending.earlier_attempt is None:
        return None
    return pending.earlier_attempt.id


def orphaned_again(pending: PendingStep | None, at: datetime) -> list[Event]:
    """Return what is written where no attempt follows one that may have had its effect, so that people are asked."""
    earlier = left_to_next(pending)
    return [ToolOrphaned(at=at, attempt_id=earlier, may_have_started=True)] if earlier else []


def raised_over(pending: PendingStep | None, event: ContinuationAsked) -> PendingStep | None:
    """The question that code raised, holding `pending`; what people were asked about, or what runs, is not held."""
    if pending and (pending.raised or pending.request or pending.has_begun or pending.unknown):
        return pending
    # Nobody reads these options: the request that is opened says them in the language of whoever asked for the run.
    options = (in_all(GO_ON)[0], in_all(STOP)[0])
    asked = RequestHumanInput(question=event.question, format="choice", options=options)
    return PendingStep(event.step_id, asked, None, raised=event, held=pending)


@dataclass(frozen=True, slots=True)
class Result:
    """The end of a step. `kind` `ok` and `answered` are good ends; `text` is for the next step to read.

    `form` is the answer to a form, by the names of its fields; `child` is the end of the run that the step started.
    `environment` is where the step had its effect, or was to; `step_id` is that of the step; `call` is what people were
    asked last about it. `unapproved`: it was refused, as no approval of it could be or holds.
    """

    step: Step
    kind: Literal["ok", "error", "answered", "denied", "revoked", "expired", "withdrawn", "refused"]
    text: str
    by: tuple[PersonId, ...] = ()
    form: Mapping[str, FormValue] = field(default_factory=dict[str, FormValue])
    child: OutsideReported | None = None
    environment: str | None = None
    step_id: StepId | None = field(default=None, compare=False)
    call: GatedCall | None = field(default=None, compare=False)
    unapproved: bool = False

    @property
    def is_no(self) -> bool:
        """Whether somebody refused the step, or took it back."""
        return self.kind in {"denied", "revoked", "withdrawn"}

    @property
    def stopped(self) -> Stopped | None:
        """How people stopped this step, or what the run was to do that it started; None where they did not."""
        match self.kind:
            case "denied" | "revoked" | "expired" | "withdrawn":
                return Stopped(how=self.kind, by=self.by, reason=self.text, environment=self.environment)
            case _:
                return self.child.stopped if self.child else None

    def filled(self, model: type[M]) -> M:
        """Return the answer to a form as `model`.

        Raises ValueError where that has a check of its own which refuses it, or where this is no answer to such a form.
        """
        return model.model_validate_json(json.dumps(dict(self.form)), by_name=True)


def after_news(pending: PendingStep, children: Collection[RunId], event: ToolWaits | OutsideReported) -> PendingStep:
    """`pending` after an attempt went on outside, or after news of it: of its handle, or of this step's child run."""
    waits, held = pending.waits, pending.attempt or pending.unknown
    match event:
        case ToolWaits() if held and held.id == event.attempt_id:
            # Of an unknown attempt the owner was only slow: that it goes on is better known than asked for.
            left = pending if pending.attempt else replace(pending, unknown=None, request=None, decision=None)
            left = replace(left, earlier_attempt=None)
            begun = Waiting(held, event.handle, event.check_at, event.until, event.note)
            for report in pending.early:
                begun = _reported(begun, children, report)
            return replace(left, attempt=None, early=(), waits=begun)
        case ToolWaits() if waits and waits.attempt.id == event.attempt_id:
            again = replace(waits, handle=event.handle, check_at=event.check_at, until=event.until, note=event.note)
            return replace(pending, waits=replace(again, looks=waits.looks + 1, is_news=False))
        case OutsideReported() if waits:
            return replace(pending, waits=_reported(waits, children, event))
        case OutsideReported():
            return replace(pending, early=(*pending.early, event)[-_EARLY:])
        case _:
            return pending


def _reported(waits: Waiting, children: Collection[RunId], event: OutsideReported) -> Waiting:
    if event.report_id == waits.report_id or (event.handle != waits.handle and event.handle not in children):
        return waits
    return replace(waits, report_id=event.report_id, report=event.text, is_news=True)


def gated(pending: PendingStep, gate: str) -> PendingStep:
    """Under another gate an earlier approval is worth nothing."""
    return replace(pending, gate=gate, request=None, decision=None, frozen=None)


def amended(chosen: Step, event: RequestRevised) -> Step:
    """Return the step as people decide on it: that is executed, not what was first proposed."""
    call = event.request.call
    if call is None or not isinstance(chosen, CallTool):
        return chosen
    return chosen.model_copy(update={"arguments": dict(call.arguments)})


def is_current(pending: PendingStep, request_id: RequestId) -> bool:
    """Return whether that request is the newest one about the step."""
    return pending.request is not None and pending.request.id == request_id


def meaning_of(given: Given | None) -> str:
    """Return what was answered, in the question's format: labels for a choice that was answered by its number."""
    if given is None:
        return ""
    lines = given.picks or tuple(labelled(name, text_of(value)) for name, value in given.form.items())
    return "\n".join(lines) or given.text


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """The outcome of an attempt that `request_id` allowed, None where nobody had to be asked.

    `left`: its owner went away, and another attempt is harmless. `unknown`: nobody knows whether its effect happened.
    `not_done`: people say that it did not. `text` is its output or its error; `by` are those who said what it was.
    `files` hold all that a failed command printed. `changes`: its tool does not only look. `never_began`: whoever was
    to make it knows that nothing of it has happened. `refused`: its tool said so, with that error. `begun_by` is the
    owner of the key of a program that makes it outside of sayso: what is known of it is what that program says, and
    nothing is where `text` is empty.
    """

    id: AttemptId
    request_id: RequestId | None
    started_at: datetime
    idempotent: bool
    step_id: StepId
    state: Literal["running", "ok", "error", "left", "unknown", "not_done"] = "running"
    text: str = ""
    ended_at: datetime | None = None
    by: tuple[PersonId, ...] = ()
    tool: str = ""
    files: tuple[Attachment, ...] = ()
    effect: Effect | None = None
    changes: bool = False
    never_began: bool = False
    refused: bool = False
    begun_by: PersonId = field(default=PersonId(""))

    @property
    def is_settled(self) -> bool:
        """Whether no more is waited for: it has a result, which may be that it takes too long, or people said one."""
        return self.ended_at is not None and self.state not in {"running", "left"}

    @property
    def came_to(self) -> Change:
        """What it changed, as far as that is known."""
        return _CAME_TO.get(self.state, "unknown")


_CAME_TO: Mapping[str, Change] = {"ok": "changed", "error": "failed", "not_done": "nothing"}


def made_after(
    made: tuple[AttemptOutcome, ...], event: ToolStarted | ToolFinished | ToolOrphaned
) -> tuple[AttemptOutcome, ...]:
    """`made` after what happened to one of them. A result counts whenever it comes."""
    match event:
        case ToolStarted() if all(one.id != event.attempt_id for one in made):
            begun = AttemptOutcome(event.attempt_id, event.request_id, event.at, event.idempotent, event.step_id)
            begun = replace(begun, tool=event.tool, effect=event.effect, changes=event.changes, begun_by=event.by)
            return (*made, replace(begun, state="ok", ended_at=event.at) if event.unreported else begun)
        case ToolStarted():
            return made
        case ToolFinished():
            return tuple(_finished(one, event) if one.id == event.attempt_id else one for one in made)
        case ToolOrphaned():
            return tuple(_left(one, event) if one.id == event.attempt_id else one for one in made)


def _finished(one: AttemptOutcome, event: ToolFinished) -> AttemptOutcome:
    state = "unknown" if event.unknown else "error" if event.error else "ok"
    told = replace(one, state=state, text=event.error or event.output, ended_at=event.at, by=(), files=event.files)
    return replace(told, never_began=False, refused=event.refused)


def _left(one: AttemptOutcome, event: ToolOrphaned) -> AttemptOutcome:
    is_again = one.state == "left" and event.may_have_started
    if one.state != "running" and not is_again:
        return one
    is_unknown = event.may_have_started and (is_again or not one.idempotent)
    return replace(one, state="unknown" if is_unknown else "left", never_began=not event.may_have_started)


def settled_by_people(
    made: tuple[AttemptOutcome, ...],
    attempt_id: AttemptId,
    state: Literal["ok", "not_done"],
    by: tuple[PersonId, ...],
    at: datetime,
) -> tuple[AttemptOutcome, ...]:
    """`made` once people have said what became of an attempt that nobody knew of."""
    return tuple(replace(one, state=state, by=by, ended_at=at) if one.id == attempt_id else one for one in made)


def failed_command(made: Sequence[AttemptOutcome]) -> AttemptOutcome | None:
    """Return the last attempt whose command failed and printed something, unless that tool has worked since."""
    for place, one in reversed(tuple(enumerate(made))):
        if one.state == "error" and one.files:
            return None if any(later.state == "ok" and later.tool == one.tool for later in made[place:]) else one
    return None


def failed_last(made: Sequence[AttemptOutcome]) -> AttemptOutcome | None:
    """Return the last attempt of all where it failed."""
    return made[-1] if made and made[-1].state == "error" else None


def made_for(made: Sequence[AttemptOutcome], request_id: RequestId) -> AttemptOutcome | None:
    """Return what became of what a request allowed; None where nothing of it has begun."""
    own = [one for one in made if one.request_id == request_id and not one.never_began]
    return what_counts(own) if own else None


def what_counts(tried: Sequence[AttemptOutcome]) -> AttemptOutcome:
    """Return of all attempts at one call, of which there is one at least, that which says what became of it.

    That is the attempt that worked, if one did, else the last that may have begun: it finds out what earlier ones did.
    The result of an attempt that was given up may come when the next one has begun, and says nothing of that.
    """
    worked = [one for one in tried if one.state == "ok"]
    begun = [one for one in tried if not one.never_began]
    return (worked or begun or tried)[-1]


# What a message in a run's thread came to: words for it, or a stop.
RunState = Literal["running", "waiting", "paused", "unknown", "done", "failed", "cancelled"]

NOT_YET = RunId("")
# The answers to "did it happen?" and to "go on?": a request holds these keys beside the sentences of its one language.
IT_HAPPENED, IT_DID_NOT = "agent.it-happened", "agent.it-did-not-happen"
GO_ON, USE_RULES, STOP = "agent.go-on", "agent.use-fixed-rules", "agent.stop-the-run"


@dataclass(frozen=True, slots=True)
class ArgumentEdit:
    """`editor` gave the argument `name` of a call of `tool` this value; `is_own`: as one of those who asked for it.

    `meant` is what the value stood for, as a tag for a commit, and `was` the one before it. `step_id` is the call's;
    None in a copy that goes on with it, where it has another one.
    """

    tool: str
    name: str
    value: JsonValue
    editor: PersonId
    is_own: bool = False
    step_id: StepId | None = None
    was: JsonValue = field(default=None, compare=False)
    meant: JsonValue = None


@dataclass(frozen=True)
class Run:
    """The state of a run after `seq` events. `requests` are the records of all that it asked, by their ids, and
    `asked` are all whom it ever asked. `ended_children` are those whose end was reported to it, with what they
    changed as far as it heard.

    `writers` wrote to it; `unheard` of them did after the last step that may have taken account of it. `others` stand
    among those who had a part in it and only may be one of them, as the directory is now. `read_by` are those whose
    words were read when its steps were chosen, or stand in what it asked or a child told it since: where they could
    approve what comes of it, they are requesters of that. `edits` are what people changed: none of those who decide
    approves a call that holds their own. `forked` is set where it goes on from a copied story, of which it keeps
    results and facts to read, and nothing that was asked, allowed, begun or used up; so many of its first results are
    `copied`, and may be true no longer. `before` is the run of that story, for what people said no to in it. `beside`
    is what people wrote, asked and answered beside the approval of the step that it takes over, and what was written to
    the run since its next call was chosen. `is_rehearsal`: rules chose steps, as there is no model; `stand_in`: as it
    gave none; with `rules_only` people had them choose from then on. `ending` is the last step that was to end it;
    `end_refused`: code did not let one stand; `looked_at_end`: its facts are those that code looked up once more at its
    end. `child_changes` are what the tools of children did, one for each that has ended, and `child_live` what they saw
    live, and when. By these `ways` came the answers and words that it goes by: each of them must count for what it does
    by itself. `weakness` says why some prove too little for an approval. `heard_late` are the attempts whose result
    ended no step, and the runs that it started of which it heard again, and `heard_after` those of them of which it
    heard after its end. `fallback` is the model that is asked for the next step in place of the agent's own. `at_pause`
    is the run before it was paused.
    """

    id: RunId = NOT_YET
    seq: int = 0
    started: RunStarted | None = None
    facts: tuple[Fact, ...] | None = None
    pending: PendingStep | None = None
    requests: Mapping[RequestId, RequestRecord] = field(default_factory=dict[RequestId, RequestRecord])
    results: tuple[Result, ...] = ()
    copied: int = 0
    before: "Run | None" = field(default=None, repr=False, compare=False)
    orphans: tuple[tuple[AttemptId, StepId], ...] = ()
    made: tuple[AttemptOutcome, ...] = ()
    budget: Budget = field(default_factory=Budget)
    failures: tuple[StepFailed, ...] = ()
    retry_at: datetime | None = None
    fallback: str = ""
    is_rehearsal: bool = False
    stand_in: StandIn | None = None
    rules_only: bool = False
    children: tuple[ChildStarted, ...] = ()
    ended_children: Mapping[RunId, Change] = field(default_factory=dict[RunId, Change])
    child_changes: tuple[Change, ...] = ()
    child_live: Mapping[str, tuple[str, datetime]] = field(default_factory=dict[str, tuple[str, datetime]])
    ending: StepId | None = None
    end_refused: bool = False
    looked_at_end: bool = False
    cards: tuple[CardDelivered, ...] = ()
    voters: frozenset[PersonId] = frozenset()
    asked: frozenset[PersonId] = frozenset()
    writers: tuple[PersonId, ...] = ()
    others: frozenset[PersonId] = frozenset()
    unheard: tuple[PersonId, ...] = ()
    ways: tuple[str, ...] = ()
    weakness: str = ""
    read_by: tuple[Author, ...] = ()
    edits: tuple[ArgumentEdit, ...] = ()
    is_paused: bool = False
    paused_at: datetime | None = None
    paused_by: PersonId | None = None
    paused_with: RunId | None = None
    restored_from: datetime | None = None
    at_pause: "Run | None" = field(default=None, repr=False, compare=False)
    cancelled_by: PersonId | None = None
    stopped_with: RunId | None = None
    ended: RunEnded | None = None
    heard_late: tuple[AttemptId | RunId, ...] = ()
    heard_after: tuple[AttemptId | RunId, ...] = ()
    forked: RunForked | None = None
    beside: tuple[Remark, ...] = ()

    @property
    def is_cancelled(self) -> bool:
        """True if it is to end: a person said so, or the run that started it."""
        return self.cancelled_by is not None or self.stopped_with is not None

    @property
    def steps(self) -> int:
        """The number of steps that were chosen."""
        return self.budget.spent.steps

    @property
    def spoken_for(self) -> Spent:
        """The run's own use, and what was set aside for its children that have not ended."""
        spent = self.budget.spent
        for child in self.children:
            if child.run_id not in self.ended_children:
                spent = spent.beside(child.max_tokens, child.max_cost_usd)
        return spent

    @property
    def open(self) -> RequestId | None:
        """The newest request that people can still answer, whatever its step became."""
        return next((about for about, one in reversed(tuple(self.requests.items())) if one.state == "open"), None)

    @property
    def left_over(self) -> RequestId | None:
        """A request whose approval nothing uses any more: an earlier attempt at its step came to an end after all."""
        done = {one.step_id for one in self.results if one.kind in {"ok", "error"}}
        begun = {one.step_id: one.started_at for one in self.made if one.step_id in done}
        waits = ((about, one.request) for about, one in self.requests.items() if one.waits)
        later = (about for about, one in waits if one.step_id in begun and begun[one.step_id] < one.opened_at)
        return next(later, None)

    @property
    def broke_glass(self) -> Mapping[RequestId, PersonId]:
        """Those who broke the glass, and for which request."""
        return {about: vote.person for about, one in self.requests.items() for vote in one.cast if vote.breaks_glass}

    @property
    def deciders(self) -> Mapping[RequestId, tuple[PersonId, ...]]:
        """Those whose word is the decision of a request: an approval that was not used any more decided nothing."""
        return {
            about: one.decision.by
            for about, one in self.requests.items()
            if one.decision and one.is_voted and self._counts(about, one)
        }

    @property
    def notes(self) -> tuple[tuple[RequestId, PersonId, str], ...]:
        """What stands beside approvals, of which nobody reads more below an outcome than the newest few."""
        found = (
            (about, vote.person, vote.reason)
            for about, one in self.requests.items()
            if one.state != "superseded" and self._counts(about, one)
            for vote in one.cast
            if vote.approve and vote.reason and not vote.breaks_glass
        )
        return tuple(found)[-_NOTES:]

    def _counts(self, about: RequestId, record: RequestRecord) -> bool:
        """Return whether nobody took an approval back before anything of it began."""
        return record.state != "revoked" or made_for(self.made, about) is not None

    @property
    def by_glass(self) -> tuple[PersonId, ...]:
        """Those who broke the glass for what has begun: where that did not, others may have approved it since."""
        begun = (one for about, one in self.broke_glass.items() if made_for(self.made, about) and self.stands(about))
        return tuple(dict.fromkeys(begun))

    def stands(self, request_id: RequestId) -> bool:
        """Return whether nobody has said that what the request allowed did not happen: it is asked anew then."""
        made = made_for(self.made, request_id)
        return made is None or made.state != "not_done"

    def may_begin(self, request_id: RequestId) -> bool:
        """Return whether what that request approved is still to begin."""
        pending = self.pending
        return pending is not None and is_current(pending, request_id) and pending.may_be_stopped

    def has_begun(self, pending: PendingStep) -> bool:
        """Return whether the step's effect was begun, however that went: under its own id it may have happened."""
        return pending.has_begun or pending.unknown is not None or any(step == pending.id for _, step in self.orphans)

    @property
    def text(self) -> str:
        """The text that was asked for, in the requester's words."""
        return self.started.text if self.started else ""

    @property
    def queued(self) -> ToolQueued | None:
        """Behind whom the attempt that is to run waits for its turn; None where none waits."""
        return self.pending.attempt.queued if self.pending and self.pending.attempt else None

    @property
    def is_silent(self) -> bool:
        """Whether nothing is heard of the worker of what is under way, as far as who shows it has looked."""
        return self.pending is not None and self.pending.attempt is not None and self.pending.attempt.is_silent

    def silent(self) -> "Run":
        """Return it as it is shown while nothing is heard of its worker."""
        pending = self.pending
        if pending is None or pending.attempt is None or pending.attempt.queued:
            return self
        return replace(self, pending=replace(pending, attempt=replace(pending.attempt, is_silent=True)))

    @property
    def freeze(self) -> Freeze | None:
        """What holds back the step that people let it take; None where nothing does."""
        pending = self.pending
        if self.ended or pending is None or pending.decision is None or pending.attempt:
            return None
        return pending.frozen

    @property
    def state(self) -> RunState:
        """The word that people see."""
        if self.ended:
            return self.ended.outcome
        if self.pending and self.pending.unknown:
            return "unknown"
        if self.is_paused:
            return "paused"
        pending = self.pending
        request = pending.request if pending else None
        asks = pending is not None and request is not None and pending.decision is None
        is_held = pending is not None and (pending.frozen or (request is not None and bool(request.program)))
        holds = pending is not None and (pending.waits or (is_held and not pending.attempt))
        return "waiting" if asks or holds else "running"


def read_late(run: Run, asked: Request) -> list[Vote]:
    """Return the denials that came too late and say why: that stands beside the same call once it is `asked` again."""
    step_id = asked.step_id if asked.purpose == "gate" else None
    stopped = (one.stopped for one in run.requests.values() if one.request.step_id == step_id)
    return [no for no in stopped if no and no.reason.strip()]


def proof_after(run: Run, event: Event) -> tuple[tuple[str, ...], str]:
    """Return `ways` and `weakness` of `run` after `event`: how certainly words that it goes by are their person's.

    A mail that answers a question names its card, as an approval does; one to its thread, a denial, or what is only
    written, need not. And whoever has an API key may be a program.
    """
    match event:
        case RequestDecided() if event.decision.state == "answered":
            told = event.decision
        case RequestDecided() if event.decision.by and (event.decision.reason or event.files):
            told = event.decision
        case VoteCast() | RequestRevoked() if not event.vote.approve and (event.vote.reason or event.files):
            told = event.vote
        case RequestRevised():
            told = event.edited or event
        case RequestOpened() if late := read_late(run, event.request):
            told = late[-1]
        case PersonSaid():
            told = event
        case RunStarted():
            return _also(run.ways, ["email"] if event.by_mail else ()), run.weakness
        case OutsideReported():
            ways = (*event.ways, *(["email"] if event.by_mail else []))
            return _also(run.ways, ways), run.weakness or event.weakness
        case _:
            return run.ways, run.weakness
    answered = event.decision if isinstance(event, RequestDecided) and event.decision.state == "answered" else None
    is_answer = answered is not None and not answered.in_thread
    is_mail = told.channel == "email"
    weakness = "written to by mail" if is_mail and not is_answer else ""
    weakness = "said with an API key" if told.channel == "api" else weakness
    return _also(run.ways, rests_on(told.proof) if told.proof else ()), run.weakness or weakness


def _also(ways: tuple[str, ...], more: Collection[str]) -> tuple[str, ...]:
    return ways if {*ways}.issuperset(more) else tuple(sorted({*ways, *more}))


def edits_after(run: Run, event: RequestRevised) -> tuple[ArgumentEdit, ...]:
    """Return the edits that `run` knows of after a revision."""
    call, pending = event.request.call, run.pending
    if call is None:
        return run.edits
    now, stood = call.arguments, pending and is_current(pending, event.request.id) and pending.request
    was = event.edited.before if event.edited else stood.call.arguments if stood and stood.call else now
    changed = event.edited.changed if event.edited else [name for name in now if now[name] != was.get(name)]
    names, is_own = [name for name in dict.fromkeys(changed) if name in now], event.edited is None
    step_id = event.request.step_id
    new = [
        ArgumentEdit(call.tool, name, now[name], event.by, is_own, step_id, was.get(name), call.meant[name])
        for name in names
    ]
    return (*run.edits, *(one for one in new if one not in run.edits))


def editors_of(run: Run, call: GatedCall) -> dict[str, tuple[PersonId, ...]]:
    """Return all who ever gave which argument of `call` the value that it has there, whoever did so as well, and by
    whichever name: a tag, or the commit that it stands for.

    What only a requester ever chose is nobody's edit.
    """
    here, meant, found = call.arguments, call.meant, dict[str, tuple[PersonId, ...]]()
    for one in run.edits:
        if one.is_own or one.tool != call.tool or one.name not in here:
            continue
        if one.value == here[one.name] or one.meant == meant[one.name]:
            found[one.name] = tuple(dict.fromkeys((*found.get(one.name, ()), one.editor)))
    return found
