"""Remove the transfer encoding of a part (RFC 2045, 6)."""

import binascii
import quopri
import re

_NOT_QUOTED_PRINTABLE = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*\r?\n|[ \t]*\Z)")


def unwrapped(body: bytes, encoding: str) -> bytes | None:
    """Decode `body` by the value of its Content-Transfer-Encoding; None when it is not encoded as that says."""
    match encoding.strip().lower():
        case "" | "7bit" | "8bit" | "binary":
            return body
        case "quoted-printable":
            return None if _NOT_QUOTED_PRINTABLE.search(body) else quopri.decodestring(body)
        case "base64":
            return _base64(b"".join(body.split()))
        case _:
            return None


def _base64(letters: bytes) -> bytes | None:
    try:
        return binascii.a2b_base64(letters, strict_mode=True)
    except binascii.Error:
        return None
