import pytest

from channels.email.machine import machine_words
from channels.email.parse import read_headers
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
    ],
)
def test_headers_that_only_machines_write_are_known(header: str) -> None:
    assert words(mail(extra=f"{header}\n")) is not None


@pytest.mark.parametrize("author", ["MAILER-DAEMON@corp.example", "no-reply@corp.example", "postmaster@corp.example"])
def test_addresses_that_nobody_reads_are_known(author: str) -> None:
    assert words(mail(author=author)) is not None


def test_a_mail_with_an_empty_envelope_sender_is_a_bounce() -> None:
    raw = arrived(mail()).replace(b"Return-Path: <bo@corp.example>", b"Return-Path: <>")

    assert "bounce" in (words(raw) or "")


@pytest.mark.parametrize(
    "subject", ["Out of office: Re: Deploy?", "Automatic reply: x", "Abwesenheitsnotiz", "自動応答"]
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
    ],
)
def test_a_persons_mail_is_not_taken_for_a_machines(extra: str, subject: str) -> None:
    assert words(mail(extra=extra), subject) is None
