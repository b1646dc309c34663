"""The closed union of facts that make a run. Fields are only ever added, with a default, so old runs still read."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, JsonValue, TypeAdapter, model_validator

from agents.deliveries import CardDelivered, CardReplaced, DeliveryFailed
from agents.history import RunForked
from agents.outside import ChildStarted, OutsideReported, Parent, ToolWaits
from agents.raised import QuestionRaised
from agents.requests import (
    Attachment,
    AttemptId,
    Decision,
    DeliveryId,
    Effect,
    Fact,
    Happened,
    Holder,
    Outsider,
    PersonId,
    Request,
    RequestId,
    RunId,
    StepId,
    Vote,
)
from agents.steers import RunCancelled, RunPaused, RunResumed
from agents.steps import ModelCall, Step


class RunStarted(Happened):
    """Somebody wants something; `context` and `files` came with it. `submitter` or `service`: whose API key asked.

    `parent` is the run that started this one as a step of its own, `inherits` are that run's requesters by then: they
    are requesters here as well. `trigger` names the part of the configuration that a timer or webhook belongs to,
    `outsider` is whoever set that off, where nobody in the directory has that name. `desk` is the address of whoever
    wrote to the desk, where such a mail began it; no program can set it. `holders` are the people in whose hands the
    key of `service` is, and requesters as well.
    """

    type: Literal["run_started"] = "run_started"
    schema_version: Literal[1] = 1
    run_id: RunId
    agent: str
    channel: str
    thread: str = ""
    requester: PersonId
    text: str
    context: dict[str, JsonValue] = Field(default={})
    submitter: PersonId | None = None
    service: str = ""
    max_steps: int
    max_tokens: int = 0
    max_cost_usd: float = 0.0
    files: tuple[Attachment, ...] = ()
    parent: Parent | None = None
    inherits: tuple[PersonId, ...] = ()
    trigger: str = ""
    outsider: Outsider | None = None
    desk: str = ""
    holders: tuple[PersonId, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _from_an_older_release(cls, told: Any) -> Any:
        """What a mail to the desk began was marked as a trigger of this name, which no table can have."""
        match told:
            case {"trigger": "desk mail", "context": {"mail": {"sender": str() as sender}}}:
                return dict(told, trigger="", desk=sender)
            case _:
                return told


class PersonSaid(Happened):
    """Somebody wrote to a run that had begun, and was not answering it: `text` steers what it does next.

    `said_id` is what it was taken in under. Whoever steers a run becomes one of its requesters.
    """

    type: Literal["person_said"] = "person_said"
    schema_version: Literal[1] = 1
    said_id: str
    person: PersonId
    channel: str
    text: str
    files: tuple[Attachment, ...] = ()


class ContextFetched(Happened):
    """What code looked up before the first step; a look-up that failed is a fact as well."""

    type: Literal["context_fetched"] = "context_fetched"
    schema_version: Literal[1] = 1
    facts: tuple[Fact, ...]


class StepChosen(Happened):
    """What to do next. `gate` names the policy that a called tool needs, None for no gate."""

    type: Literal["step_chosen"] = "step_chosen"
    schema_version: Literal[1] = 1
    step_id: StepId
    step: Step
    gate: str | None = None
    call: ModelCall


class StepFailed(Happened):
    """No step could be had from the model. `retry_at` is None when it is not worth waiting."""

    type: Literal["step_failed"] = "step_failed"
    schema_version: Literal[1] = 1
    kind: str
    detail: str
    retry_at: AwareDatetime | None = None
    call: ModelCall


class ThoughtDropped(Happened):
    """The run changed while its model thought, so that the answer was not used; `call` had to be paid all the same."""

    type: Literal["thought_dropped"] = "thought_dropped"
    schema_version: Literal[1] = 1
    call: ModelCall


class StepRefused(Happened):
    """Code would not do the chosen step: no such tag, not enough approvers."""

    type: Literal["step_refused"] = "step_refused"
    schema_version: Literal[1] = 1
    step_id: StepId
    error: str


class StepGated(Happened):
    """The configuration now gates a step that was chosen without a gate."""

    type: Literal["step_gated"] = "step_gated"
    schema_version: Literal[1] = 1
    step_id: StepId
    gate: str


class RequestOpened(Happened):
    """A question goes to people; `holders` are those for whom cards were made."""

    type: Literal["request_opened"] = "request_opened"
    schema_version: Literal[1] = 1
    request: Request
    holders: tuple[Holder, ...] = ()


class RequestRevised(Happened):
    """The same question, changed before it was decided; votes for the older revision do not count."""

    type: Literal["request_revised"] = "request_revised"
    schema_version: Literal[1] = 1
    by: PersonId
    request: Request
    holders: tuple[Holder, ...] = ()


class VoteCast(Happened):
    """An answer counted. `files` came with it, and nothing hangs on them."""

    type: Literal["vote_cast"] = "vote_cast"
    schema_version: Literal[1] = 1
    request_id: RequestId
    vote: Vote
    files: tuple[Attachment, ...] = ()


class AnswerNoted(Happened):
    """An answer came and did not count; nothing typed is thrown away. `outcome` is the judgement's type."""

    type: Literal["answer_noted"] = "answer_noted"
    schema_version: Literal[1] = 1
    request_id: RequestId
    reply_id: str
    person: PersonId
    channel: str
    text: str
    outcome: str
    files: tuple[Attachment, ...] = ()


class AnswerHeld(Happened):
    """A message came as an answer and was not accepted as anybody's word; what it says was not read.

    `claims` is whose word it claims to be, `person` who sent it where that is certain.
    """

    type: Literal["answer_held"] = "answer_held"
    schema_version: Literal[1] = 1
    request_id: RequestId
    delivery_id: DeliveryId
    inbound_id: str
    person: PersonId | None = None
    claims: str = ""
    channel: str
    why: str


class RequestDecided(Happened):
    """The one final outcome of a request; `files` came with the answer to a question."""

    type: Literal["request_decided"] = "request_decided"
    schema_version: Literal[1] = 1
    request_id: RequestId
    decision: Decision
    files: tuple[Attachment, ...] = ()


class RequestRevoked(Happened):
    """An approval was taken back before the start."""

    type: Literal["request_revoked"] = "request_revoked"
    schema_version: Literal[1] = 1
    request_id: RequestId
    vote: Vote
    files: tuple[Attachment, ...] = ()


class ToolStarted(Happened):
    """An attempt at `effect` is about to be made. `host` names the data directory it runs on."""

    type: Literal["tool_started"] = "tool_started"
    schema_version: Literal[1] = 1
    step_id: StepId
    attempt_id: AttemptId
    tool: str
    effect: Effect
    request_id: RequestId | None = None
    idempotent: bool
    host: str


class ToolFinished(Happened):
    """What an attempt gave. `output` is bounded; `error` is empty when it worked."""

    type: Literal["tool_finished"] = "tool_finished"
    schema_version: Literal[1] = 1
    attempt_id: AttemptId
    output: str
    error: str = ""


class ToolOrphaned(Happened):
    """The attempt's owner is gone. `may_have_started` is False only when it certainly never began."""

    type: Literal["tool_orphaned"] = "tool_orphaned"
    schema_version: Literal[1] = 1
    attempt_id: AttemptId
    may_have_started: bool


class RunEnded(Happened):
    """Nothing more will happen. `words_of` says who worded the summary."""

    type: Literal["run_ended"] = "run_ended"
    schema_version: Literal[1] = 1
    outcome: Literal["done", "failed", "cancelled"]
    summary: str
    words_of: Literal["code", "model"] = "code"


Event = Annotated[
    RunStarted | PersonSaid | ContextFetched | StepChosen | StepFailed | ThoughtDropped | StepRefused | StepGated
    | RequestOpened | RequestRevised | VoteCast | AnswerNoted | AnswerHeld | RequestDecided | RequestRevoked
    | CardDelivered | CardReplaced | DeliveryFailed | ToolStarted | ToolFinished | ToolOrphaned
    | ToolWaits | OutsideReported | ChildStarted | QuestionRaised | RunForked
    | RunPaused | RunResumed | RunCancelled | RunEnded,
    Field(discriminator="type"),
]  # fmt: skip

_adapter: TypeAdapter[Event] = TypeAdapter(Event)


def read_event(body: str | bytes) -> Event:
    """The event that `body`, one JSON object, holds. Raises pydantic.ValidationError for anything else."""
    return _adapter.validate_json(body)


def write_event(event: Event) -> bytes:
    """`event` as one JSON object."""
    return _adapter.dump_json(event)
