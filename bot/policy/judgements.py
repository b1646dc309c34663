"""An answer to a request, and the judgements that there are of one."""

from typing import Annotated, Literal, get_args

from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter

from agents.forms import FormValue, Misfit
from agents.requests import Binding, Decision, Frozen, Given, PersonId, RequestState, RunId, Vote
from agents.requests.moves import StepBegan
from agents.requests.proof import Proof
from bot.policy.approvers.delegation import Objection
from bot.policy.edits import Edited, EditRefused
from language.stored import Stored

Act = Literal["approve", "deny", "withdraw", "answer", "break_glass", "edit", "hand_on", "ask", "say"]
"""Everything that a person can do to a request. `say` is whatever is none of the others, in words that people read.

A denial takes back what its giver asked for, and stops what was approved: that follows from who says it, and when. A
withdrawal is the act of whoever asked, of a question as well, and stops what was approved just so.
"""
ACTS: tuple[Act, ...] = get_args(Act)
Rests = Act | Literal["stand_in", "use_standing"]
"""What may need a way of its own: as well, who stands in for whom is away, and what a standing approval covers.

Those two are no acts: nobody does them to a request. They were said before there was one, and are judged by the policy
of each request that they meet.
"""


class Answer(Frozen):
    """A reply read as an act on one request; `binding` says which, and what its writer was shown of it.

    `given` is the answer to a question. `misfits` are why something is no answer to a form, `kept` the fields that it
    does answer. `note` stands beside an approval and is more than courtesy, or is the reason to break the glass;
    `note_confirmed` says that it is no condition, or that the glass is to be broken for it. `about` names the comment
    that the words answer.
    `may_stop`: the words fit the question, and would stop its run by the right of whoever gave it; `is_plain`: they
    said that it is the answer. `may_answer`: it is a typed yes that does not name the approval, or stands below lines
    of the card, and so may answer what was written beside that, or the wish where `wish_asks` something beside what it
    wants, as what is to be done may. `again`: it approves, and lets the same be done again in its session.
    """

    reply_id: str
    person: PersonId
    act: Act
    proof: Proof
    binding: Binding
    given: Given | None = None
    misfits: tuple[Misfit, ...] = ()
    kept: dict[str, FormValue] = Field(default_factory=dict[str, FormValue])
    text: str = ""
    note: str = ""
    note_confirmed: bool = False
    about: str = ""
    may_stop: bool = False
    is_plain: bool = True
    may_answer: bool = False
    wish_asks: bool = False
    again: bool = False
    at: AwareDatetime

    @property
    def channel(self) -> str:
        """The channel that it came through."""
        return self.proof.channel

    def of(self, act: Act) -> "Answer":
        """Return the same answer as another act."""
        return self.model_copy(update={"act": act})


class Counted(Stored, Frozen):
    """The vote counts, more are needed. It met its step, where `next_step` puts another one in force."""

    type: Literal["counted"] = "counted"
    vote: Vote
    next_step: StepBegan | None = None


class Last(Frozen):
    """The request is over by the answer, or was before. `copies`: the runs that were made from its run and go on, where
    somebody says no who has a say in those.
    """

    copies: tuple[RunId, ...] = ()


class Decided(Last):
    """The answer decides the request."""

    type: Literal["decided"] = "decided"
    decision: Decision
    vote: Vote | None = None


class Revoked(Last):
    """An approval is taken back before the start."""

    type: Literal["revoked"] = "revoked"
    vote: Vote


class Late(Last):
    """Nothing that comes now changes what became of the request."""


class TooLate(Late):
    """A denial, after the tool started."""

    type: Literal["too_late"] = "too_late"
    started_at: AwareDatetime


class AlreadyDecided(Late):
    """The request was decided before this answer. `may_stop`: what was approved has not begun, and a denial by
    whoever answered counts still.
    """

    type: Literal["already_decided"] = "already_decided"
    decision: Decision
    may_stop: bool = False


class AlreadyVoted(Frozen):
    """A person's first vote stands."""

    type: Literal["already_voted"] = "already_voted"


class ClosedOtherwise(Late):
    """Expired, withdrawn, superseded or revoked: nothing to answer any more."""

    type: Literal["closed"] = "closed"
    state: RequestState


NotEntitledWhy = Literal[
    "not_an_approver", "requester", "not_addressee", "editor", "handed_on", "break_glass", "needed_later", "not_asker",
    "not_withdrawn", "over",
]  # fmt: skip


class NotEntitled(Frozen):
    """The person may not decide; `approvers` are those who may.

    `needed_later`: with their approval of this step too few would be left for another one. `not_asker`: only who asked
    takes it back, and `not_withdrawn`: nobody does. `over`: nobody may any more.
    """

    type: Literal["not_entitled"] = "not_entitled"
    why: NotEntitledWhy
    approvers: tuple[PersonId, ...]


class NotThisWay(Stored, Frozen):
    """An approval that the policy does not let count through this channel, or another `act` that counts where one does.

    `rests_on_mail`: it does count through this channel, but not after a log-in by a link in a mail. `too_long`: the
    messages of this channel have no room for all of it.
    """

    type: Literal["not_this_way"] = "not_this_way"
    ways: tuple[str, ...]
    act: Act = "approve"
    rests_on_mail: bool = False
    too_long: bool = False


class OutOfDate(Stored, Frozen):
    """The person saw something else than what stands now, and approved that, or did another `act` to it."""

    type: Literal["superseded"] = "superseded"
    seen_revision: int
    act: Act = "approve"


class Unclear(Stored, Frozen):
    """The answer is not plain. `why` says what is missing if the words alone would have been one.

    `misfits` say so of an answer to a form, field by field; `kept` are the fields that it answers all the same.
    `is_no_stop`: it would count if nobody else may have stopped the run, so its writer has not.
    """

    TOLD = frozenset({"why"})

    type: Literal["unclear"] = "unclear"
    why: str = ""
    misfits: tuple[Misfit, ...] = ()
    kept: dict[str, FormValue] = Field(default={})
    is_no_stop: bool = False


class NoteUnconfirmed(Frozen):
    """An approval with words beside it, which may be a condition: nothing counts before its writer says."""

    type: Literal["note_unconfirmed"] = "note_unconfirmed"
    note: str


class GlassUnconfirmed(Frozen):
    """A reason to break the glass that was typed as a message: nothing is done before its writer says so once more."""

    type: Literal["glass_unconfirmed"] = "glass_unconfirmed"
    reason: str


class StopOrAnswer(Frozen):
    """Somebody's words fit the question and would stop the run: nothing goes on before they say which is meant.

    `again`: they had been asked that before.
    """

    type: Literal["stop_or_answer"] = "stop_or_answer"
    text: str
    again: bool = False


class Remarked(Frozen):
    """A requester wrote beside the open card: everybody is asked again, with these words on the card."""

    type: Literal["remarked"] = "remarked"
    text: str


class Asked(Frozen):
    """Somebody who decides asks back. It goes to `whom`, who asked for this, and decides nothing."""

    type: Literal["asked"] = "asked"
    whom: tuple[PersonId, ...]


class Replied(Frozen):
    """A requester answers what somebody said beside the open card, `about` that. It decides and changes nothing."""

    type: Literal["replied"] = "replied"
    about: str


class Delegated(Frozen):
    """Somebody handed the request on: `to` decides in place of `person`, who may still deny it."""

    type: Literal["delegated"] = "delegated"
    person: PersonId
    to: PersonId


class DelegationRefused(Frozen):
    """A request was not handed on. `kind` is why, as rules have it, and `why` a sentence for whoever wanted it."""

    type: Literal["delegation_refused"] = "delegation_refused"
    kind: Objection
    why: str


Judgement = Annotated[
    Counted
    | Decided
    | Revoked
    | TooLate
    | AlreadyDecided
    | AlreadyVoted
    | ClosedOtherwise
    | NotEntitled
    | NotThisWay
    | OutOfDate
    | Unclear
    | NoteUnconfirmed
    | GlassUnconfirmed
    | StopOrAnswer
    | Remarked
    | Asked
    | Replied
    | Edited
    | EditRefused
    | Delegated
    | DelegationRefused,
    Field(discriminator="type"),
]
judgements: TypeAdapter[Judgement] = TypeAdapter(Judgement, config=ConfigDict(defer_build=True))
