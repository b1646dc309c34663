"""Reads each mail in a child process that may be killed: no mail can hold up, or fill up, what must go on.

Processor time is what counts, not time on the clock: a busy machine must not make an honest mail look like a bomb.
"""

import asyncio
import logging
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from channels import ChannelUnavailable, Contact, Directory, Quarantined
from channels.email.format.headers import MAIL_BYTES
from channels.email.priority_lock import PriorityLock
from channels.email.reading.reader import Reader
from channels.email.reply.binding import MailReading

OUT_OF_MEMORY = 91
"""Exit code of the child when its memory is used up."""

ANSWER_BYTES = 2 * MAIL_BYTES
"""Longest answer that is taken from a child: a reading holds a bounded text, and files in base64."""

LENGTH = struct.Struct("!Q")
"""Stands before each thing that is sent; the reading's limit of one mail stands there, too."""

_CHILD = "from channels.email.reading.sandbox_child import main; main()"
_SOON_S = 5.0
_READING = TypeAdapter[MailReading](MailReading)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """Limits of reading one mail: processor time, memory of the whole child, and time on the clock."""

    cpu_s: float = 2.0
    memory_bytes: int = 256 * 1024 * 1024
    wall_s: float = 20.0


LIMITS = Limits()


@dataclass(frozen=True)
class Contacts:
    """A directory of exactly these people that can be sent to a child."""

    by_id: Mapping[str, Contact]
    by_address: Mapping[str, Contact]

    def contacts(self) -> tuple[Contact, ...]:
        """All of them."""
        return tuple(self.by_id.values())

    def contact(self, person: str) -> Contact | None:
        """The person with this id."""
        return self.by_id.get(person)

    def by_email(self, address: str) -> Contact | None:
        """The person who has exactly this address; letter case does not count."""
        return self.by_address.get(address.lower())


@dataclass(frozen=True)
class Order:
    """The reader and the limits that a child gets; other limits are for another child."""

    reader: Reader
    limits: Limits


def contacts_of(directory: Directory) -> Contacts:
    """The people of `directory` as they are now."""
    everyone = directory.contacts()
    return Contacts(
        {contact.id: contact for contact in everyone},
        {contact.email.lower(): contact for contact in everyone if contact.email},
    )


class Children:
    """Children whose reader has ended, for the next one to take: to start one takes longer than to read a mail."""

    def __init__(self) -> None:
        self._idle: list[_Child] = []

    def take(self, limits: Limits) -> "_Child | None":
        """Return a child that reads within `limits`, if there is one."""
        child = next((each for each in self._idle if each.limits == limits), None)
        if child:
            self._idle.remove(child)
        return child

    def give(self, child: "_Child") -> None:
        """Keep a child that is well and reads nothing."""
        self._idle.append(child)


class SandboxedReader:
    """Reads as `reader` does, one mail at a time. Its parts must be picklable: they cross to a child, once each.

    Where there are other readers beside it or after it, they may share the `children` that read nothing.
    """

    def __init__(self, reader: Reader, limits: Limits = LIMITS, children: Children | None = None) -> None:
        self._order = pickle.dumps(Order(reader, limits))
        self._limits, self._children = limits, children
        self._child: _Child | None = None
        self._turns = PriorityLock()

    async def read(self, raw: bytes, size_bytes: int, card: str = "", *, is_answer: bool = False) -> MailReading:
        """As `Reader.read`; a mail that takes more than the limits is held, and so is one that makes reading fail.

        Likely answers are read first, then what is small: people wait for those, and whoever sends many mails that
        take long holds up those of their own size.

        Raises ChannelUnavailable when it can't be told whose fault it was: the same mail may be read later.
        """
        async with self._turns.turn(not is_answer, size_bytes):
            for _ in range(2):
                found = await self._try(raw, size_bytes, card)
                if found is not None:
                    return found
        raise ChannelUnavailable("The process that reads mails died twice at a mail", "The mail is read again later")

    def change(self, reader: Reader) -> None:
        """Read the next mail as `reader` does."""
        self._order = pickle.dumps(Order(reader, self._limits))

    def end(self) -> None:
        """End the child, or hand it on, unless it reads just now; the next mail gets another one."""
        if self._turns.is_taken:
            return
        if self._child and self._children:
            self._children.give(self._child)
            self._child = None
        self._drop()

    async def _try(self, raw: bytes, size_bytes: int, card: str) -> MailReading | None:
        """Return what the mail means; None when the child died and a fresh one may do better."""
        kept = self._child or (self._children.take(self._limits) if self._children else None)
        is_fresh, child, is_well = kept is None, kept or _Child(self._limits), False
        self._child = child
        try:
            async with asyncio.timeout(self._limits.wall_s):
                answer = await child.ask(self._order, raw, size_bytes, card.encode())
            reading = _taken(answer)
            is_well = reading is not None
            return reading
        except _Died as died:
            return self._judge(died.code, is_fresh=is_fresh)
        except TimeoutError:
            what = f"Reading a mail took more than {self._limits.wall_s:g} s on the clock: the machine is too busy"
            raise ChannelUnavailable(what, "The mail is read again later") from None
        finally:
            if not is_well:
                self._drop()  # also when cancelled: its answer would be taken for the next mail's

    def _judge(self, code: int, *, is_fresh: bool) -> Quarantined | None:
        """Return what the exit `code` of a child says of its mail; None when it says nothing."""
        _log.warning("the process that reads mails ended with %d", code)
        if code == -signal.SIGPROF:
            return Quarantined(
                reasons=(f"reading it takes more than {self._limits.cpu_s:g} s; look at it in the mailbox",)
            )
        if code == OUT_OF_MEMORY and is_fresh:  # else it may be what earlier mails have left
            size = self._limits.memory_bytes // 1024**2
            return Quarantined(reasons=(f"reading it takes more than {size} MB of memory; look at it in the mailbox",))
        return None

    def _drop(self) -> None:
        child, self._child = self._child, None
        if child:
            child.end()


class _Died(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(f"ended with {code}")
        self.code = code


class _Child:
    """One child and the line to it."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self._order = limits, b""
        self._line, theirs = socket.socketpair()
        self._line.setblocking(False)
        path = os.pathsep.join(str(Path(each).absolute()) for each in sys.path)
        with theirs:
            try:
                # In a session of its own Ctrl-C in our terminal does not reach it. It needs none of our secrets.
                self._process = subprocess.Popen(
                    [sys.executable, "-c", _CHILD],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    env={"PYTHONPATH": path},
                    cwd="/",
                    start_new_session=True,
                )
            except OSError as error:
                self._line.close()
                what = f"No process can be started to read mails: {error.strerror}"
                raise ChannelUnavailable(what, "The mail is read again later") from error
        self.end = weakref.finalize(self, _end, self._process, self._line)
        """Ends it; also when nobody holds it any more."""

    async def ask(self, order: bytes, raw: bytes, size_bytes: int, card: bytes) -> bytes:
        """The answer for one mail by `order`, which is sent where it is another one than before. Raises _Died."""
        loop = asyncio.get_running_loop()
        try:
            new = order if order is not self._order else b""
            lengths = (len(raw), size_bytes, len(card))
            question = LENGTH.pack(len(new)) + new + b"".join(map(LENGTH.pack, lengths)) + raw + card
            await loop.sock_sendall(self._line, question)
            self._order = order
            (size,) = LENGTH.unpack(await self._receive(LENGTH.size))
            return await self._receive(min(size, ANSWER_BYTES))
        except (ConnectionError, EOFError):
            raise _Died(self._code()) from None

    async def _receive(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            piece = await asyncio.get_running_loop().sock_recv(self._line, size - len(found))
            if not piece:
                raise EOFError
            found += piece
        return found

    def _code(self) -> int:
        """Return the child's exit code. It has closed its end of the line, so it does not take long."""
        try:
            return self._process.wait(_SOON_S)
        except subprocess.TimeoutExpired:
            return 0


def _end(process: subprocess.Popen[bytes], line: socket.socket) -> None:
    line.close()
    process.kill()
    process.wait()


def _taken(answer: bytes) -> MailReading | None:
    """Return the reading in the child's `answer`; None when that is no answer."""
    if answer[:1] == b"!":
        _log.error("reading a mail failed: %s", answer[1:].decode(errors="replace"))
        return Quarantined(reasons=("it could not be read because of a mistake in sayso; look at it in the mailbox",))
    try:
        return _READING.validate_json(answer)
    except ValidationError:
        return None
