"""Mails that could be read in two ways: what looks automatic and may be a person's, what looks quoted and is not."""

import pytest

from channels import Ignored, Quarantined, Reading, Reply, Trigger
from channels.email.identity.proof import local
from channels.email.reading.reader import ASKED_NOTHING, Reader
from tests.channels.email.mails import ANNA, BO, BOT, TOKEN, People, arrived, mail

READER = Reader(BOT, People(ANNA, BO), local)


def read(raw: bytes, login: str | None = "bo@corp.example") -> Reading:
    raw = arrived(raw, login=login)
    return READER.read(raw, len(raw))


def about(subject: str) -> bytes:
    return mail().replace(b"Re: Deploy?", subject.encode())


@pytest.mark.parametrize(
    "raw",
    [
        about("Undeliverable invoices"),
        about("Out of office party budget?"),
        about("Read: the plan"),
        mail(author='"Bo Berg, System Administrator" <bo@corp.example>'),
        mail(extra="Feedback-ID: 1:AmazonSES\n"),
    ],
)
def test_what_only_looks_automatic_and_is_certainly_from_a_person_with_a_token_is_held_where_people_see_it(
    raw: bytes,
) -> None:
    reading = read(raw)

    assert isinstance(reading, Quarantined)
    assert reading.reasons[0].startswith("it looks like ")
    assert (reading.token, reading.claims, reading.person) == (TOKEN, "bo@corp.example", ""), "robots get no answer"
    assert isinstance(read(raw, login=None), Ignored), "nobody need look at what a stranger's robot sends"


@pytest.mark.parametrize(
    "raw",
    [
        about("Delivery report for March"),
        about("Vacation: my days in July"),
        about("Unzustellbare Pakete von gestern"),
        mail(author='"Bo Berg, System Administrator" <bo@corp.example>').replace(b"Re: Deploy?", b"Disk full"),
    ],
)
def test_a_wish_that_only_looks_automatic_is_held_and_its_writer_is_told(raw: bytes) -> None:
    raw = raw.replace(f"+{TOKEN}".encode(), b"")

    reading = read(raw)

    assert isinstance(reading, Quarantined)
    assert (reading.person, reading.token) == ("bo", None)
    assert isinstance(read(raw, login=None), Ignored), "nobody need look at what a stranger's robot sends"
    for answers in (b"In-Reply-To: <note.1@sayso.example>", b"References: <note.1@sayso.example>"):
        answer = raw.replace(b"Message-ID", answers + b"\r\nMessage-ID", 1)
        assert isinstance(read(answer), Ignored), "an automatic answer gets none"


@pytest.mark.parametrize("line", ["Auto-Submitted: auto-replied", "List-Id: <x.example>", "Precedence: bulk"])
def test_what_says_that_it_is_automatic_is_ignored_whoever_sent_it(line: str) -> None:
    assert isinstance(read(mail(extra=f"{line}\n")), Ignored)


@pytest.mark.parametrize("method", ["METHOD:REPLY", "method:reply "])
@pytest.mark.parametrize("kind", ["text/calendar", "text/calendar; charset=utf-8"])
def test_an_accepted_invitation_is_no_approval_even_if_only_the_calendar_says_so(method: str, kind: str) -> None:
    body = f"--b\n\nYes\n--b\nContent-Type: {kind}\n\nBEGIN:VCALENDAR\n{method}\nEND:VCALENDAR\n--b--"

    assert isinstance(read(mail(body, extra="Content-Type: multipart/alternative; boundary=b\n")), Ignored)


FLOWED = "Content-Type: text/plain; charset=utf-8; format=flowed\n"


@pytest.mark.parametrize(
    ("line", "said"), [(" >only on staging", "free_text"), ("> To approve, reply with the one word", "approve")]
)
def test_in_flowed_text_a_mark_behind_a_space_is_no_quote(line: str, said: str) -> None:
    reading = read(mail(f"approve\n{line}", extra=FLOWED))

    assert isinstance(reading, Reply)
    assert reading.said == said


@pytest.mark.parametrize("charset", ["latin1", "ISO8859-15", "macintosh", "cp932", "ks_c_5601-1987"])
def test_character_sets_are_known_by_their_other_names(charset: str) -> None:
    reading = read(mail("approve", extra=f"Content-Type: text/plain; charset={charset}\n"))

    assert isinstance(reading, Reply)
    assert reading.said == "approve"


@pytest.mark.parametrize("subject", ["Re: Deploy v1.2.0?", "AW: Done: it is live", "re : x"])
def test_what_answers_nobody_knows_what_starts_nothing_or_robots_that_hide_would_run_in_circles(subject: str) -> None:
    raw = about(subject).replace(f"agent+{TOKEN}".encode(), b"agent")
    raw = arrived(raw, to=BOT)

    reading = READER.read(raw, len(raw))

    assert isinstance(reading, Trigger)
    assert (reading.held_because, reading.person) == (ASKED_NOTHING, "bo")
