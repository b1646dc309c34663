"""How long it is until a moment or since it, and moments in sentences on the reader's own clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.render.times import ago, left, local

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(seconds=20), "in less than a minute"),
        (timedelta(minutes=40), "in 40 min"),
        (timedelta(hours=3, minutes=40), "in 3 h 40 min"),
        (timedelta(hours=4), "in 4 h"),
        (timedelta(days=2, hours=5, minutes=3), "in 2 d 5 h"),
        (timedelta(days=12, hours=5), "in 12 d"),
        (timedelta(0), "over"),
        (timedelta(hours=-1), "over"),
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
