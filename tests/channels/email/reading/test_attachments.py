import hashlib
from base64 import b64encode
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import File
from channels.email.format.body import read_body
from channels.email.format.headers import Unreadable
from channels.email.reading.attachments import (
    ALL_TEXT_BYTES,
    LOGO_BYTES,
    NOT_TEXT,
    RAW,
    TEXT_BYTES,
    UNKNOWN_TYPE,
    files_of,
)
from tests.channels.email.work import MOST_CALLS, calls_of

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
TABLE = "\ufeffname,größe\r\na,1\r\n"
PICTURE = b"\x89PNG" + bytes(range(256))


def part(head: str, body: bytes | str = b"x") -> bytes:
    """One part in base64."""
    content = body if isinstance(body, bytes) else body.encode()
    return f"{head}\nContent-Transfer-Encoding: base64\n\n".encode() + b64encode(content)


def attached(name: str, body: bytes | str = b"x", kind: str = UNKNOWN_TYPE) -> bytes:
    return part(f'Content-Type: {kind}\nContent-Disposition: attachment; filename="{name}"', body)


def files(*parts: bytes, text: bytes = b"Content-Type: text/plain\n\nplease look") -> tuple[File, ...]:
    """Return what is listed of a mail with a text and these parts."""
    inner = b"".join(b"--b\n" + each + b"\n" for each in (text, *parts))
    return files_of(read_body(b"Content-Type: multipart/mixed; boundary=b\n\n" + inner + b"--b--\n").files)


def test_a_file_is_listed_with_its_name_type_size_hash_and_bytes() -> None:
    [found] = files(attached("report.pdf", b"%PDF-1.7\0", "application/pdf"))

    assert found == File(
        name="report.pdf",
        type="application/pdf",
        size_bytes=9,
        sha256=hashlib.sha256(b"%PDF-1.7\0").hexdigest(),
        content=b"%PDF-1.7\0",
    )


@pytest.mark.parametrize(
    ("body", "charset"),
    [(b"j\xe4", "utf-8"), (b"a\0b", "utf-8"), (b"a", "utf-7"), (b"a", "no\u202esuch"), (b"a", "zlib_codec")],
)
def test_what_is_not_plainly_a_text_of_its_charset_is_listed_without_one_and_says_so(body: bytes, charset: str) -> None:
    [found] = files(attached("a.txt", body, f"text/plain; charset={charset}"))

    assert (found.text, found.note, found.content) == ("", NOT_TEXT, body)


def test_a_text_file_is_readable_by_its_type_or_its_ending_and_others_have_no_text() -> None:
    by_name = [attached(name, TABLE) for name in ("report.csv", "SETTINGS.YML")]
    types = ("text/csv", "application/json", "application/ld+json", "application/toml", "text/markdown; charset=utf-8")
    by_type = [attached("data", f"{TABLE}{kind}", kind) for kind in types]
    others = (attached("a.zip", b"PK\3\4", "application/zip"), attached("a.pdf", b"%PDF", "application/pdf"))

    found = files(*by_name, attached("fix.patch", TABLE, "application/x-unknown"), *by_type)

    assert [file.text for file in found[:3]] == ["name,größe\na,1\n"] * 3
    assert all(file.text.startswith("name,größe\na,1\n") and not file.note for file in found)
    assert [file.text for file in files(*others)] == ["", ""]
    assert files(attached("a.txt", b"j\xe4", "text/plain; charset=iso-8859-1"))[0].text == "jä"


def test_signatures_are_no_files_and_visiting_cards_and_invitations_are() -> None:
    found = files(
        part("Content-Type: application/pkcs7-signature; name=smime.p7s\nContent-Disposition: attachment"),
        part("Content-Type: application/pgp-signature; name=signature.asc"),
        attached("bo.vcf", "BEGIN:VCARD", "text/vcard"),
        part("Content-Type: text/calendar; method=REQUEST", "BEGIN:VCALENDAR"),
    )

    assert [(file.name, file.type, file.text) for file in found] == [
        ("bo.vcf", "text/vcard", "BEGIN:VCARD"),
        ("file 2", "text/calendar", "BEGIN:VCALENDAR"),
    ]


def test_a_type_is_listed_as_the_sender_says_it_and_one_that_is_none_as_unknown() -> None:
    for kind, listed in (("Application/PDF", "application/pdf"), (DOCX, DOCX)):
        assert files(attached("a", kind=kind))[0].type == listed
    for kind in ("application/ä", "application/" + "x" * 200):
        assert files(attached("a", kind=kind))[0].type == UNKNOWN_TYPE


def test_long_texts_are_cut_each_and_all_together_with_a_note_and_none_of_their_bytes_is_lost() -> None:
    long = "ä" * 10_000

    found = files(attached("0.txt", "short"), *(attached(f"{n}.txt", f"{n}{long}") for n in range(1, 5)))

    sizes = [len(file.text.encode()) for file in found]
    assert sizes[:2] == [5, TEXT_BYTES - 1]
    assert ALL_TEXT_BYTES - 5 <= sum(sizes) <= ALL_TEXT_BYTES
    assert [file.note for file in found][:2] == ["", f"its text is cut after {TEXT_BYTES} of 20001 bytes"]
    assert all(file.size_bytes == 20_001 for file in found[1:])


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("Content-Type: application/pdf; name=my report.pdf", "my report.pdf"),
        ("Content-Type: image/png; name=a.png; name=b.png", "a.png"),
        ("Content-Type: application/pdf; charset*=x; name*0=a", "a"),
        ("Content-Type: application/octet-stream", "file 1"),
        ("Content-Type: nonsense\nContent-Disposition: attachment", "file 1"),
        ("Content-Type: text/plain; a b c\nContent-Disposition: attachment; filename=x.txt", "x.txt"),
        (f"Content-Type: application/pdf; name={'x' * 3000}", "x" * 99 + "…"),
        ("Content-Type: application/pdf\nContent-Disposition: attachment; filename=../..", "file 1"),
        ("Content-Type: text/plain; name*0*=utf-8''a; name*1*=%C3%A4.txt", "aä.txt"),
    ],
)
def test_a_file_with_an_odd_or_no_name_is_listed_and_the_mail_is_read(head: str, name: str) -> None:
    assert [file.name for file in files(part(head))] == [name]


@pytest.mark.parametrize(
    "head",
    [
        "Content-Type: text/plain; a b c",
        "Content-Type: nonsense",
        "Content-Type: text/html; charset=a; charset=b",
        "Content-Type: text/plain; a b c\nContent-Disposition: attachments",
        "Content-Type: multipart/mixed; a b c\nContent-Disposition: attachment",
        "Content-Type: message/rfc822; a b c\nContent-Disposition: attachment",
    ],
)
def test_a_part_that_may_be_the_text_is_read_as_strictly_as_ever(head: str) -> None:
    with pytest.raises(Unreadable):
        files(part(head))


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("base64", "a?b"),
        ("x-uuencode", "begin"),
        ("quoted-printable", "=x"),
        ("7bit\nContent-Transfer-Encoding: base64", "eWVz"),
    ],
)
def test_a_file_whose_encoding_is_broken_is_kept_as_it_was_sent_and_says_so(encoding: str, body: str) -> None:
    [found] = files(
        f"Content-Disposition: attachment; filename=a.txt\nContent-Transfer-Encoding: {encoding}\n\n{body}".encode()
    )

    assert (found.content, found.note, found.text) == (body.encode(), RAW, "")


@pytest.mark.parametrize(
    ("head", "body", "is_inline"),
    [
        ("Content-Type: image/png\nContent-ID: <logo>", PICTURE, True),
        ("Content-Type: image/png; name=logo.png\nContent-ID: <l>\nContent-Disposition: inline", PICTURE, True),
        ("Content-Type: image/png; name=shot.png\nContent-ID: <s>", PICTURE * (LOGO_BYTES // 256), False),
        ("Content-Type: image/png; name=a.png\nContent-ID: <a>\nContent-Disposition: attachment", PICTURE, False),
        ("Content-Type: image/png; name=a.png\nContent-Disposition: inline", PICTURE, False),
        ("Content-Type: text/csv; name=a.csv\nContent-ID: <a>", b"1,2", False),
    ],
)
def test_a_small_picture_within_the_text_is_marked(head: str, body: bytes, is_inline: bool) -> None:
    assert [file.is_inline for file in files(part(head, body))] == [is_inline]


def test_the_same_logo_of_every_quoted_mail_is_listed_once_and_last_and_a_mail_by_its_subject() -> None:
    logos = [part(f"Content-Type: image/png; name=image00{n}.png\nContent-ID: <{n}>", PICTURE) for n in range(3)]
    mail = b"Subject: =?utf-8?q?Re=3A_M=C3=BCll?=\nFrom: x@y.example\n\napprove"
    mails = (b"Content-Type: message/rfc822\n\n" + mail, b"Content-Type: message/rfc822\n\nno mail")

    found = files(*logos, attached("report.csv"), attached("copy.csv"), attached("copy.csv"))
    sent_on = files(*mails)

    assert [file.name for file in found] == ["report.csv", "copy.csv", "image000.png"]
    assert [(file.name, file.content) for file in sent_on] == [("Re_ Müll.eml", mail), ("file 2", b"no mail")]
    assert sent_on[0].text == ""


def test_a_mail_of_nothing_but_files_has_no_text_and_one_with_a_text_that_is_none_is_refused() -> None:
    body = read_body(b"Content-Type: image/jpeg\n\nabc")

    assert (body.plain, body.html, [file.type for file in files_of(body.files)]) == (None, None, ["image/jpeg"])
    with pytest.raises(Unreadable, match="no text"):
        files(attached("a.csv"), text=b"Content-Type: text/rtf\n\nx")


PIECES = st.sampled_from(
    [
        *(b"Content-Type: text/plain", b"Content-Type: application/x; name*0*=utf-8''%ff"),
        *(b"Content-Disposition: attachment; filename=", b"Content-Disposition: inline; filename*=x'y", b"\n", b"--b"),
        *(b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: quoted-printable", b"Content-ID: <a>"),
        b"Content-Type: message/rfc822",
    ]
)


@given(st.lists(PIECES | st.binary(max_size=30), max_size=12))
def test_any_parts_are_listed_or_refused(lines: list[bytes]) -> None:
    found = ()
    with suppress(Unreadable):
        found = files(b"\n".join(lines))

    for file in found:
        assert file.name
        assert file.sha256 == hashlib.sha256(file.content).hexdigest()
        assert File.model_validate_json(file.model_dump_json()) == file


def test_files_as_large_as_a_mail_may_be_are_listed_in_a_moment() -> None:
    raws = (attached("a.bin", bytes(1_400_000)), attached("a.csv", "1,2\n" * 350_000), attached("a", b"=" * 1_400_000))

    assert calls_of(lambda: list(map(files, raws))) < MOST_CALLS
