"""Answers typed in a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cli.show import Typed, typed


@pytest.mark.parametrize(
    ("text", "reason", "read"),
    [
        ("approve", "", Typed("approve", "approve")),
        ("deny", "", Typed("deny", "deny")),
        ("deny", "too loud", Typed("deny", "deny", "too loud")),
        ("deny, make it shorter", "", Typed("deny", "deny", "make it shorter")),
        ("Deny: too loud", "", Typed("deny", "deny", "too loud")),
        ("deny - too loud", "", Typed("deny", "deny", "too loud")),
        ("deny\ntoo loud\nand late", "", Typed("deny", "deny", "too loud\nand late")),
        ("deny, too loud", "and late", Typed("deny", "deny", "too loud\nand late")),
        ("deny nothing", "", Typed("free_text", "deny nothing")),
        ("deny-list", "", Typed("free_text", "deny-list")),
        ("denying", "", Typed("free_text", "denying")),
        ("approve, please", "", Typed("free_text", "approve, please")),
        ("don't deny, please", "", Typed("free_text", "don't deny, please")),
    ],
)
def test_a_vote_is_its_word_and_only_a_denial_may_go_on(text: str, reason: str, read: Typed) -> None:
    assert typed("approval", text, reason) == read


@given(st.text())
def test_nothing_else_approves(text: str) -> None:
    assert typed("approval", text, "").said != "approve"


def test_to_a_question_every_word_is_an_answer() -> None:
    assert typed("free_text", "deny, of course", "") == Typed("free_text", "deny, of course")
