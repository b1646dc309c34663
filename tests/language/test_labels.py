"""Labels of facts are recorded in English and shown in the language of whoever reads them."""

import pytest

from language import speaking
from language.labels import label_of


@pytest.mark.parametrize(
    ("label", "german"),
    [
        ("Changes", "Änderungen"),
        ("Repository: look-up failed", "Repository: Abfrage fehlgeschlagen"),
        ("Changes: look-up failed", "Änderungen: Abfrage fehlgeschlagen"),
        ("prefetch failed", "Abfrage fehlgeschlagen"),
        ("Versions for production", "Versionen für production"),
        ("Live in production: look-up failed", "Live in production: Abfrage fehlgeschlagen"),
        ("Last deploy to staging", "Letztes Deployment nach staging"),
        ("Health of staging", "Zustand von staging"),
        ("Meant by “1.2” for staging", "Gemeint mit “1.2” für staging"),
        ("Changes in staging with v1.2.0", "Änderungen in staging mit v1.2.0"),
        ("knowledge: refunds.md", "Wissen: refunds.md"),
        ("Load of the shop", "Load of the shop"),
        ("Load of the shop: look-up failed", "Load of the shop: Abfrage fehlgeschlagen"),
    ],
)
def test_a_label_that_code_recorded_is_shown_in_the_language_that_is_spoken(label: str, german: str) -> None:
    with speaking("de"):
        assert label_of(label) == german


def test_in_english_a_label_is_shown_as_it_was_recorded() -> None:
    assert label_of("Changes: look-up failed") == "Changes: look-up failed"
