"""The exit code of the doctor, and the signs as words."""

import pytest

from bot.doctor.finding import Finding, Sign, exit_code


@pytest.mark.parametrize(
    ("signs", "code"),
    [(["✓", "!"], 0), ([], 0), (["✓", "–"], 2), (["–", "✗", "✓"], 1), (["✗"], 1)],
)
def test_the_exit_code_says_whether_all_was_well_and_all_was_tried(signs: list[Sign], code: int) -> None:
    assert exit_code([Finding(sign=sign, what="it") for sign in signs]) == code
