"""Which sentences are plain enough to act on, and which are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.deploy.wish import Wish, wish_of, word_of

PLACES = ("production", "staging")
WHOLE = Wish("v1.2.0", "production")


@pytest.mark.parametrize(
    "text",
    [
        "deploy v1.2.0 to production",
        "Deploy v1.2.0 to production.",
        "please deploy v1.2.0 to production",
        "deploy v1.2.0 to production please!",
        "Could you please release version v1.2.0 to the production?",
        "can you ship v1.2.0 to production",
        "I'd like to deploy v1.2.0 to production",
        "deploy `v1.2.0` to *production*",
        "<@U01SAYSO> deploy v1.2.0 to production",
        "@sayso: deploy v1.2.0 to production now",
        "sayso, deploy v1.2.0 to production",
        "Hi sayso,\n\nplease deploy v1.2.0 to production.\n\nThanks, Anna\n--\nAnna Ames",
        "please deploy v1.2.0 to production. Thanks!",
        "roll production back to v1.2.0",
        "roll back production to v1.2.0",
        "Rollback production to version v1.2.0, please",
        "please revert production to v1.2.0",
    ],
)
def test_a_plain_sentence_names_a_version_and_an_environment(text: str) -> None:
    assert wish_of(text, PLACES) == WHOLE


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("deploy v1.2.0", Wish("v1.2.0", None)),
        ("deploy to staging", Wish(None, "staging")),
        ("deploy staging", Wish(None, "staging")),
        ("deploy", Wish()),
        ("deploy v1.2.0 to prod", Wish("v1.2.0", None)),
        ("deploy v1.2.0 to Production", Wish("v1.2.0", None)),
        ("roll back staging", Wish(None, "staging")),
        ("roll back to v1.1.0", Wish("v1.1.0", None)),
        ("release 1.2.0 to production", Wish("1.2.0", "production")),
        ("deploy 3f2a1c9 to staging", Wish("3f2a1c9", "staging")),
    ],
)
def test_what_is_not_named_exactly_is_left_open(text: str, wish: Wish) -> None:
    assert wish_of(text, PLACES) == wish


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "don't deploy v1.2.0 to production",
        "do not deploy v1.2.0 to production",
        "never deploy v1.2.0 to production",
        "what happens if we deploy v1.2.0 to production?",
        "when did you deploy v1.2.0 to production",
        "deploy v1.2.0 to production and staging",
        "deploy v1.2.0 to production unless Bo objects",
        "deploy v1.2.0 to production on Friday",
        "deploy v1.2.0 to production? no, wait",
        "deploy v1.2.0 or v1.1.0 to production",
        "stop\ndeploy v1.2.0 to production",
        "> deploy v1.2.0 to production",
        "Anna wrote: deploy v1.2.0 to production",
    ],
)
def test_any_other_sentence_wishes_nothing(text: str) -> None:
    assert wish_of(text, PLACES) == Wish()


@given(st.text())
def test_any_text_is_read_without_harm(text: str) -> None:
    wish = wish_of(text, PLACES)

    assert wish.environment in {None, *PLACES}
    assert wish.version is None or not any(char.isspace() for char in wish.version)


def test_a_huge_text_is_read_at_once() -> None:
    assert wish_of("deploy " + "v " * 100_000 + "to production", PLACES) == Wish()


@pytest.mark.parametrize(("text", "word"), [("v1.2.0", "v1.2.0"), (" `v1`. ", "v1"), ("v1 or v2", None), ("", None)])
def test_an_answer_of_one_word_is_that_word(text: str, word: str | None) -> None:
    assert word_of(text) == word
