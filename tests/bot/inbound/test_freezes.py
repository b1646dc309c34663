"""Which messages freeze something, and what any other text is: none of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.inbound.freezes import Typed, typed_freeze


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("freeze production: incident 4711", Typed("production", "incident 4711")),
        ("Freeze everything: incident", Typed("", "incident")),
        ("freeze: incident", Typed("", "incident")),
        ("UNFREEZE production : fixed", Typed("production", "fixed", ends=True)),
        ("Freeze\n\nfreeze production: incident", Typed("production", "incident")),
        ("freeze production: a\n\nfreeze production: a\n", Typed("production", "a")),
    ],
)
def test_a_line_of_nothing_else_is_read(text: str, found: Typed) -> None:
    assert typed_freeze(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "freeze production",
        "freeze production:",
        "please freeze production: incident",
        "freeze production and staging: incident",
        "freeze production: incident\nor rather not",
        "Deploy\n\nfreeze production: incident",
        "do not freeze production: it is fine",
        "freezer: full",
    ],
)
def test_anything_else_is_not(text: str) -> None:
    assert typed_freeze(text) is None


@given(st.text(max_size=60))
def test_no_text_that_does_not_begin_with_the_word_is_one(text: str) -> None:
    begins = text.strip().casefold().startswith(("freeze", "unfreeze"))

    assert begins or typed_freeze(text) is None
