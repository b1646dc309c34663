"""A request's record: an index over its run's events, written by the same scripts, and always equal to their fold.

And what an approval in it still covers, as the last look before a gated tool executes. Pure.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, Field

from agents.events import (
    AnswerNoted,
    CardReplaced,
    Event,
    PersonSaid,
    RequestDecided,
    RequestFrozen,
    RequestOpened,
    RequestReassigned,
    RequestReminded,
    RequestRevised,
    RequestRevoked,
    ToolOrphaned,
    ToolQueued,
    ToolStarted,
    VoteCast,
    own,
)
from agents.requests import (
    AttemptId,
    Decision,
    DeliveryId,
    Freeze,
    Frozen,
    Holder,
    PersonId,
    PolicySnapshot,
    Remark,
    Request,
    RequestId,
    RequestState,
    Vote,
)
from bot.policy.approvers.quorum import is_met, may_break_glass
from language import say
from language.stored import Stored

COMMENTS = 10
"""Most comments that are kept here, and most questions and answers, so that whoever may only comment pushes none of
those off the card. All are in the run's story.
"""
_COMMENT_CHARS = 500
_KINDS: dict[str, Literal["comment", "question", "answer"]] = {
    "unclear": "comment",
    "asked": "question",
    "replied": "answer",
}


class Comment(Remark):
    """Words beside an open approval, which decide nothing and which no model reads.

    A `question` of somebody who decides goes to whoever asked; an `answer` of theirs is `about` the words with that
    `id`. `channel` is where it was said, and `was_sent` if it was brought to them as a card. `revision` is that of the
    card it was said beside, 0 where that is not known.
    """

    kind: Literal["comment", "question", "answer"] = "comment"
    id: str = ""
    about: str = ""
    channel: str = ""
    was_sent: bool = False
    revision: int = 0


class RequestRecord(Stored, Frozen):
    """A request as it stands. `started_at` is when its tool started, by which `attempt`; `begun_by` is the owner of the
    key with which a program began it outside of sayso, which calls that attempt `called`.

    Both are taken back where that attempt has certainly not begun; `started_at` then is `may_have_begun_at`, when an
    earlier attempt may have begun, or None. While it is `queued`, nothing of it has happened. `stopped` is the first
    denial that came after the start: what has not begun by then does not begin. `noted` counts the answers of each
    person that did not count.

    `joined` wrote to the run while it was open, and so count as its requesters from then on. `may_be` only may be
    somebody who had a part in it, as the directory is now, which is never written: they decide no more than requesters
    do, and steer nothing. `comments` are the newest words beside an open approval, which are for people alone.
    `replaced` are deliveries whose tokens approve no longer, `renewed_at` when somebody got another card instead.
    `void` are votes that count no more, as the id of whoever gave them has another address in the directory.
    `reminded` is the number of the last reminder, at `reminded_at`; `reminders` is each person's own, and `asked_at`
    when somebody was asked who was not at first. `doubts` are requesters whose answer may have been a stop, each with
    the cards that they held then. `glass` are the reasons to break the glass that somebody typed and has not confirmed,
    each with the revision that it is about.
    The `policy` of the `request` is the one that holds now: see `RequestReassigned`. While it is `frozen`, nothing of
    it starts. `told_why_frozen`: the reason of a freeze has stood on its cards, where nobody takes it off a mail.
    """

    request: Request
    state: RequestState = "open"
    votes: tuple[Vote, ...] = ()
    void: tuple[Vote, ...] = ()
    decision: Decision | None = None
    started_at: AwareDatetime | None = None
    attempt: AttemptId | None = None
    begun_by: PersonId = PersonId("")
    called: str = ""
    may_have_begun_at: AwareDatetime | None = None
    queued: bool = False
    stopped: Vote | None = None
    holders: tuple[Holder, ...] = ()
    noted: dict[PersonId, int] = Field(default_factory=dict[PersonId, int])
    joined: tuple[PersonId, ...] = ()
    may_be: tuple[PersonId, ...] = Field(default=(), exclude=True)
    replaced: tuple[DeliveryId, ...] = ()
    renewed_at: dict[PersonId, AwareDatetime] = Field(default_factory=dict[PersonId, AwareDatetime])
    comments: tuple[Comment, ...] = ()
    reminded: int = 0
    frozen: Freeze | None = None
    told_why_frozen: bool = False
    reminded_at: AwareDatetime | None = None
    reminders: dict[PersonId, int] = Field(default_factory=dict[PersonId, int])
    asked_at: dict[PersonId, AwareDatetime] = Field(default_factory=dict[PersonId, AwareDatetime])
    glass: dict[PersonId, tuple[int, str]] = Field(default_factory=dict[PersonId, tuple[int, str]])
    doubts: dict[PersonId, tuple[DeliveryId, ...]] = Field(default_factory=dict[PersonId, tuple[DeliveryId, ...]])

    @property
    def requesters(self) -> tuple[PersonId, ...]:
        """Everyone who counts as a requester by now."""
        return (*self.request.requesters, *self.joined, *self.may_be)

    @property
    def askers(self) -> tuple[PersonId, ...]:
        """The requesters who asked or steered, and so may steer; the others may only not decide, for what they said."""
        return (*self.request.askers, *self.joined)

    def may_withdraw(self, person: PersonId) -> bool:
        """Return whether `person` is one of the askers, or the service whose program asks by itself."""
        return person in self.askers or person == self.request.program

    def only_may_be(self, person: PersonId) -> bool:
        """Return whether `person` counts as a requester only as they may be somebody who had a part in it."""
        is_maybe = person in self.may_be or self.request.parts.get(person) == "maybe"
        return is_maybe and person not in self.joined

    @property
    def began_at(self) -> datetime | None:
        """When its effect began; until then people may still stop it."""
        return self.may_have_begun_at or (None if self.queued else self.started_at)

    @property
    def waits(self) -> bool:
        """Whether it is approved and nothing of it has begun."""
        return self.state == "approved" and self.began_at is None

    def cards_of(self, person: PersonId) -> tuple[DeliveryId, ...]:
        """Return the cards that `person` got, the newest one last."""
        return tuple(holder.delivery_id for holder in self.holders if holder.person == person)

    def comment(self, comment_id: str) -> Comment | None:
        """Return the words with this id, as far as they are still kept here."""
        return next((one for one in self.comments if one.id == comment_id), None)

    def question_for(self, person: PersonId) -> Comment | None:
        """Return the newest question that waits for an answer of `person`, who has asked for this."""
        return open_question(self.comments, person) if person in self.askers else None


def open_question(comments: Sequence[Comment], person: PersonId) -> Comment | None:
    """Return the newest question among `comments` that nobody has answered and `person` has not asked."""
    answered = {one.about for one in comments}
    open_ones = (one for one in reversed(comments) if one.kind == "question" and one.id not in answered)
    return next((one for one in open_ones if one.person != person), None)


def records(events: Iterable[Event]) -> dict[RequestId, RequestRecord]:
    """The records of every request that these events, a whole run in order, tell of.

    What was asked in a story that was copied into this run is another run's.
    """
    found: dict[RequestId, RequestRecord] = {}
    for event in own(tuple(events)):
        if isinstance(event, RequestOpened):
            found[event.request.id] = RequestRecord(request=event.request, holders=event.holders)
        elif isinstance(event, PersonSaid | ToolOrphaned | ToolQueued):
            found = {request_id: after(record, [event]) for request_id, record in found.items()}
        elif (request_id := _about(event)) and request_id in found:
            found[request_id] = after(found[request_id], [event])
    return found


def after(record: RequestRecord, events: Iterable[Event]) -> RequestRecord:
    """`record` after events about it; others change nothing."""
    for event in events:
        record = record.model_copy(update=_changes(record, event))
    return record


def as_revised(record: RequestRecord, request: Request) -> RequestRecord:
    """Return `record` as it would stand once everybody is asked `request` instead, on which nobody has voted."""
    steps = tuple(step.model_copy(update={"by": ()}) for step in request.policy.steps)
    asked = request.model_copy(update={"policy": request.policy.model_copy(update={"steps": steps})})
    return record.model_copy(update={"request": asked, "votes": ()})


def _about(event: Event) -> RequestId | None:
    match event:
        case (
            VoteCast() | AnswerNoted() | CardReplaced() | RequestReassigned() | RequestReminded() | RequestFrozen()
            | RequestDecided() | RequestRevoked() | ToolStarted()
        ):  # fmt: skip
            return event.request_id
        case RequestRevised():
            return event.request.id
        case _:
            return None


def _changes(record: RequestRecord, event: Event) -> dict[str, object]:
    match event:
        case RequestRevised():
            request, holders = event.request, (*record.holders, *event.holders)
            return {
                "request": request,
                "votes": (),
                "void": (),
                "holders": holders,
                **_reminders(record, request.policy),
            }
        case RequestReassigned():
            return _reassigned(record, event)
        case RequestReminded():
            reminders = {**record.reminders, **dict.fromkeys(event.people, event.number)}
            return {"reminded": event.number, "reminded_at": event.at, "reminders": reminders}
        case RequestFrozen():
            has_reason = event.freeze is not None and event.freeze.has_reason
            return {"frozen": event.freeze, "told_why_frozen": record.told_why_frozen or has_reason}
        case VoteCast():
            return {"votes": (*record.votes, event.vote)}
        case AnswerNoted():
            noted = {**record.noted, event.person: record.noted.get(event.person, 0) + 1}
            return {
                "noted": noted,
                "comments": _comments(record, event),
                "stopped": record.stopped or _stop(record, event),
                "doubts": _doubts(record, event),
                "glass": _glass(record, event),
            }
        case CardReplaced():
            return _replaced(record, event)
        case RequestDecided():
            frozen = record.frozen if event.decision.state == "approved" else None
            return {"state": event.decision.state, "decision": event.decision, "frozen": frozen}
        case RequestRevoked():
            return {"state": "revoked", "votes": (*record.votes, event.vote), "frozen": None}
        case ToolStarted():
            begun = {"started_at": event.at, "attempt": event.attempt_id, "begun_by": event.by}
            return {**begun, "called": event.called, "queued": False, "frozen": None}
        case ToolQueued() if event.attempt_id == record.attempt:
            return {"queued": True} if event.behind else {"queued": False, "started_at": event.at}
        case ToolOrphaned() if event.attempt_id == record.attempt:
            return {"queued": False, **_after_orphaned(record, event)}
        case PersonSaid() if record.state == "open" and (
            event.person not in record.requesters or record.only_may_be(event.person)
        ):
            return {"joined": (*record.joined, event.person)}
        case _:
            return {}


def _after_orphaned(record: RequestRecord, event: ToolOrphaned) -> dict[str, object]:
    if event.may_have_started:
        return {"may_have_begun_at": record.may_have_begun_at or record.started_at}
    return {"started_at": record.may_have_begun_at, "attempt": None, "begun_by": PersonId(""), "called": ""}


def _reassigned(record: RequestRecord, event: RequestReassigned) -> dict[str, object]:
    asked_at = {holder.person: event.at for holder in event.holders if holder.person}
    void = tuple(vote for vote in record.votes if vote.reply_id in event.void)
    return {
        "request": record.request.under(event.policy),
        "votes": tuple(vote for vote in record.votes if vote not in void),
        "void": (*record.void, *void),
        "holders": (*record.holders, *event.holders),
        "asked_at": {**record.asked_at, **asked_at},
        **_reminders(record, event.policy),
    }


def _reminders(record: RequestRecord, policy: PolicySnapshot) -> dict[str, object]:
    """Begin to count reminders anew with each step."""
    is_same_step = record.request.policy.began_at == policy.began_at
    return {} if is_same_step else {"reminded": 0, "reminded_at": None, "reminders": {}}


def _replaced(record: RequestRecord, event: CardReplaced) -> dict[str, object]:
    replaced = tuple(dict.fromkeys((*record.replaced, *event.void)))
    if event.holder is None:
        return {"replaced": replaced}
    # Nobody has answered there; of answers to answers there is one in a while.
    renewed = {event.person: event.at} if event.why not in {"reminder", "unseen"} else {}
    renewed_at = {**record.renewed_at, **renewed}
    return {"replaced": replaced, "holders": (*record.holders, event.holder), "renewed_at": renewed_at}


def _stop(record: RequestRecord, event: AnswerNoted) -> Vote | None:
    """Return the denial that came too late to be sure that it stops anything; None for any other answer."""
    if event.outcome != "too_late":
        return None
    return Vote(
        reply_id=event.reply_id,
        person=event.person,
        approve=False,
        reason=event.text,
        revision=record.request.revision,
        digest=record.request.digest,
        proof=event.proof,
        at=event.at,
    )


def _doubts(record: RequestRecord, event: AnswerNoted) -> dict[PersonId, tuple[DeliveryId, ...]]:
    if event.outcome != "stop_or_answer" or event.person in record.doubts:
        return record.doubts
    held = (holder.delivery_id for holder in record.holders if holder.person == event.person)
    return {**record.doubts, event.person: tuple(held)}


def _glass(record: RequestRecord, event: AnswerNoted) -> dict[PersonId, tuple[int, str]]:
    """The newest reason of each person; what they write after it in other words takes it back."""
    others = {person: said for person, said in record.glass.items() if person != event.person}
    is_reason = event.outcome == "glass_unconfirmed"
    return {**others, event.person: (record.request.revision, event.text)} if is_reason else others


def _comments(record: RequestRecord, event: AnswerNoted) -> tuple[Comment, ...]:
    is_comment = record.state == "open" and record.request.format == "approval" and event.outcome in _KINDS
    if not is_comment or not event.text.strip():
        return record.comments
    comment = Comment(
        person=event.person,
        text=_cut(event.text),
        at=event.at,
        kind=_KINDS[event.outcome],
        id=event.reply_id,
        about=event.about,
        channel=event.channel,
        was_sent=bool(event.holders),
        revision=record.request.revision,
    )
    return _newest((*record.comments, comment))


def _newest(comments: tuple[Comment, ...]) -> tuple[Comment, ...]:
    plain = [one for one in comments if one.kind == "comment"][-COMMENTS:]
    asked = [one for one in comments if one.kind != "comment"][-COMMENTS:]
    return tuple(one for one in comments if one in plain or one in asked)


def _cut(text: str) -> str:
    return text if len(text) <= _COMMENT_CHARS else f"{text[: _COMMENT_CHARS - 1]}…"


def good_until(record: RequestRecord) -> datetime | None:
    """The moment from which the approval is too old to act on; None when there is no approval."""
    if record.state != "approved" or record.decision is None:
        return None
    return record.decision.at + timedelta(seconds=record.request.policy.execute_within_s)


def too_old(record: RequestRecord, now: datetime) -> str | None:
    """Return in words that an approval is too old to act on, whatever else holds it back; None if it is not."""
    until = good_until(record)
    if until is None or now < until:
        return None
    return say("run.too-old", seconds=f"{record.request.policy.execute_within_s:.0f}")


def why_not(record: RequestRecord, digest: str, present: Iterable[PersonId], now: datetime) -> str | None:
    """Return why the approval does not cover what is about to be executed, in words; None if it does.

    `digest` is that of the effect as it would be executed now, `present` those whose votes still count. Whether those
    who granted a standing approval still may is no matter of the policy as it stood for this request.
    """
    if record.state != "approved" or record.decision is None:
        return say("run.not-approved")
    if record.stopped:
        return say("run.stopped-late")
    if record.request.digest != digest:
        return say("run.not-the-same")
    if why := too_old(record, now):
        return why
    policy, here = record.request.policy, [*filter(set(present).__contains__, record.decision.by)]
    broke = record.decision.broke_glass
    if broke and (not here or {*record.decision.by} - {*here}.intersection(may_break_glass(policy))):
        return say("run.breaker-left")
    if not (broke or record.decision.standing or _is_still_met(policy, here)):
        return say("run.voter-left")
    return None


def _is_still_met(policy: PolicySnapshot, voters: list[PersonId]) -> bool:
    """Return whether these people still meet the policy, in each of its steps those who approved there."""
    before = policy.other_steps
    return is_met(policy, voters) and all(is_met(step, filter(voters.__contains__, step.by)) for step in before)
