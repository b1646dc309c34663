"""Mails from any mailbox, and one mailbox of a Dovecot with what reads it; for tests of the channel."""

import secrets
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from channels.email.mailbox import Item, Mailbox
from channels.email.servers.bookmark import Cursor
from channels.email.servers.imap_mailbox import ImapMailbox
from tests.channels.email.mails import mail
from tests.kit.waiting import patience
from tests.servers.dovecot import Dovecot


@dataclass
class Shelf:
    """A bookmark in memory."""

    cursor: Cursor | None = None
    keys: set[str] = field(default_factory=set[str])

    async def read(self) -> Cursor | None:
        return self.cursor

    async def move(self, cursor: Cursor, key: str | None) -> None:
        self.cursor = cursor
        if key:
            self.keys.add(key)

    async def knows(self, key: str) -> bool:
        return key in self.keys


@dataclass
class Box:
    """One mailbox of the Dovecot, and what reads it."""

    dovecot: Dovecot
    user: str = field(default_factory=lambda: f"{secrets.token_hex(4)}@sayso.example")
    shelf: Shelf = field(default_factory=Shelf)

    def mailbox(self, *, port: int | None = None, **more: Any) -> ImapMailbox:
        return ImapMailbox(self.dovecot.endpoint(self.user, port=port), self.shelf, **more)

    def deliver(self, *bodies: str) -> None:
        self.dovecot.deliver(self.user, *map(mail, bodies), sender="bo@corp.example")

    async def bodies(self, count: int, mailbox: ImapMailbox | None = None) -> list[str]:
        """Return the bodies of the next mails, each done before the next one is asked for."""
        return [body(item) for item in await take(mailbox or self.mailbox(), count)]


def body(item: Item) -> str:
    return item.raw.partition(b"\r\n\r\n")[2].decode().strip()


async def take(mailbox: Mailbox, count: int) -> list[Item]:
    """The next mails, each of them done before the next one is asked for."""
    items: list[Item] = []
    async with patience(), aclosing(mailbox.items()) as found:
        async for item in found:
            items.append(item)
            await mailbox.done(item)
            if len(items) == count:
                break
    return items
