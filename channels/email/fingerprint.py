"""What makes two copies of a mail the same one, however often and by whichever hop they arrive."""

import hashlib
import re

from channels.email.format import trace
from channels.email.format.headers import HEADER_BYTES
from channels.email.mailbox import Item

_HOP = re.compile(rb"^received:[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


def of(item: Item) -> str:
    """The same for every copy of one mail from one hand to one address: a stranger's copy must not displace it.

    A server that repeats a mail whose answer was lost leaves another `Received` in it, so what those say does not
    count. Where they stand does, as does every verdict on who sent it.
    """
    if item.trouble:
        return hashlib.sha256(f"unread\n{item.name}".encode()).hexdigest()
    block, mail = trace.read(item.raw)
    hand = f"{block.recipient}\n{block.login}\n" if block else f"{item.recipient}\n\n"
    missing = max(item.size_bytes - len(item.raw), 0)
    return hashlib.sha256(f"{hand}{missing}\n".encode() + _without_hops(mail)).hexdigest()


def _without_hops(mail: bytes) -> bytes:
    end = _BLANK_LINE.search(mail, 0, HEADER_BYTES)
    at = end.end() if end else min(len(mail), HEADER_BYTES)
    return _HOP.sub(b"received:\n", mail[:at]) + mail[at:]
