"""Runs and requests as programs see them: over HTTP, and in `--json`. Pure."""

import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError

from agents.deploy.results import DEPLOYS, ROLLBACKS, live_seen
from agents.events import Change, Event, RequestDecided
from agents.forms import FormField
from agents.requests import (
    Attachment,
    Decision,
    Effect,
    Format,
    Frozen,
    GatedCall,
    PersonId,
    Purpose,
    Remark,
    Request,
    RequestId,
    RequestState,
    RunId,
    StandIn,
    Urgency,
    Vote,
)
from agents.requests.asked import Asked, Away, HandedOn
from agents.requests.record import Comment, RequestRecord
from agents.run import Run, RunState
from agents.state import AttemptOutcome
from agents.text import first_line, one_line
from bot.people.directory import People
from bot.people.offers import approvers_now
from bot.people.recognition import as_known_now, as_told_now
from bot.policy.approvers.who import who_of
from bot.policy.due import next_due
from bot.policy.glass import broken
from bot.policy.judge import ways_for
from bot.policy.recheck import good_until, too_old
from bot.policy.whole import is_of_program
from bot.render.became import became
from bot.render.cards import NO_LISTS, facts_about, kept_out, risks_of, void_lines, who_asks
from bot.render.due import progress, what_a_yes_does
from bot.render.in_run import InRun
from bot.render.outcome import told, word_of
from bot.render.words import frozen_words, present, who_decides, why_asked, wish
from language import say

if TYPE_CHECKING:
    from bot.store.commit import Line


class ResultView(Frozen):
    """The result that closed one step."""

    kind: Literal["ok", "error", "answered", "denied", "revoked", "expired", "withdrawn", "refused"]
    text: str


class FileView(Frozen):
    """A file that came with what started a run, or holds what a failed command printed.

    `name` and `type` are its sender's words, `sha256` is hex. `is_inline`: a small picture within the text, such as a
    logo.
    """

    name: str
    type: str
    size_bytes: int
    sha256: str
    note: str
    is_inline: bool


class AnswerFile(FileView):
    """A file that came with an answer; `text` is that of a text file, or its beginning, in the sender's words."""

    text: str


class ForkView(Frozen):
    """The source of a copied run, and how many of its events were copied.

    Of an import, `source` is what the file says.
    """

    how: Literal["fork", "retry", "import"]
    source: RunId
    at_seq: int
    by: PersonId


class EffectView(Frozen):
    """What a run did to an environment, by the effect's own `result`, whatever became of the run afterwards.

    `request_id` allowed it; `commit` is what it was to put live. Each is empty where there is none.
    """

    model_config = ConfigDict(extra="ignore")

    environment: str
    result: Literal["running", "ok", "error", "left", "unknown", "not_done"]
    started_at: AwareDatetime
    request_id: RequestId | None = None
    commit: str = ""
    ended_at: AwareDatetime | None = None


ListedAs = Literal[RunState, "denied", "unchanged", "answered"]
"""How a run stands, for a list: what people denied is kept as failed; what changed nothing, as done."""


class Summary(Frozen):
    """A run in a list.

    `word` says more than `state` of how it ended: `denied` by people, `unchanged` where nothing was changed though that
    was wished. `outcome` is only what is said of it: by a model or by our own code, as `words_of` says. `change` is
    what its tools did, and `live` what they or code saw live last, by environment; `says_live` is as much of that as
    `outcome` says itself. `effects` are the newest on environments, oldest first. `by_model`: a model worded the
    `text`, for a run that it started. `is_silent`: nothing is heard of the worker that executes something in
    it, and `word` is `interrupted`.
    """

    id: RunId
    agent: str
    state: RunState
    requester: PersonId
    text: str
    started_at: AwareDatetime
    open: RequestId | None = None
    outcome: str = ""
    is_rehearsal: bool = False
    stand_in: StandIn | None = None
    word: str = ""
    words_of: Literal["code", "model"] = "code"
    change: Change | None = None
    live: dict[str, str] = Field(default_factory=dict[str, str])
    says_live: dict[str, str] = Field(default_factory=dict[str, str])
    effects: tuple[EffectView, ...] = ()
    by_model: bool = False
    is_silent: bool = False

    def silent(self) -> "Summary":
        """Return it as it is shown while nothing is heard of its worker."""
        return self.model_copy(update={"word": "interrupted", "is_silent": True})

    @property
    def wish(self) -> str:
        """Return `text` as people are shown it: as a model's words where they are."""
        return wish(self.text, _TEXT_CHARS, by_model=self.by_model)

    def told(self, chars: int) -> str:
        """Return what is told of how the run ended: first what code knows, a model's words only as that."""
        if self.change is None:
            return self.outcome
        return told(self.outcome, self.state, self.words_of, self.change, self.live, self.says_live, chars)


class Status(Frozen):
    """The figures of an installation; `needs` says in words what a person has to look at, `frozen` what is frozen.

    `lag_s` is for how long the oldest work waits that could be taken, or how late workers look after what is due.
    `decided_24h` are the decisions of the last 24 h, and `decision_p50_s` the time that half of them took at most.
    `unsealed` facts wait to be sealed for the audit log, the oldest for `unsealed_s`. `answers`,
    `ended` (`unchanged` of those ended as done and did not do what was wished), `delivery_failures`, `expired`,
    `glass_broken`, the times that decisions and calls of models took, and what models used are counted since ever.
    `…_within` names seconds, and how many took no longer. `lags_s` is by kind of work: `schedule` is how late workers
    look after what is due, `audit` is `unsealed_s`. `store_format` is the number of the store's format. What a newer
    release says besides is left out.
    """

    model_config = ConfigDict(extra="ignore")

    store_format: int
    needs: tuple[str, ...]
    runs: dict[str, int]
    started: int
    open: int
    open_by_age: dict[str, int]
    oldest_open_s: float
    decided_24h: int
    decision_p50_s: float | None
    answers: dict[str, int]
    expired: int
    ready: int
    lag_s: float
    outbox: int
    dead_letters: int
    quarantined: int
    delivery_failures: dict[str, int]
    model_calls: int
    model_tokens: dict[str, int]
    cost_usd: float
    unsealed: int = 0
    unsealed_s: float = 0.0
    frozen: tuple[str, ...] = ()
    ended: Mapping[str, int] = {}
    unchanged: int = 0
    glass_broken: int = 0
    decisions_within: Mapping[str, int] = {}
    decision_mean_s: float | None = None
    ready_by_work: Mapping[str, int] = {}
    lags_s: Mapping[str, float] = {}
    model_outcomes: Mapping[str, int] = {}
    unpriced_calls: int = 0
    model_calls_within: Mapping[str, int] = {}
    model_call_mean_s: float | None = None


class Turn(Frozen):
    """A run that deploys, or waits for its turn, `since` then; `text` is what its requester wants."""

    run: RunId
    requester: PersonId
    text: str
    since: AwareDatetime


class Turns(Frozen):
    """Who deploys to an environment, None for nobody, and who waits for it, whoever waits longest first."""

    running: Turn | None = None
    waiting: tuple[Turn, ...] = ()


class EnvironmentView(Turns):
    """An environment: what is live there, the policy that decides about it, null for none, and whose turn it is."""

    name: str
    live: str
    policy: str | None


class RunView(Summary):
    """A run after `seq` events. `forks` are the runs that were made of it, where it is shown alone.

    `outputs` hold all that its failed commands printed. `archived_at` is when it left for the archive.
    """

    seq: int
    results: tuple[ResultView, ...]
    files: tuple[FileView, ...] = ()
    outputs: tuple[FileView, ...] = ()
    forked: ForkView | None = None
    forks: tuple[RunId, ...] = ()
    archived_at: AwareDatetime | None = None


class FactView(Frozen):
    """A fact on a card.

    `lines` is set if `text` is only the beginning of a list: how many there are in all. `whole` is all of that list,
    where the request is shown alone and the list is still kept.
    """

    label: str
    text: str
    lines: int = 0
    whole: str = ""


class StepView(Frozen):
    """The step that a request is in: its `number`, from 1, `of` how many."""

    number: int
    of: int
    name: str


class DueView(Frozen):
    """What is due next for an open request."""

    kind: Literal["reminder", "escalation", "expiry"]
    at: AwareDatetime
    people: tuple[PersonId, ...] = ()


class ReportView(Frozen):
    """The word of a program on what it did: `summary` is its own."""

    ok: bool
    summary: str
    at: AwareDatetime


class RequestView(Frozen):
    """A request as it stands, with everything that is needed to decide it. `says` and `facts` stand on every card:
    who asks, who set it off and what was looked up. `risks` stand above all of it: what freezes it, what code found
    risky, and what is not known.

    `askers` are those of the `requesters` who asked or steered, and who steered since; the others only may not decide.
    `digest` is what an approval must name, `rule` who decides in words. `words` is what the run began with;
    `words_are_own` if they are certainly whose the card says. `quoted` is the wording of a question, which a model may
    have written. `is_rehearsal`: plain rules chose the step, as there is no model;
    `stand_in`: as it failed so. `program`: whose API key the program
    has that asks by itself. `service` is whose API key asked, `key_holders` in whose hands that is. `remarks` are what
    requesters wrote after people were asked, `comments` the newest words beside it, which decide nothing: comments,
    questions to whoever asked, and their answers.
    `may_not_decide` says why somebody does not whom the policy names. `may_act` is for that program, where the request
    is shown alone: whether it may begin what it wanted to be approved, null while that is open, false once it began.
    `became` is how an approved one of an agent stands by now, such as `failed`, where it is shown alone.
    `use_by` is until when it may, `begun_by` who began it at `started_at`, and `came_of` what that program says came of
    it; `stopped_by` stopped its run, so that what is approved does not begin. `next_due` is null once it is decided,
    `step` where its policy has no steps; `reminded` is the number of the last reminder.
    `handed_on` says in order whose seat went to whom, `away` who is asked and away.
    `may_break_glass` may decide alone in an emergency; `review` is the run that asks afterwards whether that was right.
    `asked_because` says why each of those who may decide is asked, where that is known, and `progress` how many have
    approved an open one: `1 of 2 approvals`, in steps `step 1 of 2, finance`, or nothing where one is enough.
    `void` says of approvals that count no more whose they are and why.
    `frozen` says what holds an approved one back, `gathered` who gets an open one in one message with others, and why.
    `approve_from` are the ways by which an approval of an open one counts, `if_approved` what happens then, in words.
    `files` came with the answer that decided it, where a program asked and it is shown alone.
    """

    id: RequestId
    run_id: RunId
    state: RequestState
    title: str
    quoted: str
    format: Format | Literal["approval"]
    options: tuple[str, ...]
    fields: tuple[FormField, ...]
    revision: int
    digest: str
    requesters: tuple[PersonId, ...]
    askers: tuple[PersonId, ...]
    policy: str
    may_decide: tuple[PersonId, ...]
    may_break_glass: tuple[PersonId, ...] = ()
    review: RunId | None = None
    quorum: int
    rule: str
    votes: tuple[Vote, ...]
    call: GatedCall | None
    changes: tuple[str, ...]
    remarks: tuple[Remark, ...] = ()
    comments: tuple[Comment, ...] = ()
    may_not_decide: dict[PersonId, str] = Field(default_factory=dict[PersonId, str])
    opened_at: AwareDatetime
    expires_at: AwareDatetime
    started_at: AwareDatetime | None
    decision: Decision | None
    is_rehearsal: bool
    stand_in: StandIn | None = None
    program: str = ""
    purpose: Purpose = "question"
    may_act: bool | None = None
    use_by: AwareDatetime | None = None
    begun_by: PersonId = PersonId("")
    stopped_by: PersonId = PersonId("")
    became: str = Field(default="", exclude_if=operator.not_)
    came_of: ReportView | None = Field(default=None, exclude_if=operator.not_)
    says: str = ""
    risks: tuple[str, ...] = ()
    words: str = ""
    words_are_own: bool = False
    facts: tuple[FactView, ...] = ()
    service: str = ""
    key_holders: tuple[PersonId, ...] = ()
    step: StepView | None = None
    next_due: DueView | None = None
    urgency: Urgency = "medium"
    reminded: int = 0
    escalated_at: AwareDatetime | None = None
    edits: dict[str, tuple[PersonId, ...]] = Field(default_factory=dict[str, tuple[PersonId, ...]])
    handed_on: tuple[HandedOn, ...] = ()
    away: tuple[Away, ...] = ()
    asked_because: dict[PersonId, str] = Field(default_factory=dict[PersonId, str])
    progress: str = ""
    void: tuple[str, ...] = ()
    frozen: str = ""
    gathered: str = ""
    files: tuple[AnswerFile, ...] = ()
    approve_from: tuple[str, ...] = ()
    if_approved: str = ""


def run_view(run: Run, forks: Sequence[str] = (), archived_at: datetime | None = None) -> RunView:
    """`run`, which has started, as programs see it; `archived_at` is set if it has left Redis."""
    summary, files = summary_of(run), run.started.files if run.started else ()
    forked = run.forked
    if summary is None:
        raise ValueError(f"{run.id} has not started")
    return RunView(
        **dict(summary),
        seq=run.seq,
        results=tuple(ResultView(kind=result.kind, text=result.text) for result in run.results),
        files=tuple(map(_file_view, files)),
        outputs=tuple(_file_view(file) for made in run.made for file in made.files),
        forked=ForkView(how=forked.how, source=forked.source, at_seq=forked.at_seq, by=forked.by) if forked else None,
        forks=tuple(map(RunId, forks)),
        archived_at=archived_at,
    )


def _file_view(file: Attachment) -> FileView:
    return FileView(**file.model_dump(exclude={"text"}))


def files_of(request_id: RequestId, events: Sequence[Event]) -> tuple[AnswerFile, ...]:
    """Return the files that came with the answer that decided a request, of the `events` of its run."""
    decided = (one for one in events if isinstance(one, RequestDecided) and one.request_id == request_id)
    return tuple(AnswerFile(**file.model_dump()) for one in decided for file in one.files)


def request_view(
    record: RequestRecord,
    people: People,
    run: InRun | None = None,
    lists: Mapping[str, str] = NO_LISTS,
    now: datetime | None = None,
) -> RequestView:
    """`record` as programs see it; with what its `run` knows also what a program may do `now`, with `lists` all of
    those.
    """
    request: Request = record.request
    may_decide, known, told = approvers_now(record, people), as_known_now(record, people), as_told_now(record, people)
    is_vote = request.format == "approval" and record.state == "open"
    because = {one: why for one in may_decide if (why := why_asked(record, people, one))}
    return RequestView(
        id=request.id,
        run_id=request.run_id,
        state=record.state,
        title=request.title,
        purpose=request.purpose,
        quoted=request.quoted,
        format=request.format,
        options=request.options,
        fields=request.fields,
        revision=request.revision,
        digest=request.digest,
        requesters=request.requesters,
        askers=record.askers,
        policy=request.policy.name,
        may_decide=may_decide,
        may_break_glass=present(who_of(known).glass, people),
        review=_review_of(record),
        quorum=record.asked.quorum,
        rule=who_decides(who_of(told), people),
        votes=record.votes,
        call=request.call,
        changes=request.changed,
        remarks=request.remarks,
        comments=record.comments,
        may_not_decide=kept_out(told),
        opened_at=request.opened_at,
        expires_at=request.expires_at,
        started_at=record.began_at,
        decision=record.decision,
        is_rehearsal=request.is_rehearsal,
        stand_in=request.stand_in,
        program=request.program,
        service=request.service,
        key_holders=request.key_holders,
        words=request.words,
        words_are_own=request.words_are_own,
        may_act=_may_act(record, run, now) if run and is_of_program(request) else None,
        use_by=good_until(record) if is_of_program(request) else None,
        begun_by=record.begun_by,
        stopped_by=_stopped_by(record, run) if run and is_of_program(request) else PersonId(""),
        became=became(record, run).stands if run and _is_begun_here(record) else "",
        came_of=came_of(run.made) if run else None,
        says=who_asks(request, people),
        risks=risks_of(record, people),
        facts=tuple(_fact_views(request, lists)),
        step=_step_view(record.asked),
        next_due=_due_view(told, people),
        urgency=request.policy.urgency,
        reminded=record.reminded,
        escalated_at=record.asked.escalated_at,
        edits=request.edits,
        handed_on=record.asked.handed_on,
        away=record.asked.away,
        asked_because=because,
        progress=progress(record, people) if is_vote else "",
        void=tuple(line.text for line in void_lines(record, people)),
        frozen=frozen_words(record.frozen, people) if record.frozen else "",
        gathered=_gathered(record, people),
        approve_from=ways_for(request) if is_vote else (),
        if_approved=what_a_yes_does(told, people).text if is_vote else "",
    )


def _gathered(record: RequestRecord, people: People) -> str:
    together = record.request.together
    return say("together.told", names=people.names_of(together)) if together and record.state == "open" else ""


def _review_of(record: RequestRecord) -> RunId | None:
    from bot.store.ids import review_of  # noqa: PLC0415 - who only shows a request needs no store

    return RunId(review_of(record.request.id)) if broken(record) else None


def _step_view(asked: Asked) -> StepView | None:
    if asked.step is None:
        return None
    return StepView(number=asked.in_step + 1, of=len(asked.steps), name=asked.step.name)


def _due_view(record: RequestRecord, people: People) -> DueView | None:
    due = next_due(record, people.zones())
    return DueView(kind=due.kind, at=due.moment, people=due.people) if due else None


def _fact_views(request: Request, lists: Mapping[str, str]) -> Iterator[FactView]:
    for line in facts_about(request, lists):
        yield FactView(label=line.label, text=line.text, lines=line.lines, whole=line.whole)


def _is_begun_here(record: RequestRecord) -> bool:
    """Return whether it was approved, and not for a program, which says itself what came of it."""
    return record.state == "approved" and not is_of_program(record.request)


def _may_act(record: RequestRecord, run: InRun, now: datetime | None) -> bool | None:
    """Return whether a start is worth a try: only that finds out for sure."""
    if record.state == "open":
        return None
    is_over = run.is_over or record.attempt is not None
    return record.state == "approved" and not is_over and not (now and too_old(record, now))


def _stopped_by(record: RequestRecord, run: InRun) -> PersonId:
    is_held = record.state == "approved" and record.attempt is None
    return (run.cancelled_by if is_held else None) or PersonId("")


def came_of(made: AttemptOutcome | None) -> ReportView | None:
    """Return what a program says came of what it began; None where it has not said so."""
    if made is None or not made.begun_by or made.by or made.ended_at is None or made.state not in {"ok", "error"}:
        return None
    if not made.text:  # nobody says what comes of it
        return None
    return ReportView(ok=made.state == "ok", summary=made.text, at=made.ended_at)


_TEXT_CHARS = 120


def summary_of(run: Run) -> Summary | None:
    """Return the list's view of `run`; None for a run that has not started."""
    if run.started is None:
        return None
    return Summary(
        id=run.id,
        agent=run.started.agent,
        state=run.state,
        requester=run.started.requester,
        text=first_line(run.started.text, _TEXT_CHARS),
        started_at=run.forked.at if run.forked else run.started.at,
        open=run.open,
        outcome=one_line(run.ended.summary, _TEXT_CHARS) if run.ended else "",
        is_rehearsal=run.is_rehearsal,
        stand_in=run.stand_in,
        word=word_of(run),
        words_of=run.ended.words_of if run.ended else "code",
        change=run.ended.change if run.ended else None,
        live=live_seen(run) if run.ended else {},
        says_live=_says_live(run),
        effects=tuple(_effects(run))[-_EFFECTS:],
        by_model=run.started.is_of_model,
        is_silent=run.is_silent,
    )


def _says_live(run: Run) -> dict[str, str]:
    """Return what a summary says is live; nothing where a list may have cut that off."""
    return run.ended.says_live if run.ended and len(run.ended.summary) <= _TEXT_CHARS else {}


# Attempts of one run in a list: more of them nobody reads there.
_EFFECTS = 20
_COMMIT = re.compile(r"[0-9a-f]{40}")


def _effects(run: Run) -> Iterator[EffectView]:
    """What `run` did to environments; looks at them do nothing."""
    for one in run.made:
        if one.effect is None or not one.effect.environment or one.never_began:
            continue
        if not (one.request_id or one.tool in DEPLOYS | ROLLBACKS):
            continue
        yield EffectView(
            environment=one.effect.environment,
            result=one.state,
            started_at=one.started_at,
            request_id=one.request_id,
            commit=commit_of(one.effect),
            ended_at=one.ended_at,
        )


def commit_of(effect: Effect) -> str:
    """Return the commit that an effect puts live; empty where it names none."""
    said = (effect.commit, *effect.versions.values(), *effect.argv)
    return next((text for text in said if _COMMIT.fullmatch(text)), "")


def summary_in(line: bytes | None) -> Summary | None:
    """Return the run that the line of a list says; None for none, and for one that can't be read until a rebuild."""
    try:
        return Summary.model_validate_json(line) if line else None
    except ValidationError:
        return None


def line_of(run: Run) -> "Line | None":
    """The summary of `run` as the store keeps it."""
    from bot.store.commit import Line  # noqa: PLC0415 - who only shows a run needs no store

    summary = summary_of(run)
    if summary is None:
        return None
    body = summary.model_dump_json(exclude_defaults=True).encode()
    return Line(body, summary.state, summary.requester, summary.agent, summary.started_at)
