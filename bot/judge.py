"""What an answer means for a request. Pure: `decide` commits what is found here, or judges again."""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from agents.requests import (
    Closed,
    Decision,
    Frozen,
    Given,
    PersonId,
    PolicySnapshot,
    RequestState,
    Vote,
    people_of,
)
from bot.quorum import eligible, is_met
from bot.records import RequestRecord


class Answer(Frozen):
    """A reply read as an answer to one request. `revision` and `digest` are those that this person was shown.

    `approve` is None for anything that is not plainly a vote; `given` is the answer to a question, None when the
    text does not fit its format. `addressee` is whom the card was sent to, None where nothing was sent.
    """

    reply_id: str
    person: PersonId
    addressee: PersonId | None = None
    channel: str
    revision: int
    digest: str
    approve: bool | None = None
    given: Given | None = None
    text: str = ""
    evidence: str = ""
    at: AwareDatetime


class Counted(Frozen):
    """The vote counts, more are needed."""

    type: Literal["counted"] = "counted"
    vote: Vote


class Decided(Frozen):
    """This answer decides."""

    type: Literal["decided"] = "decided"
    decision: Decision
    vote: Vote | None = None


class Revoked(Frozen):
    """An approval is taken back before the start."""

    type: Literal["revoked"] = "revoked"
    vote: Vote


class TooLate(Frozen):
    """A denial, after the tool started."""

    type: Literal["too_late"] = "too_late"
    started_at: AwareDatetime


class AlreadyDecided(Frozen):
    """Somebody else was first."""

    type: Literal["already_decided"] = "already_decided"
    decision: Decision


class AlreadyVoted(Frozen):
    """A person's first vote stands."""

    type: Literal["already_voted"] = "already_voted"


class ClosedOtherwise(Frozen):
    """Expired, withdrawn, superseded or revoked: nothing to answer any more."""

    type: Literal["closed"] = "closed"
    state: RequestState


class NotEntitled(Frozen):
    """Not this person's to decide; `approvers` are those who may."""

    type: Literal["not_entitled"] = "not_entitled"
    why: Literal["not_an_approver", "requester", "not_addressee"]
    approvers: tuple[PersonId, ...]


class NotThisWay(Frozen):
    """An approval that the policy does not let count through this channel."""

    type: Literal["not_this_way"] = "not_this_way"
    ways: tuple[str, ...]


class OutOfDate(Frozen):
    """The person saw something else than what stands now."""

    type: Literal["superseded"] = "superseded"
    seen_revision: int


class Unclear(Frozen):
    """Not plainly an answer."""

    type: Literal["unclear"] = "unclear"


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
    | Unclear,
    Field(discriminator="type"),
]
judgements: TypeAdapter[Judgement] = TypeAdapter(Judgement)


def judge(record: RequestRecord, answer: Answer) -> Judgement:
    """What `answer` means for `record`: the first check that objects, else the tally."""
    for check in CHECKS:
        if (objection := check(record, answer)) is not None:
            return objection
    return _tally(record, answer)


def _addressee(record: RequestRecord, answer: Answer) -> Judgement | None:
    if answer.addressee is not None and answer.addressee != answer.person:
        return NotEntitled(why="not_addressee", approvers=_eligible(record))
    return None


def _clear(record: RequestRecord, answer: Answer) -> Judgement | None:
    is_vote = record.request.format == "approval"
    return Unclear() if (answer.approve if is_vote else answer.given) is None else None


def _entitled(record: RequestRecord, answer: Answer) -> Judgement | None:
    if answer.person not in people_of(record.request.policy.rule):
        return NotEntitled(why="not_an_approver", approvers=_eligible(record))
    return None


def _not_requester(record: RequestRecord, answer: Answer) -> Judgement | None:
    if answer.person in record.requesters and not record.request.policy.requester_may_approve:
        return NotEntitled(why="requester", approvers=_eligible(record))
    return None


def _revocation(record: RequestRecord, answer: Answer) -> Judgement | None:
    """A denial counts until the start, whatever card it came from."""
    if record.state != "approved" or answer.approve is not False:
        return None
    if record.started_at is not None:
        return TooLate(started_at=record.started_at)
    return Revoked(vote=_vote(answer))


def _undecided(record: RequestRecord, _: Answer) -> Judgement | None:
    return AlreadyDecided(decision=record.decision) if _is_by_people(record) and record.decision else None


def _open(record: RequestRecord, _: Answer) -> Judgement | None:
    return ClosedOtherwise(state=record.state) if record.state != "open" else None


def _unexpired(record: RequestRecord, answer: Answer) -> Judgement | None:
    return ClosedOtherwise(state="expired") if answer.at >= record.request.expires_at else None


def _this_way(record: RequestRecord, answer: Answer) -> Judgement | None:
    """Where an approval counts; a denial counts everywhere, and so does the answer to a question."""
    policy = record.request.policy
    ways = ways_to_approve(policy)
    return NotThisWay(ways=ways) if answer.approve and answer.channel not in ways else None


def _current_revision(record: RequestRecord, answer: Answer) -> Judgement | None:
    is_older = answer.revision != record.request.revision
    return OutOfDate(seen_revision=answer.revision) if is_older and answer.approve is not False else None


def _same_digest(record: RequestRecord, answer: Answer) -> Judgement | None:
    is_other = answer.digest != record.request.digest
    return OutOfDate(seen_revision=answer.revision) if is_other and answer.approve is not False else None


def _first_vote(record: RequestRecord, answer: Answer) -> Judgement | None:
    has_voted = any(vote.person == answer.person for vote in record.votes)
    return AlreadyVoted() if has_voted and answer.approve else None


# In order: whose answer it is, what it says, whether it may still count, whether it is about what stands now.
CHECKS: tuple[Callable[[RequestRecord, Answer], Judgement | None], ...] = (
    _addressee,
    _entitled,
    _not_requester,
    _revocation,
    _undecided,
    _open,
    _unexpired,
    _clear,
    _this_way,
    _current_revision,
    _same_digest,
    _first_vote,
)


def _eligible(record: RequestRecord) -> tuple[PersonId, ...]:
    return eligible(record.request.policy, record.requesters)


def _is_by_people(record: RequestRecord) -> bool:
    return record.state in {"approved", "denied", "answered"}


def ways_to_approve(policy: PolicySnapshot) -> tuple[str, ...]:
    """The channels through which an approval counts."""
    return tuple(way for way in policy.answer_from if way != "email" or policy.approve_by_email)


def _vote(answer: Answer) -> Vote:
    return Vote(
        reply_id=answer.reply_id,
        person=answer.person,
        approve=bool(answer.approve),
        reason=answer.text if answer.approve is False else "",
        revision=answer.revision,
        digest=answer.digest,
        channel=answer.channel,
        evidence=answer.evidence,
        at=answer.at,
    )


def _tally(record: RequestRecord, answer: Answer) -> Judgement:
    if record.request.format != "approval":
        return Decided(decision=_decision(answer, "answered", (answer.person,)))
    vote = _vote(answer)
    if not vote.approve:
        return Decided(decision=_decision(answer, "denied", (answer.person,)), vote=vote)
    # Whoever has become a requester since does not count, though the vote was given before.
    may = _eligible(record)
    voters = tuple(person for person in (*(vote.person for vote in record.votes), answer.person) if person in may)
    if is_met(record.request.policy, voters):
        return Decided(decision=_decision(answer, "approved", voters), vote=vote)
    return Counted(vote=vote)


def _decision(answer: Answer, state: Closed, by: tuple[PersonId, ...]) -> Decision:
    reason = answer.text if state == "denied" else ""
    return Decision(state=state, by=by, channel=answer.channel, reason=reason, given=answer.given, at=answer.at)
