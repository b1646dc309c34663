import pytest

from channels.email.format.headers import read_headers
from channels.email.identity.machine import calendar_words, is_away, list_words, machine_words
from tests.channels.email.mails import arrived, mail
from tests.kit.rows import rows

ROWS = rows("cases.toml", beside=__file__)["machine"]


def words(raw: bytes, subject: str = "Re: Deploy?") -> str | None:
    return machine_words(read_headers(raw), subject)


def test_what_only_machines_write_is_known() -> None:
    assert [each for each in ROWS["headers"] if words(mail(extra=f"{each}\n")) is None] == []
    assert [each for each in ROWS["authors"] if words(mail(author=each)) is None] == []
    assert [each for each in ROWS["subjects"] if words(mail(), each) is None] == []


def test_a_mail_with_an_empty_envelope_sender_is_a_bounce() -> None:
    raw = arrived(mail()).replace(b"Return-Path: <bo@corp.example>", b"Return-Path: <>")

    assert "bounce" in (words(raw) or "")


@pytest.mark.parametrize(
    ("extra", "says_away"),
    [
        ("Auto-Submitted: auto-replied", True),
        ("X-Autoreply: yes", True),
        ("Auto-Submitted: auto-replied\nContent-Type: multipart/report; boundary=x", False),
        ("Auto-Submitted: no", False),
    ],
)
def test_an_automatic_answer_says_that_somebody_is_away_and_no_report_does(extra: str, says_away: bool) -> None:
    assert is_away(read_headers(mail(extra=f"{extra}\n")), "Re: Deploy?") is says_away


@pytest.mark.parametrize(("extra", "subject"), ROWS["a_persons_mail_is_not_taken_for_a_machines"])
def test_a_persons_mail_is_not_taken_for_a_machines(extra: str, subject: str) -> None:
    assert words(mail(extra=extra), subject) is None


def test_a_persons_mail_through_a_list_is_no_machines_but_comes_from_a_list() -> None:
    raw = mail(extra="Precedence: bulk\nX-Mailer: Mozilla Thunderbird\n")

    assert words(raw) is None
    assert list_words(read_headers(raw)) is not None


@pytest.mark.parametrize("method", ["REPLY", '"reply"'])
def test_an_answer_to_an_invitation_is_a_calendars(method: str) -> None:
    raw = f"X: y\n\n--b\nContent-Type: text/calendar;\n method={method}\n\nBEGIN:VCALENDAR\n".encode()

    assert calendar_words(raw) is not None
    assert calendar_words(raw.replace(method.encode(), b"REQUEST")) is None
