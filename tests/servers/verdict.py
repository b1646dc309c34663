"""The step between a mail server and its mailboxes that says who sent a mail: an LMTP server in front of another one.

It takes out what senders wrote under its own header's name, and stamps what is so, or what a test scripts.
"""

import asyncio
import re
import smtplib
import threading
from types import TracebackType
from typing import Self

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

SERVER = "mx.corp.example"

_FORGED = re.compile(rb"^authentication-results:[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE)
_LOG_IN = re.compile(rb"\(Authenticated sender: ([^)\s]+)\)")
_FROM = re.compile(rb"^from:[^\n]*?([^\s<>]+@([^\s<>]+))>?\s*$", re.IGNORECASE | re.MULTILINE)


class Verdict:
    """Listens at `port` while the context is open, and hands on to the LMTP server at `to`.

    `scripted` says what is stamped for a From address; else DMARC passes for whoever was logged in as it. Whoever is
    `gone` has no mailbox any more.
    """

    def __init__(self, to: int) -> None:
        self._to = to
        self.scripted: dict[str, str] = {}
        self.gone = set[str]()
        self._open: list[SMTP] = []

    def __enter__(self) -> Self:
        """Listen, in a thread of its own: several tests' event loops come and go."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="verdict")
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Listen no more, and cut who is still there."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        def connection() -> SMTP:
            found = LMTP(self, hostname="localhost", ident="verdict", loop=self._loop)
            self._open.append(found)
            return found

        return await self._loop.create_server(connection, "127.0.0.1", 0)

    async def _end(self) -> None:
        self._server.close()
        for connection in self._open:
            if connection.transport:
                connection.transport.close()
        await self._server.wait_closed()
        await self._loop.shutdown_default_executor()

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Anybody; also nobody, whom aiosmtpd takes for no MAIL command at all."""
        envelope.mail_from = address or "<>"
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Accept whoever has a mailbox."""
        if address in self.gone:
            return f"550 5.1.1 <{address}> User doesn't exist: {address}"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Stamp it and hand it on; what Dovecot answers is the answer."""
        try:
            await asyncio.to_thread(self._hand_on, envelope)
        except (OSError, smtplib.SMTPException):
            return "451 4.3.0 The mailboxes are away"
        return "250 2.0.0 OK"

    def _hand_on(self, envelope: Envelope) -> None:
        sender, mail = (envelope.mail_from or "").strip("<>"), self.stamped(envelope.original_content or b"")
        with smtplib.LMTP("127.0.0.1", self._to) as line:
            line.sendmail(sender, envelope.rcpt_tos, mail)

    def stamped(self, mail: bytes) -> bytes:
        """`mail` with one verdict, ours."""
        head, blank, body = mail.partition(b"\r\n\r\n")
        head = _FORGED.sub(b"", head + b"\r\n")
        found, log_in = _FROM.search(head), _LOG_IN.search(head)
        author, domain = (found[1].decode(), found[2].decode()) if found else ("", "")
        proven = log_in is not None and log_in[1].decode() == author
        usual = f"dmarc={'pass' if proven else 'fail'} header.from={domain}"
        field = f"Authentication-Results: {SERVER}; {self.scripted.get(author, usual)}\r\n"
        return field.encode() + head + blank[2:] + body
