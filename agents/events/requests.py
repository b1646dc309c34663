"""The facts about one request to people: opened, changed, answered, decided."""

from typing import Literal

from pydantic import JsonValue

from agents.requests import (
    Asking,
    Attachment,
    Binding,
    Decision,
    DeliveryId,
    Freeze,
    Frozen,
    Happened,
    Holder,
    PersonId,
    Request,
    RequestId,
    Vote,
)
from agents.requests.moves import Move
from agents.requests.proof import PerhapsProven, Proven
from language.stored import Stored


class RequestOpened(Happened):
    """A question goes to people; `holders` are those for whom cards were made."""

    type: Literal["request_opened"] = "request_opened"
    schema_version: Literal[1] = 1
    request: Request
    holders: tuple[Holder, ...] = ()


class Edited(Proven, Stored, Frozen):
    """An edit by somebody who decides: the arguments `before`, and the names of those that they `changed`.

    `reply_id` is the reply it came with.
    """

    before: dict[str, JsonValue]
    changed: tuple[str, ...]
    reply_id: str


class RequestRevised(PerhapsProven, Happened):
    """The same question, changed before it was decided; votes for the older revision do not count.

    Who is asked stays as it is, from the first step on; `policy` is what their policy is called.
    `edited` is set where `by` changed it as one of those who decide, and says how they did and by whose proof; it has
    one itself where one who asked changed it.
    """

    type: Literal["request_revised"] = "request_revised"
    schema_version: Literal[1] = 1
    by: PersonId
    request: Asking
    policy: str = ""
    holders: tuple[Holder, ...] = ()
    edited: Edited | None = None


ReassignedWhy = Literal["escalated", "next_step", "left", "delegated", "absent", "void", "excluded"]


class RequestReassigned(PerhapsProven, Happened):
    """Other people may decide from now on, by these `moves`; votes that were given still count, but those in `void`.

    `why`: it `escalated`; the next of its steps began (`next_step`); somebody `left` the directory, `delegated` it, or
    is `absent`: then nobody stands in for them where `to` is empty; or the votes in `void` (the ids of their replies)
    count no more, as the directory has another address for whoever gave them. `person` is whom it was taken from and
    `to` who may decide instead or as well; `by` is who wanted it, None for code. `holders` are those for whom new cards
    were made.
    """

    type: Literal["request_reassigned"] = "request_reassigned"
    schema_version: Literal[1] = 1
    request_id: RequestId
    why: ReassignedWhy
    moves: tuple[Move, ...] = ()
    by: PersonId | None = None
    person: PersonId | None = None
    to: tuple[PersonId, ...] = ()
    reason: str = ""
    holders: tuple[Holder, ...] = ()
    void: tuple[str, ...] = ()


class RequestReminded(Happened):
    """The reminder with this `number`, from 1, went to `people`; it is shown on the card that they hold."""

    type: Literal["request_reminded"] = "request_reminded"
    schema_version: Literal[1] = 1
    request_id: RequestId
    number: int
    people: tuple[PersonId, ...]


class RequestFrozen(Happened):
    """What is asked for may not start, whatever people decide, while `freeze` lasts; None when it is over."""

    type: Literal["request_frozen"] = "request_frozen"
    schema_version: Literal[1] = 1
    request_id: RequestId
    freeze: Freeze | None = None


class VoteCast(Happened):
    """An answer counted. `files` came with it, and nothing hangs on them."""

    type: Literal["vote_cast"] = "vote_cast"
    schema_version: Literal[1] = 1
    request_id: RequestId
    vote: Vote
    files: tuple[Attachment, ...] = ()


class AnswerNoted(Proven, Happened):
    """An answer came and did not count; nothing typed is thrown away. `outcome` is the judgement's type.

    Words beside an open approval are for people: `holders` were asked, and `about` is the `reply_id` they answer.
    `is_no_stop`: its writer, who may have stopped the run before, also under one of `other_ids`, says by it that they
    did not.
    """

    type: Literal["answer_noted"] = "answer_noted"
    schema_version: Literal[1] = 1
    request_id: RequestId
    reply_id: str
    person: PersonId
    binding: Binding
    text: str
    outcome: str
    files: tuple[Attachment, ...] = ()
    about: str = ""
    holders: tuple[Holder, ...] = ()
    is_no_stop: bool = False
    other_ids: tuple[PersonId, ...] = ()


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
