"""The mail server inside `sayso dev`: SMTP on loopback that stores into Maildirs. The only file that knows aiosmtpd.

A real server in small: people log in and can then write as nobody but themselves. What arrives without a log-in is
taken too if it is small and for somebody here, and marked as such, so that a forged mail can be tried and seen to be
held.
"""

import asyncio
import hmac
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from channels.email.format import addresses, trace
from channels.email.format.headers import Unreadable, read_headers
from channels.email.identity.author import author_of
from channels.email.local import maildir

MESSAGE_BYTES = 10_000_000
"""Largest mail the server takes; larger than what is read, so that an oversize mail can be seen to be held."""

STRANGERS_BYTES = 64 * 1024
"""Largest mail the server takes without a log-in."""

CONNECTIONS = 100
"""Most open connections; one more is told to come back later."""

LOG_INS = 5
"""Failed log-ins after which a connection is closed."""

IDLE_S = 30.0
"""Longest time a connection may take from one command to the next, in seconds."""

RECIPIENTS = 50
"""Most recipients of one mail; each is a file that is written and synced before the answer."""

_log = logging.getLogger(__name__)


class MailServer:
    """`async with MailServer(...) as server:` listens on 127.0.0.1; `server.port` says where.

    `folder` holds a Maildir per address, `password_of` gives the password of an address or None if nobody can log in
    as it, `knows` says whether an address without a tag belongs to anybody here: others get mail only from people who
    are logged in. `stored` hears the Maildir's folder after each mail that was stored. What is for an address in
    `aliases` goes into the Maildir of the one that it stands for.
    """

    def __init__(
        self,
        folder: Path,
        password_of: Callable[[str], str | None],
        *,
        knows: Callable[[str], bool],
        stored: Callable[[Path], None] | None = None,
        aliases: Mapping[str, str] | None = None,
        port: int = 0,
        idle_s: float = IDLE_S,
    ) -> None:
        self._handler = _Handler(folder, knows, stored, aliases or {})
        self._password_of = password_of
        self._wanted_port = port
        self._server: asyncio.Server | None = None
        self._idle_s = idle_s
        self._open = set[SMTP]()

    async def __aenter__(self) -> Self:
        """Listen. Raises OSError when the port is taken."""
        # aiosmtpd warns of its own deprecated property at each log-in, and tells every command.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, "127.0.0.1", self._wanted_port)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening and close every connection."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self._open):
            if connection.transport is not None:
                connection.transport.close()
        await self._server.wait_closed()
        self._server = None

    @property
    def port(self) -> int:
        """The port the server listens on. Raises RuntimeError while it does not."""
        if self._server is None:
            raise RuntimeError("the mail server is not running; use it inside `async with`")
        return self._server.sockets[0].getsockname()[1]

    def _connection(self) -> asyncio.BaseProtocol:
        if len(self._open) >= CONNECTIONS:
            return _Full()
        connection = _Connection(
            self._handler,
            closed=self._open.discard,
            timeout=self._idle_s,
            data_size_limit=MESSAGE_BYTES,
            hostname="localhost",
            ident="sayso",
            authenticator=self._authenticate,
            # There is no certificate for loopback, and nothing leaves this machine.
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )
        self._open.add(connection)
        return connection

    def _authenticate(self, server: SMTP, _session: Session, _envelope: Envelope, _way: str, data: Any) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        login = data.login.decode("utf-8", "replace").lower()
        password = self._password_of(login) if addresses.is_address(login) else None
        good = password is not None and hmac.compare_digest(password.encode(), data.password)
        if good:
            server.data_size_limit = MESSAGE_BYTES
        return AuthResult(success=good, handled=False, auth_data=login if good else None)


class _Connection(SMTP):
    """One connection that says when it is `closed`, and closes after `LOG_INS` failed log-ins."""

    def __init__(self, handler: object, *, closed: Callable[[SMTP], None], **settings: Any) -> None:
        super().__init__(handler, **settings)
        self._closed_heard = closed
        self._failed = 0

    def connection_lost(self, error: Exception | None) -> None:
        """The client or the server closed it."""
        self._closed_heard(self)
        super().connection_lost(error)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802 - the name is aiosmtpd's
        """One log-in, whatever it was that failed."""
        await super().smtp_AUTH(arg)
        if self.session is None or self.session.authenticated:
            return
        self._failed += 1
        if self._failed >= LOG_INS and self.transport is not None:
            await self.push("421 4.7.0 Too many failed log-ins")
            self.transport.close()


class _Full(asyncio.Protocol):
    """The connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say so and close."""
        cast("asyncio.Transport", transport).write(b"421 4.3.2 Too many connections; try again later\r\n")
        transport.close()


class _Handler:
    """The server's answer to each SMTP command; the answers are RFC 5321's, with RFC 3463's codes."""

    def __init__(
        self,
        folder: Path,
        knows: Callable[[str], bool],
        stored: Callable[[Path], None] | None,
        aliases: Mapping[str, str],
    ) -> None:
        self._folder, self._aliases = folder, aliases
        self._knows = knows
        self._stored = stored

    async def handle_MAIL(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        sender, login = address.strip("<>").lower(), _login(session)
        if sender and not addresses.is_address(sender):
            return "553 5.1.7 This sender is not a plain address"
        # A tag of one's own is no other person's name, and brings back what could not be delivered.
        if login and sender and addresses.split_tag(sender)[0] != login:
            return f"550 5.7.1 You are logged in as {login} and can only send as that"
        # Read again when the text comes; what EHLO and SIZE say stays the server's own limit.
        server.data_size_limit = MESSAGE_BYTES if login else STRANGERS_BYTES
        # aiosmtpd takes an empty sender for no MAIL command at all.
        envelope.mail_from = sender or "<>"
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= RECIPIENTS:
            return f"452 4.5.3 More than {RECIPIENTS} recipients; send the rest in another mail"
        if not addresses.is_address(address):
            return "553 5.1.3 This recipient is not a plain address"
        if not _login(session) and not self._knows(addresses.split_tag(address)[0]):
            return "550 5.1.1 Nobody here has this address; log in to write to it"
        try:
            maildir.folder_of(self._folder, address)
        except ValueError:
            return "553 5.1.3 This recipient is too long for this server"
        envelope.rcpt_tos.append(address.lower())
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - see above
        content, login = envelope.original_content or b"", _login(session)
        if login and not _is_from(content, login):
            return f"550 5.7.1 You are logged in as {login}, and From must be that address and nothing else"
        sender = (envelope.mail_from or "").strip("<>")
        try:
            for recipient in dict.fromkeys(envelope.rcpt_tos):
                block = trace.write(trace.Trace(sender, recipient, login))
                name = addresses.split_tag(recipient)[0]
                folder = maildir.folder_of(self._folder, self._aliases.get(name, recipient))
                await asyncio.to_thread(maildir.store, folder, block + content)
                if self._stored is not None:
                    self._stored(folder)
        except OSError:
            _log.exception("a mail could not be stored")
            return "451 4.3.0 The mail could not be stored; try again later"
        return "250 2.0.0 OK"


def _login(session: Session) -> str | None:
    login = cast("object", session.auth_data)
    return login if isinstance(login, str) else None


def _is_from(content: bytes, login: str) -> bool:
    try:
        return author_of(read_headers(content)) == login
    except Unreadable:
        return False
