"""What somebody writes who goes away, and the moments that it means."""

import pytest

from agents.requests.proof import as_by
from bot.people.absences import Absence, Typed, may_mean_absence, typed_absence
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


NONE = [
    "", "I am away until 2026-12-01", "away until 2026-12-01: cy please", "away until Monday",
    "away until 2026-12-01: cy\nthanks", "away until 2026-12-01\naway until 2026-12-02",
    "Deploy\n\naway until 2026-12-01: cy", "not away yet",
    "I am out of the office until 2026-12-01 and will answer then.",
]  # fmt: skip


def test_anything_else_is_not() -> None:
    assert [text for text in NONE if typed_absence(text) is not None] == []


@pytest.mark.parametrize(
    ("text", "has_subject", "is_meant"),
    [
        ("away until Monday", False, True),
        ("away until 2026-12-01: Cy Cole", False, True),
        ("Holidays\n\nout of office until 1 Dec", True, True),
        ("Holidays\n\nout of office until 1 Dec", False, False),
        ("I'm away from Monday till Friday", False, True),
        ("abwesend vom 1.12. bis 4.12.", False, True),
        ("bin bis Montag weg", False, True),
        ("I am back.", False, True),
        ("on leave requests: ask hr", False, False),
        ("roll back production", False, False),
        ("who is away until Monday?", False, False),
        ("away until Monday\ndeploy v1.2.0 to staging", False, False),
        ("ask person:bo: are you away until Monday? | until tomorrow", False, False),
    ],
)
def test_other_words_may_mean_it_where_they_are_all_that_is_said(text: str, has_subject: bool, is_meant: bool) -> None:
    assert may_mean_absence(text, has_subject=has_subject) is is_meant


def test_whoever_stands_in_counts_where_mail_does_if_it_was_said_by_mail() -> None:
    by_mail = '{"person":"bo","starts":"2026-11-24T00:00:00Z","until":"2026-12-01T00:00:00Z","to":"cy","by":"bo",'
    absence = Absence.model_validate_json(f'{by_mail}"proof":{{"by":"mail"}}}}')

    assert absence.chosen(policy(approve_by_email=True)) == "cy"
    assert absence.chosen(policy(approve_by_email=False)) is None
    in_slack = Absence.model_validate_json(absence.model_copy(update={"proof": as_by("slack")}).model_dump_json())
    assert in_slack.chosen(policy(approve_by_email=False)) == "cy"
    mailed = in_slack.model_copy(update={"proof": as_by("console", "email")})
    by_link = Absence.model_validate_json(mailed.model_dump_json())
    assert by_link.chosen(policy(approve_by_email=False)) is None
