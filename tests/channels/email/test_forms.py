"""A form in a mail: what it takes is said, and the lines that somebody fills in come back as they were written."""

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from channels import Address, AnswerForm, Card, Input
from channels.email import forms, mime
from channels.email.cards import Made, as_text
from channels.email.format.body import read_body
from channels.email.reply import is_decision, read_reply
from channels.email.reply.binding import About, Answered, bound
from language import LANGUAGES, Language, speaking
from tests.channels.email.mails import BOT, NOON, TOKEN
from tests.channels.inputs import inputs

TO = Address(channel="email", person="anna", to="anna@corp.example")
FIELDS = (
    Input(name="begins", label="First day", hint="A date, such as 2026-12-24.", kind="date", value="2026-12-24"),
    Input(name="team", label="Team", kind="choice", options=("shop", "search")),
    Input(name="silent", label="Silent", hint="No alarms.", kind="yes_no", required=False),
    Input(name="why", label="Why"),
)


def asked(*fields: Input) -> Card:
    form = AnswerForm(token=TOKEN, format="form", fields=fields, until=NOON + timedelta(hours=4))
    return Card(title="When is the window?", at=NOON, form=form)


def form_of(card: Card) -> AnswerForm:
    assert card.form
    return card.form


def test_a_mail_says_what_each_field_takes_and_has_a_line_for_each() -> None:
    text = as_text(asked(*FIELDS), Made())

    assert (
        "1. First day: A date, such as 2026-12-24.\n2. Team: One of: shop, search.\n3. Silent: No alarms. Yes or no.\n"
    ) in text
    assert "filled in.\n\nFirst day: 2026-12-24\nTeam: …\nSilent: …\nWhy: …\n" in text


@pytest.mark.parametrize(
    ("titles", "keys"),
    [
        (("First day", "Why"), ("First day", "Why")),
        (("From", "To", "Subject"), ("1 From", "2 To", "3 Subject")),
        (("Von", "An", "Betreff"), ("1 Von", "2 An", "3 Betreff")),
        (("From", "Sent"), ("1 From", "2 Sent")),
        (("Approve",), ("1 Approve",)),
        (("No",), ("1 No",)),
        (("Nein", "Team"), ("1 Nein", "2 Team")),
        (("No.",), ("1 No.",)),
        (("Sorry",), ("1 Sorry",)),
        (("Silent", "Team"), ("Silent", "Team")),
    ],
)
def test_titles_that_would_pass_for_something_else_in_a_reply_have_their_number(
    titles: tuple[str, ...], keys: tuple[str, ...]
) -> None:
    assert forms.keys_of(form_of(asked(*(Input(name=title) for title in titles)))) == keys


@example([Input(name="N", label="N", hint="0", value="ab")])
@given(st.lists(inputs(st.text(st.characters(categories=("L", "N", "Zs")), min_size=1, max_size=20)), max_size=5))
def test_no_line_of_a_form_would_decide_anything(fields: list[Input]) -> None:
    form = form_of(asked(*fields))

    assert not any(is_decision(line) for line in forms.lines(form))
    assert len(forms.lines(form)) == len(fields)


def sent(card: Card) -> tuple[mime.Post, str]:
    """The mail, and what its button writes."""
    post = mime.compose(card, TO, "d1", own=BOT, timezone="UTC")
    [link] = re.findall(r'href="(mailto:[^"]*)"', read_body(post.raw).html or "")
    return post, unquote(link.partition("body=")[2]).replace("\r\n", "\n")


def answered(post: mime.Post, whole: str) -> Answered:
    """What a mail says that begins with nothing of the card but its subject."""
    about = About(
        subject=f"Re: {post.asks.subject if post.asks else ''}", sent_at=NOON, whole=whole, author="Anna Ames"
    )
    said = read_reply(whole, "Anna Ames")
    return Answered(person="anna", token=TOKEN, said=said.said, text=said.text, about=about)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_button_begins_a_mail_with_the_lines_which_is_bound_to_its_card(language: Language) -> None:
    with speaking(language):
        post, body = sent(asked(*FIELDS))
    sentence, lines = body.split("\n \n")
    filled = "First day: 2026-12-24\nTeam: shop\nSilent: no\nWhy: it is Christmas"

    reply = bound(answered(post, f"{sentence}\n\n{filled}"), post.asks, NOON)

    assert lines == "First day: 2026-12-24 \nTeam: \nSilent: \nWhy: "
    assert (reply.said, reply.text, reply.unbound) == ("free_text", filled, "")


def test_the_button_of_another_card_binds_nothing() -> None:
    post, _ = sent(asked(*FIELDS))
    other = mime.compose(
        asked(*FIELDS).model_copy(update={"form": form_of(asked(*FIELDS)).model_copy(update={"token": "b" * 17})}),
        TO,
        "d2",
        own=BOT,
        timezone="UTC",
    )
    assert other.asks

    reply = bound(answered(post, f"{other.asks.fills}\n\nTeam: shop"), post.asks, NOON)

    assert reply.unbound
