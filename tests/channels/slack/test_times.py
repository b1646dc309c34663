"""Moments are shown in the zone of whoever reads them, and nothing else is changed."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.slack import blocks
from language import LANGUAGES, Language, dates, say, speaking

MOMENTS = st.integers(526_000, 121_000_000).map(lambda minutes: datetime.fromtimestamp(minutes * 60, UTC))


@given(MOMENTS, st.text(), st.text())
def test_a_moment_in_a_sentence_is_that_moment(at: datetime, before: str, after: str) -> None:
    found = blocks.in_rich_text(f"{before} at {at:%H:%M UTC on %d %B %Y} {after}")

    assert at.timestamp() in [piece["timestamp"] for piece in _objects(found) if piece["type"] == "date"]


@given(MOMENTS, st.sampled_from(LANGUAGES))
def test_a_moment_is_shown_without_its_preposition_in_any_language(at: datetime, language: Language) -> None:
    with speaking(language):
        found = _objects(blocks.in_rich_text(say("words.approved", names="Bo", when=dates.in_words(at))))

    assert found[0]["text"] in ("Bo approved ", "Bo: genehmigt ")
    assert found[1]["timestamp"] == at.timestamp()
    assert found[1]["format"] in ("{date_short_pretty} at {time}", "{date_short_pretty}, {time}")


@given(st.text())
def test_a_text_without_a_moment_stays_as_it_is(text: str) -> None:
    assert not blocks.has_moment(text)
    assert blocks.in_rich_text(text) == ([{"type": "text", "text": text}] if text else [])


@pytest.mark.parametrize("words", ["at 14:02 UTC", "at 25:02 UTC on 03 March 2026", "at 14:02 UTC on 31 Febuary 2026"])
def test_what_is_no_moment_is_not_guessed(words: str) -> None:
    assert not blocks.has_moment(words)
    assert blocks.in_rich_text(words) == [{"type": "text", "text": words}]


def test_the_words_around_a_moment_are_kept() -> None:
    text = "It began at 14:02 UTC on 03 March 2026 and ended at 14:03 UTC on 03 March 2026."

    found = _objects(blocks.in_rich_text(text))

    kinds = ["text", "date", "text", "date", "text"]
    assert [piece["type"] for piece in found] == kinds
    assert [piece["text"] for piece in found if piece["type"] == "text"] == ["It began ", " and ended ", "."]
    assert found[1]["fallback"] == "03 Mar 2026, 14:02 UTC"


def _objects(found: Any) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", found or [])
