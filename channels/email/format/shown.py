"""Header values as people read them."""

from email.errors import MessageError
from email.header import decode_header, make_header

from channels.email.format.headers import Headers
from channels.showing import one_line

HEADER_CHARS = 1000
"""Characters of a header that are decoded for show."""


def decoded(value: str) -> str:
    """A header's value with its encoded words (RFC 2047) read; as it stands where they can't be."""
    # Most signatures leave it open how many blanks stand between words (RFC 6376, 3.4.2): they must cut nothing off.
    short = " ".join(value.split())[:HEADER_CHARS]
    if "=?" not in short:
        return short
    try:
        # Some character sets spell halves of characters, which no other text can hold.
        return str(make_header(decode_header(short))).encode(errors="replace").decode()
    except (ValueError, LookupError, MessageError, AttributeError):
        return short


def subject_of(headers: Headers) -> str:
    """Return the decoded subject of the mail."""
    return decoded(headers.first("subject"))


def clean(text: str) -> str:
    """`text` in one line that no terminal obeys, and not too long."""
    return one_line(text[:HEADER_CHARS], HEADER_CHARS)
