"""A request as one person sees it: what is asked, what they can press, and what came of it. Pure."""

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Literal, NamedTuple

from agents.forms import Misfit
from agents.requests import PersonId, Request
from agents.requests.record import RequestRecord
from agents.run import Run
from bot.people.directory import People
from bot.people.offers import offers, requesters_of
from bot.people.recognition import as_known_now, as_told_now
from bot.people.sessions import Login
from bot.policy.approvers.who import who_of
from bot.policy.due import next_due
from bot.policy.judge import ways_for
from bot.policy.judgements import AlreadyVoted, NotEntitled, NotThisWay
from bot.policy.offers import Can, yes_to
from bot.render.acts import page_acts
from bot.render.cards import (
    again_lines,
    arguments_of,
    below_title,
    by_key,
    details,
    exact,
    excluded,
    quoted_as,
    said_as,
    with_short_hashes,
)
from bot.render.difference import led_from
from bot.render.due import (
    asked_line,
    frozen_lines,
    next_in_words,
    reminded_lines,
    timing_lines,
    too_few_lines,
    unanswered,
    what_a_yes_does,
)
from bot.render.forms import answer_lines, inputs, reasons
from bot.render.request_card import comment_by
from bot.render.views import FactView, RequestView, request_view
from bot.render.words import channel_word, feedback_text, how_to_approve
from bot.render.worklist import who_else
from bot.store.ids import review_of
from bot.web.console.views.afterwards import Afterwards, afterwards
from channels import CardAct, Input, Line
from language import say, say_many
from language.labels import label_of

_NO_LISTS: Mapping[str, str] = MappingProxyType({})


class SaidView(NamedTuple):
    """Words beside an open approval, below their `label`; this reader `may_reply` to what has no answer yet."""

    id: str
    label: str
    text: str
    may_reply: bool


@dataclass(frozen=True, slots=True)
class Typed:
    """Something that was typed into a form and is no answer to it, by the names of its fields, and why not."""

    values: Mapping[str, str]
    misfits: Sequence[Misfit]


Drawn = Literal["button", "beside", "fold", "page", "alone"]
"""How an act is drawn: a button of the form that answers, or one beside that form's words, which are what it asks for;
words of its own that fold out; a link to a page of its own; a button of a form of its own, with no words.
"""


@dataclass(frozen=True, slots=True)
class CardView:
    """`once` makes a form that is sent twice one answer. `because` says why this person has no buttons,
    `by_key` whose API key asked.

    `quoted` are words of others, below the line `quoted_as`; `said_as` stands above the requester's own words. `asked`
    says why this person is asked, how many have approved and since when. `facts` have short hashes, `details` the full
    ones. `who_else` says who decides, to this reader, `then` what happens on a yes, and last what if nobody answers.
    `after` is set once the request is no longer open. `inputs` are the fields of a form, `wrong` what is wrong in each
    by its name, and `answer` what was filled in. `acts` is what this reader can do; `review` is the run that asks
    afterwards whether breaking the glass was right, for those whom it concerns. `said` is what was written beside it.
    `has_changes`: a page shows how files differ, and the facts with the labels `led_from` lead to it.
    """

    request: RequestView
    exact: str
    once: str
    acts: tuple[CardAct, ...]
    excluded: list[Line]
    asked: str
    because: str
    by_key: str
    title: str
    said_as: str
    quoted: str
    quoted_as: str
    arguments: list[Line]
    facts: list[FactView]
    details: list[Line]
    who_else: str
    then: list[Line]
    after: Afterwards | None
    inputs: tuple[Input, ...]
    wrong: Mapping[str, str]
    answer: tuple[Line, ...]
    review: str
    said: list[SaidView]
    has_changes: bool
    led_from: frozenset[str]

    @property
    def has_form(self) -> bool:
        """True if this person can answer it in some way."""
        return self.can("answer") or bool(self.drawn("button"))

    def can(self, name: str) -> bool:
        """Whether this reader can do the act of that name."""
        return any(act.name == name for act in self.acts)

    def drawn(self, how: Drawn) -> list[CardAct]:
        """Return the acts that are drawn so."""
        return [act for act in self.acts if act.name != "answer" and _drawn(act) == how]


def card_view(
    record: RequestRecord,
    people: People,
    session: Login,
    now: datetime,
    lists: Mapping[str, str] | None = None,
    run: Run | None = None,
    typed: Typed | None = None,
    *,
    has_changes: bool = False,
    is_paused: bool = False,
) -> CardView:
    """Return the request as it is seen in `session`, with all of its `lists`; `decide` judges every answer again.

    With its `run` it says what came of the request; with what was `typed` into a form, what is wrong there.
    `has_changes`: there is a page of how its files differ. `is_paused`: its run goes on only when somebody resumes it.
    """
    request, me, known = record.request, session.person, as_known_now(record, people)
    told, view = as_told_now(record, people), request_view(record, people, lists=lists or _NO_LISTS)
    is_open, is_vote = view.state == "open", view.format == "approval"
    can = offers(record, people, me, "console", now, session.by)
    last = unanswered(request.purpose, request.program)
    again = again_lines(request) if can.inputs("approve") else ()
    acts = page_acts(request, can, people, me)
    return CardView(
        request=view,
        exact=exact(request),
        once=secrets.token_hex(8),
        acts=tuple(act for act in acts if act.tone != "stop" or _goes_on(run)),
        excluded=excluded(told, people),
        asked=asked_line(told, people, me),
        because=_because(record, people, session, can) if is_open else "",
        by_key=by_key(view.service, view.key_holders, people),
        title=view.title if is_open else view.title.removesuffix("?"),
        said_as=said_as(request, people) if request.words else "",
        quoted=below_title(request.title, request.quoted),
        quoted_as=quoted_as(request, people) or say("card.unverified"),
        arguments=arguments_of(request),
        facts=[
            *map(_short, view.facts),
            *(FactView(label=line.label, text=line.text) for line in again),
        ],
        details=details(request),
        who_else=who_else(view, people, me),
        then=[
            *_by_time(record, people),
            *(
                (*frozen_lines(record, people), what_a_yes_does(record, people, me, is_paused=is_paused))
                if is_vote
                else ()
            ),
            last,
        ],
        after=None if is_open else afterwards(record, run, people),
        inputs=_inputs(request, typed),
        wrong={name: _sentence(why) for name, why in reasons(request.fields, typed.misfits)} if typed else {},
        answer=answer_lines(request, record.decision.given if record.decision else None),
        review=_review(record, me),
        said=list(_said(record, people, me, replies=is_open and me in known.askers and is_vote)),
        has_changes=has_changes,
        led_from=frozenset(label_of(fact.label) for fact in led_from(request)) if has_changes else frozenset(),
    )


def _drawn(act: CardAct) -> Drawn:
    if not act.inputs:
        return "alone" if act.tone == "plain" else "button"
    if all(asked.kind == "words" for asked in act.inputs):
        return "beside" if act.tone == "plain" else "fold"
    return "page"


def _by_time(record: RequestRecord, people: People) -> Iterator[Line]:
    """Yield what is to come while nobody decides, and what came of that so far."""
    if record.state != "open":
        return
    told = as_told_now(record, people)
    yield from (*timing_lines(told, people), *reminded_lines(record, people), *too_few_lines(told, people))
    due = next_due(told, people.zones())
    if due and due.kind != "expiry":
        yield Line(label=say("timing.next"), text=next_in_words(due, people))


def _review(record: RequestRecord, me: PersonId) -> str:
    decision = record.decision
    is_broken = decision is not None and decision.broke_glass
    return (
        review_of(record.request.id)
        if decision and is_broken and me in {*who_of(record).reviewers, *decision.by}
        else ""
    )


def _inputs(request: Request, typed: Typed | None) -> tuple[Input, ...]:
    """The fields of a form, with what was typed into them as it was typed."""
    fields = inputs(request.fields)
    return (
        tuple(one.model_copy(update={"value": typed.values.get(one.name, "")}) for one in fields) if typed else fields
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _said(record: RequestRecord, people: People, me: PersonId, *, replies: bool) -> Iterator[SaidView]:
    answered = {one.about for one in record.comments}
    for one in record.comments:
        is_unanswered = one.kind != "answer" and one.person != me and one.id not in (*answered, "")
        yield SaidView(one.id, comment_by(one, record.request, people), one.text, replies and is_unanswered)


def version_of(card: CardView, version: int) -> str:
    """Return a mark of the card that is another when there is something else to be seen on it."""
    said = f"{card.after.word} {card.after.text}" if card.after else ""
    came = hashlib.sha256(said.encode()).hexdigest()[:8] if said else "open"
    return f"{card.request.id}.{version}.{came}"


def _goes_on(run: Run | None) -> bool:
    return run is None or run.ended is None


def _short(fact: FactView) -> FactView:
    return fact.model_copy(update={"text": with_short_hashes(Line(label=fact.label, text=fact.text)).text})


def _because(record: RequestRecord, people: People, session: Login, can: Can) -> str:
    """Return why somebody has no button to approve an open request, or to answer it, and who may."""
    request, me = record.request, session.person
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
