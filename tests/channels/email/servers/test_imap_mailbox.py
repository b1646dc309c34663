"""The mailbox over a real Dovecot: what comes, in which order, and what happens when the line or the UIDs are lost."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from channels import ChannelUnavailable
from channels.email.mailbox import Item
from channels.email.servers.endpoint import Endpoint
from channels.email.servers.imap import Session
from channels.email.servers.imap_mailbox import MOST_BYTES, TIMEOUT_S, ImapMailbox
from tests.channels.email.boxes import Box, Shelf, body, take
from tests.channels.email.mails import mail
from tests.kit.waiting import PATIENCE_S, patience, until
from tests.servers.authority import Authority
from tests.servers.dovecot import Dovecot, missing
from tests.servers.wire import Wire


@pytest.fixture
def box(dovecot: Dovecot) -> Box:
    return Box(dovecot)


@pytest.fixture
async def wire(dovecot: Dovecot) -> AsyncIterator[Wire]:
    async with Wire(dovecot.imaps) as wire:
        yield wire


async def idles(wire: Wire) -> None:
    """Returns when the connection through `wire` is in IDLE; what is said is encrypted, but then nothing is said."""
    seen, quiet = -1, 0

    async def is_quiet() -> bool:
        nonlocal seen, quiet
        quiet = quiet + 1 if seen == len(wire.sent) else 0
        seen = len(wire.sent)
        return seen > 2_000 and quiet > 8

    await until(is_quiet, what="the line is quiet")


async def test_mails_come_unseen_in_the_order_of_arrival_and_what_is_not_done_comes_again(box: Box) -> None:
    box.deliver("one", "two", "three")
    assert await box.bodies(1) == ["one"]

    async with patience(), aclosing(box.mailbox().items()) as items:
        undone = await anext(items)

    assert body(undone) == "two"
    assert await box.bodies(2) == ["two", "three"]
    assert box.dovecot.flags(box.user) == ["", "", ""]


@pytest.mark.parametrize("when", ["after SELECT", "after SEARCH"])
def test_mail_that_comes_just_before_an_idle_is_not_waited_for(box: Box, when: str) -> None:
    session = Session(box.dovecot.endpoint(box.user), timeout_s=PATIENCE_S)
    session.open(None)
    long_ago = date(2026, 1, 1)
    if when == "after SELECT":
        box.deliver("in between")
    before = session.uids_after(0, long_ago)
    if when == "after SEARCH":
        box.deliver("in between")

    is_told = session.listen()
    session.end_idle()

    assert before == []
    assert is_told
    assert session.uids_after(0, long_ago) == [1]
    assert not session.listen()
    session.end_idle()
    session.abort()


async def test_mail_is_told_of_at_once_also_in_pieces_and_a_cut_line_ends_with_words(box: Box, wire: Wire) -> None:
    wire.piece_bytes = 7
    waiting = asyncio.create_task(box.bodies(3, box.mailbox(port=wire.port)))
    await idles(wire)
    await asyncio.to_thread(box.deliver, "one", "two")
    await until(lambda: box.shelf.cursor is not None and box.shelf.cursor.uid == 2, what="both are done")
    await idles(wire)

    await wire.cut()

    with pytest.raises(ChannelUnavailable, match="It is tried again"):
        await waiting


async def test_a_line_that_goes_dead_without_a_word_is_noticed(box: Box, wire: Wire) -> None:
    mailbox = box.mailbox(port=wire.port, look_every_s=0.5, timeout_s=3)
    waiting = asyncio.create_task(box.bodies(1, mailbox))
    await idles(wire)

    wire.silence()

    with pytest.raises(ChannelUnavailable, match="does not answer"):
        async with patience():
            await waiting


@dataclass
class Looks:
    """How often the mailbox was reached."""

    count: int = 0

    async def reached(self) -> None:
        self.count += 1


async def test_mail_of_which_the_server_does_not_tell_is_found_by_looking(box: Box, wire: Wire) -> None:
    looks = Looks()
    waiting = asyncio.create_task(box.bodies(1, box.mailbox(port=wire.port, look_every_s=0.1, reached=looks.reached)))

    await until(lambda: looks.count >= 3, what="several looks without any news")

    await asyncio.to_thread(box.deliver, "late")
    assert await waiting == ["late"]


async def test_a_mailbox_full_of_mail_is_reached_with_every_mail_of_it(box: Box) -> None:
    looks = Looks()
    box.deliver("one", "two", "three")
    async with patience(), aclosing(box.mailbox(reached=looks.reached).items()) as items:
        for number in range(1, 4):
            await anext(items)
            assert looks.count == number


async def test_a_process_that_leaves_does_not_wait_for_a_silent_server(box: Box, wire: Wire) -> None:
    wire.silence()
    waiting = asyncio.create_task(box.bodies(1, box.mailbox(port=wire.port)))
    await until(lambda: wire.count, what="a connection")

    waiting.cancel()
    async with patience():
        await asyncio.wait([waiting])

    assert waiting.cancelled()


async def test_the_same_mail_under_two_uids_comes_once_and_the_same_words_from_another_sender_are_another_mail(
    box: Box,
) -> None:
    box.deliver("twice")
    await box.bodies(1)

    box.deliver("twice", "once")
    box.dovecot.deliver(box.user, mail("twice"), sender="mallory@evil.example")

    assert await box.bodies(2) == ["once", "twice"]


async def test_new_uids_bring_nothing_twice_and_lose_nothing(box: Box) -> None:
    box.deliver("one", "two")
    await box.bodies(2)
    box.deliver("three")

    box.dovecot.forget_uids(box.user)

    assert await box.bodies(1) == ["three"]
    assert box.shelf.cursor is not None
    assert box.shelf.cursor.uid == 3


async def test_attack_new_mail_is_never_read_as_the_folder_was_put_back_and_gives_out_its_uids_again(
    box: Box, tmp_path: Path
) -> None:
    box.deliver("one")
    await box.bodies(1)
    box.dovecot.keep(box.user, tmp_path / "copy")
    box.deliver("two", "three", "four")
    await box.bodies(3)

    box.dovecot.put_back(box.user, tmp_path / "copy")
    box.deliver("stop")

    assert await box.bodies(1) == ["stop"]
    assert box.shelf.cursor is not None
    assert box.shelf.cursor.uid == 2
    box.deliver("five")
    assert await box.bodies(1) == ["five"]


async def looked_once(box: Box, now: datetime) -> None:
    """Returns after one look at the mailbox at that time."""
    looked = asyncio.Event()

    async def reached() -> None:
        looked.set()

    looking = asyncio.create_task(box.bodies(1, box.mailbox(now=lambda: now, reached=reached)))
    async with patience():
        await looked.wait()
    looking.cancel()
    await asyncio.wait([looking])


async def test_a_first_look_leaves_old_mail_alone_and_so_does_every_later_one(box: Box) -> None:
    box.deliver("long ago")

    await looked_once(box, datetime.now(UTC) + timedelta(days=7))
    box.dovecot.forget_uids(box.user)
    await looked_once(box, datetime.now(UTC))

    assert box.shelf.cursor is not None
    assert (box.shelf.cursor.uid, box.shelf.keys) == (0, set())


async def test_of_a_huge_mail_only_the_beginning_is_fetched(box: Box, wire: Wire) -> None:
    huge = mail() + b"0123456789abcde\r\n" * 400_000
    box.dovecot.deliver(box.user, huge, sender="bo@corp.example")

    (item,) = await take(box.mailbox(port=wire.port), 1)

    assert len(item.raw) == MOST_BYTES
    assert item.size_bytes > len(huge)
    assert len(wire.sent) < MOST_BYTES + 100_000


async def test_a_mail_that_vanishes_meanwhile_is_passed_over(box: Box) -> None:
    box.deliver("one", "gone", "three")
    mailbox = box.mailbox()
    async with patience(), aclosing(mailbox.items()) as items:
        first = await anext(items)
        gone = next(path for path in box.dovecot.maildir(box.user).rglob("*.vm*") if b"gone" in path.read_bytes())
        gone.unlink()
        second = await anext(items)

    assert [body(first), body(second)] == ["one", "three"]


async def test_where_the_server_knows_no_idle_it_is_asked_again_and_again(
    open_path: Path, authority: Authority
) -> None:
    if why := missing():
        pytest.skip(why)
    with Dovecot(open_path / "dovecot", authority, extra="imap_capability = IMAP4rev1 UIDPLUS") as dovecot:
        box, looks = Box(dovecot), Looks()
        waiting = asyncio.create_task(box.bodies(1, box.mailbox(look_every_s=0.05, reached=looks.reached)))
        await until(lambda: looks.count >= 2, what="two looks")

        await asyncio.to_thread(box.deliver, "polled")

        assert await waiting == ["polled"]


class HangsUp:
    """An IMAP server that hangs up whenever the mail `at` this UID is fetched, as Dovecot does over a damaged one.

    Where it `says` something to a fetch, it refuses each with that; or only the first of that mail on each line. Where
    it `repeats` something, it answers the fetch of that mail with what `begins`, and then with that for ever.
    """

    def __init__(self, at: int, *bodies: str) -> None:
        self.at, self._mails, self.fetched = {at}, dict(enumerate(map(mail, bodies), 1)), list[int]()
        self.says, self.says_first = b"", False
        self.begins, self.repeats, self.next_uid = b"", b"", 0
        self._open = set[asyncio.StreamWriter]()

    async def closed(self) -> bool:
        """Return whether every line is."""
        return not self._open

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One line, to its end."""
        self._open.add(writer)
        with suppress(OSError):
            await self._speak(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        self._open.discard(writer)

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK hello\r\n")
        said = set[int]()
        while line := await reader.readline():
            tag, _, asked = line.strip().partition(b" ")
            uid = int(asked.split()[2]) if asked.startswith(b"UID FETCH") else None
            if uid and self.says and not (self.says_first and (uid in said or uid not in self.at)):
                said.add(uid)
                self.fetched.append(uid)
                writer.write(self.says.replace(b"TAG", tag).replace(b"(UID", b"(UID %d" % uid))
                continue
            if uid in self.at and self.repeats:
                writer.write(self.begins)
                repeating = asyncio.create_task(self._repeat(writer))
                with suppress(OSError):
                    await reader.read()
                repeating.cancel()
                writer.transport.abort()
                break
            if uid and not self._gives(uid, writer):
                writer.write(b"* BYE FETCH failed: Internal error occurred.\r\n")
                break
            told = {
                b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n",
                b"EXAMINE": b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] Valid\r\n" + self._next(),
                b"UID SEARCH": b"* SEARCH " + b" ".join(b"%d" % uid for uid in self._mails) + b"\r\n",
            }
            writer.write(next((text for name, text in told.items() if asked.startswith(name)), b""))
            writer.write(tag + b" OK Done\r\n")
            await writer.drain()

    def _next(self) -> bytes:
        return b"* OK [UIDNEXT %d] Next\r\n" % self.next_uid if self.next_uid else b""

    async def _repeat(self, writer: asyncio.StreamWriter) -> None:
        while True:
            if not writer.transport.get_write_buffer_size():
                writer.write(self.repeats)
            await asyncio.sleep(0)

    def _gives(self, uid: int, writer: asyncio.StreamWriter) -> bool:
        self.fetched.append(uid)
        if uid in self.at:
            return False
        raw, at = self._mails[uid], b'INTERNALDATE "27-Nov-2026 06:00:00 +0000"'
        writer.write(b"* %d FETCH (UID %d RFC822.SIZE %d %b BODY[]<0> {%d}\r\n" % (uid, uid, len(raw), at, len(raw)))
        writer.write(raw + b")\r\n")
        return True


async def taken(server: HangsUp, found: list[Item], mailbox: ImapMailbox, count: int, most: int) -> None:
    """Look for mails until there are so many, or so many were fetched."""
    while len(found) < count and len(server.fetched) < most:
        with suppress(ChannelUnavailable):
            found += await take(mailbox, 1)


@asynccontextmanager
async def hanging_up(
    at: int, says: bytes = b"", *, says_first: bool = False, timeout_s: float = TIMEOUT_S
) -> AsyncGenerator[tuple[HangsUp, ImapMailbox]]:
    server = HangsUp(at, "one", "two", "three")
    server.says, server.says_first = says, says_first
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        port = int(listening.sockets[0].getsockname()[1])
        yield server, ImapMailbox(Endpoint("127.0.0.1", port, "agent", "pw", "none"), Shelf(), timeout_s=timeout_s)
        await until(server.closed, what="all lines are closed")


async def test_a_server_that_tells_a_wrong_next_uid_is_not_read_from_the_beginning_each_time() -> None:
    async with hanging_up(0) as (server, mailbox):
        server.next_uid = 1
        first = await take(mailbox, 2)
        again = await take(mailbox, 1)

    assert [body(item) for item in (*first, *again)] == ["one", "two", "three"]
    assert server.fetched == [1, 2, 3]


@pytest.mark.parametrize("says", [b"", b"TAG NO Damaged\r\n"])
async def test_attack_one_mail_over_which_the_server_hangs_up_keeps_all_behind_it_from_being_read(says: bytes) -> None:
    found = list[Item]()
    async with hanging_up(2, says, says_first=bool(says)) as (server, mailbox):
        await taken(server, found, mailbox, 3, 40)

    assert [body(item) for item in found] == ["one", "", "three"]
    assert says or server.fetched == [1, 2, 2, 2, 2, 3, 2, 3]
    assert says or "hung up each of the 5 times" in found[1].trouble


@pytest.mark.parametrize(
    ("begins", "repeats"),
    [
        (b"* 2 FETCH (UID 2 BODY[]<0> {60000000}\r\n", b"x"),
        (b"* 2 FETCH (UID 2 BODY[]<0> {9000000000}\r\n", b"x" * 100_000),
        (b"", b"* OK Still here\r\n" * 1_000),
    ],
)
async def test_attack_one_answer_that_trickles_in_or_has_no_end_keeps_all_behind_it_from_being_read(
    begins: bytes, repeats: bytes
) -> None:
    found = list[Item]()
    async with patience(), hanging_up(2, timeout_s=0.1) as (server, mailbox):
        server.begins, server.repeats = begins, repeats
        await taken(server, found, mailbox, 3, 40)

    assert [body(item) for item in found] == ["one", "", "three"]


@pytest.mark.parametrize(
    "says",
    [
        b"TAG NO [UNAVAILABLE] Try again later\r\n",
        b"TAG OK Done\r\n",
        b"* 1 FETCH (UID BODY[]<0> {0}\r\n)\r\nTAG OK Done\r\n",
        b"",
    ],
)
async def test_attack_a_server_that_gives_no_mail_for_a_while_has_mails_passed_over(says: bytes) -> None:
    found = list[Item]()
    async with hanging_up(1, says, says_first=False) as (server, mailbox):
        server.at = {1, 2, 3}
        await taken(server, found, mailbox, 99, 20)
        server.says, server.at = b"", set()

        found += await take(mailbox, 3)

    assert [body(item) for item in found] == ["one", "two", "three"]
