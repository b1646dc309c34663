"""Every kind of audit record has words in the console, in both languages, and a place in the docs."""

from pathlib import Path
from typing import get_args

from bot.policy.audited import OF_EVENTS, Kind
from language import say, speaking

DOCS = Path(__file__).parents[3] / "docs" / "security.md"


def test_each_kind_has_words_in_both_languages_and_stands_in_the_docs() -> None:
    docs, words = DOCS.read_text(), dict[str, list[str]]()
    for language in ("en", "de"):
        with speaking(language):
            for kind in get_args(Kind):
                words.setdefault(kind, []).append(say(f"audit.kind-{kind.replace('_', '-')}"))

    assert [kind for kind, (en, de) in words.items() if en == de or "audit.kind-" in en + de] == []
    assert [kind for kind in words if f"`{kind}`" not in docs] == []


def test_no_two_events_leave_records_of_one_kind() -> None:
    assert len(set(OF_EVENTS.values())) == len(OF_EVENTS)


def test_each_kind_that_an_event_leaves_has_its_event() -> None:
    kinds = get_args(Kind)

    assert {*OF_EVENTS.values(), "break_glass"} == {*kinds[: kinds.index("frozen")]}
