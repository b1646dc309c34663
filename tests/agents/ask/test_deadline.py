"""Words for a deadline: their one meaning, and that whatever means two things means nothing."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ask.deadline import MOST_S, deadline_of

# A Friday, 10:30 in Berlin.
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("words", "local"),
    [
        ("until Thursday 12:00", "2026-11-26 12:00"),
        ("until Thursday", "2026-11-27 00:00"),
        ("Until MONDAY, 17:30", "2026-11-23 17:30"),
        ("until 17:00", "2026-11-20 17:00"),
        ("until tomorrow", "2026-11-22 00:00"),
        ("until today", "2026-11-21 00:00"),
        ("until 2026-12-01 08:15.", "2026-12-01 08:15"),
        ("Thursday 9:00", "2026-11-26 09:00"),
    ],
)
def test_the_one_form_names_a_moment_on_the_requesters_clock(words: str, local: str | None) -> None:
    found = deadline_of(words, NOW, BERLIN)

    assert (found.astimezone(ZoneInfo(BERLIN)).strftime("%Y-%m-%d %H:%M") if found else None) == local


NO_MOMENT = (
    *("", "until", "soon", "until next Thursday", "until 5", "until 5pm", "by Thursday", "in 2 hours", "until thu"),
    *("until Friday 12:00", "until 09:00", "until 2026-11-19", "until 2027-11-19", "until 2026-02-30 12:00"),
    *("until 25:00", "until 12:60", "until Thursday 12:00 or Friday", "not until Thursday"),
)


@pytest.mark.parametrize("words", NO_MOMENT)
def test_what_is_past_or_unclear_names_none(words: str) -> None:
    assert deadline_of(words, NOW, BERLIN) is None


def test_an_hour_that_the_clocks_skip_or_show_twice_is_unclear() -> None:
    spring, autumn = datetime(2027, 3, 27, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)

    assert deadline_of("tomorrow 02:30", spring, BERLIN) is None
    assert deadline_of("tomorrow 02:30", autumn, BERLIN) is None
    assert deadline_of("tomorrow 04:30", autumn, BERLIN) is not None


moments = st.integers(0, 630_000_000).map(lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
zones = st.sampled_from([BERLIN, "UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"])
PIECES = (
    "until by before in within at , : 0 5 12 17:00 23:59 24:00 am pm 7pm Monday thu today tomorrow 2026-11-20 "
    "2036-02-29 9999-12-31 0001-01-01 999 hours days minutes weeks ٣"
)
pieces = st.sampled_from(PIECES.split())


@given(words=st.one_of(st.text(), st.lists(pieces, max_size=5).map(" ".join)), now=moments, zone=zones)
def test_any_words_name_one_moment_of_the_next_30_days_or_none(words: str, now: datetime, zone: str) -> None:
    found = deadline_of(words, now, zone)

    assert found is None or timedelta() < found - now <= timedelta(seconds=MOST_S)


@given(now=moments, zone=zones, ahead=st.integers(1, 6), minutes=st.integers(0, 24 * 60 - 1))
def test_a_weekday_and_a_time_are_those_on_the_wall(now: datetime, zone: str, ahead: int, minutes: int) -> None:
    day = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=ahead)
    clock = f"{minutes // 60:02}:{minutes % 60:02}"

    found = deadline_of(f"until {day:%A} {clock}", now, zone)

    if found:
        local = found.astimezone(ZoneInfo(zone))
        assert (local.date(), f"{local:%H:%M}") == (day, clock)
