"""Where mail to the bot arrives: what `servers.imap_mailbox` and `local.maildir_mailbox` both do."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Item:
    """One mail in a mailbox. `name` is what the mailbox knows it by: a file name, or UIDVALIDITY and UID.

    `raw` is the mail as the server stored it, cut short when `size_bytes` is over the limit, and empty when it could
    not be read; `trouble` then says why. `recipient` is the envelope recipient of this copy, as far as the mailbox
    can know it: only a hint.
    """

    name: str
    raw: bytes
    size_bytes: int
    recipient: str = ""
    trouble: str = ""


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
