"""The card of a request's current state, in channels that can change what they sent. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from agents.requests import Decision, Given, PersonId, Request, Vote
from agents.run import Run, meaning_of
from agents.state import AttemptOutcome, made_for
from agents.text import ends_of, quote
from bot.people.directory import People
from bot.policy.judge import (
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
from bot.policy.quorum import lacking
from bot.policy.record import RequestRecord, good_until
from bot.render.cards import askers, began_with, request_card
from bot.render.words import TAKE_BACK, TIME, decided, feedback_text
from bot.store.outbox_entry import Delivery
from channels import AnswerForm, Card, Line

_HOW = {
    "slack": "in Slack",
    "email": "by e-mail",
    "console": "in the console",
    "cli": "in a terminal",
    "api": "over HTTP",
}
# What a tool printed, or a person wrote, is on the run's page in full.
_HEAD_CHARS, _TAIL_CHARS = 900, 500
_SAID_CHARS = 500
_CAME_OF_IT, _WENT_WRONG = "What came of it, in its own words:", "What went wrong, in its own words:"
_ENDED = {"done": "done", "failed": "failed", "cancelled": "cancelled"}


@dataclass(frozen=True, slots=True)
class _Stand:
    """The text above the facts.

    `quoted` are words of others, beside what the request itself quotes.
    """

    word: str
    summary: str
    quoted: str = ""
    quoted_as: str = ""
    may_stop: bool = False


def standing(record: RequestRecord, run: Run, people: People, now: datetime, revision: int) -> Card:
    """The card of a delivery that was made for `revision`, as things stand; the token of a form is filled in later."""
    request = record.request
    if record.state == "open" and revision != request.revision:
        return _outdated(request, now)
    card = request_card(request, people, now)
    if record.state == "open":
        return with_approvals(card, record, people)
    card = with_notes(card, record, people)
    stand = _stand(record, run, people)
    # What is said above the facts now is who decided, no longer who asks.
    asked = Line(label="Asked by", text=people.names_of(askers(request)))
    facts = (asked, *began_with(request), *(fact for fact in card.facts if fact.label != asked.label))
    return card.model_copy(
        update={
            "title": f"{stand.word}: {request.title.removesuffix('?')}",
            "summary": stand.summary,
            "quoted": stand.quoted or card.quoted,
            "quoted_as": stand.quoted_as if stand.quoted else card.quoted_as,
            "facts": facts,
            "decides": approvals(record, people),
            "form": _stop(record) if stand.may_stop else None,
            "closes": not stand.may_stop,
        }
    )


def _outdated(request: Request, now: datetime) -> Card:
    facts = tuple(Line(label="Changed", text=change) for change in request.changes)
    text = "A newer version of this is asked below. Nothing can be answered here any more."
    return Card(title=f"Changed: {request.title}", at=now, summary=text, facts=facts, ref=request.id, closes=True)


def with_approvals(card: Card, record: RequestRecord, people: People) -> Card:
    """`card` with what was said beside it, and who has approved."""
    card = with_notes(card, record, people)
    return card.model_copy(update={"decides": (*card.decides, *approvals(record, people))})


def with_notes(card: Card, record: RequestRecord, people: People) -> Card:
    """`card` with what people wrote beside their approvals, and what others wrote who decided nothing by it."""
    said = [(f"Note by {people.name_of(vote.person)}", vote.reason) for vote in record.votes if vote.approve]
    said += [(f"Comment by {people.name_of(one.person)}", one.text) for one in record.comments]
    lines = [Line(label=label, text=quote(text, _SAID_CHARS)) for label, text in said if text.strip()]
    return card.model_copy(update={"facts": (*card.facts, *lines)})


def approvals(record: RequestRecord, people: People) -> tuple[Line, ...]:
    """`1 of 2: Bo Berg at 14:02 UTC on 03 May 2026 in Slack`; nothing where one is enough: the decision names them."""
    request = record.request
    if request.format != "approval":
        return ()
    votes = [vote for vote in record.votes if vote.approve]
    needed = len(votes) + lacking(request.policy, (vote.person for vote in votes))
    if needed == 1:
        return ()
    given = ", ".join(_given(vote, people) for vote in votes)
    return (Line(label="Approvals", text=f"{len(votes)} of {needed}" + (f": {given}" if given else "")),)


def _given(vote: Vote, people: People) -> str:
    return f"{people.name_of(vote.person)} at {vote.at:{TIME}} {_how(vote.channel)}".rstrip()


def _how(channel: str) -> str:
    return _HOW.get(channel, "")


def _stop(record: RequestRecord) -> AnswerForm:
    """Return the form that takes an approval back, possible until the start."""
    return AnswerForm(
        token="",
        format="approval",
        only_stops=True,
        until=good_until(record) or record.request.expires_at,
    )


def _stand(record: RequestRecord, run: Run, people: People) -> _Stand:
    said = _decided(record.decision, people)
    made = made_for(run.made, record.request.id)
    if record.request.program and record.state == "approved":
        return _Stand("Approved", f"{said} The program may do it now.", may_stop=made is None and run.ended is None)
    if made and (record.state == "approved" or made.state in {"ok", "error"}):
        return _made(made, said, run, people)
    match record.state:
        case "approved" if run.ended:
            return _Stand("Not begun", f"{said} It was not begun: the run has ended as {_ENDED[run.ended.outcome]}.")
        case "approved" if record.started_at:
            return _Stand("Running", f"{said} It began at {record.started_at:{TIME}}.")
        case "approved":
            return _Stand("Approved", f"{said} It has not begun, and can be stopped until it does.", may_stop=True)
        case "revoked":
            return _revoked(record, said, run, people)
        case "answered":
            return _Stand("Answered", said, _answer(record, people))
        case "superseded":
            return _Stand("Replaced", said)
        case _:
            why = f"The reason that {names} gave:" if (names := _names(record.decision, people)) else ""
            return _Stand(record.state.capitalize(), f"{said} {_next(run)}".strip(), _reason(record.decision), why)


def _decided(decision: Decision | None, people: People) -> str:
    """Return who decided, when and by which way.

    A reason that a person gave is quoted elsewhere; the reasons of code are ours.
    """
    if decision is None:
        return ""
    how = _how(decision.channel)
    sentence = decided(decision.model_copy(update={"reason": ""}) if decision.by else decision, people)
    return f"{sentence.removesuffix('.')}, {how}." if how else sentence


def _names(decision: Decision | None, people: People) -> str:
    return people.names_of(decision.by) if decision and decision.by else ""


def _reason(decision: Decision | None) -> str:
    return _bounded(decision.reason) if decision and decision.by else ""


def _bounded(text: str) -> str:
    return ends_of(text, _HEAD_CHARS, _TAIL_CHARS)


def _next(run: Run) -> str:
    return "The run has ended." if run.ended else "The run goes on without it."


def _revoked(record: RequestRecord, said: str, run: Run, people: People) -> _Stand:
    back = next((vote for vote in reversed(record.votes) if not vote.approve), None)
    if back is None:
        return _Stand("Stopped", f"{said} It was taken back before it began. {_next(run)}".strip())
    who = f"{people.name_of(back.person)} took it back at {back.at:{TIME}}"
    why = f"The reason that {people.name_of(back.person)} gave:"
    how = f", {_how(back.channel)}," if _how(back.channel) else ""
    return _Stand("Stopped", f"{said} {who}{how} before it began. {_next(run)}".strip(), _bounded(back.reason), why)


def _answer(record: RequestRecord, people: People) -> str:
    """The question, each line of it marked, and below it the answer: no question can look like an answer."""
    decision = record.decision
    given = _bounded(meaning_of(decision.given)) if decision else ""
    asked = "\n".join(f"> {line}" for line in _bounded(record.request.quoted).splitlines())
    by = people.names_of(decision.by) if decision else ""
    return "\n".join(filter(None, (asked, f"{by}:" if by and asked else "", given)))


def _made(made: AttemptOutcome, said: str, run: Run, people: People) -> _Stand:
    began = f"{said} It began at {made.started_at:{TIME}}".strip()
    ended = f" and ended at {made.ended_at:{TIME}}" if made.ended_at else ""
    match made.state:
        case "running":
            return _Stand("Running", f"{began}.")
        case "left" if run.ended is None:
            return _Stand("Running", f"{began}, was interrupted and is tried again.")
        case "ok" if made.by:
            return _Stand("Done", f"{began}. {_say(made.by, people)} that it happened.")
        case "ok":
            return _Stand("Done", f"{began}{ended}.", _bounded(made.text), _CAME_OF_IT)
        case "error":
            return _Stand("Failed", f"{began}{ended}.", _bounded(made.text), _WENT_WRONG)
        case "not_done":
            return _Stand("Not done", f"{began}. {_say(made.by, people)} that it did not happen.")
        case "left":
            return _Stand("Interrupted", f"{began} and was interrupted. The run has ended.")
        case "unknown":
            left = "The run has ended." if run.ended else "Those who may decide are asked."
            return _Stand("Unknown", f"{began} and was interrupted; it is not known whether it happened. {left}")


def _say(by: tuple[PersonId, ...], people: People) -> str:
    return f"{people.names_of(by)} {'says' if len(by) == 1 else 'say'}"


_TAKES_BACK = f"You asked for this: to take it back, answer {TAKE_BACK}."


class Can(NamedTuple):
    """The answers that somebody can still give with a card, and `why` not all of them."""

    approve: bool = False
    deny: bool = False
    stop: bool = False
    why: str = ""


def standing_card(
    record: RequestRecord, placed: Delivery, person: PersonId, way: str, people: People, now: datetime
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
    """Return the approvals so far of a request that needs more people, while it does."""
    return approvals(record, people) if record.votes and record.state == "open" else ()


def _form(form: AnswerForm, can: Can) -> AnswerForm | None:
    if not (can.approve or can.deny or can.stop):
        return None
    return form.model_copy(update={"may_approve": can.approve, "only_stops": can.stop})


def _can(record: RequestRecord, placed: Delivery, person: PersonId, way: str, people: People, now: datetime) -> Can:
    """Judge by the judge's own rules what a yes and a no would do."""
    yes, no = (judge(record, _answer_of(placed, person, way, now, approve=approve)) for approve in (True, False))
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
    """Return whether a no withdraws this person's own request and the text they get for a yes does not say so."""
    is_told = isinstance(yes, NotEntitled) and yes.why == "requester"
    return no.decision.state == "withdrawn" and not is_told


def _answer_of(placed: Delivery, person: PersonId, way: str, now: datetime, *, approve: bool) -> Answer:
    """Return an answer that `person` might give.

    It is judged, and never kept.
    """
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
    """Return the text for a person who has not answered; it does not mention an answer."""
    match judgement:
        case AlreadyDecided():
            return f"Already decided: {decided(judgement.decision, people)}"
        case OutOfDate():
            changes = " ".join(record.request.changes) or f"It is now: {record.request.title}"
            return f"This card is of an older version. {changes} Please answer the newest card."
        case _:
            return feedback_text(judgement, record.request, people)
