"""A card in a mail that answers it: found once, by the text that was sent."""

import html
import textwrap
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.reply import markup, read_both, stored
from channels.email.reply.binding import About, Answered, SentCard, bound, packed
from tests.channels.email.mails import NOON, TOKEN

OPENING = "Please answer by Tue 3 Mar 2026, 17:00 CET. Anna asked for it. [SYNXJT]"
CARD = f"""{OPENING}

Press bell?

To approve, reply with the one word: approve
To deny, reply: deny (you can add a reason)

Open the request
https://sayso.example/requests/s0q-1

Who may decide: Bo, Cy, and everybody else who is in the group of those who release on Fridays

| deploy(commit="4f2a")
"""
LINES = list[str](CARD.rstrip().split("\n"))
SENT = SentCard(
    token=TOKEN,
    message_id="<card.1@sayso.example>",
    sender="agent@sayso.example",
    subject="Press bell? [SYNXJT]",
    opening=OPENING,
    sent_at=NOON,
    packed=packed(CARD),
)
HEADS = [
    "On Tue, Mar 3, 2026 at 1:00 PM sayso <agent@sayso.example> wrote:",
    "Am Di., 3. März 2026 um 13:00 Uhr schrieb sayso <agent@sayso.example>:",
    "Dana uto, 3. ožu 2026. u 13:00 sayso <agent@sayso.example> napisao je:",
]
OWN = st.text("xyzö", min_size=1, max_size=20)
WIDTHS, DEPTHS = st.integers(30, 90), st.integers(1, 3)


def quoted(lines: list[str], width: int, depth: int) -> list[str]:
    """`lines` as a program quotes them that breaks long ones, each of which it marks."""
    mark = "> " * depth
    return [f"{mark}{each}" for line in lines for each in textwrap.wrap(line, width, break_long_words=False) or [""]]


def read(text: str | None, page: str | None = None, card: SentCard = SENT) -> tuple[str, str]:
    """Return what a mail in the thread of the card says, and why it is not about the card."""
    said = read_both(text, page, "Bo Berg", own=card.sender, card=card.text)
    about = About(
        subject=f"Re: {card.subject}",
        in_reply_to=(card.message_id,),
        sent_at=NOON + timedelta(hours=1),
        older=said.older,
        whole=said.whole,
        author="Bo Berg",
    )
    answered = Answered(person="bo", token=TOKEN, said=said.said, text=said.text, about=about)
    reply = bound(answered, card, NOON + timedelta(hours=2))
    return reply.said if not said.unsure else "free_text", reply.unbound


@given(WIDTHS, DEPTHS, st.sampled_from(HEADS))
def test_what_stands_above_a_quoted_card_is_the_answer_however_it_is_quoted(width: int, depth: int, head: str) -> None:
    quote = "\n".join(quoted(LINES, width, depth))

    assert read(f"approve\n\n{head}\n\n{quote}") == ("approve", "")
    assert read(f"no\n\n{head}\n\n{quote}")[0] == "deny"
    assert read(f"{head}\n\n{quote}")[0] == "empty"


@given(WIDTHS)
def test_a_card_without_marks_or_any_line_above_it_is_no_word_of_whoever_answers(width: int) -> None:
    card = "\n".join(textwrap.fill(line, width, break_long_words=False) for line in LINES)

    assert read(f"approve\n\n{card}\n") == ("approve", "")
    assert read(f"no, not on a Friday\n\n{card}\n")[0] == "deny"
    assert read(None, f"<p>approve</p><div>{'<br>'.join(map(html.escape, LINES))}</div>") == ("approve", "")


@given(st.integers(1, len(LINES) - 1), OWN, WIDTHS, DEPTHS, st.sampled_from(["", "mark", "page"]))
def test_words_typed_within_the_card_are_asked_back(at: int, own: str, width: int, depth: int, how: str) -> None:
    above, below = LINES[:at], LINES[at:]
    if how == "page":
        rest = "<br>".join(map(html.escape, (*above, own, *below)))
        found = read(None, f'<p>approve</p><blockquote type="cite">{rest}</blockquote>')
    else:
        typed = f"> {own}" if how else own
        quote = [*quoted(above, width, depth), typed, *quoted(below, width, depth)]
        found = read("\n".join(("approve", "", HEADS[0], "", *quote)))

    assert found[0] != "approve" or found[1]


def test_where_a_gateway_says_that_a_link_leads_is_no_word_of_anybodys() -> None:
    quote = "\n".join(quoted(LINES, 200, 1)).replace("Open the request", "Open the request [sayso[.]example]")

    assert read(f"approve\n\n{HEADS[0]}\n\n{quote}") == ("approve", "")
    assert read(f"approve\n\n{HEADS[0]}\n\n{quote.replace('sayso[.]', 'not.')}")[1] != ""


def test_a_banner_above_the_card_without_marks_is_no_doubt_and_one_with_words_of_others_is_no_answer_to_it() -> None:
    header = (
        "-----Original Message-----\nFrom: sayso <agent@sayso.example>\nSent: Tuesday\nTo: Bo\nSubject: Press bell?\n\n"
    )
    banner = (
        "CAUTION: This email originated from outside of the organization. Do not click links unless you trust it.\n\n"
    )

    assert read(f"approve\n\n{header}{banner}{CARD}") == ("approve", "")
    assert read(f"approve\n\n{header}Lunch at noon\n\n{CARD}")[1] != ""


def test_beside_the_fields_of_a_form_they_are_not() -> None:
    lines = [*quoted(LINES, 90, 1)[:6], "version: v1.2.0", *quoted(LINES, 90, 1)[6:]]
    form = SENT.model_copy(update={"fills": "I fill in: Press bell (code ABCDEFGHIJKL)"})

    assert read("\n".join((HEADS[0], "", *lines)), card=form)[1] == ""
    assert read("\n".join((HEADS[0], "", *lines)))[1] != ""


@given(st.integers(0, len(LINES)), OWN)
def test_what_is_typed_around_a_card_without_marks_stays_whole_where_it_is_not_all_above(at: int, own: str) -> None:
    text = "\n".join(("some words", "", *LINES[:at], own, *LINES[at:]))

    said = read_both(text, None, card=CARD)

    assert own in said.whole


@pytest.mark.parametrize("own", ["Please", "Press bell?", "To approve, reply with the one word: approve", "deploy"])
def test_a_line_that_the_card_has_too_is_ones_own_above_it(own: str) -> None:
    text = "\n".join((own, "", HEADS[0], "", *quoted(LINES, 90, 1)))

    assert own in read_both(text, None, own="agent@sayso.example", card=CARD).whole


@given(st.lists(st.sampled_from([*LINES, "approve", "no", "> ", "From: sayso"]), max_size=12), DEPTHS)
def test_where_its_first_line_is_not_there_nothing_is_found(lines: list[str], depth: int) -> None:
    rest = [line for line in lines if line != OPENING]

    assert stored.find(quoted(rest, 200, depth), CARD) == stored.Found()


@given(st.integers(0, 3), st.integers(1, 3))
def test_the_lines_of_the_card_are_found_in_html_too(before: int, after: int) -> None:
    page = "".join(f"<p>{html.escape(line)}</p>" for line in (*["x"] * before, *LINES, *["y"] * after))
    lines = markup.as_text(page).text.split("\n")

    found = stored.find(lines, CARD)

    assert [lines[at] for at in sorted(found.lines)] == [line for line in LINES if stored.squashed(line)]
    assert found.within == ()
