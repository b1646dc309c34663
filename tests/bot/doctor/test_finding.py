"""The exit code of the doctor, and the signs as words."""

import pytest

from bot.doctor.finding import Finding, Sign, exit_code, not_tried


@pytest.mark.parametrize(
    ("signs", "code"),
    [(["✓", "!"], 0), ([], 0), (["✓", "–"], 2), (["–", "✗", "✓"], 1), (["✗"], 1)],
)
def test_the_exit_code_says_whether_all_was_well_and_all_was_tried(signs: list[Sign], code: int) -> None:
    assert exit_code([Finding(sign=sign, what="it") for sign in signs]) == code


def test_each_sign_has_a_word_for_programs() -> None:
    signs: list[Sign] = ["✓", "!", "✗", "–"]

    assert [Finding(sign=sign, what="it").state for sign in signs] == ["ok", "note", "wrong", "not_tried"]


def test_what_was_not_tried_says_so_with_its_reason() -> None:
    assert not_tried("the disk", "it is far away").what == "not tried: the disk: it is far away"
