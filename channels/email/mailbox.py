"""Where mail to the bot arrives: what any mailbox must do, and the one that reads a Maildir."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from channels.email import maildir, trace
from channels.email.parse import HEADER_BYTES, MAIL_BYTES

LOOK_EVERY_S = 0.1
"""How long mail from another process may lie unseen; nothing tells us of it, and listing an empty folder is cheap."""


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


class MaildirMailbox:
    """The Maildir `folder`, for `sayso dev`. Taking a mail moves it from `new/` to `cur/`.

    Whoever delivers in this process sets `arrived`; mail from other processes is seen within `LOOK_EVERY_S`.
    """

    def __init__(self, folder: Path, arrived: asyncio.Event | None = None) -> None:
        self._folder = folder
        self._arrived = arrived or asyncio.Event()

    async def items(self) -> AsyncGenerator[Item, None]:
        """Each mail in `new/`, oldest first, for ever. One that could not be moved away is not handed over twice."""
        await asyncio.to_thread(maildir.create, self._folder)
        handed = set[str]()
        while True:
            self._arrived.clear()
            names = maildir.names(self._folder, "new")
            handed.intersection_update(names)
            for name in names:
                if name not in handed:
                    handed.add(name)
                    yield await asyncio.to_thread(self._item, name)
            await self._more()

    async def done(self, item: Item) -> None:
        """Move `item` to `cur/`, without the flag that says seen."""
        await asyncio.to_thread(maildir.take, self._folder, item.name)

    def _item(self, name: str) -> Item:
        try:
            raw, size_bytes = maildir.read(self._folder / "new" / name, MAIL_BYTES + HEADER_BYTES)
        except OSError as error:
            return Item(name, b"", 0, trouble=error.strerror or str(error))
        block, _ = trace.read(raw)
        return Item(name, raw, size_bytes, recipient=block.recipient if block else "")

    async def _more(self) -> None:
        try:
            await asyncio.wait_for(self._arrived.wait(), LOOK_EVERY_S)
        except TimeoutError:
            return
