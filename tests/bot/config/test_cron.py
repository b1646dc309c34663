"""The moments at which a cron line is due, whatever clocks do."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.cron import check_cron, next_tick, recent_tick, ticks_until

LINES = ("0 7 * * 1-5", "*/5 * * * *", "30 2 * * *", "0 0 29 2 *", "15 1,2,3 * * *", "0 * * * *", "59 23 31 12 *")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_it_is_due_at_the_time_of_its_zone_in_summer_and_in_winter() -> None:
    assert next_tick("0 7 * * 1-5", "Europe/Berlin", at("2026-03-27 12:00")) == at("2026-03-30 05:00")
    assert next_tick("0 7 * * 1-5", "Europe/Berlin", at("2026-10-23 12:00")) == at("2026-10-26 06:00")


def test_a_time_that_a_clock_skips_is_due_right_after_and_one_that_comes_twice_is_due_once() -> None:
    assert next_tick("30 2 * * *", "Europe/Berlin", at("2026-03-28 12:00")) == at("2026-03-29 01:00")
    first = next_tick("30 2 * * *", "Europe/Berlin", at("2026-10-24 12:00"))

    assert first.date() == at("2026-10-25").date()
    assert next_tick("30 2 * * *", "Europe/Berlin", first) == at("2026-10-26 01:30")


NEVER = (
    "0 0 30 2 *",
    "0 0 31 4,6 *",
    "61 * * * *",
    "* * * *",
    "* * * * * *",
    "",
    "@daily",
    "0 7 * * mo",
    "1/0 * * * *",
)


@pytest.mark.parametrize("line", [*NEVER, "1/0 * * * *", "٣ * * * *", "9" * 5000 + " * * * *", "5-1 * * * *"])
def test_a_line_that_never_comes_is_refused_with_what_is_allowed(line: str) -> None:
    with pytest.raises(ValueError, match=r'five fields in quotes, such as "0 7 \* \* 1-5"'):
        check_cron(line)


@given(st.text("0123456789*/,-L#W ", max_size=30))
def test_whatever_is_written_is_accepted_or_refused_in_words(line: str) -> None:
    try:
        check_cron(line)
    except ValueError:
        return
    assert next_tick(line, "Europe/Berlin", at("2026-01-01")) > at("2026-01-01")


@given(st.sampled_from(LINES), st.sampled_from(ZONES), st.integers(1_577_836_800, 2_200_000_000))
def test_time_only_goes_forward(line: str, zone: str, seconds: int) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)

    first = next_tick(line, zone, moment)
    second = next_tick(line, zone, first)

    assert moment < first < second
    assert first.second == first.microsecond == 0


def test_ticks_are_counted_up_to_a_bound() -> None:
    first, now = at("2026-01-01 07:00"), at("2026-01-01 08:00")

    assert ticks_until("*/5 * * * *", "UTC", first, now, 1_000) == 13
    assert ticks_until("*/5 * * * *", "UTC", first, now + timedelta(days=300), 1_000) == 1_000


def test_a_recent_tick_is_one_of_the_last_seconds() -> None:
    assert recent_tick("0 7 * * *", "UTC", at("2026-01-01 07:04"), 300) == at("2026-01-01 07:00")
    assert recent_tick("0 7 * * *", "UTC", at("2026-01-01 07:00"), 300) == at("2026-01-01 07:00")
    assert recent_tick("0 7 * * *", "UTC", at("2026-01-01 07:06"), 300) is None
