import pytest

from channels.email.format.headers import read_headers
from channels.email.identity.machine import calendar_words, list_words, machine_words
from tests.channels.email.mails import arrived, mail


def words(raw: bytes, subject: str = "Re: Deploy?") -> str | None:
    return machine_words(read_headers(raw), subject)


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: Auto-Generated; owner-email=x",
        "X-Autoreply: yes",
        "X-Autorespond: 1",
        "Precedence: bulk",
        "Precedence: AUTO_REPLY",
        "List-Id: <all.corp.example>",
        "X-Failed-Recipients: bo@corp.example",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        "List-Unsubscribe: <mailto:x@corp.example>",
        "Mailing-List: contact ops@corp.example",
        "X-Mail-Autoreply: 1",
        "Feedback-ID: 1:campaign",
    ],
)
def test_headers_that_only_machines_write_are_known(header: str) -> None:
    assert words(mail(extra=f"{header}\n")) is not None


@pytest.mark.parametrize(
    "author",
    [
        "MAILER-DAEMON@corp.example",
        "no-reply@corp.example",
        "postmaster@corp.example",
        "post_master@corp.example",
        "Mail Delivery System <system@corp.example>",
        "bounces+bo=corp.example@list.example",
    ],
)
def test_addresses_that_nobody_reads_are_known(author: str) -> None:
    assert words(mail(author=author)) is not None


def test_a_mail_with_an_empty_envelope_sender_is_a_bounce() -> None:
    raw = arrived(mail()).replace(b"Return-Path: <bo@corp.example>", b"Return-Path: <>")

    assert "bounce" in (words(raw) or "")


@pytest.mark.parametrize(
    "subject",
    [
        "Out of office: Re: Deploy?",
        "Automatic reply: x",
        "Automatische Antwort: x",
        "Abwesenheitsnotiz",
        "Réponse automatique : x",
        "Respuesta automática: x",
        "Resposta automática: x",
        "Risposta automatica: x",
        "Automatisch antwoord: x",
        "自動応答",
        "Undelivered Mail Returned to Sender",
        "Unzustellbar: Deploy?",
        "Read: Deploy?",
        "Gelesen: Deploy?",
    ],
)
def test_subjects_of_automatic_answers_are_known(subject: str) -> None:
    assert words(mail(), subject) is not None


@pytest.mark.parametrize(
    ("extra", "subject"),
    [
        ("", "Re: Deploy?"),
        ("Auto-Submitted: no\n", "Re: Deploy?"),
        ("X-Auto-Response-Suppress: All\n", "Re: Deploy?"),
        ("Precedence: normal\n", "Re: Automatic reply: how do we switch it on?"),
        ("", "Re: Delivery failed for order 1881 - refund?"),
        ("", "Re: Automatic deploy of the billing service"),
        ("", "Automatic deploys: may I?"),
        ("", "Absence of tests in the billing service"),
        ("Disposition-Notification-To: bo@corp.example\nX-Mailer: Microsoft Outlook 16.0\n", "Re: Deploy?"),
    ],
)
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
