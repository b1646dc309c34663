"""The estimate of tokens: rather too high than too low."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.tokens import tokens_in

PROSE = (Path(__file__).parents[2] / "README.md").read_text()


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


@given(st.text())
def test_no_text_is_more_tokens_than_bytes_or_fewer_than_a_quarter_of_its_characters(text: str) -> None:
    assert len(text) / 4 <= tokens_in(text) <= len(text.encode())


@given(st.text(), st.text())
def test_lines_are_counted_each_for_itself(first: str, second: str) -> None:
    line = f"<{first.replace(chr(10), '')}>\n"

    assert tokens_in(f"{line}<{second}") == tokens_in(line) + tokens_in(f"<{second}")
