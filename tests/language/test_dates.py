"""Moments that stand in sentences are found again, in whichever language they were written."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from language import LANGUAGES, Language, dates, speaking

MOMENTS = st.integers(0, 121_000_000).map(lambda minutes: datetime.fromtimestamp(minutes * 60, UTC))


@given(MOMENTS, st.sampled_from(LANGUAGES))
def test_a_moment_is_read_as_it_was_written_in_any_language(at: datetime, language: Language) -> None:
    with speaking(language):
        text = f"Bo Berg, {dates.in_words(at)}."

    assert [found for _, found in dates.moments(text)] == [at]
    assert dates.local(text, lambda there: f"<{there:%H:%M}>") == f"Bo Berg, <{at:%H:%M}>."


@pytest.mark.parametrize(
    "text",
    [
        "at 23:59 UTC on 31 December 9999",
        "at 25:02 UTC on 03 March 2026",
        "um 14:02 UTC am 31. Februar 2026",
        "noon UTC on 1 May",
    ],
)
def test_what_is_no_moment_is_left_as_it_is(text: str) -> None:
    assert list(dates.moments(text)) == []
    assert dates.local(text, str) == text


@given(MOMENTS, st.sampled_from(LANGUAGES))
def test_only_what_is_nothing_but_a_moment_is_a_whole_one(at: datetime, language: Language) -> None:
    with speaking(language):
        text = dates.in_words(at)

    assert dates.local_whole(text, lambda there: f"<{there:%H:%M}>") == f"<{at:%H:%M}>"
    for others in (f"approved at {text}", f"{text}, deploy", f"{text}\n{text}", ""):
        assert dates.local_whole(others, str) == others


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("in 3 h 35 min.", "in 3_h_35_min."),
        ("noch 2 T. 4 Std.", "noch 2_T._4_Std."),
        ("asked 14:02 CET for 20 min", "asked 14:02_CET for 20_min"),
        ("3 hours, 4 minutes, version 2 Minor", "3 hours, 4 minutes, version 2 Minor"),
    ],
)
def test_no_line_ends_within_a_length_of_time(words: str, shown: str) -> None:
    assert dates.unbroken(words).replace("\u00a0", "_") == shown
