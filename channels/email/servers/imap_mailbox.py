"""Mail from an IMAP folder: each one once, in order, however often the line breaks or the server forgets its UIDs."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from channels import ChannelUnavailable
from channels.email.format.headers import HEADER_BYTES, MAIL_BYTES
from channels.email.mailbox import Item, fingerprint_of
from channels.email.servers.bookmark import Bookmark, Cursor
from channels.email.servers.endpoint import Endpoint
from channels.email.servers.imap import LogInRefused, Session, Unfetched, in_thread

MOST_BYTES = MAIL_BYTES + HEADER_BYTES
"""Bytes of a mail that are fetched: enough to see that it is too long, and who it claims to be from."""

TIMEOUT_S = 20.0
"""Longest time the server may be silent, in seconds."""

LOOK_EVERY_S = 60.0
"""Length of one IDLE, in seconds. Then everything is looked at as if there were none: a line that died without a word
is noticed, and so is mail of which a server did not tell."""

POLL_EVERY_S = 10.0
"""The same where the server knows no IDLE."""

ASKED_AT_MOST = 5
"""Times that a mail is asked for whose fetch ends the line: some servers hang up over a damaged mail, each time. Others
lie behind it."""

FIRST_LOOK = timedelta(days=1)
"""Age of the oldest mail read when a mailbox is seen for the first time: nobody waits for an answer to older mail."""

_log = logging.getLogger(__name__)


async def _nothing() -> None:
    return


class ImapMailbox:
    """The folder INBOX at `server`. `reached` hears of every look at it, and of every mail in it, that went well."""

    def __init__(
        self,
        server: Endpoint,
        bookmark: Bookmark,
        *,
        reached: Callable[[], Awaitable[None]] = _nothing,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        timeout_s: float = TIMEOUT_S,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._server, self._bookmark, self._reached, self._now = server, bookmark, reached, now
        self._timeout_s, self._look_every_s = timeout_s, look_every_s
        self._since = now().date()
        self._asked, self._compared = ("", 0), 0

    async def items(self) -> AsyncGenerator[Item, None]:
        """Each mail that is not done, lowest UID first, over one connection, until it is lost."""
        async with session_to(self._server, self._timeout_s) as session:
            cursor = await self._begin(session)
            uid, self._since = cursor.uid, cursor.since
            while True:
                uids = await in_thread(lambda after=uid: session.uids_after(after, cursor.since))
                async for item in self._undone(session, uids):
                    yield item
                uid = max((uid, *uids))
                await self._reached()
                await self._more(session)

    async def _undone(self, session: Session, uids: Sequence[int]) -> AsyncGenerator[Item, None]:
        """The mails with these UIDs that were not done yet, under whichever UID."""
        for uid in uids:
            item = await self._item(session, uid)
            await self._reached()  # what lies there may take an hour to be fetched
            if item and await self._bookmark.knows(fingerprint_of(item)):
                await self.done(item)
            elif item:
                yield item

    async def done(self, item: Item) -> None:
        """Move the bookmark past `item`."""
        validity, _, uid = item.name.partition(":")
        key = None if item.trouble else fingerprint_of(item)
        await self._bookmark.move(Cursor(int(validity), int(uid), self._since), key)

    async def _begin(self, session: Session) -> Cursor:
        """Return where to go on: after what is done, or at the beginning when UIDs mean nothing any more."""
        saved = await self._bookmark.read()
        if saved is None:
            saved = Cursor(session.validity, 0, (self._now() - FIRST_LOOK).date())
            _log.info("first look at this mailbox: mail from before %s is left alone", saved.since)
            await self._bookmark.move(saved, None)
        if saved.validity == session.validity and await self._begins_anew(session, saved):
            _log.warning("UIDs up to %s were read, and %s is given out next", saved.uid, session.next_uid)
            saved = Cursor(0, 0, saved.since)  # no folder's UIDVALIDITY is 0
            await self._bookmark.move(saved, None)
        if saved.validity != session.validity:
            _log.warning("UIDVALIDITY is %s now, not %s: every mail is looked at", session.validity, saved.validity)
            return Cursor(session.validity, 0, saved.since)
        return saved

    async def _begins_anew(self, session: Session, saved: Cursor) -> bool:
        """Return whether what comes gets UIDs that others had: the folder was put back from a copy.

        Not where the server lists what it has yet to give out: then it counts wrongly.
        """
        following = session.next_uid
        if following is None or following > saved.uid:
            return False
        return not await in_thread(lambda: session.uids_after(following - 1, saved.since))

    async def _item(self, session: Session, uid: int) -> Item | None:
        """The mail; None when it is gone.

        One that can't be fetched right after another one could is passed over: a server that gives none gives it later.
        """
        name = f"{session.validity}:{uid}"
        times = self._asked[1] if self._asked[0] == name else 0
        if times >= ASKED_AT_MOST:
            return Item(name, b"", 0, trouble=f"the server hung up each of the {times} times that it was asked for it")
        if times == ASKED_AT_MOST - 1:
            await self._check_gives_another(session, uid)
        self._asked = (name, times + 1)
        try:
            found = await in_thread(lambda: session.fetch(uid, MOST_BYTES))
        except Unfetched:
            self._asked = (name, times)
            await self._check_gives_another(session, uid)
            self._asked = (name, times + 1)
            try:
                found = await in_thread(lambda: session.fetch(uid, MOST_BYTES))
            except Unfetched as error:
                return Item(name, b"", 0, trouble=str(error))
        self._asked = ("", 0)
        return Item(name, found.raw, found.size_bytes, arrived_at=found.at) if found else None

    async def _check_gives_another(self, session: Session, uid: int) -> None:
        """Raise ChannelUnavailable where the server gives no other mail either: the newest is asked for first."""
        others = [one for one in await in_thread(lambda: session.uids_after(0, self._since)) if one != uid]
        self._compared += 1
        other = others[-self._compared % len(others)] if others else None
        try:
            if other is not None and await in_thread(lambda: session.fetch(other, 1)):
                return
        except Unfetched as error:
            _log.warning("mail %s could not be fetched either: %s", other, error)
        raise ChannelUnavailable(
            "the mailbox gives no mail", "It is tried again. If that does not help, ask whoever runs the mail server"
        )

    async def _more(self, session: Session) -> None:
        """Returns when there may be more. Nothing holds a thread meanwhile."""
        if not await in_thread(lambda: session.has_idle):
            await asyncio.sleep(min(POLL_EVERY_S, self._look_every_s))
            return await in_thread(session.look)
        if not await in_thread(session.listen):
            await _readable(session.fileno(), self._look_every_s)
        return await in_thread(session.end_idle)


@asynccontextmanager
async def session_to(server: Endpoint, timeout_s: float = TIMEOUT_S) -> AsyncGenerator[Session]:
    """An open session; with a fresh access token when the server no longer takes ours.

    Raises ChannelRefused when the log-in is refused, and ChannelUnavailable.
    """
    session = Session(server, timeout_s)
    try:
        token = await server.access.current() if server.access else None
        try:
            await in_thread(lambda: session.open(token))
        except LogInRefused:
            if server.access is None or token is None:
                raise
            server.access.forget(token)
            fresh, session = await server.access.current(), _after(session, server, timeout_s)
            await in_thread(lambda: session.open(fresh))
        yield session
    finally:
        session.abort()


def _after(session: Session, server: Endpoint, timeout_s: float) -> Session:
    """A new session in the place of one that failed."""
    session.abort()
    return Session(server, timeout_s)


async def _readable(descriptor: int, within_s: float) -> bool:
    """Return whether there is something to read, or the line has ended, `within_s`."""
    loop, there = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, there.set)
    try:
        async with asyncio.timeout(within_s):
            await there.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
    return True
