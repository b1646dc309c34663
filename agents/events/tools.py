"""The facts about the effect of one step: started, waiting, finished, lost."""

from typing import Literal

from pydantic import AwareDatetime, Field

from agents.requests import Attachment, AttemptId, Author, Effect, Happened, PersonId, RequestId, RunId, StepId
from agents.requests.frozen import Frozen, Seconds
from agents.requests.proof import PerhapsProven
from language.stored import Stored

Change = Literal["changed", "partly", "failed", "unknown", "nothing", "not_wanted"]
"""What a run changed, by what its tools did: something; nothing for sure, as the last try failed; nobody knows;
nothing, though that was wished; nothing, as nothing was to be."""


HowStopped = Literal["denied", "revoked", "expired", "withdrawn", "cancelled"]
"""How people stopped a step, or kept it from its approval, or cancelled the run that was to make it."""


class ToolStarted(PerhapsProven, Happened):
    """An attempt at `effect` is about to be made. `host` names the data directory it runs on.

    `changes`: its tool changes something, and does not only look. `by` is the owner of the API key with which a program
    began it outside of sayso, and `called` what that program calls the attempt; then there is no host. `unreported`:
    nobody says what comes of it, and its step is over with that.
    """

    type: Literal["tool_started"] = "tool_started"
    schema_version: Literal[1] = 1
    step_id: StepId
    attempt_id: AttemptId
    tool: str
    effect: Effect
    request_id: RequestId | None = None
    idempotent: bool
    host: str
    changes: bool = False
    by: PersonId = PersonId("")
    called: str = ""
    unreported: bool = False


class ToolFinished(Happened):
    """An attempt's result, bounded; `error` is empty when it worked. `files` hold all that a failed command printed. Of
    what a program did itself it is that program's word: `by` is the owner of its API key. `unknown`: it did not end as
    long as it was waited for, and may still have its effect. `refused`: the tool refused it before anything happened.
    """

    type: Literal["tool_finished"] = "tool_finished"
    schema_version: Literal[1] = 1
    attempt_id: AttemptId
    output: str
    error: str = ""
    files: tuple[Attachment, ...] = ()
    by: PersonId = PersonId("")
    unknown: bool = False
    refused: bool = False


class ToolQueued(Happened):
    """The attempt waits for its turn, `behind` a run that `requester` asked for; None: its turn has come.

    Behind its own run it waits for an earlier attempt that was interrupted, `within_s` at most.
    """

    type: Literal["tool_queued"] = "tool_queued"
    schema_version: Literal[1] = 1
    attempt_id: AttemptId
    behind: RunId | None = None
    requester: PersonId = PersonId("")
    within_s: Seconds = 0.0


class ToolOrphaned(Happened):
    """The attempt's owner is gone. `may_have_started` is False only when it certainly never began.

    One that honours its key is left to the next attempt. Where none may follow, for example because the approval does
    not cover it, this is written again for the same attempt, and people are asked what it did.
    """

    type: Literal["tool_orphaned"] = "tool_orphaned"
    schema_version: Literal[1] = 1
    attempt_id: AttemptId
    may_have_started: bool


class ToolWaits(Happened):
    """An attempt has had its effect, whose result comes later: it is looked for at `check_at`, or when a report comes.

    `handle` is what the outside calls it; it is written again after each look that found no result. `until` is when
    waiting ends.
    """

    type: Literal["tool_waits"] = "tool_waits"
    schema_version: Literal[1] = 1
    attempt_id: AttemptId
    handle: str
    note: str = ""
    check_at: AwareDatetime
    until: AwareDatetime


class Stopped(Stored, Frozen):
    """How people stopped what a run was to do, who did, and why; and in which environment, where it has one."""

    how: HowStopped
    by: tuple[PersonId, ...] = ()
    reason: str = ""
    environment: str | None = None


class ArgumentChanged(Stored, Frozen):
    """`editor` changed the argument `name` of what a run did; `now` is its value, as people read it."""

    editor: PersonId
    name: str
    now: str


class NoteBeside(Stored, Frozen):
    """What `person` noted beside an approval."""

    person: PersonId
    text: str


class ByPeople(Stored, Frozen):
    """Who decided what a run asked, who broke the glass for it, and what people changed of it or noted beside it."""

    deciders: tuple[PersonId, ...] = ()
    by_glass: tuple[PersonId, ...] = ()
    edits: tuple[ArgumentChanged, ...] = ()
    notes: tuple[NoteBeside, ...] = ()


class OutsideReported(Happened):
    """A signed report about `handle` came in: a reason to look now. `text` is what it said, as data.

    Where it is the end of a child run, what that says may be the words of all whom it could read: `by` them, and who of
    them wrote to it is a requester of this run as well. What it used (`tokens`, `cost_usd`) and what its tools changed
    count here too, and what they saw `live` in which environment is known here; `changed_in` are those in which it
    changed something. `stopped`: people stopped what it was to do; `by_people` is what else they did about it.
    `ways` and `weakness` are as in `Run`; `by_mail`: one of them is mail. It may be told long after the child
    `ended_at`, as after a crash.
    """

    type: Literal["outside_reported"] = "outside_reported"
    schema_version: Literal[1] = 1
    report_id: str
    handle: str
    by: tuple[Author, ...]
    text: str = ""
    tokens: int = 0
    cost_usd: float = 0.0
    change: Change = "nothing"
    live: dict[str, str] = Field(default_factory=dict[str, str])
    changed_in: tuple[str, ...] = ()
    stopped: Stopped | None = None
    by_people: ByPeople = ByPeople()
    by_mail: bool = False
    ways: tuple[str, ...] = ()
    weakness: str = ""
    ended_at: AwareDatetime | None = None


class ChildStarted(Happened):
    """A step of this run started a run of its own, under a `key` that tells it from others of the same step. So much of
    `max_tokens` and `max_cost_usd` was set aside for it, until its end says what it used; 0 where nothing was.
    `by_model`: a model worded the `text`.
    """

    type: Literal["child_started"] = "child_started"
    schema_version: Literal[1] = 1
    step_id: StepId
    run_id: RunId
    agent: str
    text: str
    key: str = ""
    by_model: bool = False
    max_tokens: int = 0
    max_cost_usd: float = 0.0
