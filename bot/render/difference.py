"""The commits between which a deploy changes what is live, and the facts of its card that lead to the difference."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agents.deploy.results import LIVE_IN
from agents.requests import Effect, Fact, Request, RequestId
from bot.policy.attachments import facts_of
from bot.render.views import commit_of
from channels import Card, Line
from language import in_each
from language.labels import label_of

_LED_FROM = frozenset({"Files", "Migrations"})
_NONE = frozenset({"none", "none differ"})
_HASH = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class Ends:
    """Two commits of the repository of an environment: what was live, and what comes. Both are hashes, in full where
    the repository knows them.
    """

    environment: str
    old: str
    new: str


def ends_of(effect: Effect) -> Ends | None:
    """The commits between which an effect changes what is live; None where they are not known, or the same."""
    name = effect.environment or ""
    old, new = effect.artifacts.get(f"{LIVE_IN}{name}", ""), commit_of(effect)
    is_known = bool(_HASH.fullmatch(old) and _HASH.fullmatch(new))
    return Ends(name, old, new) if is_known and old != new else None


def led_from(request: Request) -> tuple[Fact, ...]:
    """Return the facts from which the page of the difference is reached."""
    if request.call is None or ends_of(request.call.effect) is None:
        return ()
    return tuple(fact for fact in facts_of(request) if fact.label in _LED_FROM and fact.text not in _NONE)


def difference_page(console: str | None, request_id: RequestId) -> str:
    """Return the address of the page, where people find pages at the address `console`."""
    return f"{console}/requests/{request_id}/changes" if console else ""


def with_difference(card: Card, request: Request, page: str) -> Card:
    """`card` with a link from those facts to `page`; as it is where people can reach no page."""
    labels = frozenset(_in_any_language(request)) if page else frozenset[str]()

    def linked(line: Line) -> Line:
        return line.model_copy(update={"link": page}) if line.label in labels else line

    return card.model_copy(update={"facts": tuple(map(linked, card.facts))}) if labels else card


def _in_any_language(request: Request) -> Iterator[str]:
    """The labels of these facts: a card may be in any language."""
    for fact in led_from(request):
        yield from in_each(lambda label=fact.label: label_of(label))
