import html
import re
from datetime import UTC, datetime
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import AnswerForm, Card, Line
from channels.email.cards import Made, as_html, as_text, moment
from channels.email.reply import read_reply
from channels.showing import escape_invisible, one_line
from tests.channels.email.mails import NOON, TOKEN, approval

Format = Literal["approval", "free_text", "yes_no", "choice", "choices", "form"]
UNTIL = datetime(2026, 3, 3, 16, 0, tzinfo=UTC)
HERE, BERLIN = Made("UTC"), Made("Europe/Berlin")
TEXTS = st.one_of(st.text(max_size=40), st.sampled_from(["approve", "yes\nno", "deny", "<b>", "a\r\nb", "\u202e"]))
CARDS = st.builds(
    Card,
    title=TEXTS,
    at=st.just(NOON),
    summary=TEXTS,
    quoted=TEXTS,
    facts=st.lists(st.builds(Line, label=TEXTS, text=TEXTS), max_size=3).map(tuple),
    exact=TEXTS,
    ref=TEXTS,
    form=st.none()
    | st.builds(
        AnswerForm,
        token=st.just(TOKEN),
        format=st.sampled_from(["approval", "free_text", "yes_no", "choice", "choices", "form"]),
        options=st.lists(TEXTS, max_size=3).map(tuple),
        fields=st.lists(TEXTS, max_size=3).map(tuple),
        until=st.just(UNTIL),
    ),
)


def form(kind: Format, *, options: tuple[str, ...] = (), fields: tuple[str, ...] = (), **more: bool) -> AnswerForm:
    return AnswerForm(token=TOKEN, format=kind, options=options, fields=fields, until=UNTIL, **more)


def shown(card: Card) -> list[str]:
    """The lines of the HTML as a reader sees them."""
    plain = re.sub(r"</?(?:div|p|br|pre|html|head|body|meta|strong|!DOCTYPE)[^>]*>", "", as_html(card, HERE))
    return [line.strip() for line in html.unescape(plain).split("\n")]


def test_the_first_lines_say_what_it_is_about_and_how_to_answer() -> None:
    lines = as_text(approval(), BERLIN).split("\n")

    assert lines[:4] == [
        "Deploy 4f2a to production?",
        "",
        "To approve, reply with the one word: approve",
        "To refuse, reply: deny, and the reason if you like",
    ]


def test_facts_arguments_quotes_and_the_deadline_follow() -> None:
    text = as_text(approval(), BERLIN)

    assert "Who may decide: Bo, Cy" in text
    assert 'Exactly this:\n\n| deploy(commit="4f2a")' in text
    assert "which nobody has checked:\n\n| It fixes the log-in." in text
    assert text.endswith("Answers count until Tue 3 Mar 2026, 17:00 CET.\nReference: R-12\n")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (form("approval", may_approve=False), "To approve, open its page in the console.\nTo refuse, reply: deny"),
        (form("yes_no"), "reply with one word: yes or no"),
        (form("choice", options=("staging", "production")), "1. staging\n2. production"),
        (form("choices", options=("a", "b")), "with commas between them"),
        (form("form", fields=("version", "when")), "version: …\nwhen: …"),
        (form("free_text"), "in your own words"),
    ],
)
def test_each_form_says_how_it_is_answered(answer: AnswerForm, words: str) -> None:
    assert words in as_text(approval(form=answer), HERE)


def test_where_only_the_page_approves_its_link_follows_at_once() -> None:
    card = approval(form=form("approval", may_approve=False), link="https://sayso.example/requests/s0q-1")

    lines = [line for line in as_text(card, HERE).split("\n") if line]

    assert lines[3] == "https://sayso.example/requests/s0q-1"
    assert lines.count(lines[3]) == 1


def test_a_question_is_read_before_what_can_be_chosen() -> None:
    card = Card(title="A question", at=NOON, quoted="Which one?", form=form("choice", options=("red", "green")))

    text = as_text(card, HERE)

    assert text.index("| Which one?") < text.index("1. red")
    assert text.count("Which one?") == 1


def test_long_lines_wrap_on_a_narrow_screen() -> None:
    assert '<pre style="white-space: pre-wrap; overflow-wrap: anywhere">' in as_html(approval(), HERE)


def test_a_fact_of_several_lines_keeps_them_apart() -> None:
    card = Card(title="Deploy?", at=NOON, facts=(Line(label="Changes", text="one\n\ntwo"), Line(label="To", text="b1")))

    assert "Changes:\n- one\n- two\nTo: b1" in as_text(card, HERE)


def test_a_closing_card_is_short() -> None:
    card = Card(title="Bo approved at 14:02; nothing to do", at=NOON, closes=True)

    assert as_text(card, HERE) == "Bo approved at 14:02; nothing to do\n"


@given(CARDS)
def test_no_line_of_our_own_mail_would_come_back_as_a_decision(card: Card) -> None:
    for line in (*as_text(card, HERE).split("\n"), *shown(card)):
        assert read_reply(line).said not in ("approve", "deny")


@given(CARDS)
def test_text_and_html_say_the_same(card: Card) -> None:
    text = [line.strip() for line in as_text(card, HERE).split("\n") if line.strip()]

    assert text == [line for line in shown(card) if line]


def test_everything_from_a_card_is_escaped_in_html() -> None:
    evil = '<img src="http://evil.example/x"><a href="x">approve</a>&amp;'
    card = approval(title=evil, summary=evil, exact=evil, quoted=evil, facts=(Line(label=evil, text=evil),), ref=evil)

    assert "<img" not in as_html(card, HERE)
    assert "<a " not in as_html(card, HERE)
    assert as_html(card, HERE).count(html.escape(evil)) == 7


def test_characters_that_hide_or_reorder_others_are_spelled_out() -> None:
    assert escape_invisible("a\u202eb\x00c\u200bd\u2028e\r\nf\rg\th") == "a\\u202eb\\u0000c\\u200bd\\u2028e\nf\ng\th"
    assert one_line("a\n b", 10) == "a b"
    assert one_line("a" * 20, 10) == "a" * 9 + "…"


def test_an_unknown_time_zone_is_shown_as_utc() -> None:
    assert moment(NOON, "America/New_York") == "Tue 3 Mar 2026, 07:00 EST"
    assert moment(NOON, "Nowhere/Land") == "Tue 3 Mar 2026, 12:00 UTC"
    assert moment(NOON, "../etc/passwd") == "Tue 3 Mar 2026, 12:00 UTC"


@pytest.mark.parametrize("below", ["", "\nno, stop"])
def test_an_answer_above_our_card_without_quote_marks_counts_if_nothing_stands_below_it(below: str) -> None:
    header = "-----Original Message-----\nFrom: sayso\nSent: Tuesday\nTo: Bo\nSubject: Deploy?\n\n"

    said = read_reply("approve\n\n" + header + as_text(approval(), BERLIN) + below).said

    assert said == ("free_text" if below else "approve")


def test_where_an_approval_by_mail_counts_two_buttons_begin_a_mail_that_says_what_it_does() -> None:
    made = Made(
        mark="K7QP2X", subject="Deploy? [K7QP2X]", answers_to=f"agent+{TOKEN}@sayso.example", approves="I approve"
    )

    page = as_html(approval(), made)

    assert (
        f'href="mailto:agent%2B{TOKEN}@sayso.example?subject=Re%3A%20Deploy%3F%20%5BK7QP2X%5D&amp;body=I%20approve"'
        in page
    )
    assert page.count("mailto:") == 2
    assert "mailto:" not in as_html(approval(form=form("approval", may_approve=False)), made)
    assert "mailto:" not in as_html(approval(form=form("free_text")), made)
