"""The place reached in a mailbox in which nothing may be changed: how far it was read, and what was in it."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True)
class Cursor:
    """Everything up to `uid` is done, as long as the folder's UIDVALIDITY is `validity`.

    Mail from before `since`, the day of the first look, is never read: also not when the UIDs begin anew.
    """

    validity: int
    uid: int
    since: date


class Bookmark(Protocol):
    """Remembers what was done in one mailbox; must be as durable as what `accept` keeps."""

    async def read(self) -> Cursor | None:
        """Return the place reached; None when this mailbox was never looked at."""
        ...

    async def move(self, cursor: Cursor, key: str | None) -> None:
        """Go to `cursor`, never back, and know the mail with `key` from now on."""
        ...

    async def knows(self, key: str) -> bool:
        """Return whether the mail with this key was done, by whichever UID."""
        ...
