"""Whether a body comes from somebody who knows the secret. Pure."""

import hashlib
import hmac
import re
from datetime import datetime

TOLERANCE_S = 300
"""How old, or how far ahead, a signed timestamp may be."""


def signature(secret: str, signed: bytes) -> str:
    """`sha256=` and the HMAC-SHA-256 of `signed` in hex, as headers have it."""
    return f"sha256={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def timed(timestamp: str, body: bytes) -> bytes:
    """What a sender of ours signs: the timestamp in Unix seconds, a dot, and the body."""
    return f"{timestamp}.".encode() + body


def is_timely(timestamp: str, now: datetime) -> bool:
    """Whether a timestamp in Unix seconds is within TOLERANCE_S of `now`."""
    known = re.fullmatch(r"[0-9]{1,12}", timestamp, re.ASCII)
    return known is not None and abs(now.timestamp() - int(timestamp)) <= TOLERANCE_S


def is_signed(secret: str, signed: bytes, given: str) -> bool:
    """Whether `given` is the signature of `signed`; takes as long for a wrong one as for the right one."""
    return hmac.compare_digest(signature(secret, signed).encode(), given.encode(errors="replace"))
