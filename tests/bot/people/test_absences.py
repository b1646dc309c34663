"""What somebody writes who goes away, and the moments that it means."""

import pytest

from bot.people.absences import Absence, Typed, typed_absence
from tests.bot.examples import policy


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("away until 2026-12-01", Typed("2026-12-01")),
        ("Away until 2026-12-01: cy@corp.example", Typed("2026-12-01", "", "cy@corp.example")),
        ("away from 2026-11-24 until 2026-12-01T12:00: cy\n", Typed("2026-12-01T12:00", "2026-11-24", "cy")),
        ("Absence\n\naway until 2026-12-01: cy", Typed("2026-12-01", "", "cy")),
        ("abwesend ab 2026-11-24 bis 2026-12-01 : cy", Typed("2026-12-01", "2026-11-24", "cy")),
        ("not away", Typed()),
        ("nicht abwesend\n", Typed()),
    ],
)
def test_a_line_of_nothing_else_is_read(text: str, found: Typed) -> None:
    assert typed_absence(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I am away until 2026-12-01",
        "away until 2026-12-01: cy please",
        "away until Monday",
        "away until 2026-12-01: cy\nthanks",
        "away until 2026-12-01\naway until 2026-12-02",
        "Deploy\n\naway until 2026-12-01: cy",
        "not away yet",
        "I am out of the office until 2026-12-01 and will answer then.",
    ],
)
def test_anything_else_is_not(text: str) -> None:
    assert typed_absence(text) is None


def test_whoever_stands_in_counts_where_mail_does_if_it_was_said_by_mail() -> None:
    kept = '{"person":"bo","starts":"2026-11-24T00:00:00Z","until":"2026-12-01T00:00:00Z","to":"cy","by":"bo"}'
    absence = Absence.model_validate_json(kept)

    assert absence.chosen(policy(approve_by_email=True)) == "cy"
    assert absence.chosen(policy(approve_by_email=False)) is None
    in_slack = Absence.model_validate_json(absence.model_copy(update={"channel": "slack"}).model_dump_json())
    assert in_slack.chosen(policy(approve_by_email=False)) == "cy"
    by_link = Absence.model_validate_json(in_slack.model_copy(update={"link_by": "email"}).model_dump_json())
    assert by_link.chosen(policy(approve_by_email=False)) is None
