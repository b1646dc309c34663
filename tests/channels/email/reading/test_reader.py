"""What is read of whole mails: `mails.toml`, and those that are too large, too strange or too many for a table."""

import re
from itertools import product
from typing import Any, cast

import pytest

from channels import Ignored, Quarantined, Reading, Reply, Trigger
from channels.email.format.headers import Unreadable
from channels.email.identity.identify import subject_to_ask_for
from channels.email.identity.proof import local
from channels.email.reading.reader import PLUS, UNREAD, Reader
from channels.email.reply.binding import Answered
from tests.channels.email.mails import ANNA, BO, BOT, TOKEN, People, arrived, mail
from tests.channels.email.work import MOST_CALLS, calls_of
from tests.kit.rows import rows

READER = Reader(BOT, People(ANNA, BO), local)
MAILS: dict[str, dict[str, Any]] = {row["name"]: row for row in rows("mails.toml", beside=__file__)["mail"]}

MIXED = "Content-Type: multipart/mixed; boundary=b\n"
INVITATION = "Content-Type: text/calendar; method=REQUEST; name=a.ics\n\nBEGIN:VCALENDAR"


def read(raw: bytes) -> Reading:
    return READER.read(raw, len(raw))


def reasons(raw: bytes) -> str:
    held = read(raw)
    assert isinstance(held, Quarantined)
    return " ".join(held.reasons)


def new(subject: str, text: str = "x") -> bytes:
    """A mail that answers no card of ours."""
    return mail(text).replace(f"agent+{TOKEN}".encode(), b"agent").replace(b"Re: Deploy?", subject.encode("latin-1"))


def each_of(row: dict[str, Any], one: str, usual: str) -> list[str]:
    return row.get(f"{one}s") or [row.get(one, usual)]


def written(row: dict[str, Any]) -> list[bytes]:
    """The mails of a row, as they are sent."""
    texts, heads = each_of(row, "text", "approve"), each_of(row, "head", "")
    return [
        _written(row, *each) for each in product(texts, heads, each_of(row, "subject", ""), each_of(row, "page", ""))
    ]


def _written(row: dict[str, Any], text: str, head: str, subject: str, page: str) -> bytes:
    parts = [f"Content-Type: text/plain\n\n{text}"] if text else []
    parts += [f"Content-Type: text/html\n\n{page}"] if page else []
    parts += row.get("parts", [])
    if page or "parts" in row:
        text = "".join(f"--b\n{each}\n" for each in parts) + "--b--"
        head += f"Content-Type: multipart/{'alternative' if page else 'mixed'}; boundary=b\n"
    raw = mail(text, author=row.get("author", "Bo Berg <bo@corp.example>"), extra=head)
    raw = raw.replace(f"agent+{TOKEN}".encode(), b"agent") if row.get("is_new") else raw
    return raw.replace(b"Re: Deploy?", subject.encode()) if subject else raw


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_is_read_as_its_row_says(name: str) -> None:
    row = MAILS[name]
    to = {"to": BOT} if row.get("is_new") else {}

    for raw in written(row):
        found: Any = read(arrived(raw, login=row.get("login", "bo@corp.example") or None, **to))
        assert found.type == row["is"], found
        assert row.get("why", "") in " ".join(getattr(found, "reasons", ()))
        for field, value in row.get("read", {}).items():
            has: Any = [each.name for each in found.files] if field == "files" else getattr(found, field)
            has = has.model_dump() if field == "known" else has
            assert (list(cast("tuple[str, ...]", has)) if field == "reasons" else has) == value, field
        if "forged" in row:
            forged: Any = read(arrived(raw, login=None, **to))
            assert (forged.type, getattr(forged, "stranger", "")) == (row["forged"], "")


def test_an_answer_knows_what_it_is_about_and_is_read_in_any_letter_case_of_its_token() -> None:
    reading = read(arrived(mail(), to=f"AGENT+{TOKEN.upper()}@Sayso.example"))

    assert isinstance(reading, Answered)
    assert (reading.token, reading.about.subject) == (TOKEN, "Re: Deploy?")


def test_what_a_mail_does_not_prove_is_said_beside_its_answer_and_its_wish() -> None:
    date, other = "Date: Tue, 03 Mar 2026 12:10:00 +0000\n", b"To: all@corp.example"
    dated = mail(extra=date)
    invited = mail(f"--b\n\napprove\n--b\n{INVITATION}\n--b--", extra=f"{date}{MIXED}")
    answers = [read(arrived(raw)) for raw in (dated, mail(), dated.replace(b"Message-ID", b"X-ID"), invited)]
    wish = dated.replace(f"agent+{TOKEN}".encode(), b"agent").replace(b"Re: Deploy?", b"Deploy it")
    wishes = [read(arrived(raw, to=BOT)) for raw in (wish, wish.replace(f"To: {BOT}".encode(), other))]

    assert [bool(each.about.faults) for each in answers if isinstance(each, Answered)] == [False, True, True, True]
    assert [each.weakness for each in wishes if isinstance(each, Trigger)] == ["", "its To does not name sayso"]


def test_the_mail_that_sets_mail_up_starts_nothing() -> None:
    assert isinstance(read(arrived(new(subject_to_ask_for("0123abcd")), to=BOT)), Ignored)
    assert isinstance(read(arrived(new("deploy sayso-0123abcd"), to=BOT)), Trigger)


def test_a_mail_that_no_server_of_ours_took_is_held() -> None:
    assert "sayso's own mail server" in reasons(mail())
    assert "From" in reasons(arrived(b"\r\n" + mail()))


def test_the_copy_of_an_answer_that_came_to_the_plain_address_is_the_same_answer() -> None:
    copy, answer = read(arrived(mail(), to=BOT)), read(arrived(mail()))

    assert isinstance(copy, Reply)
    assert isinstance(answer, Reply)
    assert (copy.token, copy.key, copy.copy_key) == (answer.token, answer.key, answer.copy_key)
    assert copy.key
    assert copy.copy_key


def test_a_tag_of_somebody_elses_address_is_no_token() -> None:
    assert isinstance(read(arrived(new("Deploy it"), to="anna+x@corp.example")), Trigger)


@pytest.mark.parametrize("to", ["somebody@elsewhere.example", "other@sayso.example"])
def test_a_stranger_who_did_not_write_to_us_is_not_named(to: str) -> None:
    raw = mail(author="Eve <eve@elsewhere.example>").replace(f"agent+{TOKEN}@sayso.example".encode(), to.encode())
    held = read(arrived(raw, to=BOT, login="eve@elsewhere.example"))

    assert isinstance(held, Quarantined)
    assert held.stranger == ""


def test_a_mail_that_could_not_be_read_is_held() -> None:
    assert read(b"") == Quarantined(reasons=(UNREAD,))


def test_a_mail_over_the_limit_is_held_with_its_claim() -> None:
    held = READER.read(arrived(mail()), 5_000_000)  # the rest of it was not even fetched

    assert isinstance(held, Quarantined)
    assert (held.reasons, held.claims) == (("it is larger than 2 MB",), "bo@corp.example")
    assert (held.token, held.person) == (TOKEN, "bo")


def test_a_subject_is_kept_as_one_bounded_line_with_nothing_hidden_in_it() -> None:
    subject = "=?utf-8?q?Deploy=E2=80=AE=0AFrom=3A_bo?= " + "x" * 500
    held = read(arrived(mail().replace(b"Re: Deploy?", subject.encode()), login=None))

    assert isinstance(held, Quarantined)
    assert held.about.startswith("Deploy\\u202e From: bo xxx")
    assert len(held.about) == 150


@pytest.mark.parametrize("word", ["=?\xffutf-8?q?x?=", "=?i\xf4o-8859-15?q?x?=", "=?utf-8?b?x?=", "=?x-own?q?=80?="])
def test_an_encoded_subject_that_can_t_be_decoded_is_shown_as_it_stands(word: str) -> None:
    reading = read(arrived(new(word), to=BOT))

    assert isinstance(reading, Trigger)
    assert reading.text.endswith("\n\nx")


def test_a_machines_mail_with_broken_headers_is_still_a_machines() -> None:
    raw = b"Return-Path: <>\r\nnonsense\r\n" + mail(extra="Auto-Submitted: auto-replied\n")

    assert isinstance(read(raw), Ignored)


@pytest.mark.parametrize(
    ("to", "token"),
    [
        (f"agent+{TOKEN}@sayso.example", TOKEN),
        (f"Bo <bo@corp.example>, sayso <AGENT+{TOKEN.upper()}@sayso.example>", TOKEN),
        (f'"agent+{TOKEN}@sayso.example" <agent@sayso.example>', None),
        (f"agent+{TOKEN}@sayso.example.evil.example", None),
        (f"other+{TOKEN}@sayso.example", None),
        (f"mallory@evil.example (agent+{TOKEN}@sayso.example)", None),
        ("undisclosed-recipients:;", None),
    ],
)
def test_the_token_is_the_one_in_a_plain_address(to: str, token: str | None) -> None:
    assert PLUS(f"To: {to}\r\n\r\nyes".encode(), BOT) == token


def test_a_token_in_any_other_field_is_none_and_two_are_refused() -> None:
    for name in ("Delivered-To", "X-Original-To", "Envelope-To", "X-Forwarded-To", "Subject"):
        assert PLUS(f"{name}: agent+{TOKEN}@sayso.example\r\nTo: {BOT}\r\n\r\nyes".encode(), BOT) is None, name
    with pytest.raises(Unreadable, match="several questions"):
        PLUS(f"To: agent+{TOKEN}@sayso.example, agent+x@sayso.example\r\n\r\nyes".encode(), BOT)


def nested(levels: int) -> str:
    heads = (f"Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n" for i in range(levels))
    ends = "".join(f"\n--b{i}--" for i in reversed(range(levels)))
    return f"{''.join(heads)}Content-Type: text/plain\n\nyes{ends}"


@pytest.mark.parametrize(
    ("bomb", "reason"),
    [
        (mail(extra=nested(900).split("\n\n", maxsplit=1)[0] + "\n"), "boundary|parts"),
        (nested(900).encode(), "not exactly one|parts"),
        (mail("--b\n\nx\n" * 5000 + "--b--", extra=MIXED), "50 parts"),
        (mail(extra="X-Pad: " + "a" * 300_000 + "\n"), "headers"),
        (mail(extra="X-Pad: a\n" * 20_000), "headers"),
        (mail(extra=f"Cc: {'(' * 20_000}\n", author="((" * 20_000), "plain address"),
        (mail("<div>" * 300_000 + "yes", extra="Content-Type: text/html\n"), "too long"),
        (mail("yes\n" + "> q\n" * 300_000), "too long"),
        (mail("word " * 10_000), "longer than 32 KB"),
        (mail("x", extra="Content-Type: text/plain; charset=zlib_codec\n"), "character set"),
        (mail("x", extra="Content-Type: text/plain; charset=utf-7\n"), "character set"),
        (mail("x", extra=f"Content-Type: text/plain{'; a=b' * 5000}\n"), "Content-Type"),
    ],
    ids=range(12),
)
def test_a_bomb_of_each_kind_is_held_with_a_reason_in_a_moment(bomb: bytes, reason: str) -> None:
    why: list[str] = []

    assert calls_of(lambda: why.append(reasons(arrived(bomb)))) < MOST_CALLS
    assert re.search(reason, why[0]), why


def test_thousands_of_encoded_words_cost_nothing() -> None:
    raw = arrived(mail(extra=f"X: y\nSubject: {'=?utf-8?Q?a?= ' * 4000}\n"))

    assert calls_of(lambda: read(raw)) < MOST_CALLS
