"""The contract of a mailbox in which mail to the bot arrives: `servers.imap_mailbox` and `local.maildir_mailbox`."""

import hashlib
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from channels.email.format import trace
from channels.email.format.headers import HEADER_BYTES

_HOP = re.compile(rb"^received:[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True)
class Item:
    """One mail in a mailbox. `name` is what the mailbox knows it by: a file name, or UIDVALIDITY and UID.

    `raw` is the mail as the server stored it, cut short when `size_bytes` is over the limit, and empty when it could
    not be read; `trouble` then says why. `recipient` is the envelope recipient of this copy, as far as the mailbox
    can know it: only a hint. `arrived_at` is when it came there, by the mailbox's own clock.
    """

    name: str
    raw: bytes
    size_bytes: int
    recipient: str = ""
    trouble: str = ""
    arrived_at: datetime | None = None


class Mailbox(Protocol):
    """A mailbox that people may read too: nothing in it is marked as seen, deleted or changed in any other way."""

    def items(self) -> AsyncGenerator[Item, None]:
        """Each mail that is not done yet, oldest first, waiting for more for ever.

        A mail that can't be read is an Item with `trouble`, and the next one follows. A mail may come again after a
        restart, and whenever this is called anew before it is done. Raises ChannelUnavailable when the mailbox can't
        be reached; the caller calls again later.
        """
        ...

    async def done(self, item: Item) -> None:
        """Never hand over `item` again: it is durable elsewhere. Calling it twice does no harm."""
        ...


def fingerprint_of(item: Item) -> str:
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
