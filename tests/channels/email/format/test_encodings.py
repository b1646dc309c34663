import pytest

from channels.email.format.encodings import unwrapped


@pytest.mark.parametrize(
    ("encoding", "body", "content"),
    [
        ("", b"a=b\r\n", b"a=b\r\n"),
        ("7bit", b"yes", b"yes"),
        (" BINARY ", b"\0\xff", b"\0\xff"),
        ("quoted-printable", b"j=C3=A4 =\r\nx", "jä x".encode()),
        ("quoted-printable", b"50 = half", None),
        ("Base64", b"eW\r\nVz\r\n", b"yes"),
        ("base64", b"", b""),
        ("base64", b"eWV", None),
        ("base64", b"eW?Vz", None),
        ("x-uuencode", b"begin 644 a", None),
    ],
)
def test_content_is_unwrapped_strictly(encoding: str, body: bytes, content: bytes | None) -> None:
    assert unwrapped(body, encoding) == content
