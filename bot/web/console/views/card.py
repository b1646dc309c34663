"""A request as one person sees it on a page: its card, and what a page has beside it. Pure."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agents.forms import Misfit
from agents.requests import Request
from agents.requests.record import RequestRecord
from agents.run import Run
from bot.people.directory import People
from bot.people.sessions import Login
from bot.render.cards import NO_LISTS
from bot.render.difference import led_from
from bot.render.forms import reasons
from bot.render.page_card import may_answer, page_card
from bot.web.console.views.afterwards import Afterwards, afterwards
from channels import Card, CardAct
from language.labels import label_of


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
    """The card of a `request` as its reader is `shown` it. `once` makes a form that is sent twice one answer.

    `after` is what a page sets out once it is no longer open, `wrong` what is wrong in each field by its name, and
    `said` are the ids of the words beside it that this reader may answer. The facts with the labels `led_from` lead to
    the page of how files differ; it is None where there is no such page.
    """

    request: Request
    state: str
    shown: Card
    once: str
    in_step: int
    after: Afterwards | None
    wrong: Mapping[str, str]
    said: frozenset[str]
    led_from: frozenset[str] | None

    @property
    def has_form(self) -> bool:
        """True if this person can answer it in some way."""
        return self.can("answer") or bool(self.drawn("button"))

    def can(self, name: str) -> bool:
        """Whether this reader can do the act of that name."""
        return bool(self.shown.form and self.shown.form.act(name))

    def drawn(self, how: Drawn) -> list[CardAct]:
        """Return the acts that are drawn so."""
        acts = self.shown.form.acts if self.shown.form else ()
        return [act for act in acts if act.name != "answer" and _drawn(act) == how]


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
) -> CardView:
    """Return the request as it is seen in `session`, with all of its `lists`; `decide` judges every answer again.

    With its `run` it says what came of the request; with what was `typed` into a form, what is wrong there.
    `has_changes`: there is a page of how its files differ.
    """
    request, values = record.request, typed.values if typed else None
    return CardView(
        request=request,
        state=record.state,
        shown=page_card(record, run, people, session, now, lists or NO_LISTS, values),
        once=secrets.token_hex(8),
        in_step=record.asked.in_step,
        after=None if record.state == "open" else afterwards(record, run, people, session.person),
        wrong={name: _sentence(why) for name, why in reasons(request.fields, typed.misfits)} if typed else {},
        said=may_answer(record, people, session.person),
        led_from=frozenset(label_of(fact.label) for fact in led_from(request)) if has_changes else None,
    )


def _drawn(act: CardAct) -> Drawn:
    if not act.inputs:
        return "alone" if act.tone == "plain" else "button"
    if all(asked.kind == "words" for asked in act.inputs):
        return "beside" if act.tone == "plain" else "fold"
    return "page"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def version_of(card: CardView, version: int) -> str:
    """Return a mark of the card that is another when there is something else to be seen on it."""
    said = f"{card.shown.title} {card.shown.summary} {card.after.held}" if card.after else ""
    came = hashlib.sha256(said.encode()).hexdigest()[:8] if said else "open"
    return f"{card.request.id}.{version}.{came}"
