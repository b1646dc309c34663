"""A request's record: an index over its run's events, written by the same scripts, always equal to their fold. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
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
    RunPaused,
    RunResumed,
    ToolOrphaned,
    ToolQueued,
    ToolStarted,
    VoteCast,
)
from agents.moves import reassigned, restarted
from agents.requests import (
    AttemptId,
    Decision,
    DeliveryId,
    Freeze,
    Frozen,
    Holder,
    PersonId,
    Remark,
    Request,
    RequestId,
    RequestState,
    StepId,
    Vote,
)
from agents.requests.asked import Asked, asked_at_first
from language.stored import Stored

COMMENTS = 10
"""Most comments that are kept here, and most questions and answers, so that whoever may only comment pushes none of
those off the card. A question that waits for an answer stays before all others, and an answered one as long as its
answer. All are in the run's story.
"""
_COMMENT_CHARS = 500
MOST_REMARKS = 20
"""Each makes a new card for everybody who is asked: who has more to say withdraws, and asks anew."""

# These name no request, and may be about any.
_OF_ANY = (PersonSaid, RunPaused, RunResumed, ToolOrphaned, ToolQueued)
MOST_OPEN = 10
"""So many requests of one run are open at a time at most: it asks one thing after the other. A file may tell of any
number, in each of which whoever writes would join.
"""
_KINDS: dict[str, Literal["comment", "question", "answer"]] = {
    "unclear": "comment",
    "asked": "question",
    "replied": "answer",
}


class Comment(Remark):
    """Words beside an open approval, which decide nothing and which no model reads.

    A `question` of somebody who decides goes to whoever asked; an `answer` of theirs is `about` the words with that
    `id`. `channel` is where it was said, and `was_sent` if it was brought to them as a card. `revision` is that of the
    card it was said beside, 0 where that is not known or was another request's.
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
    somebody who had a part in it: they decide no more than requesters do, and steer nothing. `doubles` are pairs of
    whom nobody can say that they are two humans, and `may_not_break` its glass: they may be somebody that had a seat or
    changed it. `may_not_give` a seat of theirs: they may be somebody that had a part in it. All this is as the
    directory is now, and never written. `comments` are the newest words beside an open approval, which are for people.
    `replaced` are deliveries by which no mail approves any longer, `renewed_at` when somebody got another card instead.
    `void` are votes that count no more, as whoever gave them has left, or no rule names them any more.
    `reminded` is the number of the last reminder, at `reminded_at`; `reminders` is each person's own, and `asked_at`
    when somebody was asked who was not at first. `doubts` are those whose answer may have been a stop, each with the
    cards that they held then. `glass` are the reasons to break the glass that somebody typed and has not confirmed,
    each with the revision that it is about.
    The `policy` of the `request` is the one that it was opened under, and `asked` is who is asked by now: see
    `agents/moves.py`. While it is `frozen`, or open and its run `is_paused`, nothing of it starts. `told_why_frozen`:
    the reason of a freeze has stood on its cards, where nobody takes it off a mail.
    """

    request: Request
    asked: Asked = Field(default_factory=lambda known: _at_first(known["request"]))
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
    doubles: tuple[tuple[PersonId, PersonId], ...] = Field(default=(), exclude=True)
    may_not_break: tuple[PersonId, ...] = Field(default=(), exclude=True)
    may_not_give: tuple[PersonId, ...] = Field(default=(), exclude=True)
    replaced: tuple[DeliveryId, ...] = ()
    renewed_at: dict[PersonId, AwareDatetime] = Field(default_factory=dict[PersonId, AwareDatetime])
    comments: tuple[Comment, ...] = ()
    reminded: int = 0
    frozen: Freeze | None = None
    is_paused: bool = False
    told_why_frozen: bool = False
    reminded_at: AwareDatetime | None = None
    reminders: dict[PersonId, int] = Field(default_factory=dict[PersonId, int])
    asked_at: dict[PersonId, AwareDatetime] = Field(default_factory=dict[PersonId, AwareDatetime])
    glass: dict[PersonId, tuple[int, str]] = Field(default_factory=dict[PersonId, tuple[int, str]])
    doubts: dict[PersonId, tuple[DeliveryId, ...]] = Field(default_factory=dict[PersonId, tuple[DeliveryId, ...]])

    def as_stored(self) -> bytes:
        """Return it as JSON, without who is asked where nothing has changed that since it was opened."""
        is_at_first = self.asked == _at_first(self.request)
        return self.model_dump_json(round_trip=True, exclude={"asked"} if is_at_first else None).encode()

    @property
    def requesters(self) -> tuple[PersonId, ...]:
        """Everyone who counts as a requester by now."""
        return tuple(dict.fromkeys((*self.request.requesters, *self.joined, *self.may_be)))

    @property
    def askers(self) -> tuple[PersonId, ...]:
        """The requesters who asked or steered, and so may steer; the others may only not decide, for what they said."""
        return tuple(dict.fromkeys((*self.request.askers, *self.joined)))

    def may_withdraw(self, person: PersonId) -> bool:
        """Return whether `person` is one of the askers, or the service whose program asks by itself."""
        return person in self.askers or person == self.request.program

    def only_may_be(self, person: PersonId) -> bool:
        """Return whether `person` counts as a requester only as they may be somebody who had a part in it."""
        is_maybe = person in self.may_be or self.request.parts.get(person) == "maybe"
        return is_maybe and person not in self.joined

    @property
    def cast(self) -> tuple[Vote, ...]:
        """The votes about what is asked now, those that count no more as well."""
        return (*self.void, *self.votes)

    @property
    def approved_by(self) -> tuple[PersonId, ...]:
        """Those who have approved what is asked now, or broke its glass, but for votes that are void."""
        return tuple(vote.person for vote in self.votes if vote.approve)

    @property
    def is_voted(self) -> bool:
        """Whether votes decided it, and neither a standing approval nor one person who broke the glass."""
        decision = self.decision
        if decision is None or decision.state not in {"approved", "denied"}:
            return False
        return not (decision.standing or decision.broke_glass)

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


def _at_first(request: Request) -> Asked:
    return asked_at_first(request.policy, request.editors)


def open_question(comments: Sequence[Comment], person: PersonId) -> Comment | None:
    """Return the newest question among `comments` that nobody has answered and `person` has not asked."""
    answered = {one.about for one in comments}
    open_ones = (one for one in reversed(comments) if one.kind == "question" and one.id not in answered)
    return next((one for one in open_ones if one.person != person), None)


def approval_before(records: Mapping[RequestId, RequestRecord], step_id: StepId) -> RequestRecord | None:
    """Return the newest approval that was asked for a step; what was said beside it goes over to one in its place."""
    asked = [one for one in records.values() if one.request.step_id == step_id and one.request.purpose == "gate"]
    return asked[-1] if asked else None


def remarks_of(*said: Remark) -> tuple[Remark, ...]:
    """Return each of them once, in the order in which they were written."""
    return tuple(dict.fromkeys(sorted(said, key=lambda one: one.at)))


def asked_before(records: Mapping[RequestId, RequestRecord], request: Request) -> tuple[Comment, ...]:
    """Return what people asked, and were answered, beside the approval before that `request` is asked in place of."""
    before = approval_before(records, request.step_id) if request.purpose == "gate" else None
    said = before.comments if before else ()
    return tuple(one.model_copy(update={"revision": 0}) for one in said if one.kind != "comment")


def step_requests(records: Mapping[RequestId, RequestRecord], event: Event) -> Mapping[RequestId, RequestRecord]:
    """The records of a run's requests after `event`; the same mapping where it changes none."""
    if isinstance(event, RequestOpened):
        said = asked_before(records, event.request)
        opened = RequestRecord(request=event.request, holders=event.holders, comments=said)
        are_open = sum(one.state == "open" for one in records.values())
        return {**records, event.request.id: opened} if are_open < MOST_OPEN else records
    if isinstance(event, _OF_ANY):
        concerned = [one for one in records.values() if _may_concern(one, event)]
        then = {one.request.id: stepped for one in concerned if (stepped := step_request(one, event)) is not one}
        return {**records, **then} if then else records
    request_id = _about(event)
    record = records.get(request_id) if request_id is not None else None
    return {**records, record.request.id: step_request(record, event)} if record else records


def _may_concern(record: RequestRecord, event: PersonSaid | RunPaused | RunResumed | ToolOrphaned | ToolQueued) -> bool:
    if isinstance(event, (ToolOrphaned, ToolQueued)):
        return record.attempt == event.attempt_id
    return record.state == "open"


def step_request(record: RequestRecord, event: Event) -> RequestRecord:
    """`record` after an event about it; any other changes nothing."""
    if not isinstance(event, _OF_ANY) and _about(event) != record.request.id:
        return record
    changes = _changes(record, event)
    return record.model_copy(update=changes) if changes else record


def after(record: RequestRecord, events: Iterable[Event]) -> RequestRecord:
    """`record` after events about it; others change nothing."""
    for event in events:
        record = step_request(record, event)
    return record


def as_revised(record: RequestRecord, request: Request) -> RequestRecord:
    """Return `record` as it would stand once everybody is asked `request` instead, from the first step on."""
    asked = restarted(record.asked, request.opened_at).edited_by(request.editors, request.policy)
    return record.model_copy(update={"request": request, "asked": asked, "votes": ()})


def as_reassigned(record: RequestRecord, event: RequestReassigned) -> RequestRecord:
    """Return `record` with those asked who are by `event`; nothing else of it changes."""
    request = record.request
    asked = reassigned(record.asked, event).edited_by(request.editors, request.policy)
    return record.model_copy(update={"asked": asked})


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
            return _revised(record, event)
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
                "stopped": record.stopped or _stop(event),
                "doubts": _doubts(record, event),
                "glass": _glass(record, event),
            }
        case CardReplaced():
            return _replaced(record, event)
        case RequestDecided():
            frozen = record.frozen if event.decision.state == "approved" else None
            return {"state": event.decision.state, "decision": event.decision, "frozen": frozen, "is_paused": False}
        case RequestRevoked():
            return {"state": "revoked", "votes": (*record.votes, event.vote), "frozen": None}
        case ToolStarted():
            begun = {"started_at": event.at, "attempt": event.attempt_id, "begun_by": event.by}
            return {**begun, "called": event.called, "queued": False, "frozen": None}
        case ToolQueued() if event.attempt_id == record.attempt:
            return {"queued": True} if event.behind else {"queued": False, "started_at": event.at}
        case ToolOrphaned() if event.attempt_id == record.attempt:
            return {"queued": False, **_after_orphaned(record, event)}
        case RunPaused() | RunResumed() if record.state == "open":
            return {"is_paused": isinstance(event, RunPaused)}
        case PersonSaid() if record.state == "open" and event.person not in record.askers:
            return {"joined": (*record.joined, event.person)}
        case _:
            return {}


def _after_orphaned(record: RequestRecord, event: ToolOrphaned) -> dict[str, object]:
    if event.may_have_started:
        return {"may_have_begun_at": record.may_have_begun_at or record.started_at}
    return {"started_at": record.may_have_begun_at, "attempt": None, "begun_by": PersonId(""), "called": ""}


def _revised(record: RequestRecord, event: RequestRevised) -> dict[str, object]:
    """Who is asked stays as it is, from the first step on."""
    request = record.request.model_copy(update={**dict(event.request), "policy": record.request.policy})
    asked = restarted(record.asked, event.at).edited_by(request.editors, request.policy)
    return {
        "request": request,
        "asked": asked,
        "votes": (),
        "void": (),
        "holders": (*record.holders, *event.holders),
        **_reminders(record, asked),
    }


def _reassigned(record: RequestRecord, event: RequestReassigned) -> dict[str, object]:
    asked_at = {holder.person: event.at for holder in event.holders if holder.person}
    void = tuple(vote for vote in record.votes if vote.reply_id in event.void)
    asked = as_reassigned(record, event).asked
    # What mails say of the step before would not come true. Whoever has voted hears that their vote stands.
    out = set[PersonId]() if asked.in_step == record.asked.in_step else {holder.person for holder in record.holders}
    again = {*asked_at, *out.difference(vote.person for vote in record.votes)}
    before = (holder.delivery_id for holder in record.holders if holder.person in again)
    return {
        "asked": asked,
        "replaced": tuple(dict.fromkeys((*record.replaced, *before))),
        "votes": tuple(vote for vote in record.votes if vote not in void),
        "void": (*record.void, *void),
        "holders": (*record.holders, *event.holders),
        "asked_at": {**record.asked_at, **asked_at},
        **_reminders(record, asked),
    }


def _reminders(record: RequestRecord, asked: Asked) -> dict[str, object]:
    """Begin to count reminders anew with each step."""
    is_same_step = record.asked.began_at == asked.began_at
    return {} if is_same_step else {"reminded": 0, "reminded_at": None, "reminders": {}}


def _replaced(record: RequestRecord, event: CardReplaced) -> dict[str, object]:
    replaced = tuple(dict.fromkeys((*record.replaced, *event.void)))
    if event.holder is None:
        return {"replaced": replaced}
    # Nobody has answered there; of answers to answers there is one in a while.
    renewed = {event.person: event.at} if event.why not in {"reminder", "unseen"} else {}
    renewed_at = {**record.renewed_at, **renewed}
    return {"replaced": replaced, "holders": (*record.holders, event.holder), "renewed_at": renewed_at}


def _stop(event: AnswerNoted) -> Vote | None:
    """Return the denial that came too late to be sure that it stops anything; None for any other answer."""
    if event.outcome != "too_late":
        return None
    return Vote(
        reply_id=event.reply_id,
        person=event.person,
        approve=False,
        reason=event.text,
        binding=event.binding,
        proof=event.proof,
        at=event.at,
    )


def _doubts(record: RequestRecord, event: AnswerNoted) -> dict[PersonId, tuple[DeliveryId, ...]]:
    if event.is_no_stop:
        return {one: cards for one, cards in record.doubts.items() if one not in (event.person, *event.other_ids)}
    if event.outcome != "stop_or_answer" or event.person in record.doubts:
        return record.doubts
    return {**record.doubts, event.person: record.cards_of(event.person)}


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
    asked = [one for one in comments if one.kind != "comment"]
    answered_at = {one.about: place for place, one in enumerate(asked)}
    waiting = [one for one in asked if one.kind == "question" and one.id not in answered_at][1 - COMMENTS :]
    others = [(max(place, answered_at.get(one.id, 0)), one) for place, one in enumerate(asked) if one not in waiting]
    newest = [one for _, one in sorted(others, key=lambda each: each[0])[len(waiting) - COMMENTS :]]
    return tuple(one for one in comments if one in plain or one in waiting or one in newest)


def _cut(text: str) -> str:
    return text if len(text) <= _COMMENT_CHARS else f"{text[: _COMMENT_CHARS - 1]}…"
