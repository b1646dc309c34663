"""Runs and requests as programs see them: over HTTP, and in `--json`. Pure."""

from collections.abc import Sequence
from typing import Literal

from pydantic import AwareDatetime

from agents.requests import (
    Decision,
    Format,
    Frozen,
    GatedCall,
    PersonId,
    Request,
    RequestId,
    RequestState,
    RunId,
    Vote,
)
from agents.run import Run
from bot.cards import who_decides
from bot.people import People
from bot.quorum import eligible
from bot.records import RequestRecord
from bot.summary import Summary, summary_of


class ResultView(Frozen):
    """How one step was closed."""

    kind: Literal["ok", "error", "answered", "denied", "revoked", "expired", "withdrawn", "refused"]
    text: str


class FileView(Frozen):
    """A file that came with what started a run. `name` and `type` are its sender's words, `sha256` is hex.

    `is_inline`: a small picture within the text, such as a logo.
    """

    name: str
    type: str
    size_bytes: int
    sha256: str
    note: str
    is_inline: bool


class ForkView(Frozen):
    """Of which run, and of how many of its events, a run is a copy. Of an import, `source` is what the file says."""

    how: Literal["fork", "retry", "import"]
    source: RunId
    at_seq: int
    by: PersonId


class RunView(Summary):
    """A run after `seq` events. `forks` are the runs that were made of it, where it is shown alone."""

    seq: int
    results: tuple[ResultView, ...]
    files: tuple[FileView, ...] = ()
    forked: ForkView | None = None
    forks: tuple[RunId, ...] = ()


class RequestView(Frozen):
    """A request as it stands, with everything that is needed to decide it.

    `digest` is what an approval must name, `rule` who decides in words. `quoted` is the wording of a question, which a
    model may have written. `is_rehearsal`: plain rules chose the step, no model. `program`: whose API key the program
    has that asks by itself. `may_act` is for that program, where the request is shown alone: whether it may do what
    it wanted to be approved, null while that is open.
    """

    id: RequestId
    run_id: RunId
    state: RequestState
    title: str
    quoted: str
    format: Format | Literal["approval"]
    options: tuple[str, ...]
    fields: tuple[str, ...]
    revision: int
    digest: str
    requesters: tuple[PersonId, ...]
    policy: str
    may_decide: tuple[PersonId, ...]
    quorum: int
    rule: str
    votes: tuple[Vote, ...]
    call: GatedCall | None
    changes: tuple[str, ...]
    opened_at: AwareDatetime
    expires_at: AwareDatetime
    started_at: AwareDatetime | None
    decision: Decision | None
    is_rehearsal: bool
    program: str = ""
    purpose: Literal["gate", "question", "unknown", "go_on"] = "question"
    may_act: bool | None = None


def run_view(run: Run, forks: Sequence[str] = ()) -> RunView:
    """`run`, which has started, as programs see it."""
    summary, files = summary_of(run), run.started.files if run.started else ()
    forked = run.forked
    if summary is None:
        raise ValueError(f"{run.id} has not started")
    return RunView(
        **dict(summary),
        seq=run.seq,
        results=tuple(ResultView(kind=result.kind, text=result.text) for result in run.results),
        files=tuple(FileView(**file.model_dump(exclude={"text"})) for file in files),
        forked=ForkView(how=forked.how, source=forked.source, at_seq=forked.at_seq, by=forked.by) if forked else None,
        forks=tuple(map(RunId, forks)),
    )


def request_view(record: RequestRecord, people: People, run: Run | None = None) -> RequestView:
    """`record` as programs see it; with its `run` also what a program may do now."""
    request: Request = record.request
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
        policy=request.policy.name,
        may_decide=eligible(request.policy, record.requesters),
        quorum=request.policy.quorum,
        rule=who_decides(request.policy, people, record.requesters),
        votes=record.votes,
        call=request.call,
        changes=request.changes,
        opened_at=request.opened_at,
        expires_at=request.expires_at,
        started_at=record.started_at,
        decision=record.decision,
        is_rehearsal=request.is_rehearsal,
        program=request.program,
        may_act=_may_act(record, run) if run and is_of_program(request) else None,
    )


def is_of_program(request: Request) -> bool:
    """Whether a program asks by itself for an approval; what it may do is not known before its run has ended."""
    return bool(request.program) and request.format == "approval"


def _may_act(record: RequestRecord, run: Run) -> bool | None:
    """The end of the run is final, and comes after the last check and the last moment for a revocation."""
    if record.state not in {"open", "approved"}:
        return False
    if run.ended is None:
        return None
    return record.state == "approved" and run.ended.outcome == "done"
