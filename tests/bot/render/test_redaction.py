"""Secrets are masked wherever they stand, and nothing else is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render.redaction import REDACTED, Redactor

SECRET = "hush-hush-42"


def test_keys_that_look_secret_are_masked_and_counts_are_not() -> None:
    masked = Redactor([]).masked(
        {
            "reply_token": "abc",
            "Authorization": ["Bearer abc"],
            "smtp_password": "abc",
            "ANTHROPIC_API_KEY": "abc",
            "input_tokens": 12,
            "text": "abc",
        }
    )

    assert masked == {
        "reply_token": REDACTED,
        "Authorization": REDACTED,
        "smtp_password": REDACTED,
        "ANTHROPIC_API_KEY": REDACTED,
        "input_tokens": 12,
        "text": "abc",
    }


def test_a_password_inside_an_address_is_masked() -> None:
    masked = Redactor([]).masked("can't reach redis://me:hush@redis.example:6379/0")

    assert masked == f"can't reach redis://{REDACTED}@redis.example:6379/0"


def test_many_colons_after_an_address_are_searched_in_no_time() -> None:
    text = "://" + ":" * 1_000_000

    assert Redactor([]).text(text) == text


def test_a_very_short_secret_masks_only_itself() -> None:
    masked = Redactor(["on"]).masked(["on", "only"])

    assert masked == [REDACTED, "only"]


SEEN_BY_NOBODY = ("\x1b[1;31;4m", "\x9b0m", "\u2060\ufeff", "\x1b]8;;https://x.example\x1b\\", "\x1b]0;a\x07", "\r")


@pytest.mark.parametrize("between", [*SEEN_BY_NOBODY, "\x1b(B"])
def test_what_nobody_sees_splits_no_secret_that_a_program_printed(between: str) -> None:
    split = f"token hush-{between}hush-42 of redis://me:pass{between}word@redis.example\n"

    masked = Redactor([SECRET]).printed(split)

    assert masked == f"token {REDACTED} of redis://{REDACTED}@redis.example\n"


def test_a_terminal_code_without_its_end_hides_nothing_that_follows() -> None:
    assert Redactor([]).printed("a\x1b]0;title\nfailed\n\tat \x1b[") == "a0;title\nfailed\n\tat "


def test_a_secret_that_ends_as_another_systems_line_is_masked() -> None:
    assert Redactor([f"{SECRET}\r\n"]).printed(f"is {SECRET}.") == f"is {REDACTED}."


@pytest.mark.parametrize("piece", ["\x1b", "\x1b[", "\x1b]", "\x9b", "\x1b[1;", "\x1b]x\u200b"])
def test_many_terminal_codes_are_searched_in_no_time(piece: str) -> None:
    assert "\x1b" not in Redactor([SECRET]).printed(piece * 200_000)


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just(SECRET) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just(SECRET), inner),
)


@given(DATA)
def test_no_data_of_any_shape_lets_a_secret_through(data: object) -> None:
    masked = Redactor([SECRET])(None, "info", {"event": data})

    assert SECRET not in json.dumps(masked)
