"""Sends the heads of the chain outside, where nobody who can write to Redis reaches them: a file, syslog, a mail."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from bot.audit.chain import Head
from bot.audit.sealer import head_of
from bot.config.asking import Asking
from bot.config.files import write_whole
from bot.errors import Invalid
from bot.store import Store

log = structlog.stdlib.get_logger()

# A mail says it for all shards at once; a file and syslog hear of each.
MAIL_EVERY_S = 24 * 3600.0
_ALARM_EVERY_S = 24 * 3600.0
# RFC 5424: facility 13 (log audit), severity 6 (informational). https://www.rfc-editor.org/rfc/rfc5424#section-6.2.1
_PRIORITY = 13 * 8 + 6
_SYSLOG_S = 2.0
_TAKES_WITHIN_S = 10.0

Mail = Callable[[str, Sequence[Head]], Awaitable[None]]
Alarm = Callable[[str, str], Awaitable[None]]


class Heads:
    """Announces heads at `places`: `file:PATH`, `syslog:/dev/log`, `syslog:HOST:PORT`, `mail:person:NAME`.

    `mail` brings heads to a person; `alarm` tells operators, once a day, which place can't be used, and why. One that
    hangs, such as a file on a network share, can't be used after `within_s`.
    """

    def __init__(
        self, store: Store, places: Sequence[str], mail: Mail, alarm: Alarm, within_s: float = _TAKES_WITHIN_S
    ) -> None:
        self._store, self._places, self._mail, self._alarm = store, places, mail, alarm
        self._within_s, self._threads = within_s, {place: Asking(1) for place in places}

    async def announce(self, head: Head) -> None:
        """Send `head` to every place. Raises StoreUnavailable; a place that can't be used keeps no other from it."""
        for place in self._places:
            kind, _, where = place.partition(":")
            try:
                if kind == "mail":
                    person = where.removeprefix("person:")
                    await self._store.tell_once(f"audit heads {person}", MAIL_EVERY_S, partial(self._by_mail, person))
                else:
                    await self._sent(place, partial(append if kind == "file" else send, where, head))
            except OSError as error:
                log.warning("a head of the audit log was not sent", place=place, error=str(error))
                alarm = partial(self._alarm, place, error.strerror or str(error))
                await self._store.tell_once(f"audit alarm {place}", _ALARM_EVERY_S, alarm)

    async def _sent(self, place: str, sending: Callable[[], None]) -> None:
        """Send a head to `place`, after those before it. Raises OSError."""
        try:
            async with asyncio.timeout(self._within_s):
                await self._threads[place].ask(sending)
        except TimeoutError as error:
            raise OSError(f"it does not answer within {self._within_s:g} s") from error
        except UnicodeError as error:
            raise OSError(f"no host can have that name ({error})") from error

    async def _by_mail(self, person: str) -> None:
        heads = [await head_of(self._store, shard) for shard in range(self._store.shards)]
        await self._mail(person, [head for head in heads if head.n])


def append(where: str, head: Head) -> None:
    """Add a line with `head` to a file. Raises OSError."""
    line = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {head}\n"
    descriptor = os.open(where, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        write_whole(descriptor, line.encode())  # in one, so that lines of several workers do not mix
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def send(where: str, head: Head) -> None:
    """Send `head` to syslog, by a socket here or in a datagram to HOST:PORT. Raises OSError."""
    text = f"<{_PRIORITY}>1 {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {socket.gethostname()} sayso - audit - {head}"
    if where.startswith("/"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(_SYSLOG_S)
            line.connect(where)
            line.send(text.encode())
        return
    host, _, port = where.rpartition(":")
    family, _, _, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, socket.SOCK_DGRAM) as line:
        line.sendto(text.encode(), address)


def heads_in(path: str) -> list[Head]:
    """The heads in a file such as `append` writes, or in any other text with one at the end of lines.

    Raises Invalid where there is none, or it can't be read.
    """
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            words = [line.split()[-1] for line in file if line.strip()]
    except OSError as error:
        raise Invalid(f"{path} can't be read ({error.strerror})", "Name the file that [audit] heads writes") from error
    heads = [head for word in words if (head := _head_or_none(word))]
    if not heads:
        raise Invalid(f"There is no head in {path}", "Heads look like s3:1042:9f…")
    return heads


def _head_or_none(text: str) -> Head | None:
    try:
        return Head.parse(text)
    except Invalid:
        return None
