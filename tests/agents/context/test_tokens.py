"""The estimate of tokens: rather too high than too low."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.context.tokens import tokens_in

PROSE = (Path(__file__).parents[3] / "README.md").read_text()


def test_english_counts_more_than_the_documented_token_for_three_and_a_half_characters() -> None:
    assert len(PROSE) / 3.5 < tokens_in(PROSE) < len(PROSE) / 2


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("deploy it", 3),
        ("2026", 2),
        ("ERROR", 5),
        ('{"a":', 3),
        ("é", 1),
        ("部署", 4),
        ("🚀", 4),
        ("a    b", 3),
    ],
)
def test_a_text_is_counted_piece_by_piece(text: str, tokens: int) -> None:
    assert tokens_in(text) == tokens


# The rules of `tokens.py`, a token each; and the letters that count for more.
PIECE = re.compile(
    r" ?(?:[A-Za-z][a-z]{0,2}|[0-9]{1,2}|[!-/:-@\[-`{-~]{1,2})|[ \t]{1,4}|[\x00-\x1f\x7f]|[\x80-\U0010ffff]"
)
ALPHABET = "abzAZ09 \t\n!-~`@[{\x7f\x00\xa0é¢ß\u07ff\u0800部\uffff\ud800🚀"


@given(st.text(ALPHABET) | st.text() | st.text("aA "))
def test_every_text_is_counted_by_the_rules(text: str) -> None:
    more = sum(1 if "\u0800" <= char <= "\uffff" else 3 if char > "\uffff" else 0 for char in text)

    assert tokens_in(text) == len(PIECE.findall(text)) + more


@given(st.text())
def test_no_text_is_more_tokens_than_bytes_or_fewer_than_a_quarter_of_its_characters(text: str) -> None:
    assert len(text) / 4 <= tokens_in(text) <= len(text.encode())


@given(st.text(), st.text())
def test_lines_are_counted_each_for_itself(first: str, second: str) -> None:
    line = f"<{first.replace(chr(10), '')}>\n"

    assert tokens_in(f"{line}<{second}") == tokens_in(line) + tokens_in(f"<{second}")
