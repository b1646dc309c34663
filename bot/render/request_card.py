"""The card of a request's current state, in channels that can change what they sent. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from agents.requests import AllOf, Anyone, Binding, PersonId, Request, Vote, parts_of
from agents.requests.proof import as_by
from agents.requests.record import Comment, RequestRecord
from agents.run import Run
from bot.people.directory import People
from bot.people.offers import meant_by, offers_of
from bot.people.recognition import as_known_now, as_told_now, whose_votes_count
from bot.policy.approvers.quorum import lacking_in_all, parts_filled
from bot.policy.judge import judge
from bot.policy.judgements import (
    AlreadyDecided,
    Answer,
    Judgement,
    NotEntitled,
    NotThisWay,
    OutOfDate,
    TooLate,
)
from bot.policy.offers import Can, Offered, yes_to
from bot.policy.recheck import good_until
from bot.render.acts import card_acts
from bot.render.became import became, block, cut, word
from bot.render.cards import NO_LISTS, began_with, notice, request_card, void_approvals, void_lines
from bot.render.due import frozen_lines, reminded_lines
from bot.render.in_run import in_run
from bot.render.said import commented, newest, noted, said_line
from bot.render.words import asked_by, by_way, changes_of, decided, feedback_text, state_word
from bot.store.outbox_entry import Delivery
from channels import AnswerForm, Card, Line
from language import say
from language.dates import in_words

# A comment, and a question.
_COMMENT_CARDS = (("notice.comment-title", "notice.comment"), ("notice.question-title", "notice.question"))


class Room(NamedTuple):
    """How much a card shows of lists, and of what people wrote."""

    lists: Mapping[str, str] = NO_LISTS
    cut: Callable[[str], str] = cut


CARD = Room()


def standing(
    record: RequestRecord,
    run: Run | None,
    people: People,
    now: datetime,
    revision: int,
    me: PersonId | None = None,
    room: Room = CARD,
) -> Card:
    """The card of a delivery that was made for `revision`, as things stand; the token of a form is filled in later.

    `me` is who alone sees it, if only one does.
    """
    request = record.request
    if record.state == "open" and revision != request.revision:
        return _outdated(request, now)
    told = as_told_now(record, people)
    card = request_card(told, people, now, me, room.lists)
    if record.state == "open":
        return with_approvals(card, record, people)
    card = with_notes(card, record, people)
    what = became(record, in_run(run, record.request.id) if run else None)
    stand = block(what, people, room.cut)
    # What is said above the facts now is who decided, no longer who asks.
    asked = Line(label=say("card.asked-by"), text=asked_by(request.purpose, request.askers, people))
    facts = (asked, *began_with(request), *(fact for fact in card.facts if fact.label != asked.label))
    return card.model_copy(
        update={
            "title": say("standing.title", word=word(what), title=request.title.removesuffix("?")),
            "summary": stand.text,
            "quoted": stand.quoted or card.quoted,
            "quoted_as": stand.quoted_as if stand.quoted else card.quoted_as,
            "is_output": stand.is_output,
            "facts": facts,
            "decides": (*frozen_lines(record, people), *approvals(record, people)),
            "form": _stop(record, people) if what.may_stop else None,
            "on_yes": None,
            "closes": not what.may_stop,
        }
    )


def _outdated(request: Request, now: datetime) -> Card:
    changed = say("standing.changed")
    facts = tuple(Line(label=changed, text=change) for change in request.changed)
    title, text = say("standing.title", word=changed, title=request.title), say("standing.newer-below")
    return Card(title=title, at=now, summary=text, facts=facts, ref=request.id, closes=True)


def with_approvals(card: Card, record: RequestRecord, people: People) -> Card:
    """`card` with what was said beside it, and who has approved."""
    card = with_notes(card, record, people)
    return card.model_copy(
        update={"decides": (*card.decides, *approvals(record, people), *reminded_lines(record, people))}
    )


def with_notes(card: Card, record: RequestRecord, people: People) -> Card:
    """`card` with what people wrote beside their approvals, and what others wrote who decided nothing by it."""
    void = void_approvals(record, people)
    counting = [vote for vote in record.votes if vote not in void]
    said = (*noted(counting), *noted(void), *newest(commented(record.comments, record.request.revision)))
    lines = [said_line(one, people) for one in said]
    lines = [*void_lines(record, people), *lines]
    # A card that is drawn again as it is sent has some of them already.
    drawn = {(line.kind, line.id) for line in lines}
    facts = (*(fact for fact in card.facts if (fact.kind, fact.id) not in drawn), *lines)
    return card.model_copy(update={"facts": facts})


def comment_card(request: Request, said: Comment, text: str, people: People) -> Card:
    """The card that brings what somebody `said` to whoever asked, who may answer it; `text` is as much as is shown."""
    name = people.name_of(said.person)
    title, words = _COMMENT_CARDS[said.kind == "question"]
    card = notice(say(title, title=request.title), say(words, name=name), said.at, request.id)
    form = AnswerForm(token="", format="free_text", until=request.expires_at)
    return card.model_copy(update={**_quoted(name, text), "form": form, "closes": False})


def reply_notice(request: Request, said: Comment, text: str, people: People, question: Comment | None = None) -> Card:
    """Return the card that brings an answer to whoever asked back, or with the `question` to somebody else."""
    name = people.name_of(said.person)
    title = say("notice.answer-title", title=request.title)
    card = notice(title, say("notice.answer", name=name), said.at, request.id)
    facts = [said_line(one, people) for one in commented([question] if question else (), request.revision)]
    return card.model_copy(update={**_quoted(name, text), "facts": (*card.facts, *facts)})


def answered_card(record: RequestRecord, said: Comment, text: str, people: People) -> Card:
    """The whole card once more, below the answer to what its reader asked back."""
    told, name = as_told_now(record, people), people.name_of(said.person)
    card = with_notes(request_card(told, people, said.at), record, people)
    return card.model_copy(
        update={**_quoted(name, text), "summary": f"{say('notice.answer', name=name)}\n{card.summary}"}
    )


def _quoted(name: str, text: str) -> dict[str, str]:
    return {"quoted": text, "quoted_as": say("card.somebody-wrote", name=name)}


def comment_standing(record: RequestRecord, placed: Delivery, person: PersonId, people: People, now: datetime) -> Card:
    """The card by which a comment is answered, as it stands for `person`; its form has no token yet."""
    said, request = record.comment(placed.about), record.request
    if record.decision:
        told = say("answer.already-decided-unasked", decided=decided(record.decision, people))
    elif record.state != "open" or now >= request.expires_at:
        told = say("answer.closed", state=state_word(record.state if record.state != "open" else "expired"))
    elif person not in people.by_now(record.askers):
        told = say("notice.for-others", names=people.name_of(placed.person))
    elif said:
        return comment_card(request, said, said.text, people)
    else:  # newer words have taken its place on the card
        gone = Comment(person=placed.person, text="", at=now)
        return comment_card(request, gone, "", people).model_copy(update={"summary": "", "quoted_as": ""})
    return notice(say("card.about", title=request.title), told, now, request.id)


def approvals(record: RequestRecord, people: People) -> tuple[Line, ...]:
    """`1 of 2: Bo Berg at 14:02 UTC on 03 May 2026 in Slack`; nothing where one is enough: the decision names them.

    While it is open, those are left out that count no more, as of whoever has left or may be somebody who took part.
    """
    request = record.request
    if request.format != "approval":
        return ()
    given = [vote for vote in record.votes if vote.approve and not vote.breaks_glass]
    votes = [vote for vote in given if vote.person in _counting(record, given, people)]
    asked = (as_known_now(record, people) if record.state == "open" else record).asked
    needed = len(votes) + lacking_in_all(asked, [vote.person for vote in votes])
    if needed == 1:
        return ()
    has_parts = any(isinstance(part, AllOf) for part in parts_of(record.asked.rule))
    filled = parts_filled(record.asked, [vote.person for vote in votes]) if has_parts else {}
    names = ", ".join(_given(vote, people, filled.get(vote.person)) for vote in votes)
    count = say("standing.count", count=len(votes), needed=needed)
    return (Line(label=say("standing.approvals"), text=f"{count}: {names}" if names else count),)


def _counting(record: RequestRecord, given: Sequence[Vote], people: People) -> Sequence[PersonId]:
    """Return whose approvals count by now, or counted as it was approved."""
    if record.state == "open":
        return whose_votes_count(record, people)
    decision = record.decision if record.is_voted else None
    return decision.by if decision and decision.state == "approved" else [vote.person for vote in given]


def _given(vote: Vote, people: People, part: Anyone | None = None) -> str:
    """Return who approved, when and how; in a rule of several parts also which `part` of it they fill."""
    name = people.name_of(vote.person)
    if part:
        kind, _, of = part.source.partition(":")
        name = say("standing.fills", name=name, part=people.name_of(of) if kind == "person" else of)
    given = say("standing.vote", name=name, when=in_words(vote.at), how=by_way(vote.channel)).rstrip()
    return f"{given} {say('standing.operators-key')}" if vote.is_by_operators_key else given


def _stop(record: RequestRecord, people: People) -> AnswerForm:
    """Return the form that takes an approval back, possible until the start."""
    acts = card_acts(record.request, Can({"deny": Offered("revoked")}), people, None)
    return AnswerForm(token="", format="approval", acts=acts, until=good_until(record) or record.request.expires_at)


def standing_card(
    record: RequestRecord,
    placed: Delivery,
    person: PersonId,
    way: str,
    people: People,
    now: datetime,
) -> Card:
    """The card of `placed` as it stands for `person`, who answers through the channel `way`.

    Its form has no token yet; there is none where this person has nothing to say, and then `summary` says why.
    """
    if placed.about:
        return comment_standing(record, placed, person, people, now)
    meant = _answer_of(placed, person, way, now)
    can = offers_of(record, people, [meant])
    why_not = can.why_not.get(yes_to(record.request))
    can = Can() if isinstance(why_not, OutOfDate) else can
    told = as_told_now(record, people)
    card = request_card(told, people, now, person)
    card = with_approvals(card, record, people) if record.state == "open" else card
    why = _why_not(why_not, record, meant, can, people) if why_not else ""
    acts = card_acts(record.request, can, people, person)
    form = card.form.model_copy(update={"acts": acts}) if card.form and can.has_form else None
    return card.model_copy(update={"summary": "\n".join(filter(None, (why, card.summary))), "form": form})


def offered_form(
    form: AnswerForm,
    record: RequestRecord,
    people: People,
    way: str,
    at: datetime,
    me: PersonId | None,
    *,
    keeps: bool = False,
) -> AnswerForm | None:
    """Return `form` with what `me` can say by the channel `way`, or anybody where many see it; None for nothing at all.

    One that only stops offers nothing else. A channel `keeps` a form that offers nothing where words come back by it.
    """
    can = offers_of(record, people, meant_by(record, me, way, at))
    answered = form.model_copy(update={"acts": card_acts(record.request, can, people, me)})
    if form.only_stops or not (can.has_form or keeps):
        return answered if can.becomes("deny") == "revoked" else None
    found = can.why_not.get("approve")
    if me is None or form.format != "approval" or found is None:
        return answered
    # Where no approval counts by the channel, it names the page by itself.
    is_on_page = isinstance(found, NotThisWay) and "console" in found.ways
    why = "" if is_on_page else feedback_text(found, record, people)
    return answered.model_copy(update={"why_not": why})


def so_far(record: RequestRecord, people: People) -> tuple[Line, ...]:
    """Return the approvals so far of a request that needs more people, while it does."""
    return approvals(record, people) if record.votes and record.state == "open" else ()


def _why_not(yes: Judgement, record: RequestRecord, meant: Answer, can: Can, people: People) -> str:
    """Return why a yes does not count, to stand above the card."""
    why = _words(yes, record, people)
    if can.becomes("deny") == "withdrawn" and not _is_told_as_requester(yes):
        return f"{why} {say('answer.to-take-back')}"
    no = judge(as_known_now(record, people), meant.of("deny"), people.all())
    if isinstance(no, TooLate):  # nobody has said so, so it does go on
        return f"{why} {say('answer.has-started', when=in_words(no.started_at))}"
    return why


def _is_told_as_requester(yes: Judgement) -> bool:
    """Return whether the text for a yes says already that a no withdraws this person's own request."""
    return isinstance(yes, NotEntitled) and yes.why == "requester"


def _answer_of(placed: Delivery, person: PersonId, way: str, now: datetime) -> Answer:
    """Return an answer that `person` might give with the card of `placed`.

    It is judged, and never kept.
    """
    is_shared = placed.delivery is not None and placed.delivery.address.is_shared
    return Answer(
        reply_id="",
        person=person,
        act="say",
        proof=as_by(way),
        binding=Binding(
            by="card",
            revision=placed.revision,
            digest=placed.digest,
            addressee=None if is_shared or placed.place else placed.person,
        ),
        at=now,
    )


def _words(judgement: Judgement, record: RequestRecord, people: People) -> str:
    """Return the text for a person who has not answered; it does not mention an answer."""
    match judgement:
        case AlreadyDecided():
            return say("answer.already-decided-unasked", decided=decided(judgement.decision, people))
        case OutOfDate():
            return say("answer.older-card", changes=changes_of(record.request))
        case _:
            return feedback_text(judgement, record, people)
