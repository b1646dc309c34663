"""When windows freeze: whole days and stretches of time, by any zone's clock, through every change of that clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.config.deploy import DAYS, FreezeWindowConfig
from bot.policy.freezes import coming_windows, next_window, window_at

# Midnight is left out in Beirut and Cairo, comes twice in Havana, and Apia left out a day in 2011.
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "America/Havana", "Asia/Beirut", "Africa/Cairo", "Pacific/Apia",
         "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo"]  # fmt: skip
moments = st.integers(1_262_304_000, 2_051_222_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
TWO_WEEKS = timedelta(days=14)


def window(**more: object) -> FreezeWindowConfig:
    """A window of the file."""
    return FreezeWindowConfig.model_validate({"name": "weekend", **more})


def in_zone(days: list[str], zone: str) -> FreezeWindowConfig:
    return window(days=days, timezone=zone)


weekly = st.builds(
    in_zone, st.lists(st.sampled_from(DAYS), min_size=1, max_size=6, unique=True), st.sampled_from(ZONES)
)


@given(weekly, moments)
def test_a_day_is_frozen_exactly_while_the_calendar_there_shows_it(weekly: FreezeWindowConfig, now: datetime) -> None:
    shown = DAYS[now.astimezone(ZoneInfo(weekly.timezone)).weekday()]

    assert (window_at([weekly], "production", now) is not None) == (shown in weekly.days)


@given(weekly, moments)
def test_the_end_is_the_first_moment_at_which_it_is_not_frozen(weekly: FreezeWindowConfig, now: datetime) -> None:
    found = window_at([weekly], "production", now)

    if found:
        assert found.until
        assert found.since <= now < found.until
        assert window_at([weekly], "production", found.until) is None
        for part in range(20):
            inside = now + (found.until - SECOND - now) * part / 20
            assert window_at([weekly], "production", inside) is not None


@given(weekly, moments)
def test_nothing_is_frozen_before_the_next_window_begins(weekly: FreezeWindowConfig, now: datetime) -> None:
    begins = next_window([weekly], "production", now)

    assert begins
    assert begins > now
    assert window_at([weekly], "production", begins) is not None
    if window_at([weekly], "production", now) is None:
        assert window_at([weekly], "production", begins - SECOND) is None


@given(weekly, weekly, moments)
def test_windows_that_overlap_end_together(one: FreezeWindowConfig, other: FreezeWindowConfig, now: datetime) -> None:
    found = window_at([one, other], "production", now)

    if found and found.until:
        assert window_at([one, other], "production", found.until) is None
        assert window_at([one, other], "production", found.until - SECOND) is not None


@st.composite
def stretches(draw: st.DrawFn) -> FreezeWindowConfig:
    """A window of one stretch of time, somewhere about the moments that are drawn."""
    begins = draw(moments).replace(tzinfo=None)
    ends = begins + timedelta(minutes=draw(st.integers(1, 40 * 24 * 60)))
    return window(**{"from": begins.isoformat(), "until": ends.isoformat(), "timezone": draw(st.sampled_from(ZONES))})


# Where a zone left a date out, all that is known of clocks is put to the test.
BEFORE_THE_LOST_DAY = datetime(2011, 12, 27, tzinfo=UTC)


@given(st.lists(weekly | stretches(), min_size=1, max_size=4), moments)
@example([in_zone(["fri"], "Pacific/Apia"), in_zone(["thu", "sat"], "Pacific/Apia")], BEFORE_THE_LOST_DAY)
def test_each_window_that_is_listed_freezes_from_its_first_moment_and_not_a_minute_before(
    windows: list[FreezeWindowConfig], now: datetime
) -> None:
    windows = [one.model_copy(update={"name": f"window {number}"}) for number, one in enumerate(windows)]

    listed = coming_windows(windows, now)

    assert [one.since for one in listed] == sorted(one.since for one in listed)
    for one in listed:
        [alone] = [each for each in windows if each.name == one.window]
        assert now < one.since <= now + TWO_WEEKS
        assert window_at([alone], "production", one.since) is not None
        assert window_at([alone], "production", one.since - MINUTE) is None
        assert one.until
        assert window_at([alone], "production", one.until - SECOND) is not None


@given(weekly | stretches(), moments)
def test_no_window_of_the_next_two_weeks_is_left_out(one: FreezeWindowConfig, now: datetime) -> None:
    listed = [each.since for each in coming_windows([one], now)]

    moment = now
    while (begins := next_window([one], "production", moment)) and begins <= now + TWO_WEEKS:
        was_on = window_at([one], "production", begins - MINUTE) is not None
        is_on = window_at([one], "production", begins) is not None
        assert (begins in listed) == (is_on and not was_on)
        moment = begins


def test_days_that_follow_on_each_other_are_one_window_by_the_clock_of_its_zone() -> None:
    weekend = window(days=["sat", "sun"], timezone="Europe/Berlin", environments=["production"])

    listed = coming_windows([weekend], datetime(2026, 11, 22, 12, tzinfo=UTC))  # a Sunday

    assert [(one.since, one.until) for one in listed] == [
        (datetime(2026, 11, 27, 23, tzinfo=UTC), datetime(2026, 11, 29, 23, tzinfo=UTC)),
        (datetime(2026, 12, 4, 23, tzinfo=UTC), datetime(2026, 12, 6, 23, tzinfo=UTC)),
    ]


def test_of_many_windows_the_ten_that_come_first_are_listed() -> None:
    days = [window(name=day, days=[day]) for day in DAYS]

    listed = coming_windows(days, datetime(2026, 11, 22, 12, tzinfo=UTC))

    assert [one.window for one in listed] == [*DAYS, *DAYS[:3]]
    assert coming_windows([window(days=list(DAYS))], datetime(2026, 11, 22, 12, tzinfo=UTC)) == ()


def test_a_stretch_of_time_goes_by_the_clock_of_its_zone() -> None:
    year_end = window(**{"from": "2026-12-21T00:00", "until": "2027-01-04T00:00", "timezone": "Europe/Berlin"})

    found = window_at([year_end], None, datetime(2026, 12, 24, tzinfo=UTC))

    assert found
    assert (found.since, found.until) == (
        datetime(2026, 12, 20, 23, tzinfo=UTC),
        datetime(2027, 1, 3, 23, tzinfo=UTC),
    )
    assert window_at([year_end], None, datetime(2026, 12, 20, 22, 59, tzinfo=UTC)) is None


def test_what_has_no_environment_is_frozen_only_by_a_window_of_everything() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)  # a Sunday

    assert window_at([window(days=["sun"])], None, now)
    assert window_at([window(days=["sun"], environments=["production"])], None, now) is None
    assert window_at([window(days=["sun"], environments=["production"])], "staging", now) is None


def test_a_window_of_every_day_has_no_end() -> None:
    found = window_at([window(days=list(DAYS))], "production", datetime(2026, 11, 22, 10, tzinfo=UTC))

    assert found
    assert found.until is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "either `days`"),
        ({"days": ["sat"], "from": "2026-12-21T00:00", "until": "2027-01-04T00:00"}, "either `days`"),
        ({"from": "2026-12-21T00:00"}, "either `days`"),
        ({"days": ["sat"], "until": "2026-12-21T00:00"}, "either `days`"),
        ({"from": "2027-01-04T00:00", "until": "2026-12-21T00:00"}, "`from` before `until`"),
        ({"from": "2026-12-21T00:00Z", "until": "2027-01-04T00:00"}, "without an offset"),
        ({"days": ["sat"], "timezone": "Mars/Olympus"}, "IANA"),
    ],
)
def test_a_window_that_says_two_things_or_none_is_refused(table: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        window(**table)
