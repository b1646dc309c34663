"""What waits on one person as a list of work: grouped by what it is about, the soonest to expire first. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from agents.requests import PersonId
from agents.requests.record import Comment, open_question
from agents.text import one_line
from bot.people.directory import People
from bot.render.cards import with_short_hashes
from bot.render.views import RequestView
from bot.render.words import asked_by, some_of
from channels import Line
from language import say
from language.labels import label_of

Kind = Literal["", "approvals", "questions"]
KINDS: tuple[Kind, ...] = ("", "approvals", "questions")
_WORDS_CHARS = 300


@dataclass(frozen=True, slots=True)
class Item:
    """A request in the list. `change` is `v1.0.0 → v1.2.0`; `words` are the requester's own,
    where the title does not say them already. `asked_by` says who asks, `question` is what somebody asks back, and
    waits for an answer.
    """

    request: RequestView
    change: str
    words: str
    asked_by: str
    who_else: str
    may_deny: bool
    question: Comment | None


@dataclass(frozen=True, slots=True)
class Group:
    """Requests about the same environment, or under the same policy."""

    name: str
    items: tuple[Item, ...]


def work_list(
    requests: Iterable[RequestView], people: People, me: PersonId, search: str = "", kind: Kind = ""
) -> tuple[Group, ...]:
    """Return `requests` that fit, in groups; the group with the soonest to expire comes first."""
    groups: dict[str, list[Item]] = {}
    for request in sorted(requests, key=lambda one: one.expires_at):
        item = item_of(request, people, me)
        is_vote = request.format == "approval" and item.question is None
        if kind and is_vote != (kind == "approvals"):
            continue
        if _fits(request, people, search):
            groups.setdefault(_group(item), []).append(item)
    return tuple(Group(name, tuple(items)) for name, items in groups.items())


def item_of(request: RequestView, people: People, me: PersonId) -> Item:
    """Return `request` as a row of a list."""
    is_asked = request.state == "open" and me in people.by_now(request.askers)
    words = one_line((request.words if request.words_are_own else "") or request.quoted, _WORDS_CHARS)
    return Item(
        request=request,
        change=_change(request),
        words="" if words and words in request.title else words,
        asked_by=asked_by(request.purpose, request.askers, people),
        who_else=who_else(request, people, me),
        may_deny=request.state == "open" and request.format == "approval" and me in request.may_decide,
        question=open_question(request.comments, me) if is_asked else None,
    )


def who_else(view: RequestView, people: People, me: PersonId) -> str:
    """Return who decides: to somebody who may with `you` among them, to all others the rule."""
    has_seats = view.rule != some_of(view.quorum, view.may_decide, people)
    if me not in view.may_decide or view.state != "open" or has_seats:
        return view.rule
    return some_of(view.quorum, view.may_decide, people, me)


def _group(item: Item) -> str:
    request = item.request
    if request.format != "approval" or item.question:
        return say("words.questions")
    return (request.call.effect.environment if request.call else "") or request.policy


def _change(request: RequestView) -> str:
    facts = {fact.label.lower(): fact for fact in request.facts}
    before, after = facts.get(label_of("From").lower()), facts.get(label_of("To").lower())
    if before is None or after is None:
        return ""
    short = (with_short_hashes(Line(label=one.label, text=one.text)).text for one in (before, after))
    return " → ".join(one_line(text, _WORDS_CHARS) for text in short)


def _fits(request: RequestView, people: People, search: str) -> bool:
    """Return whether every word that is looked for stands somewhere on the card, or begins its id.

    Chance writes words into ids; nobody who looks for one of those means that.
    """
    text = "\n".join(_texts(request, people)).casefold()
    return all(word in text or ("-" in word and request.id.startswith(word)) for word in search.casefold().split())


def _texts(request: RequestView, people: People) -> Iterator[str]:
    yield from (request.title, request.words, request.quoted, request.policy)
    yield asked_by(request.purpose, request.askers, people)
    yield from (fact.text for fact in request.facts)
