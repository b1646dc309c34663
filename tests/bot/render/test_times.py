"""How long it is until a moment or since it, and moments in sentences on the reader's own clock."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Invalid
from bot.render.times import ago, left, local, read_moment

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(seconds=20), "in less than a minute"),
        (timedelta(minutes=40), "in 40 min"),
        (timedelta(hours=3, minutes=40), "in 3 h 40 min"),
        (timedelta(days=2, hours=5, minutes=3), "in 2 d 5 h"),
        (timedelta(0), "over"),
    ],
)
def test_how_long_is_left_is_said_in_two_units_at_most(span: timedelta, said: str) -> None:
    assert left(NOON, NOON + span) == said


@pytest.mark.parametrize(("span", "said"), [(timedelta(seconds=59), "just now"), (timedelta(minutes=12), "12 min ago")])
def test_how_long_ago_it_was(span: timedelta, said: str) -> None:
    assert ago(NOON, NOON - span) == said


def test_each_moment_in_a_sentence_of_ours_is_on_the_readers_clock() -> None:
    told = "Bo Berg approved at 23:05 UTC on 21 November 2026. It began at 23:06 UTC on 21 November 2026."

    assert local(TOKYO, told) == "Bo Berg approved on Sun 22 Nov, 08:05 JST. It began on Sun 22 Nov, 08:06 JST."
    assert local(TOKYO, "noon UTC on some day") == "noon UTC on some day"


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("now", "2026-11-21T12:00"),
        ("23:10", "2026-11-21T14:10"),  # in Tokyo it is 21:00
        ("Sunday 23:10", "2026-11-22T14:10"),
        ("Sonntag, 23:10", "2026-11-22T14:10"),
        ("Saturday 20:00", "2026-11-28T11:00"),
        ("2026-12-24", "2026-12-23T15:00"),
        ("2026-12-24T18:00", "2026-12-24T09:00"),
        ("2026-12-24T18:00+01:00", "2026-12-24T17:00"),
    ],
)
def test_a_moment_is_read_as_people_write_it_on_their_own_clock(text: str, means: str) -> None:
    assert read_moment(text, TOKYO, NOON) == datetime.fromisoformat(means).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["Someday 23:10", "25:00", "23:61", "soon", "1999-01-01T00:00", "99999-01-01"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is no date or time"):
        read_moment(text, TOKYO, NOON)


def test_where_the_clock_skips_a_time_the_moment_after_the_jump_is_meant() -> None:
    berlin, before = ZoneInfo("Europe/Berlin"), datetime(2026, 3, 28, 12, tzinfo=UTC)

    assert read_moment("Sunday 02:30", berlin, before) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert read_moment("2026-10-25T02:30", berlin, before) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    with suppress(Invalid):
        assert read_moment(text, TOKYO, NOON).tzinfo is not None
