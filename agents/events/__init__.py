"""The closed union of facts that make a run. Fields are only ever added, with a default, so old runs still read."""

from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, ConfigDict, Field, JsonValue, TypeAdapter

from agents.events.requests import (
    AnswerHeld,
    AnswerNoted,
    RequestDecided,
    RequestFrozen,
    RequestOpened,
    RequestReassigned,
    RequestReminded,
    RequestRevised,
    RequestRevoked,
    VoteCast,
)
from agents.events.tools import (
    Change,
    ChildStarted,
    OutsideReported,
    ToolFinished,
    ToolOrphaned,
    ToolQueued,
    ToolStarted,
    ToolWaits,
)
from agents.requests import (
    Attachment,
    Author,
    Began,
    DeliveryId,
    Fact,
    FromDesk,
    FromPerson,
    FromTrigger,
    Frozen,
    Happened,
    Holder,
    Origin,
    Outsider,
    PersonId,
    RequestId,
    RunId,
    StepId,
)
from agents.requests.proof import PerhapsProven, Proof, Proven, rests_on
from agents.steps import ModelCall, Step
from language.stored import Stored


class RunPaused(PerhapsProven, Happened):
    """A person stopped the run at the next step boundary, or `parent`, which started it; or the store is out of a
    backup of `restored_from`.
    """

    type: Literal["run_paused"] = "run_paused"
    schema_version: Literal[1] = 1
    by: PersonId | None = None
    parent: RunId | None = None
    restored_from: AwareDatetime | None = None


class RunResumed(PerhapsProven, Happened):
    """A person let the run go on."""

    type: Literal["run_resumed"] = "run_resumed"
    schema_version: Literal[1] = 1
    by: PersonId


class RunCancelled(PerhapsProven, Happened):
    """A person wants the run to end, or `parent`, which started it, is over or needs it no more.

    `by` is then whoever cancelled that run, if anybody did. A tool that runs is finished first. `said_id` names the
    words that said so, where somebody typed them.
    """

    type: Literal["run_cancelled"] = "run_cancelled"
    schema_version: Literal[1] = 1
    by: PersonId | None = None
    parent: RunId | None = None
    said_id: str = ""


class CardDelivered(Happened):
    """One person holds the card, at `to`; `handle` is what the channel finds it by.

    `is_shared`: others see it there. `shares` is the delivery whose card it is, where that stands for several people;
    `place` is as in `Holder`. `called` are the deliveries of those whom the card mentions; where it `shares` another,
    of those whom a line below it does that is on its way from then on. `together` is the API key with other requests of
    which it stands in one message: then what is there is no card, and nothing written there is about it.
    """

    type: Literal["card_delivered"] = "card_delivered"
    schema_version: Literal[1] = 1
    request_id: RequestId
    delivery_id: DeliveryId
    revision: int
    person: PersonId
    channel: str
    to: str = ""
    thread: str = ""
    handle: str = ""
    is_shared: bool = False
    shares: DeliveryId | None = None
    place: str = ""
    called: tuple[DeliveryId, ...] = ()
    together: str = ""


class CardReplaced(Happened):
    """One person got another card of a request, `holder`; None: none was sent, to keep them from a flood.

    An approval with a card in `void` counts no longer, as it may be in other hands; all others can be answered as
    before.
    """

    type: Literal["card_replaced"] = "card_replaced"
    schema_version: Literal[1] = 1
    request_id: RequestId
    person: PersonId
    why: Literal["comment", "unbound", "seen_by_others", "reminder", "unseen"]
    void: tuple[DeliveryId, ...] = ()
    holder: Holder | None = None


class DeliveryFailed(Happened):
    """One person, or a place, could not be reached: `channel` lists what was tried."""

    type: Literal["delivery_failed"] = "delivery_failed"
    schema_version: Literal[1] = 1
    request_id: RequestId
    delivery_id: DeliveryId
    person: PersonId
    channel: str
    error: str
    place: str = ""


E = TypeVar("E")


class RunForked(PerhapsProven, Happened):
    """All before are the first `at_seq` events of `source`, and authorise nothing. `by` copied them: a requester.

    `speaker` did it for them, where a key of somebody else did: a person, or `service:ci`.
    """

    type: Literal["run_forked"] = "run_forked"
    schema_version: Literal[1] = 1
    how: Literal["fork", "retry", "import"]
    source: RunId
    at_seq: int
    by: PersonId
    speaker: PersonId | None = None


def own(events: Sequence[E]) -> Sequence[E]:
    """Return what happened in the run itself, nothing that was copied into it. Of a run that is no copy, all of it."""
    forks = (place for place in range(len(events), 0, -1) if isinstance(events[place - 1], RunForked))
    return events[next(forks, 0) :]


# So many runs may one start; whoever needs more has a loop.
MOST_CHILDREN = 50
# A run and all below it, which could else be that many three times over.
MOST_BELOW = 100


class Parent(Stored, Frozen):
    """The run, and its step, that started a child; `depth` is 1 for the child of a run that has no parent itself.

    `root` is the run that nobody started. The child may use no more than `max_tokens` and `max_cost_usd` before people
    are asked, whatever it might by itself; 0 is no such limit. `is_verbatim`: the child's text is, word for word, what
    that root began with, and no agent worded it. `by_model`: a model worded it, or what it was made of. `by_mail`: the
    `Run` that started it goes by mail as well.
    """

    run_id: RunId
    step_id: StepId
    depth: int = 1
    root: RunId | None = None
    max_tokens: int = 0
    max_cost_usd: float = 0.0
    is_verbatim: bool = False
    by_model: bool = False
    by_mail: bool = False


Why = Literal["steps", "tokens", "cost", "day", "failures", "too_long", "repeated"]


class ContinuationAsked(Happened):
    """Code asks whether to go on: a budget is used up, or the run gets nowhere.

    `why`: its steps, tokens, cost, or the agent's budget of the day are used up; three failures in a row; it is too
    long for its model; the same call gave the same twice. `question` and `story`, what led to it, are words of code.
    `rules`: one may have fixed rules choose the steps in place of the model.
    """

    type: Literal["question_raised"] = "question_raised"
    schema_version: Literal[1] = 1
    step_id: StepId
    why: Why
    question: str
    story: str = ""
    rules: bool = False


class RunStarted(Happened, Began):
    """Somebody wants something; `context` and `files` came with it. `submitter` or `service`: whose API key asked.

    `parent` is the run that started this one as a step of its own, `inherits` are that run's requesters by then: they
    are requesters here as well, and so are `holders`, in whose hands the key of `service` is. Of those who inherit,
    `only_read` neither asked nor steered there. Where a person began it and there is no `parent`, `inherits` wrote the
    text. `proof` is how it is known who asked; neither a trigger nor
    another run has one. `weakness` says why what began it proves too little for an approval. It `quotes` what somebody
    else wrote, who may be nobody in the directory. `asked_with` is the prefix of the API key with which a program asked
    people by itself. `by_model`: as in the `parent` that the run has no more, of which it is a copy; by these `ways`
    began what it is a copy of, or came what it was begun by.
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
    only_read: tuple[PersonId, ...] = ()
    origin: Origin = FromPerson()
    holders: tuple[PersonId, ...] = ()
    proof: Proof | None = None
    weakness: str = ""
    quotes: bool = False
    asked_with: str = ""
    by_model: bool = False
    ways: tuple[str, ...] = ()

    @property
    def by_mail(self) -> bool:
        """Whether whoever reads a mailbox can begin it: by a mail, or after a log-in by a link in one."""
        began = self.proof is not None and "email" in rests_on(self.proof)
        return began or "email" in self.ways or bool(self.parent and self.parent.by_mail)

    @property
    def all_ways(self) -> tuple[str, ...]:
        """By which ways it began, and what it is a copy of: each of them must count for what it does by itself."""
        return tuple(dict.fromkeys((self.channel, *self.ways, *(["email"] if self.by_mail else []))))

    @property
    def root(self) -> RunId:
        """The run at the top, which no other run started."""
        return (self.parent.root or self.parent.run_id) if self.parent else self.run_id

    @property
    def is_of_model(self) -> bool:
        """Whether a model worded the `text`, or what it was made of."""
        return self.by_model or bool(self.parent and self.parent.by_model)

    @property
    def trigger(self) -> str:
        """The trigger that began it; empty for anything else."""
        return self.origin.name if isinstance(self.origin, FromTrigger) else ""

    @property
    def outsider(self) -> Outsider | None:
        """The one who set its trigger off and is nobody in the directory."""
        return self.origin.outsider if isinstance(self.origin, FromTrigger) else None

    @property
    def desk(self) -> str:
        """The address of whoever wrote to the desk; empty for anything else."""
        return self.origin.address if isinstance(self.origin, FromDesk) else ""


class PersonSaid(Proven, Happened):
    """Somebody wrote to a run that had begun, and was not answering it: `text` steers what it does next.

    `said_id` is what it was taken in under. Whoever steers a run becomes one of its requesters.
    """

    type: Literal["person_said"] = "person_said"
    schema_version: Literal[1] = 1
    said_id: str
    person: PersonId
    text: str
    files: tuple[Attachment, ...] = ()


class ContextFetched(Happened):
    """A fact that code looked up before the first step; a look-up that failed is a fact as well."""

    type: Literal["context_fetched"] = "context_fetched"
    schema_version: Literal[1] = 1
    facts: tuple[Fact, ...]


class StepChosen(Happened):
    """The step to do next. `gate` names the policy that a called tool needs, None for no gate.

    `read_by` are those whose words were read to choose it, beside those of whom an earlier step says so.
    """

    type: Literal["step_chosen"] = "step_chosen"
    schema_version: Literal[1] = 1
    step_id: StepId
    step: Step
    gate: str | None = None
    call: ModelCall
    read_by: tuple[Author, ...]


class StepFailed(Happened):
    """No step could be had from the model. `retry_at` is None when it is not worth waiting.

    `fallback` is the model that is asked in its place until there is a step; empty where there is none.
    """

    type: Literal["step_failed"] = "step_failed"
    schema_version: Literal[1] = 1
    kind: str
    detail: str
    retry_at: AwareDatetime | None = None
    call: ModelCall
    fallback: str = ""


class ThoughtDropped(Happened):
    """The run changed while its model thought, so that the answer was not used; `call` had to be paid all the same."""

    type: Literal["thought_dropped"] = "thought_dropped"
    schema_version: Literal[1] = 1
    call: ModelCall


class StepRefused(Happened):
    """Code would not do the chosen step: no such tag, or, as `unapproved` says, no approval that holds."""

    type: Literal["step_refused"] = "step_refused"
    schema_version: Literal[1] = 1
    step_id: StepId
    error: str
    unapproved: bool = False


class StepGated(Happened):
    """The configuration now gates a step that was chosen without a gate."""

    type: Literal["step_gated"] = "step_gated"
    schema_version: Literal[1] = 1
    step_id: StepId
    gate: str


class RunEnded(Happened):
    """Nothing more will happen. `words_of` says who worded the summary, `change` what tools did, whatever that says,
    and `says_live` what code says there is live, by environment.
    """

    type: Literal["run_ended"] = "run_ended"
    schema_version: Literal[1] = 1
    outcome: Literal["done", "failed", "cancelled"]
    summary: str
    words_of: Literal["code", "model"] = "code"
    change: Change = "nothing"
    says_live: dict[str, str] = Field(default={})


Event = Annotated[
    RunStarted | PersonSaid | ContextFetched | StepChosen | StepFailed | ThoughtDropped | StepRefused | StepGated
    | RequestOpened | RequestRevised | RequestReassigned | RequestReminded | RequestFrozen | VoteCast
    | AnswerNoted | AnswerHeld | RequestDecided | RequestRevoked
    | CardDelivered | CardReplaced | DeliveryFailed | ToolStarted | ToolFinished | ToolOrphaned | ToolQueued
    | ToolWaits | OutsideReported | ChildStarted | ContinuationAsked | RunForked | RunPaused | RunResumed
    | RunCancelled | RunEnded,
    Field(discriminator="type"),
]  # fmt: skip

_adapter: TypeAdapter[Event] = TypeAdapter(Event, config=ConfigDict(defer_build=True))


def read_event(body: str | bytes) -> Event:
    """The event that `body`, one JSON object, holds. Raises pydantic.ValidationError for anything else."""
    return _adapter.validate_json(body)


def write_event(event: Event) -> bytes:
    """`event` as one JSON object."""
    return _adapter.dump_json(event, round_trip=True)
