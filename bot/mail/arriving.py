"""Waiting for one mail of our own asking to arrive in the mailbox, beside whoever reads it."""

import asyncio
from collections.abc import Callable

from channels.email.format.headers import HEADER_BYTES
from channels.email.servers.imap import Fetched, Session, Unfetched, in_thread


async def arrived(session: Session, word: str, is_it: Callable[[bytes], bool], look_every_s: float) -> Fetched:
    """The headers of the first mail with `word` in its subject whose header block `is_it`, once it is there.

    Raises ChannelUnavailable when the line is lost.
    """
    while True:
        await in_thread(session.look)
        for uid in await in_thread(lambda: session.about(word)):
            found = await _head(session, uid)
            if found and is_it(found.raw.partition(b"\r\n\r\n")[0] + b"\r\n"):
                return found
        await asyncio.sleep(look_every_s)


async def _head(session: Session, uid: int) -> Fetched | None:
    try:
        return await in_thread(lambda: session.fetch(uid, HEADER_BYTES))
    except Unfetched:
        return None
