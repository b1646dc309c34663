"""Requests to people: what is asked, of whom, under which policy, and how it ended. Pure data."""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal, NewType

from pydantic import AwareDatetime, Field, JsonValue, computed_field

from agents.forms import FormField, FormValue
from agents.requests.frozen import Frozen, Seconds
from agents.requests.origin import Began, FromDesk, FromPerson, FromTrigger, Origin, Outsider
from agents.requests.proof import ByKey, PerhapsProven, Proven
from language.stored import Stored

__all__ = ["Began", "FromDesk", "FromPerson", "FromTrigger", "Frozen", "Origin", "Outsider"]

RunId = NewType("RunId", str)
RequestId = NewType("RequestId", str)
StepId = NewType("StepId", str)
AttemptId = NewType("AttemptId", str)
DeliveryId = NewType("DeliveryId", str)
PersonId = NewType("PersonId", str)

Format = Literal["free_text", "yes_no", "choice", "choices", "form"]
RequestState = Literal["open", "approved", "denied", "answered", "revoked", "expired", "withdrawn", "superseded"]
Urgency = Literal["low", "medium", "high"]
CardsGo = Literal["thread", "dm"]
Purpose = Literal["gate", "question", "unknown", "go_on", "review"]
Closed = Literal["approved", "denied", "answered", "expired", "withdrawn", "superseded"]


class Happened(Stored, Frozen, defer_build=True):
    """The base of events: when, by the store's clock, and under which release (code, prompts, tools, models)."""

    at: AwareDatetime
    release: str = ""


class FullList(Frozen):
    """A list that is too long for a card: how many lines of it are kept as a file beside the run, and which file.

    `sha256` is hex. The file is kept as long as a request may stay open.
    """

    lines: int
    size_bytes: int
    sha256: str


class Fact(Frozen):
    """One labelled line that code found out: for a card, or for the model.

    Where `text` is only the beginning of a list, `full` names all of it; `content` is what is to be kept under that
    name, and no part of what is written down. `unread` says as a sentence that a list could not be read whole, and why.
    """

    label: str
    text: str
    full: FullList | None = None
    unread: str = ""
    content: str = Field(default="", exclude=True, repr=False)


class Risk(Frozen):
    """What code found risky about a call, for whoever decides it: `kind` is for code, `words` are for people."""

    kind: str
    words: str


class Anyone(Stored, Frozen):
    """One seat that any of these people may fill. `source` is how the policy named them (`group:release`).

    Of a rotation (`oncall:ops`), `until` is when the duty of whoever was on call ends.
    """

    type: Literal["anyone"] = "anyone"
    source: str
    people: tuple[PersonId, ...]
    until: AwareDatetime | None = None


class AllOf(Frozen):
    """Each part must be met, each by a different person."""

    type: Literal["all_of"] = "all_of"
    of: tuple["Rule", ...]


class AnyOf(Frozen):
    """One met part is enough."""

    type: Literal["any_of"] = "any_of"
    of: tuple["Rule", ...]


Rule = Annotated[Anyone | AllOf | AnyOf, Field(discriminator="type")]


def people_of(rule: Rule) -> Iterator[PersonId]:
    """Everyone the rule names, in its order; somebody named twice comes twice."""
    match rule:
        case Anyone():
            yield from rule.people
        case AllOf() | AnyOf():
            for part in rule.of:
                yield from people_of(part)


def parts_of(rule: Rule) -> Iterator[Rule]:
    """The rule itself and every part of it."""
    yield rule
    for part in () if isinstance(rule, Anyone) else rule.of:
        yield from parts_of(part)


class Freeze(Stored, Frozen):
    """Nothing gated starts in `environment` since then, or anywhere where that is empty.

    `by` froze it and said the `reason`. Where nobody is named, a `window` of the settings did, and it ends at `until`;
    or sayso itself, when it was restored.
    While it held, `again_by` said it once more at `again_at`, for the `again_reason`. `was_listed`: the settings listed
    the environment then; once they do no longer, whatever they list may be that one, by another name.
    """

    TOLD = frozenset({"environment", "by", "reason", "window", "until"})

    environment: str = ""
    by: PersonId = PersonId("")
    reason: str = ""
    window: str = ""
    since: AwareDatetime
    until: AwareDatetime | None = None
    again_at: AwareDatetime | None = None
    again_by: PersonId = PersonId("")
    again_reason: str = ""
    was_listed: bool = False

    @property
    def said_at(self) -> datetime:
        """When it was said last."""
        return self.again_at or self.since

    @property
    def has_reason(self) -> bool:
        """Whether somebody said why."""
        return bool(self.reason.strip() or self.again_reason.strip())

    @property
    def shown(self) -> str:
        """The name of this freeze as it is shown now: another one once it is said again."""
        return " ".join(at.isoformat() for at in (self.since, self.again_at) if at)

    def again(self, newer: "Freeze") -> "Freeze":
        """Return this freeze as said once more by `newer`."""
        said = {"again_at": newer.since, "again_by": newer.by, "again_reason": newer.reason}
        said |= {"was_listed": self.was_listed or newer.was_listed}
        return self.model_copy(update=said)

    def at_first(self) -> "Freeze":
        """Return this freeze as it was said first: what waits for its end is told of it once."""
        return self.model_copy(update={"again_at": None, "again_by": PersonId(""), "again_reason": ""})


class PolicyStep(Stored, Frozen):
    """One of several steps of a policy, which come one after the other."""

    TOLD = frozenset({"quorum"})

    name: str
    rule: Rule
    quorum: int = 1
    escalate_after_s: Seconds | None = None
    escalate_to: tuple[Anyone, ...] = ()


class PolicySnapshot(Stored, Frozen):
    """A policy as it stood when the request was opened, groups resolved to people. Durations are seconds.

    Nothing changes it: who is asked after a move is `Asked`, which follows from it. `also_post` are places of many that
    show the card as well (`slack:#release`). `rule`, `quorum` and escalation are those of the first of `steps`, where
    there are any. `escalate_to` is whom it may go to. `quiet_hours` (`22:00-07:00`) are those of each person's own
    zone. `stand_ins` are those to whom it may be handed on as well. `break_glass` is who may decide alone, for the
    whole quorum, with a reason. `cards` says where cards go whose run has a thread that its people see.
    """

    TOLD = frozenset({"quorum", "also_post"})

    name: str
    rule: Rule
    quorum: int = 1
    reach: tuple[str, ...]
    also_post: tuple[str, ...] = ()
    answer_from: tuple[str, ...]
    approve_by_email: bool
    requester_may_approve: bool
    expires_after_s: Seconds
    execute_within_s: Seconds
    editor_may_approve: bool = False
    remind_after_s: tuple[Seconds, ...] = ()
    escalate_after_s: Seconds | None = None
    escalate_to: tuple[Anyone, ...] = ()
    quiet_hours: str = ""
    urgency: Urgency = "medium"
    steps: tuple[PolicyStep, ...] = ()
    stand_ins: tuple[Anyone, ...] = ()
    break_glass: tuple[Anyone, ...] = ()
    cards: CardsGo = "thread"


class Effect(Stored, Frozen):
    """The exact effect of a tool with its arguments, resolved so far that it can be approved.

    `argv` is the exact command, or the parts of the exact call. `versions` maps each name a person or a model used (a
    tag) to what it stands for now (a commit). `artifacts` has, under names of ours, whatever else must still be so when
    it is done. A name in the one is never one in the other. `cwd` is the folder that a command runs in; with a
    `commit`, in a clean copy of that one of it. `facts` are for the card, and not approved;
    so are `risks`, which stand above them.
    """

    TOLD = frozenset({"versions", "artifacts", "environment", "cwd", "commit", "facts", "risks"})

    argv: tuple[str, ...]
    versions: dict[str, str] = Field(default={})
    artifacts: dict[str, str] = Field(default={})
    environment: str | None = None
    cwd: str = ""
    commit: str = ""
    facts: tuple[Fact, ...] = ()
    risks: tuple[Risk, ...] = ()

    @property
    def is_risky(self) -> bool:
        """Whether people want to see it each time: it has risks, or a list of it could not be read whole."""
        return bool(self.risks) or any(fact.unread for fact in self.facts)


class GatedCall(Stored, Frozen):
    """The tool call an approval is about. `editable` names the arguments that whoever may approve it may change."""

    tool: str
    schema_version: int
    arguments: dict[str, JsonValue]
    effect: Effect
    editable: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """The hex SHA-256 of exactly what it does: facts and risks, and what may be edited, are no part of that."""
        beside = {"facts": (), "risks": ()}
        bare = self.model_copy(update={"editable": (), "effect": self.effect.model_copy(update=beside)})
        # As it is written: for Python, `1` is `True` and `1.0`.
        return hashlib.sha256(json.dumps(bare.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()

    def is_for_same(self, other: "GatedCall") -> bool:
        """Return whether both call for the same, by whichever names: a tag, or the commit that it stands for."""
        return self.tool == other.tool and (self.arguments == other.arguments or self.meant == other.meant)

    @property
    def meant(self) -> dict[str, JsonValue]:
        """The arguments, with what names stand for in their place."""
        meant = self.effect.versions
        return {name: meant.get(one, one) if isinstance(one, str) else one for name, one in self.arguments.items()}


Part = Literal["asked", "key", "inherited", "wrote", "objected", "answered", "maybe", "behind"]
ONLY_READ = frozenset[Part]({"objected", "answered", "maybe", "behind"})
"""Who had such a part neither asked nor steered; whoever stands `behind` had one in the run that started this one."""


class Author(Stored, Frozen):
    """Somebody whose words a model reads, and what they did that it does.

    `no_to` is the `sha256` of the call that they said no to, or changed into this one: of that very call they wished
    for nothing else. Empty where that is no call, or not known.
    """

    person: PersonId
    part: Part
    no_to: str = ""

    @property
    def asks(self) -> bool:
        """Whether they asked or steered, and did not only answer or object."""
        return self.part not in ONLY_READ


class AuthoredLine(Stored, Frozen):
    """A line that people and models read, and `by` whom its words are: by nobody where all of them are code's.

    `is_remark`: it tells the newest of a request's `remarks`.
    """

    text: str
    by: tuple[Author, ...]
    is_remark: bool = False


class Remark(Stored, Frozen):
    """The words of somebody beside an open request, for people to read."""

    person: PersonId
    text: str
    at: AwareDatetime


class StandIn(Frozen):
    """Why fixed rules chose steps in place of a model: how it failed last, and the `status` its server answered with.

    `some`: the model has chosen others.
    """

    kind: str
    status: int = 0
    some: bool = False


class Again(Frozen):
    """What whoever approves a call may allow beside it: so many `uses` of the same in its session, within so long.

    `rules` is the SHA-256 of the policy that says so, as it was then.
    """

    uses: int
    within_s: Seconds
    rules: str = ""


class Asking(Began):
    """A question to people in one revision, but for who is asked.

    `purpose` says who asks: `gate` (an approval, made by code), `question` (chosen by the model), `unknown` (code asks
    whether an interrupted effect happened), `go_on` (code asks whether a run goes on), `review` (code asks whether it
    was right to break the glass). `quoted` is the model's wording of a question, or what led to one of code. `digest`
    is hex SHA-256. `option_keys` are what the `options` of code's own questions mean, in the same order: the keys of
    their sentences. `thread` is one name for all that belongs together, as channels want it. `changes` says in words
    what differs from the request or revision that this one replaces, and whose words those are; `moved` is what
    versions meant there that mean something else now. `is_rehearsal`: plain rules chose the step, there is no model;
    `stand_in`: they did, as the model gave none. `program`: whose API key
    (`service:ci`, `person:bo`) the program has that asks by itself; empty where an agent asks. `topic` is what the
    requester's own message was called, in whose thread they are answered. `service` is whose API key asked, and
    `key_holders` in whose hands that is; where they are none, nobody has said. `parts` is what each requester did to be
    one. `remarks` are what requesters wrote after people were asked; each made a revision. `words` is what the run
    began with; empty where a program asks. `words_are_own`: they came from the first requester, or from what `origin`
    says, and from no agent, no program and no copied run. `edits` names those who decide and ever set an argument to
    the value that stands, by its name. `behind` had a part in it as well and could not decide it: who may be one of
    them does not either. `asked_with` is the prefix of the API key of that `program`: it alone begins what is approved.
    `together` have so many open cards of that key that this one stands in one message with others. `again` is set where
    an approval may allow the same again.
    """

    id: RequestId
    run_id: RunId
    step_id: StepId
    purpose: Purpose
    revision: int = 1
    nonce: str
    title: str
    quoted: str = ""
    format: Format | Literal["approval"]
    options: tuple[str, ...] = ()
    option_keys: tuple[str, ...] = ()
    fields: tuple[FormField, ...] = ()
    call: GatedCall | None = None
    requesters: tuple[PersonId, ...]
    digest: str
    opened_at: AwareDatetime
    expires_at: AwareDatetime
    thread: str = ""
    changes: tuple[AuthoredLine, ...] = ()
    moved: dict[str, str] = Field(default_factory=dict[str, str])
    is_rehearsal: bool = False
    stand_in: StandIn | None = None
    program: str = ""
    origin: Origin = FromPerson()
    topic: str = ""
    service: str = ""
    key_holders: tuple[PersonId, ...] = ()
    parts: dict[PersonId, Part] = Field(default_factory=dict[PersonId, Part])
    remarks: tuple[Remark, ...] = ()
    words: str = ""
    words_are_own: bool = False
    edits: dict[str, tuple[PersonId, ...]] = Field(default_factory=dict[str, tuple[PersonId, ...]])
    behind: tuple[PersonId, ...] = ()
    asked_with: str = ""
    together: tuple[PersonId, ...] = ()
    again: Again | None = None

    def key_of(self, pick: str) -> str:
        """Return what an option of a question of code means; empty for any other."""
        return dict(zip(self.options, self.option_keys, strict=False)).get(pick, "")

    @property
    def changed(self) -> tuple[str, ...]:
        """The lines of `changes`."""
        return tuple(change.text for change in self.changes)

    @property
    def is_remarked(self) -> bool:
        """Whether it is changed by the newest of its `remarks`, and its `changes` tell that."""
        return any(change.is_remark for change in self.changes)

    @property
    def editors(self) -> tuple[PersonId, ...]:
        """Those who decide and ever set an argument to the value that stands, each once; others may have since."""
        return tuple(dict.fromkeys(one for those in self.edits.values() for one in those))

    @property
    def askers(self) -> tuple[PersonId, ...]:
        """The people who asked or steered; not those who only may not decide because of what they answered."""
        return tuple(one for one in self.requesters if self.parts.get(one) not in ONLY_READ)


class Request(Asking):
    """A question to people in one revision, and the policy under which it was opened."""

    policy: PolicySnapshot

    def asking(self) -> Asking:
        """Return what is asked, without the policy."""
        return Asking.model_construct(**{name: getattr(self, name) for name in Asking.model_fields})


class Holder(Frozen):
    """The holder of a card, in one revision; the delivery's id is what a reply token stands for.

    `place` (`slack:#release`) is set where it was made for no person but for all who are there; then `person` is empty.
    """

    delivery_id: DeliveryId
    person: PersonId
    place: str = ""


class Binding(Stored, Frozen):
    """How we know what an answer is about, and what is doubtful in that.

    `revision` and `digest` are those that its writer was shown, `by` says where: a `card` came back with its token; a
    `page` shows them in a form; a program sent the `digest` of what it printed; a `request` was named, or words came in
    the `thread` of its run, as it stood then. `card` is the one that a token names, `addressee` whom it was sent to,
    None where it was sent to nobody alone. `unbound` says why nothing shows that the person meant this card, as that
    is recorded (`language.recorded`); `is_exposed`: others have seen its token.
    """

    by: Literal["card", "page", "digest", "request", "thread"]
    revision: int
    digest: str
    card: DeliveryId | None = None
    addressee: PersonId | None = None
    unbound: str = ""
    is_exposed: bool = False


def bound_to(request: Request, by: Literal["page", "digest", "request", "thread"]) -> Binding:
    """Return the binding of an answer to `request` as it stands."""
    return Binding(by=by, revision=request.revision, digest=request.digest)


class Vote(Proven, Stored, Frozen):
    """An answer that counted towards an approval.

    `reason` is why not, or the note beside an approval, which is for people alone. `breaks_glass`: it is no approval of
    one among several but stands for all of them, and `reason` says why. `again`: the same may be done again in its
    session.
    """

    TOLD = frozenset({"reason"})

    reply_id: str
    person: PersonId
    approve: bool
    reason: str = ""
    binding: Binding
    breaks_glass: bool = False
    again: bool = False
    at: AwareDatetime

    @property
    def is_by_operators_key(self) -> bool:
        """True if it came with a key that somebody else than its person made."""
        return isinstance(self.proof, ByKey) and self.proof.is_anothers


class Attachment(Frozen):
    """A file that came with what a person wrote; its bytes are kept elsewhere, for a while.

    `name`, `type` and `text` are the sender's words, `sha256` is hex. `note` is ours: that the text was cut, or why
    there is none. `is_inline`: a small picture that stood within the text, such as a logo.
    """

    name: str
    type: str
    size_bytes: int
    sha256: str
    text: str = ""
    note: str = ""
    is_inline: bool = False


class Given(Frozen):
    """The answer to a question: the text itself, and what it means in the question's format.

    `form` holds the answer to each field by its name; one that has only a name is answered in text.
    """

    text: str
    picks: tuple[str, ...] = ()
    form: dict[str, FormValue] = Field(default={})


class StandingUse(Frozen):
    """Use `number` of those (`of`) that the standing approval `id` allows."""

    id: str
    number: int
    of: int


class Decision(PerhapsProven, Stored, Frozen):
    """The one final outcome of a request. `by` holds the people whose votes or answer made it; empty for code.

    `operators_keys` are those of them whose word came with a key that somebody else made. `newer_run` asks for the same
    place now, for `newer_by`, and so this one is superseded and not asked again. `proof` is of who answered or
    withdrew; where votes made it, each has its own, and the last came by this `way`. With `standing` nobody was asked,
    and `by` have granted that. `broke_glass`: the one person in `by` did not approve as one of those who decide but
    broke the glass, for this `reason`. `in_thread`: it was answered by words in the thread of its run, and no card.
    """

    TOLD = frozenset({"by", "reason", "given", "operators_keys"})

    state: Closed
    by: tuple[PersonId, ...] = ()
    way: str = ""
    reason: str = ""
    given: Given | None = None
    operators_keys: tuple[PersonId, ...] = ()
    newer_run: RunId = RunId("")
    newer_by: tuple[PersonId, ...] = ()
    standing: StandingUse | None = None
    broke_glass: bool = False
    in_thread: bool = False
    at: AwareDatetime

    @computed_field
    @property
    def channel(self) -> str:
        """The channel that it came through; empty where code made it."""
        return self.proof.channel if self.proof else self.way
