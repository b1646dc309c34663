"""Reports that a mail of ours did not arrive, and everything that looks like one and is none."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import Address, Bounced, Card, Ignored, Reading, Reply, Trigger
from channels.email import mime, tokens
from channels.email.format.headers import guess_headers, read_headers
from channels.email.reading.bounce import UNSAID, failure_of
from channels.email.reading.reader import Reader
from channels.email.ways import Way
from tests.channels.email.mails import ANNA, BO, BOT, NOON, TOKEN, People, approval
from tests.channels.email.provers import TAKEN_FOR_PROVEN
from tests.channels.email.work import MOST_CALLS, calls_of
from tests.kit.long import few_of

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

AWAY = "I am away. 550 things to do."


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
    proven = Reader(BOT, People(ANNA, BO), lambda _raw, _author: TAKEN_FOR_PROVEN, tokens.returning(way))
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


def test_a_report_about_no_mail_of_ours_or_two_is_ignored_and_one_with_broken_headers_is_read() -> None:
    theirs = mime.compose(approval(), TO, "d1", own="agent@evil.example", timezone="UTC", way="reference").raw.decode()
    headers = card().partition(b"\r\n\r\n")[0].decode()
    first = headers.replace("\r\n", "\n")

    for returned in ("Message-ID: <x@elsewhere.example>", theirs, f"{first}\n\n{first.replace(TOKEN, 'another')}"):
        assert isinstance(reading(report(group(), to=BOT, returned=returned)), Ignored)
    assert isinstance(reading(report(group(), extra="X-Queue: \0\n", returned=headers)), Bounced)


def test_a_closing_card_that_is_answered_is_no_answer_to_anything() -> None:
    note = mime.compose(Card(title="Done", at=NOON, receipt=TOKEN), TO, "o1", own=BOT, timezone="UTC", way="reference")
    raw = f"From: Bo Berg <bo@corp.example>\r\nTo: {BOT}\r\nIn-Reply-To: {note.message_id}\r\n\r\nand now?\r\n".encode()

    found = reading(raw, "reference")

    assert isinstance(found, Trigger)
    assert "it answers a mail that asked nothing" in found.held_because


def test_a_failure_is_one_however_it_is_encoded_and_whoever_else_got_the_mail() -> None:
    whole = card().decode().replace("\r\n", "\n")
    raws = [report(group(), encoding=each) for each in ("base64", "quoted-printable", "7bit")]
    raws += [report(group(action="delayed", status="4.0.0"), group()), report(group(), to=BOT, returned=whole)]

    assert {type(reading(raw)) for raw in raws} == {Bounced}


def test_the_reason_is_short_hides_nothing_and_repeats_no_receipt() -> None:
    receipt = "s0d-abcdefghijklm-abcdefghijklmnopqrstuvwxyz23"
    said = f"smtp; 553 agent+{receipt}@sayso.example is not owned by you \u202e{'x' * 5_000}"
    found = reading(report(group(said=said)))

    assert isinstance(found, Bounced)
    assert len(found.why) <= 300
    assert receipt not in found.why
    assert "\u202e" not in found.why


BO_WROTE = "Bo Berg <bo@corp.example>"


@pytest.mark.parametrize(
    "raw",
    [
        *(report(group(action=each)) for each in ("delayed", "relayed", "delivered", "expanded", "unheard-of")),
        *(report(group(), kind=f"report-type={each}") for each in ("disposition-notification", "feedback-report")),
        plain("Out of office: Deploy?", AWAY, author=BO_WROTE, extra="Auto-Submitted: auto-replied\n"),
        plain("Automatic reply: Deploy?", AWAY, author=BO_WROTE, extra="X-Autoreply: yes\n"),
        *(plain(subject, AWAY, author=BO_WROTE) for subject in ("Re: Deploy?", "Abwesenheitsnotiz", "Read: Deploy?")),
        *(
            plain(subject, AWAY)
            for subject in ("Warning: message delayed 24 hours", "Delayed Mail (still being retried)")
        ),
        plain("Delivery Status Notification (Delay)", AWAY),
        plain("Returned mail: Deferred: Connection timed out", AWAY),
        plain("Warning: message delayed", AWAY, extra="X-Failed-Recipients: bo@corp.example\n"),
        *(
            plain(subject, "550 5.1.1", author=BO_WROTE, path="bo@corp.example", extra="Auto-Submitted: auto-replied\n")
            for subject in ("Undeliverable: Deploy?", "failure notice", "Unzustellbar: Deploy?")
        ),
    ],
    ids=range(20),
)
def test_what_reports_no_failure_or_is_a_persons_automatic_mail_is_ignored(raw: bytes) -> None:
    assert isinstance(reading(raw), Ignored)


@pytest.mark.parametrize("subject", ["Re: Undeliverable: Deploy?", "Fwd: failure notice"])
def test_a_persons_reply_is_never_taken_for_one(subject: str) -> None:
    texts = ("approve", "This mail was undeliverable at first: 550 5.1.1 No such user", QMAIL)

    for text in (*texts, report(group()).decode().replace("\r\n", "\n")):
        assert isinstance(reading(plain(subject, text, author=BO_WROTE, path="bo@corp.example")), Reply)


@given(st.binary(max_size=2_000), st.text(max_size=200))
def test_any_bytes_are_read_without_an_error(body: bytes, subject: str) -> None:
    raw = (
        report(group()).partition(b"\r\n\r\n")[0]
        + b"\r\n\r\n--b1\r\nContent-Type: message/delivery-status\r\n\r\n"
        + body
    )

    found = failure_of(raw, guess_headers(raw), subject)

    assert found is None or 0 < len(found) <= 300


LINES = (b"> ", b"5", b"message-id: <card.", b"\n", b"Final-Recipient: x\n\n", b"--\n", b"x 550")
BLANKS = (b"\t", b" " * 200 + b"\n", b" " * 1_000 + b"\n", b"a" * 199 + b":5\n")


@pytest.mark.parametrize("line", few_of([*LINES, *BLANKS], 2))
def test_two_megabytes_of_anything_are_read_in_a_moment_with_a_report_or_without(line: bytes) -> None:
    head = f"Return-Path: <>\r\nFrom: {DAEMON}\r\nTo: {ADDRESSED}\r\nSubject: Undelivered Mail\r\n\r\n".encode()
    much, found = line * (2_000_000 // len(line)), list[Reading]()

    assert calls_of(lambda: found.append(reading(head + much))) < MOST_CALLS
    assert isinstance(found[0], Bounced)
    assert calls_of(lambda: reading(report(group(action="delayed")).partition(b"--b1--")[0] + much)) < MOST_CALLS
