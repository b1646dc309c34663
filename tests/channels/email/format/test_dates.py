from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.format.dates import written_at
from channels.email.identity.proof import local
from channels.email.reading.reader import Reader
from channels.email.reply.binding import Answered
from tests.channels.email.mails import ANNA, BO, BOT, NOON, People, arrived, mail
from tests.kit.rows import rows

ROWS = rows("cases.toml", beside=__file__)["dates"]

READER = Reader(BOT, People(ANNA, BO), local)


@pytest.mark.parametrize("said", ROWS["a_date_that_the_standard_knows_is_that_moment"])
def test_a_date_that_the_standard_knows_is_that_moment(said: str) -> None:
    assert written_at(said) == NOON


@pytest.mark.parametrize(
    "said",
    [
        "",
        "yesterday",
        "Tue, 3 Mar 2026 12:00:00",
        "Tue, 3 Mar 2026 12:00:00 (-0000)",
        "Tue, 3 Mar 2026 12:00:00 CEST",
        "Tue, 3 Mar 2026 12:00:00 A",
        "Tue, 3 Mar 2026 12:00:00 J",
        "Tue, 3 Mar 2026 12:00:00 +01:00",
        "Tue, 3 Mar 2026 12:00:00 GMT+0100",
        "Tue, 3 Mar 2026 12:00:00 +9999",
        "Tue, 3 Mar 2026 12:00:00 +0060",
        "Tue, 3 Mar 2026 12:00:00 -0000 +0100",
        "Tue, 3 Mar 2026 24:00:00 -0000",
        "Tue, 31 Feb 2026 12:00:00 -0000",
        "Tue, 3 Mar 6 12:00:00 -0000",
        "Tue, 3 Mar 2026 12:00:00 -0000 (open",
        "Tue, 3 Mar 2026 12:00:00 -0000)",
        "Tue, 3 Mar 2026 12:00:00 -0000, Mon, 2 Mar 2026 12:00:00 -0000",
        "Tue, Mar 3 2026 12:00:00 +0000",
        "2026-03-03T12:00:00Z",
        "Tue, \u0663 Mar 2026 12:00:00 +0000",
        "Tue, 3 Mar 2026 12:00:00 \u22120000",
        "(" * 60_000,
    ],
)
def test_a_date_that_could_be_another_moment_is_none(said: str) -> None:
    assert written_at(said) is None


def test_a_leap_second_is_the_one_before_it() -> None:
    assert written_at("Sat, 31 Dec 2016 23:59:60 -0000") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(("year", "means"), [("00", 2000), ("49", 2049), ("50", 1950), ("99", 1999), ("100", 2000)])
def test_a_short_year_is_read_as_the_standard_says(year: str, means: int) -> None:
    found = written_at(f"3 Mar {year} 12:00:00 -0000")

    assert found is not None
    assert found.year == means


@given(st.integers(min_value=-75 * 365, max_value=900 * 365), st.integers(min_value=-14 * 60, max_value=14 * 60))
def test_whatever_a_program_writes_is_read_again(days: int, offset: int) -> None:
    there = (NOON + timedelta(days=days)).astimezone(timezone(timedelta(minutes=offset)))

    assert written_at(f"{there:%a, %d %b %Y %H:%M:%S %z}") == there


@given(st.text(max_size=80))
def test_no_text_breaks_it(said: str) -> None:
    found = written_at(said)

    assert found is None or found.tzinfo is not None


def test_an_answer_whose_program_hides_its_zone_says_when_it_was_written() -> None:
    reading = READER.read(raw := arrived(mail(extra="Date: Tue, 3 Mar 2026 12:00:00 -0000\n")), len(raw))

    assert isinstance(reading, Answered)
    assert reading.about.sent_at == NOON
