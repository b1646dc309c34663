"""Reports that a mail of ours did not arrive, and everything that looks like one and is none."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import Address, Bounced, Card, Ignored, Reading, Reply, Trigger
from channels.email import mime, tokens
from channels.email.format.headers import guess_headers, read_headers
from channels.email.identity.proof import Proven
from channels.email.reading.bounce import UNSAID, failure_of
from channels.email.reading.reader import Reader
from channels.email.ways import Way
from tests.channels.email.mails import ANNA, BO, BOT, NOON, TOKEN, People, approval
from tests.channels.email.work import MOST_CALLS, calls_of

TO = Address(channel="email", person="bo", to="bo@corp.example", thread="run-7")
WAYS: tuple[Way, ...] = ("plus", "reference")
ADDRESSED = f"agent+{TOKEN}@sayso.example"
DAEMON = "MAILER-DAEMON@mx.corp.example (Mail Delivery System)"

QMAIL = """Hi. This is the qmail-send program at mx.

<bo@corp.example>:
Remote host said: 550 No such user
"""
EXIM = """This message was created automatically by mail delivery software.

  bo@corp.example
    all relevant MX records point to non-existent hosts
"""
EXCHANGE = """bo@corp.example
    #550 5.1.1 RESOLVER.ADR.RecipNotFound ##
"""

LINES = (b"> ", b"5", b"message-id: <card.", b"\n", b"Final-Recipient: x\n\n", b"--\n", b"x 550")


def card(way: Way = "plus", **changes: object) -> bytes:
    """A mail of ours, which carries a receipt."""
    return mime.compose(approval(receipt=TOKEN, **changes), TO, "d1", own=BOT, timezone="UTC", way=way).raw


def report(
    *groups: str,
    to: str = ADDRESSED,
    kind: str = "report-type=delivery-status",
    returned: str = "Subject: Deploy?",
    encoding: str = "",
    extra: str = "",
) -> bytes:
    """A delivery report with these groups of fields, one for each recipient."""
    status = "\n\n".join(("Reporting-MTA: dns; mx.corp.example", *groups)) + "\n"
    if encoding == "base64":
        status = base64.encodebytes(status.encode()).decode()
    named = f"\nContent-Transfer-Encoding: {encoding}" if encoding else ""
    text = (
        f"Return-Path: <>\nDelivered-To: {to}\nFrom: {DAEMON}\nTo: {to}\nSubject: Undelivered Mail Returned to Sender\n"
        f"Auto-Submitted: auto-replied\n{extra}MIME-Version: 1.0\n"
        f"Content-Type: multipart/report; {kind};\n boundary=b1\n\n"
        f"--b1\nContent-Type: text/plain\n\nI'm sorry. approve\n--b1\nContent-Type: message/delivery-status{named}\n\n"
        f"{status}\n--b1\nContent-Type: text/rfc822-headers\n\n{returned}\n\n--b1--\n"
    )
    return text.replace("\n", "\r\n").encode()


def group(
    action: str = "failed", status: str = "5.1.1", said: str = "smtp; 550 5.1.1 No such user", **more: str
) -> str:
    fields = {"Final-Recipient": "rfc822; bo@corp.example", "Action": action, "Status": status, "Diagnostic-Code": said}
    return "\n".join(f"{name}: {value}" for name, value in (fields | more).items() if value)


def plain(
    subject: str, body: str, *, author: str = DAEMON, path: str = "", to: str = ADDRESSED, extra: str = ""
) -> bytes:
    """Return a report as older servers send it."""
    head = f"Return-Path: <{path}>\nDelivered-To: {to}\nFrom: {author}\nTo: {to}\nSubject: {subject}\n{extra}"
    return f"{head}\n{body}\n".replace("\n", "\r\n").encode()


def reading(raw: bytes, way: Way = "plus") -> Reading:
    proven = Reader(BOT, People(ANNA, BO), lambda _raw, _author: Proven("taken for proven"), tokens.returning(way))
    return proven.read(raw, len(raw))


def test_a_report_to_the_receipts_address_says_which_card_failed_and_why() -> None:
    assert reading(report(group())) == Bounced(receipt=TOKEN, why="550 5.1.1 No such user (bo@corp.example)")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["card", "note"])
def test_a_report_to_the_plain_address_is_known_by_the_headers_that_it_returns(way: Way, kind: str) -> None:
    mail = card(way) if kind == "card" else card(way, form=None)
    returned = mail.partition(b"\r\n\r\n")[0].decode().replace("\r\n", "\n")

    found = reading(report(group(), to=BOT, returned=returned), way)

    assert isinstance(found, Bounced)
    assert found.receipt == TOKEN


def test_a_report_that_returns_the_whole_mail_is_known_by_it() -> None:
    whole = card().decode().replace("\r\n", "\n")

    assert isinstance(reading(report(group(), to=BOT, returned=whole)), Bounced)


@pytest.mark.parametrize("kind", ["card", "note"])
@pytest.mark.parametrize("lost", ["Message-ID", "X-Sayso-Receipt"])
def test_one_of_the_two_headers_that_name_the_card_is_enough(kind: str, lost: str) -> None:
    mail = card() if kind == "card" else card(form=None)
    headers = mail.partition(b"\r\n\r\n")[0].decode().replace("\r\n", "\n")
    named = read_headers(mail).one("message-id")
    returned = re.sub(rf"{lost}: .*", f"{lost}: <AM0PR0@outlook.example>", headers)

    found = reading(report(group(), to=BOT, returned=returned))

    assert isinstance(found, Bounced)
    assert found.receipt == (TOKEN if lost == "Message-ID" else named), "the channel knows whose id it is"


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "7bit"])
def test_a_report_may_be_encoded(encoding: str) -> None:
    assert isinstance(reading(report(group(), encoding=encoding)), Bounced)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (group(said=""), "status 5.1.1 (bo@corp.example)"),
        (group(action="FAILED"), "550 5.1.1 No such user (bo@corp.example)"),
        (group(said="smtp; 552 <bo@corp.example>: full"), "552 <bo@corp.example>: full"),
        (group(action="", said="x-unix; gone"), "gone (bo@corp.example)"),
        (group(status="4.4.7", said="smtp; 426 timed out"), "426 timed out (bo@corp.example)"),
    ],
)
def test_the_reason_is_in_the_mail_servers_words(fields: str, why: str) -> None:
    assert reading(report(fields)) == Bounced(receipt=TOKEN, why=why)


def test_the_reason_repeats_no_receipt_that_stands_in_the_envelope_sender() -> None:
    receipt = "s0d-abcdefghijklm-abcdefghijklmnopqrstuvwxyz23"

    found = reading(report(group(said=f"smtp; 553 agent+{receipt}@sayso.example is not owned by you")))

    assert isinstance(found, Bounced)
    assert receipt not in found.why


def test_the_reason_is_short_and_hides_nothing() -> None:
    found = reading(report(group(said=f"smtp; 550 \u202e{'x' * 5_000}")))

    assert isinstance(found, Bounced)
    assert len(found.why) <= 300
    assert "\u202e" not in found.why


@pytest.mark.parametrize("action", ["delayed", "relayed", "delivered", "expanded", "deliverable", "unheard-of"])
def test_a_report_of_anything_but_failure_is_ignored(action: str) -> None:
    assert isinstance(reading(report(group(action=action))), Ignored)


def test_one_failed_recipient_among_others_is_a_failure() -> None:
    assert isinstance(reading(report(group(action="delayed", status="4.0.0"), group())), Bounced)


@pytest.mark.parametrize("kind", ["disposition-notification", "feedback-report"])
def test_receipts_and_complaints_are_ignored(kind: str) -> None:
    assert isinstance(reading(report(group(), kind=f"report-type={kind}")), Ignored)


@pytest.mark.parametrize(
    ("subject", "body", "why"),
    [
        ("failure notice", QMAIL, "550 No such user"),
        ("Mail delivery failed: returning message to sender", EXIM, UNSAID),
        ("Undeliverable: Deploy?", EXCHANGE, "550 5.1.1 RESOLVER.ADR.RecipNotFound ##"),
        ("Unzustellbar: Deploy?", "Der Empfänger wurde nicht gefunden.", UNSAID),
    ],
)
def test_older_servers_say_it_in_their_own_forms(subject: str, body: str, why: str) -> None:
    assert reading(plain(subject, body)) == Bounced(receipt=TOKEN, why=why)


@pytest.mark.parametrize(
    ("subject", "author", "extra"),
    [
        ("Out of office: Deploy?", "Bo Berg <bo@corp.example>", "Auto-Submitted: auto-replied\n"),
        ("Automatic reply: Deploy?", "Bo Berg <bo@corp.example>", "X-Autoreply: yes\n"),
        ("Re: Deploy?", "Bo Berg <bo@corp.example>", "Auto-Submitted: auto-replied\n"),
        ("Re: Deploy?", "Bo Berg <bo@corp.example>", ""),
        ("Abwesenheitsnotiz", "Bo Berg <bo@corp.example>", ""),
        ("Warning: message delayed 24 hours", DAEMON, ""),
        ("Delayed Mail (still being retried)", DAEMON, ""),
        ("Delivery Status Notification (Delay)", DAEMON, ""),
        ("Read: Deploy?", "Bo Berg <bo@corp.example>", ""),
        ("Returned mail: Deferred: Connection timed out", DAEMON, ""),
        ("Warning: message delayed", DAEMON, "X-Failed-Recipients: bo@corp.example\n"),
    ],
)
def test_an_automatic_answer_to_the_receipts_address_is_none(subject: str, author: str, extra: str) -> None:
    raw = plain(subject, "I am away. 550 things to do.", author=author, extra=extra)

    assert isinstance(reading(raw), Ignored)


@pytest.mark.parametrize("subject", ["Undeliverable: Deploy?", "failure notice", "Unzustellbar: Deploy?"])
def test_a_persons_automatic_mail_with_the_subject_of_a_report_is_none(subject: str) -> None:
    person, path, extra = "Bo <bo@corp.example>", "bo@corp.example", "Auto-Submitted: auto-replied\n"

    assert isinstance(reading(plain(subject, "550 5.1.1", author=person, path=path, extra=extra)), Ignored)


@pytest.mark.parametrize(
    "text",
    [
        "approve",
        "This mail was undeliverable at first: 550 5.1.1 No such user",
        "Hi. This is the qmail-send program at mx.\nI've given up. Sorry it didn't work out.",
        report(group()).decode().replace("\r\n", "\n"),
    ],
)
@pytest.mark.parametrize("subject", ["Re: Deploy?", "Re: Undeliverable: Deploy?", "Fwd: failure notice"])
def test_a_persons_reply_is_never_taken_for_one(subject: str, text: str) -> None:
    raw = plain(subject, text, author="Bo Berg <bo@corp.example>", path="bo@corp.example")

    assert isinstance(reading(raw), Reply)


def test_a_report_about_no_mail_of_ours_is_ignored() -> None:
    other = "Message-ID: <x@elsewhere.example>"
    theirs = mime.compose(approval(), TO, "d1", own="agent@evil.example", timezone="UTC", way="reference")

    assert isinstance(reading(report(group(), to=BOT, returned=other)), Ignored)
    assert isinstance(reading(report(group(), to=BOT, returned=theirs.raw.decode())), Ignored)


def test_a_report_that_names_two_cards_is_ignored() -> None:
    first = card().partition(b"\r\n\r\n")[0].decode().replace("\r\n", "\n")
    second = first.replace(TOKEN, "another")

    assert isinstance(reading(report(group(), to=BOT, returned=f"{first}\n\n{second}")), Ignored)


def test_a_report_with_broken_headers_is_read_all_the_same() -> None:
    raw = report(group(), extra="X-Queue: \0\n", returned=card().partition(b"\r\n\r\n")[0].decode())

    assert isinstance(reading(raw), Bounced)


def test_a_closing_card_that_is_answered_is_no_answer_to_anything() -> None:
    note = mime.compose(Card(title="Done", at=NOON, receipt=TOKEN), TO, "o1", own=BOT, timezone="UTC", way="reference")
    raw = f"From: Bo Berg <bo@corp.example>\r\nTo: {BOT}\r\nIn-Reply-To: {note.message_id}\r\n\r\nand now?\r\n".encode()

    found = reading(raw, "reference")

    assert isinstance(found, Trigger)
    assert "it answers a mail that asked nothing" in found.held_because


@given(st.binary(max_size=2_000), st.text(max_size=200))
def test_any_bytes_are_read_without_an_error(body: bytes, subject: str) -> None:
    raw = (
        report(group()).partition(b"\r\n\r\n")[0]
        + b"\r\n\r\n--b1\r\nContent-Type: message/delivery-status\r\n\r\n"
        + body
    )

    found = failure_of(raw, guess_headers(raw), subject)

    assert found is None or 0 < len(found) <= 300


@pytest.mark.parametrize("line", LINES)
def test_two_megabytes_of_anything_are_read_in_a_moment(line: bytes) -> None:
    head = report(group(action="delayed")).partition(b"--b1--")[0]
    raw = head + line * (2_000_000 // len(line))

    assert calls_of(lambda: reading(raw)) < MOST_CALLS


@pytest.mark.parametrize("line", [*LINES, b"\t", b" " * 200 + b"\n", b" " * 1_000 + b"\n", b"a" * 199 + b":5\n"])
def test_a_bounce_without_a_report_costs_no_more_than_other_mails_whatever_is_in_it(line: bytes) -> None:
    head = f"Return-Path: <>\r\nFrom: {DAEMON}\r\nTo: {ADDRESSED}\r\nSubject: Undelivered Mail\r\n\r\n".encode()
    raw = head + line * (2_000_000 // len(line))

    assert calls_of(lambda: reading(raw)) < MOST_CALLS
    assert isinstance(reading(raw), Bounced)
