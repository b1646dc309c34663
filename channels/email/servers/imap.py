"""One conversation with an IMAP server (RFC 3501, IDLE from RFC 2177). The only file that knows imapclient.

Everything here blocks, but `abort`; `in_thread` runs it beside the event loop. The folder is opened with EXAMINE and
read with BODY.PEEK: nothing is marked as seen or changed in any other way.
"""

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, TypeVar, cast

import imapclient  # pyright: ignore[reportMissingTypeStubs]
from imapclient.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
    CapabilityError,
    IMAPClientAbortError,
    IMAPClientError,
    LoginError,
)

from channels import ChannelError, ChannelRefused, ChannelUnavailable
from channels.email.servers.endpoint import Endpoint, certificate_trouble, connection_trouble

FOLDER = "INBOX"

ANSWER_BYTES = 64 * 1_048_576
"""Largest answer that is read: some servers give a whole mail where only its beginning is asked for."""

ANSWER_TIMES = 10
"""So many times as long as a server may be silent its whole answer may take: one that trickles in is never silent."""

T = TypeVar("T")

# imapclient tells every line of the conversation at debug level.
logging.getLogger("imapclient").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Fetched:
    """A mail as it stands in the folder, cut after the limit; `size_bytes` is all of it, `at` when it arrived."""

    raw: bytes
    size_bytes: int
    at: datetime | None


class Unfetched(Exception):
    """The server does not give this one mail; the next one may be fine."""


class LogInRefused(ChannelRefused):
    """The server does not take the log-in."""


class Session:
    """A connection to `server` with its folder open, once `open` has returned. One thread at a time may use it.

    All raise ChannelUnavailable when the line is lost or silent for `timeout_s`, or an answer to it does not end.
    """

    validity = 0
    """The folder's UIDVALIDITY: while it stays the same, a UID means the same mail."""
    next_uid: int | None = None
    """Its UIDNEXT: the lowest UID that the next mail may get, where the server says."""

    def __init__(self, server: Endpoint, timeout_s: float) -> None:
        self._server, self._timeout_s = server, timeout_s
        self._client: Any = None  # the client's own types say little
        self._is_over, self._in_use, self._came_bytes = False, threading.Lock(), 0

    def open(self, token: str | None) -> None:
        """Connect, log in with `token` or the password, and open the folder. Raises ChannelRefused, too."""
        self._said(lambda: self._open(token))

    def _open(self, token: str | None) -> None:
        server = self._server
        implicit = server.tls == "implicit"
        client: Any = imapclient.IMAPClient(
            server.host,
            server.port,
            ssl=implicit,
            ssl_context=server.trusted if implicit else None,
            timeout=self._timeout_s,
        )
        for name in ("read", "readline"):
            setattr(client._imap, name, partial(self._read, getattr(client._imap, name)))  # noqa: SLF001 - see below
        self._client = client
        if server.tls == "starttls":
            client.starttls(server.trusted)
        if token is None:
            client.login(server.user or "", server.password or "")
        else:
            client.oauth2_login(server.user or "", token)
        told = client.select_folder(FOLDER, readonly=True)
        self.validity, self.next_uid = int(told[b"UIDVALIDITY"]), told.get(b"UIDNEXT")

    @property
    def has_idle(self) -> bool:
        """True if the server tells of new mail by itself."""
        return bool(self._said(lambda: self._open_client.has_capability("IDLE")))

    def uids_after(self, uid: int, since: date) -> list[int]:
        """The UIDs above `uid` of what arrived on `since` or later, lowest first."""

        def asking() -> list[int]:
            # What was told up to here is in the answer; what is told from here on, `listen` must not wait for.
            self._has_news()
            return list(map(int, self._open_client.search(["UID", f"{uid + 1}:*", "SINCE", since])))

        # `9:*` means the last mail, too, where that has UID 8 (RFC 3501, 6.4.8).
        return sorted(each for each in self._said(asking) if each > uid)

    def about(self, words: str) -> list[int]:
        """The UIDs of the mails with `words` in their subject."""
        return sorted(map(int, self._said(lambda: self._open_client.search(["SUBJECT", words]))))

    def fetch(self, uid: int, most_bytes: int) -> Fetched | None:
        """The first `most_bytes` of a mail; None when it is gone, which an answer without it does not say by itself.

        Raises Unfetched.
        """
        what = ["RFC822.SIZE", "INTERNALDATE", f"BODY.PEEK[]<0.{most_bytes}>"]
        answer = self._said(lambda: self._open_client.fetch([uid], what), of_one_mail=True)
        found = cast("dict[bytes, Any]", answer.get(uid, {}))
        raw, at = found.get(b"BODY[]<0>", found.get(b"BODY[]")), found.get(b"INTERNALDATE")
        if not raw:
            self.look()  # else some servers go on listing what is gone
            if self._said(lambda: self._open_client.search(["UID", str(uid)])):
                raise Unfetched("the server lists it, and gives nothing of it")
            return None
        # Some servers count their own size wrongly; what was cut is longer than the limit in any case.
        size = max(int(found.get(b"RFC822.SIZE", 0)), len(raw)) if len(raw) >= most_bytes else len(raw)
        # imapclient gives local time without saying so.
        return Fetched(bytes(raw), size, at.astimezone(UTC) if isinstance(at, datetime) else None)

    def look(self) -> None:
        """Have the server tell what is new; also shows that the line is alive."""
        self._said(lambda: self._open_client.noop())  # noqa: PLW0108 - may raise, which belongs inside

    def listen(self) -> bool:
        """Enter IDLE; True when new mail was told of since the last look, which waiting for the line would not show."""

        def asking() -> bool:
            self._open_client.idle()
            return self._has_news() or self._has_buffered()

        return self._said(asking)

    def end_idle(self) -> None:
        """Leave IDLE. Reads whole lines, which `idle_check` of imapclient does not wait for, and notices the end."""
        self._said(lambda: self._open_client.idle_done())  # noqa: PLW0108 - see above

    def fileno(self) -> int:
        """The descriptor of the line, to wait for."""
        return int(self._open_client.socket().fileno())

    def abort(self) -> None:
        """Cut the line, also under a thread that waits for it; it then raises. Does not block."""
        self._is_over = True
        if self._client is not None:
            # Not the TLS line's own method, which takes away what a thread may be reading with.
            with suppress(OSError, AttributeError):
                socket.socket.shutdown(self._client.socket(), socket.SHUT_RDWR)
        self._dispose()

    def _dispose(self) -> None:
        """Give everything back, unless a thread still uses it and will do so."""
        if self._is_over and self._in_use.acquire(blocking=False):
            with suppress(OSError, AttributeError):
                if self._client is not None:
                    self._client.shutdown()
            self._client = None
            self._in_use.release()

    def _read(self, read: Callable[..., bytes], *size: int) -> bytes:
        """Read on in an answer, unless it is larger than any may be."""
        if self._came_bytes + sum(size) > ANSWER_BYTES:
            raise OSError(f"its answer is larger than {ANSWER_BYTES} bytes")
        found = read(*size)
        self._came_bytes += len(found)
        return found

    @property
    def _open_client(self) -> Any:
        if self._client is None:
            raise ChannelUnavailable("the mailbox is not open", "Open it first")
        return self._client

    def _has_news(self) -> bool:
        """Return whether an answer since the last call said, by the way, that there is more mail."""
        return self._open_client._imap.response("EXISTS")[1] != [None]  # noqa: SLF001 - nothing public shows it

    def _has_buffered(self) -> bool:
        """Return whether something came together with the answer to IDLE, and lies in a buffer above the line."""
        imap = self._open_client._imap  # noqa: SLF001 - see above
        if (lines := getattr(imap, "_readbuf", None)) is not None:  # Python 3.14 and later
            return bool(lines)
        line = self._open_client.socket()
        line.settimeout(0)
        try:
            return bool(imap.file.peek(1))
        except ssl.SSLWantReadError:
            return False
        finally:
            line.settimeout(self._timeout_s)

    def _said(self, asking: Callable[[], T], *, of_one_mail: bool = False) -> T:
        """Return what `asking` gives; every error of imapclient and of the line is raised as ours."""
        self._came_bytes, late = 0, threading.Timer(ANSWER_TIMES * self._timeout_s, self.abort)
        late.daemon = True
        late.start()
        try:
            with self._in_use:
                return asking()
        except (LoginError, IMAPClientAbortError, CapabilityError, OSError) as error:
            raise _channel_error(error, self._server) from error
        except (IMAPClientError, ValueError, KeyError, AttributeError, TypeError) as error:
            # imapclient leaves a socket of None behind when the line was cut under it, and trips over odd answers.
            if of_one_mail and not self._is_over and isinstance(error, (IMAPClientError, ValueError)):
                raise Unfetched(str(error)) from error
            raise _channel_error(error, self._server) from error
        finally:
            late.cancel()
            self._dispose()


async def in_thread(asking: Callable[[], T]) -> T:
    """Return what `asking` gives, in a daemon thread: a process that leaves does not wait for a silent server.

    Whoever is cancelled meanwhile must `abort` the session, or the thread waits on for as long as the server may take.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def tell(give: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits
            loop.call_soon_threadsafe(lambda: None if answer.done() else give())

    def run() -> None:
        try:
            found = asking()
        except BaseException as error:  # noqa: BLE001 - it belongs to who asked
            tell(lambda failed=error: answer.set_exception(failed))
        else:
            tell(lambda: answer.set_result(found))

    threading.Thread(target=run, name="imap", daemon=True).start()
    return await answer


def _channel_error(error: Exception, server: Endpoint) -> ChannelError:
    """`error` in the two words that callers act on."""
    name = f"the IMAP server {server.host}:{server.port}"
    if trouble := certificate_trouble(error):
        do = "Fix it, or let SSL_CERT_FILE name its authority; it is tried again"
        return ChannelUnavailable(f"the certificate of {name} can't be trusted: {trouble}", do)
    if isinstance(error, LoginError):
        how = "SAYSO_MAIL_OAUTH_REFRESH_TOKEN and SAYSO_MAIL_OAUTH_SCOPE" if server.access else "SAYSO_IMAP_PASSWORD"
        return LogInRefused(f"{name} did not accept the log-in of {server.user}", f"Check SAYSO_IMAP_USER and {how}")
    words = "" if isinstance(error, OSError) else f": {str(error)[:200]}"
    do = "It is tried again. If that does not help, check SAYSO_IMAP_HOST, SAYSO_IMAP_PORT and SAYSO_IMAP_TLS"
    return ChannelUnavailable(f"{name} can't be used: {connection_trouble(error)}{words}", do)
