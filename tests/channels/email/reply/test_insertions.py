"""One line more, wherever it stands in an honest mail, and its yes is no longer one: nobody knows what the line means.

The line was seen where the mail is not bound to the card, approves nothing, or has it among what its writer must have
had in an earlier mail. A bare link is left out: servers add those to what they quote.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import escape

import pytest

from channels.email.reply.binding import Answered, bound
from channels.email.reply.stored import squashed
from tests.channels.email.drafts import Draft
from tests.channels.email.mails import NOON
from tests.channels.email.reply.test_about_lunch import MAILS, READER, answer, posted
from tests.kit.long import few_of

GENUINE = MAILS["genuine"]
LINES = (
    "Just the small one",
    "only if Cy agrees",
    "On Friday after 17:00",
    "is it safe?",
    "Blue Harbour Review",
    "The small one first:",
    "--- Just the small one ---",
    "> not the big one",
    "cy@corp.example has to look first",
)
IN_TEXT = ("{}", "\n{}\n", "> {}")
IN_PAGE = (
    "<p>{}</p>",
    "<div>{}</div>",
    "<blockquote>{}</blockquote>",
    "<table><tr><td>{}</td></tr></table>",
    "<br>{}<br>",
)
TOP_ROWS = 12
"""Rows above the card, at most."""

TOP_STEP, PAGE_STEP, CARD_STEP = 7, 29, 331
"""Of the mails with a line more, each so many is read in `./check`: above the card in text, in HTML, and within it."""

_TAG = re.compile(r"<(style|script|head|title)\b.*?</\1>|<!--.*?-->|<[^>]*>", re.DOTALL | re.IGNORECASE)
_CARD = re.compile(r"<table")


def with_a_line(draft: Draft) -> Iterator[tuple[int, Draft]]:
    """`draft` with one line more at each place, and of how many alike one is read in `./check`."""
    rows = draft.text.split("\n") if draft.text is not None else []
    for at in range(len(rows) + 1 if rows else 0):
        for added in (form.format(line) for line in LINES for form in IN_TEXT):
            changed = replace(draft, text="\n".join((*rows[:at], added, *rows[at:])))
            yield TOP_STEP if at < TOP_ROWS else CARD_STEP, changed
    page = draft.page or ""
    card = _CARD.search(page)
    for at in sorted({found.end() for found in _TAG.finditer(page)}):
        for added in (form.format(escape(line)) for line in LINES for form in IN_PAGE):
            is_top = card is None or at < card.start()
            yield PAGE_STEP if is_top else CARD_STEP, replace(draft, page=page[:at] + added + page[at:])


def few(drafts: Iterator[tuple[int, Draft]]) -> Iterator[Draft]:
    counted = Counter[int]()
    for step, draft in drafts:
        counted[step] += 1
        if counted[step] % step == 0:
            yield draft


def approves(draft: Draft) -> frozenset[str] | None:
    """What stands beside the words of an approval that is bound to the card; None where it is none."""
    post, raw = posted(), draft.bytes()
    assert post.asks
    read = READER.read(raw, len(raw), post.asks.text)
    if not isinstance(read, Answered):
        return None
    reply, beside = (
        bound(read, post.asks, NOON + timedelta(hours=1, minutes=1)),
        frozenset(map(squashed, read.about.beside)),
    )
    return beside if reply.said == "approve" and not reply.unbound else None


def taken(mail: dict[str, str], *, all_places: bool) -> list[Draft]:
    """The mails with a line more that approve all the same, with nothing new beside their words."""
    draft = answer(mail, posted())
    had, more = approves(draft), with_a_line(draft)
    assert had is not None
    found = ((each, approves(each)) for each in ((one for _, one in more) if all_places else few(more)))
    return [each for each, beside in found if beside is not None and beside <= had]


@pytest.mark.parametrize("all_places", few_of((False, True), 0))
@pytest.mark.parametrize("mail", GENUINE.values(), ids=GENUINE)
def test_a_line_more_in_an_honest_mail_is_seen_wherever_it_stands(mail: dict[str, str], all_places: bool) -> None:
    assert not taken(mail, all_places=all_places)


def test_attack_a_line_typed_within_what_a_program_writes_above_a_quote_is_missed_below_a_buttons_sentence() -> None:
    asks = posted().asks
    assert asks
    draft = answer(GENUINE["Gmail, where a relay replaced our Message-ID"], posted(), asks.button)
    page = (draft.page or "").replace("agent@sayso.example</a>", "agent@sayso.example</a><div>Just the small one</div>")

    assert approves(draft) is not None
    assert page != draft.page
    assert approves(replace(draft, page=page)) is None


@pytest.mark.long
@pytest.mark.parametrize("mail", GENUINE.values(), ids=GENUINE)
def test_no_line_makes_a_no_a_yes(mail: dict[str, str]) -> None:
    refused = answer(mail, posted(), "no, not on a Friday")

    assert all(approves(each) is None for each in few(with_a_line(refused)))
