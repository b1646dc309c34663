"""The mailbox inside `sayso dev`: mail from a Maildir, each one taken from `new/` to `cur/` once it is durable."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from channels.email.format import trace
from channels.email.format.headers import HEADER_BYTES, MAIL_BYTES
from channels.email.local import maildir
from channels.email.mailbox import Item

LOOK_EVERY_S = 0.1
"""Seconds that mail from another process may lie unseen; nothing announces it, and an empty folder is cheap to list."""


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
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._arrived.wait()
        except TimeoutError:
            return
