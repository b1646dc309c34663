"""Every kind of audit record has words in the console, in both languages, and a place in the docs."""

from pathlib import Path
from typing import get_args

import pytest

from bot.policy.audited import OF_EVENTS, Kind
from language import say, speaking

DOCS = Path(__file__).parents[3] / "docs" / "security.md"


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_kind_has_words_in_both_languages_and_stands_in_the_docs(kind: str) -> None:
    key, words = f"audit.kind-{kind.replace('_', '-')}", list[str]()
    for language in ("en", "de"):
        with speaking(language):
            words.append(say(key))

    assert key not in words
    assert words[0] != words[1]
    assert f"`{kind}`" in DOCS.read_text()


def test_no_two_events_leave_records_of_one_kind() -> None:
    assert len(set(OF_EVENTS.values())) == len(OF_EVENTS)
