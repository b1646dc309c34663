import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.format.shown import decoded


def test_an_encoded_header_is_shown_as_people_read_it() -> None:
    assert decoded(" =?utf-8?q?D=C3=A9ploy=3F?= ") == "Déploy?"
    assert decoded("Deploy?") == "Deploy?"


def test_a_broken_encoded_word_is_shown_as_it_stands() -> None:
    assert decoded("=?utf-8?b?ZMOpcA==?=") == "dép"
    assert decoded("=?nonsense?b?ZMOpcA==?=") == "=?nonsense?b?ZMOpcA==?="
    assert decoded("=?utf-8?b?a?=") == "=?utf-8?b?a?="


@pytest.mark.parametrize(
    "charset", ["ut\u202ef-8", "\xf7tf-8", "none-such", "zlib", "utf-16", "unknown-8bit", "unicode_escape"]
)
@pytest.mark.parametrize("word", ["q?=5Cud800=FF", "b?/9j/", "b?a"])
def test_an_encoded_word_that_lies_is_shown_all_the_same(charset: str, word: str) -> None:
    decoded(f"=?{charset}?{word}?=").encode()


@given(
    st.lists(st.sampled_from(["=?", "utf-8", "?q?", "?b?", "?=", "=FF", "unknown-8bit", " ", "\u202e", "?", "YQ=="]))
)
def test_any_header_is_shown(pieces: list[str]) -> None:
    decoded("".join(pieces)).encode()
