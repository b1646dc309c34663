"""How a request stands for somebody who looks at it: its card, what they can still say, and why not more. Pure."""

from datetime import datetime
from typing import NamedTuple

from agents.requests import Given, PersonId
from bot.cards import TAKE_BACK, decided, request_card, told
from bot.judge import (
    AlreadyDecided,
    Answer,
    Counted,
    Decided,
    Judgement,
    NotEntitled,
    OutOfDate,
    Revoked,
    TooLate,
    judge,
)
from bot.outgoing import Placed
from bot.people import People
from bot.records import RequestRecord
from bot.standing import approvals, with_approvals
from channels import AnswerForm, Card, Line

_TAKES_BACK = f"You asked for this: to take it back, answer {TAKE_BACK}."


class Can(NamedTuple):
    """What somebody can still say with a card, and `why` it is not everything."""

    approve: bool = False
    deny: bool = False
    stop: bool = False
    why: str = ""


def standing_card(
    record: RequestRecord, placed: Placed, person: PersonId, way: str, people: People, now: datetime
) -> Card:
    """The card of `placed` as it stands for `person`, who answers through the channel `way`.

    Its form has no token yet; there is none where this person has nothing to say, and then `summary` says why.
    """
    card, can = request_card(record.request, people, now), _can(record, placed, person, way, people, now)
    card = with_approvals(card, record, people) if record.state == "open" else card
    made = {
        "summary": "\n".join(filter(None, (can.why, card.summary))),
        "form": _form(card.form, can) if card.form else None,
    }
    return card.model_copy(update=made)


def so_far(record: RequestRecord, people: People) -> tuple[Line, ...]:
    """Who has approved of what needs more people, while it does."""
    return approvals(record, people) if record.votes and record.state == "open" else ()


def _form(form: AnswerForm, can: Can) -> AnswerForm | None:
    if not (can.approve or can.deny or can.stop):
        return None
    return form.model_copy(update={"may_approve": can.approve, "only_stops": can.stop})


def _can(record: RequestRecord, placed: Placed, person: PersonId, way: str, people: People, now: datetime) -> Can:
    """By the judge's own rules: what would become of a yes, and of a no."""
    yes, no = (judge(record, _answer(placed, person, way, now, approve=approve)) for approve in (True, False))
    why = _words(yes, record, people)
    match yes, no:
        case Counted() | Decided(), _:
            return Can(approve=True, deny=True)
        case OutOfDate(), _:
            return Can(why=why)
        case _, Decided() if record.request.format == "approval":
            return Can(deny=True, why=f"{why} {_TAKES_BACK}" if _only_withdraws(yes, no) else why)
        case _, Revoked():
            return Can(stop=True, why=why)
        case _, TooLate():
            return Can(why=f"{why} {_words(no, record, people)}")
        case _:
            return Can(why=why)


def _only_withdraws(yes: Judgement, no: Decided) -> bool:
    """Whether a no takes back what this person asked for, and what they are told of a yes does not say so."""
    is_told = isinstance(yes, NotEntitled) and yes.why == "requester"
    return no.decision.state == "withdrawn" and not is_told


def _answer(placed: Placed, person: PersonId, way: str, now: datetime, *, approve: bool) -> Answer:
    """What `person` might answer. It is judged, and never kept."""
    return Answer(
        reply_id="",
        person=person,
        addressee=None if placed.place or (placed.delivery and placed.delivery.address.is_shared) else placed.person,
        channel=way,
        revision=placed.revision,
        digest=placed.digest,
        approve=approve,
        given=Given(text="-"),
        at=now,
    )


def _words(judgement: Judgement, record: RequestRecord, people: People) -> str:
    """What somebody is told who has not answered: nothing is said of an answer where the words are not the same."""
    match judgement:
        case AlreadyDecided():
            return f"Already decided: {decided(judgement.decision, people)}"
        case OutOfDate():
            changes = " ".join(record.request.changes) or f"It is now: {record.request.title}"
            return f"This card is of an older version. {changes} Please answer the newest card."
        case _:
            return told(judgement, record.request, people)
