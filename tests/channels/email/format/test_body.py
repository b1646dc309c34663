import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.format.body import read_text
from channels.email.format.headers import HEADER_BYTES, MAIL_BYTES, Unreadable, read_headers
from tests.channels.email.work import MOST_CALLS, calls_of


def multipart(*parts: str, kind: str = "alternative", boundary: str = "b") -> str:
    inner = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n{inner}--{boundary}--\n'


def read_or_refused(raw: bytes) -> str:
    """The text, or the reason why there is none."""
    try:
        return read_text(raw)
    except Unreadable as error:
        return str(error)


PLAIN = "Content-Type: text/plain; charset=utf-8\n\nyes"
HTML = "Content-Type: text/html\n\n<p>yes</p>"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("From: a@b.example\n\nyes\n", "yes\n"),
        ("From: a@b.example\r\n\r\nyes\r\nno\r\n", "yes\nno\n"),
        ("From: a@b.example", ""),
        (PLAIN, "yes"),
        ("Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nj=E4", "jä"),
        ("Content-Transfer-Encoding: BASE64\nContent-Type: text/plain\n\neWVz\n", "yes"),
        (multipart(PLAIN, HTML), "yes"),
        (multipart(multipart(PLAIN, HTML, boundary="c"), "Content-Type: image/png\n\nx", kind="mixed"), "yes"),
        (multipart(PLAIN, "Content-Type: text/plain; name=a.txt\n\nno", kind="mixed"), "yes"),
        (multipart(PLAIN, "Content-Disposition: attachment\n\nno", kind="mixed"), "yes"),
        (multipart(PLAIN, "Content-Type: message/rfc822\n\nFrom: x@y.example\n\nno", kind="mixed"), "yes"),
        (multipart("\nyes", kind="mixed"), "yes"),
    ],
)
def test_the_one_text_of_a_mail_is_found(raw: str, text: str) -> None:
    assert read_text(raw.encode()) == text


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\r\nFrom: a@b.example\r\n\r\nyes", "blank line"),
        (b"Subject: x\rFrom: anna@corp.example\r\n\r\nyes", "control character"),
        (b"Subject: x\r\r\n\r\nyes", "control character"),
        (b"Subject: x\0\r\n\r\nyes", "control character"),
        (b"From : a@b.example\r\n\r\nyes", "not one"),
        (b" From: a@b.example\r\n\r\nyes", "not one"),
        (b"From a@b.example Tue\r\nFrom: a@b.example\r\n\r\nyes", "not one"),
        (b"no headers at all", "not one"),
        (b"X: " + b"y" * HEADER_BYTES + b"\r\n\r\nyes", "KB of headers"),
        (b"Content-Type: text/plain\nContent-Type: text/html\n\nyes", "2 Content-Type"),
        (b"Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\nyes", "2 Content-Transfer-Encoding"),
        (b"Content-Type: text/plain; charset=utf-7\n\n+AGE-", "character set"),
        (b"Content-Type: text/plain; charset=us-ascii\n\nj\xe4", "character set"),
        (b"Content-Type: text/plain; charset=nonsense\n\nyes", "character set"),
        (b"Content-Type: nonsense\n\nyes", "Content-Type"),
        (b"Content-Type: text/plain; charset=utf-8; charset=utf-7\n\nyes", "two ways"),
        (b"Content-Transfer-Encoding: base64\n\neWV", "encoding is broken"),
        (b"Content-Transfer-Encoding: quoted-printable\n\n=ZZ", "encoding is broken"),
        (b"Content-Transfer-Encoding: x-own\n\nyes", "encoding is broken"),
        (b"Content-Type: application/pkcs7-mime\n\nabc", "encrypted"),
        (multipart(PLAIN, kind="encrypted").encode(), "encrypted"),
        (b"X: y\n\n-----BEGIN PGP MESSAGE-----\n", "can't be read here"),
        (b"X: y\n\nye\0s", "can't be read here"),
        (HTML.encode(), "only an HTML text"),
        (b"Content-Type: image/png\n\nx", "no text"),
        (multipart(PLAIN, PLAIN, kind="mixed").encode(), "2 texts"),
        (b"Content-Type: multipart/mixed\n\n--b\n\nyes\n--b--", "boundary"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nyes\n", "do not end"),
        (b"Content-Type: multipart/mixed; boundary*=b\n\n--b\n\nyes\n--b--", "two ways"),
        (multipart(*["\nyes"] * 51, kind="mixed").encode(), "more than 50 parts"),
        (b"X: y\n\n" + b"y" * MAIL_BYTES, "larger than 2 MB"),
    ],
)
def test_what_is_unclear_or_too_much_is_refused_with_a_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_text(raw)


def test_nesting_has_a_limit() -> None:
    raw = PLAIN
    for level in range(11):
        raw = multipart(raw, kind="mixed", boundary=f"b{level}")

    with pytest.raises(Unreadable, match="nested more than 10 deep"):
        read_text(raw.encode())


def test_headers_are_unfolded_and_kept_in_order() -> None:
    headers = read_headers(b"A: one\r\n two\r\nB: x\r\nA: three\r\n\r\nbody")

    assert headers.all("a") == (" one two", " three")
    assert headers.one("b") == "x"
    assert headers.one("c") == ""


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n" * 450_000,
        b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a" * 600_000,
        b"Content-Type: text/plain" + b";a=b" * 15_000 + b"\n\nyes",
        b"A: b\n" * 12_000 + b"\n" * 1_900_000,
        b"X: y\n\n" + b"\r" * 1_900_000,
    ],
)
def test_hostile_mails_are_read_or_refused_with_no_more_work_than_the_limit_allows(raw: bytes) -> None:
    assert calls_of(lambda: read_or_refused(raw)) < MOST_CALLS


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_words(raw: bytes) -> None:
    assert read_or_refused(raw) is not None


@given(st.lists(st.sampled_from([b"--b\n", b"--b--\n", b"\n", b"Content-Type: text/plain\n", b"yes\n", b"\r\n"])))
def test_any_pieces_of_a_multipart_are_read_or_refused_in_words(pieces: list[bytes]) -> None:
    assert read_or_refused(b"Content-Type: multipart/mixed; boundary=b\n\n" + b"".join(pieces)) is not None
