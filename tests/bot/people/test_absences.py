"""What somebody writes who goes away, and the moments that it means."""

from agents.requests.proof import as_by
from bot.people.absences import Absence
from tests.bot.examples import policy


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
