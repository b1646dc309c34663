"""The card of a request on a page of its own: all of it, and what its reader can do there. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from agents.forms import FormValue
from agents.requests import PersonId, Request
from agents.requests.record import RequestRecord
from agents.run import Run
from bot.people.directory import People
from bot.people.offers import offers, requesters_of
from bot.people.recognition import as_known_now, as_told_now
from bot.people.sessions import Login
from bot.policy.due import next_due
from bot.policy.judge import ways_for
from bot.policy.judgements import AlreadyVoted, NotEntitled, NotThisWay
from bot.policy.offers import Can, yes_to
from bot.render.acts import page_acts
from bot.render.cards import NO_LISTS, again_lines, on_yes
from bot.render.due import next_in_words, too_few_lines
from bot.render.edits import editable
from bot.render.forms import inputs
from bot.render.request_card import Room, standing
from bot.render.words import channel_word, feedback_text, how_to_approve
from channels import AnswerForm, Card, Input, Line
from language import say, say_many


def page_card(
    record: RequestRecord,
    run: Run | None,
    people: People,
    reader: Login,
    now: datetime,
    lists: Mapping[str, str] = NO_LISTS,
    typed: Mapping[str, FormValue] | None = None,
) -> Card:
    """Return the card as it stands for its `reader`, with all of its `lists` and the whole of what people wrote.

    What was `typed` into its form stands there again. It has a form wherever it is open, which says why its reader has
    nothing to press.
    """
    request, me = record.request, reader.person
    card = standing(record, run, people, now, request.revision, me, Room(lists, str))
    can = offers(record, people, me, "console", now, reader.by)
    card = _without(card, [*_not_theirs(request, can)])
    acts = page_acts(request, can, people, me)
    if record.state != "open":
        form = card.form.model_copy(update={"acts": acts}) if card.form and acts else None
        return card.model_copy(update={"form": form})
    form = AnswerForm(
        token="",
        format=request.format,
        options=request.options,
        fields=_inputs(request, typed),
        acts=acts,
        why_not=_why_not(record, people, reader, can),
        until=request.expires_at,
    )
    told = as_told_now(record, people)
    decides = (*card.decides, *too_few_lines(told, people), *_next(told, people))
    return card.model_copy(update={"form": form, "decides": decides, "on_yes": on_yes(told, people, me)})


def may_answer(record: RequestRecord, people: People, me: PersonId) -> frozenset[str]:
    """Return the ids of the words beside an open approval that `me`, who has asked for it, may answer."""
    if record.state != "open" or record.request.format != "approval":
        return frozenset()
    if me not in as_known_now(record, people).askers:
        return frozenset()
    answered = {one.about for one in record.comments} | {""}
    return frozenset(
        one.id for one in record.comments if one.kind != "answer" and one.person != me and one.id not in answered
    )


def _not_theirs(request: Request, can: Can) -> Iterator[Line]:
    """Yield the lines on what people can do beside a yes or a no, where this reader can't."""
    if not can.inputs("edit"):
        yield from editable(request.format, request.call)
    if not can.inputs("approve"):
        yield from again_lines(request)


def _without(card: Card, lines: Sequence[Line]) -> Card:
    facts, decides = ([one for one in some if one not in lines] for some in (card.facts, card.decides))
    return card.model_copy(update={"facts": tuple(facts), "decides": tuple(decides)})


def _next(told: RequestRecord, people: People) -> list[Line]:
    """Return the line that says what time brings next; nothing where that is only the end."""
    due = next_due(told, people.zones())
    if due is None or due.kind == "expiry":
        return []
    return [Line(label=say("timing.next"), text=next_in_words(due, people))]


def _inputs(request: Request, typed: Mapping[str, FormValue] | None) -> tuple[Input, ...]:
    """Return the fields of a form, with what was typed into them as it was typed."""
    fields = inputs(request.fields)
    if typed is None:
        return fields
    return tuple(one.model_copy(update={"value": typed.get(one.name, "")}) for one in fields)


def _why_not(record: RequestRecord, people: People, reader: Login, can: Can) -> str:
    """Return why its reader has no button to approve an open request, or to answer it, and who may."""
    request, me = record.request, reader.person
    match can.why_not.get(yes_to(request)):
        case AlreadyVoted():
            return say("console.card-has-approved")
        case NotThisWay():
            return _counts_not_here(request, people, me)
        case NotEntitled(why="requester", approvers=may):
            return say_many("console.card-not-your-own", len(may), names=people.names_of(may))
        case NotEntitled(why="editor", approvers=may):
            return say("answer.not-the-editor", who=people.names_of(may))
        case NotEntitled(why="handed_on", approvers=may):
            return say("delegation.handed-on-already", who=people.names_of(may))
        case NotEntitled(approvers=may):
            key = "console.card-not-your-own" if me in requesters_of(record, people) else "console.card-not-yours"
            return say_many(key, len(may), names=people.names_of(may))
        case None:
            return ""
        case found:
            return feedback_text(found, record, people)


def _counts_not_here(request: Request, people: People, me: PersonId) -> str:
    """Return why somebody who may approve has no button for it, and what works."""
    ways = ways_for(request)
    if "console" not in ways:
        named = ", ".join(map(channel_word, ways)) or say("console.card-no-way")
        return say("console.card-counts-not-here", ways=named)
    said, contact = say("console.card-came-by-mail", ways=how_to_approve(request.id, ways)), people.contact(me)
    return f"{said} {say('console.card-link-in-slack', person=me)}" if contact and contact.slack else said
