"""What code recorded in English about a deploy is shown in its reader's language, and nobody else's words change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from language import speaking
from language.recorded import fact_text, text_of


@pytest.mark.parametrize(
    ("label", "recorded", "german"),
    [
        ("Files", "2 files, +6 -4", "2 Dateien, +6 -4"),
        ("Files", "1 file, +1,200 -0", "1 Datei, +1,200 -0"),
        ("Migrations", "none", "keine"),
        ("CI", "passed (3 checks)", "bestanden (3 Prüfungen)"),
        ("CI", "failed: lint and 2 more", "fehlgeschlagen: lint and 2 more"),
        ("CI", "unknown: this commit has no checks", "unbekannt: dieser Commit hat keine Prüfungen"),
        ("CI", "unknown: passed: none", "unbekannt: bestanden: keine"),
        ("Risks", "2 migrations; CI failed", "2 Migrationen; CI fehlgeschlagen"),
        ("Risks", "./deploy.sh changed; 51 commits at once", "./deploy.sh changed; 51 Commits auf einmal"),
        (
            "Changes",
            "2 commits, newest first:\n63e28bf failed: none (Bo Berg)\n1d7fe7d none (Cy)\nand 7 more",
            "2 Commits, die neuesten zuerst:\n63e28bf failed: none (Bo Berg)\n1d7fe7d none (Cy)\nund 7 weitere",
        ),
        ("Program", "./deploy.sh, as it is in this commit", "./deploy.sh, wie es in diesem Commit ist"),
        (
            "Release notes",
            "the message of the tag, in the words of whoever made it:\n> none\nnone",
            "der Text des Tags, in den Worten der Person, die ihn gesetzt hat:\n> none\nnone",
        ),
        ("They wrote", "none", "none"),
        ("Load of the shop", "passed", "passed"),
    ],
)
def test_what_code_recorded_is_shown_in_german_and_others_words_are_not(label: str, recorded: str, german: str) -> None:
    with speaking("de"):
        assert fact_text(label, recorded) == german


@given(st.text())
def test_in_english_it_is_shown_as_it_was_recorded(text: str) -> None:
    assert text_of(text) == text


@given(st.lists(st.from_regex(r"[0-9a-f]{7} [^\n;]{0,40}", fullmatch=True)))
def test_a_line_that_begins_with_a_commit_is_never_ours(lines: list[str]) -> None:
    with speaking("de"):
        assert text_of("\n".join(lines)) == "\n".join(lines)
