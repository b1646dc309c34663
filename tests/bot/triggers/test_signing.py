"""Signatures: only who knows the secret can sign, and only for now."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.triggers.hooks import is_signed, is_timely, signature, timed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = round(NOW.timestamp())


def test_it_is_the_signature_that_github_documents() -> None:
    """The example of https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries."""
    known = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    assert signature("It's a Secret to Everybody", b"Hello, World!") == known
    assert is_signed("It's a Secret to Everybody", b"Hello, World!", known)


@given(st.text(), st.binary(), st.text())
def test_nothing_else_passes(secret: str, signed: bytes, sent: str) -> None:
    right = signature("the secret", signed)

    assert not is_signed("the secret", signed, sent)
    assert is_signed(secret, signed, right) == (secret == "the secret")
    assert not is_signed("the secret", signed + b"x", right)
    assert not is_signed("the secret", signed, right.upper())
    assert not is_signed("the secret", signed, right.removeprefix("sha256="))


def test_timestamp_and_body_can_not_be_shifted_into_each_other() -> None:
    assert timed("1", b"2.x") != timed("12", b".x")


@pytest.mark.parametrize("late_s", [-300, 0, 300])
def test_five_minutes_each_way_are_now(late_s: int) -> None:
    assert is_timely(str(SECONDS - late_s), NOW)


@pytest.mark.parametrize(
    "timestamp",
    [
        str(SECONDS - 301),
        "",
        f"+{SECONDS}",
        f"{SECONDS}\n",
        "9" * 5000,
        "١٧٦٧٢٢٥٦٠٠",
    ],
)
def test_anything_else_is_not(timestamp: str) -> None:
    assert not is_timely(timestamp, NOW)
