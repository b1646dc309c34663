"""Which messages freeze something, and what any other text is: none of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.inbound.freezes import Typed, stop_beside, typed_freeze


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("freeze production: incident 4711", Typed("production", "incident 4711")),
        ("Freeze everything: incident", Typed("", "incident")),
        ("UNFREEZE production : fixed", Typed("production", "fixed", ends=True)),
        ("**freeze production: incident**", Typed("production", "incident")),
        ("Hi sayso,\nfreeze production: incident\n\nThanks\nCy", Typed("production", "incident")),
        ("freeze production: incident\n\nSent from my iPhone", Typed("production", "incident")),
        ("freeze production: incident\n-- \nCy Doe\nOperations", Typed("production", "incident")),
        ("freeze production: a\n\nfreeze production: a\n", Typed("production", "a")),
        ("freeze production", Typed("production", "")),
        ("Please freeze production now!", Typed("production", "")),
        ("freeze production because of incident", Typed("production", "incident")),
        ("freeze production incident", Typed("production", "incident", is_loose=True)),
        ("@Bo\u00a0Berg freeze production: incident", Typed("production", "incident")),
        ("@Bo\u00a0Berg: wait, freeze production: incident", Typed("production", "incident")),
        ("Freeze please!", Typed(None, "")),
        ("freeze: the header row", Typed(None, "the header row")),
        ("unfreeze", Typed(None, "", ends=True)),
        (
            "Freeze\n\nunfreeze production: fixed",
            Typed("production", "fixed", ends=True, is_first=False, is_all=False, is_alone=False),
        ),
    ],
)
def test_a_line_of_nothing_else_is_read(text: str, found: Typed) -> None:
    assert typed_freeze(text) == found


@pytest.mark.parametrize(
    ("text", "is_alone"),
    [
        ("Production is down\n\nfreeze production: incident", True),
        ("Production is up\n\nunfreeze production: fixed", False),
        ("Incident\n\nfreeze production: incident\nor rather not", False),
        ("freeze production: incident\nunfreeze production: fixed", False),
    ],
)
def test_a_mail_says_it_below_any_subject_where_it_stops_something(text: str, is_alone: bool) -> None:
    found = typed_freeze(text, has_subject=True)

    assert found is not None
    assert found.is_alone == is_alone


NONE = [
    "", "@Bo\u00a0Berg unfreeze production: fixed", "freeze production at night?", "unfreeze production?",
    "unfreeze production and staging", "should we freeze", "should we unfreeze production", "freeze prod/eu: incident",
    "do not freeze production: it is fine", "freezer production: full", "No! Don't freeze production",
    "we need to freeze production?", "Bo said: freeze production", "Bo said no, freeze production",
    "if it fails, stop, freeze production", "Checkout is slow. If it goes down, freeze production",
    "Checkout ist langsam. Falls es schlimmer wird, freeze production", "No. If it fails, freeze production",
    "Runbook: if checkout is down, freeze production", "falls Checkout ausfällt, freeze production",
    "is checkout down? freeze production", "Checkout is fine, no need to freeze production",
    "The site is down, freeze production tonight", "deploy v2 to staging, freeze production",
]  # fmt: skip


def test_what_only_speaks_of_a_freeze_or_against_one_is_none() -> None:
    assert [text for text in NONE if typed_freeze(text) is not None] == []


@pytest.mark.parametrize("has_subject", [False, True])
@pytest.mark.parametrize(
    "lines",
    [
        ("unfreeze staging: fixed", "freeze production: incident"),
        ("unfreeze production", "freeze everything: incident"),
    ],
)
def test_attack_a_freeze_wins_over_the_end_of_one_above_and_below_it(lines: tuple[str, ...], has_subject: bool) -> None:
    subject = "Incident\n\n" if has_subject else ""
    for text in ("\n".join(lines), "\n\n".join(reversed(lines))):
        found = typed_freeze(subject + text, has_subject=has_subject)

        assert found is not None
        assert (found.ends, found.reason, found.is_first, found.is_alone) == (False, "incident", True, False), text


STOPS_BESIDE = [
    "stop\nfreeze everything: incident", "Stop! freeze everything: incident",
    "Please stop everything, freeze everything: incident", "\U0001f6d1 freeze everything: incident",
    ":octagonal_sign: freeze everything: incident", "freeze everything: incident\nstop", "freeze everything. incident",
]  # fmt: skip


@pytest.mark.parametrize("text", STOPS_BESIDE)
def test_attack_a_stop_and_signs_beside_a_freeze_keep_nobody_from_it(text: str) -> None:
    found = typed_freeze(text)

    assert found is not None
    assert (found.environment, found.reason, found.is_first, found.is_all) == ("", "incident", True, True)


@given(st.text(max_size=60))
def test_no_text_without_the_word_is_one(text: str) -> None:
    assert "freeze" in text.casefold() or typed_freeze(text) is None


def test_attack_an_end_with_a_reason_that_does_not_end_is_asked_back_unread() -> None:
    found = typed_freeze("unfreeze production: " + "fixed " * 10_000)

    assert found is not None
    assert found.is_against


BEFORE = [
    "no! freeze production", "deny and freeze production", "stop everything and freeze production",
    "bitte sofort freeze production", "URGENT: freeze production", "we need to freeze production now",
    "can you freeze production?", "- freeze production", "\u201cfreeze production\u201d",
    "Can someone freeze production?", "I'd like to freeze production", "Checkout is down! Freeze production!",
    "Checkout ist kaputt, freeze production",
    "Checkout is down. Nobody can pay. Please freeze production", "DB is gone - freeze production",
    "Security incident: freeze production", "prod is on fire \U0001f525 freeze production",
    "nein \u2013 freeze production", "Payments failing since 14:05. Please freeze production",
]  # fmt: skip


def test_a_no_haste_and_courtesy_before_a_freeze_keep_nobody_from_it() -> None:
    assert [text for text in BEFORE if typed_freeze(text) != Typed("production", "")] == []


def test_an_article_before_the_name_is_none_of_it() -> None:
    assert typed_freeze("freeze the production environment: incident") == Typed("production", "incident", is_loose=True)


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("no! freeze production", "no!"), ("deny and freeze production", "deny"), ("now freeze production", ""),
        ("deny, and freeze production", "deny"), ("stop! please freeze production", "stop!"),
        ("deny and please freeze production", "deny"), ("Sorry, no. Freeze production", "Sorry, no."),
        ("deny. @ops freeze production", "deny."), ("deny and @Cy\u00a0Cole freeze production", "deny"),
        ("@Cy\u00a0Cole deny this\nfreeze production", "@Cy\u00a0Cole deny this"),
        ("\u201cdeny and freeze production\u201d", "deny"),
    ],
)  # fmt: skip
def test_what_is_refused_before_a_freeze_is_refused_as_well(text: str, refused: str) -> None:
    assert typed_freeze(text) is not None
    assert stop_beside(text) == refused


@pytest.mark.parametrize("above", ["Checkout is down.", "yes", "Genehmigt"])
def test_attack_an_emergency_or_an_assent_above_a_freeze_keeps_nobody_from_it(above: str) -> None:
    found = typed_freeze(f"{above}\nfreeze production")

    assert found == Typed("production", "", is_alone=False, is_all=True)


def test_a_condition_above_a_freeze_or_words_below_a_subject_that_is_why_are_more_than_a_freeze() -> None:
    for text, has_subject in (
        ("Checkout is slow. If it goes down:\nfreeze production", False),
        ("Incident\n\nI wonder about this line:\nfreeze production", True),
        ("stop\n\nI wonder about this line:\nfreeze production", True),
    ):
        found = typed_freeze(text, has_subject=has_subject)
        assert found is not None
        assert not found.is_first


@pytest.mark.parametrize("text", ["approve and freeze production", "Yes, freeze production", "ok freeze production"])
def test_what_agrees_before_a_freeze_is_more_than_the_freeze(text: str) -> None:
    assert typed_freeze(text) == Typed("production", "", is_alone=False)


@pytest.mark.parametrize("text", ["freeze prod and staging", "freeze both prod and staging", "freeze prod, staging"])
def test_names_alone_behind_a_freeze_are_no_talk(text: str) -> None:
    found = typed_freeze(text)

    assert found is not None
    assert (found.environment, found.is_loose) == ("prod", False)
