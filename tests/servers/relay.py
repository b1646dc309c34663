"""A real SMTP server that can be told to go wrong: TLS, log-ins by password and XOAUTH2, faults by name."""

import asyncio
import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

Fault = Literal["", "lost answer", "421", "450", "550", "552", "a day's mails", "a tenant's mails", "slow"]
Stage = Literal["", "MAIL", "RCPT", "DATA"]

_NOT_OWNED = {
    "MAIL": "550 5.1.8 <{}>: Sender address rejected",
    "RCPT": "553 5.7.1 <{}>: Sender address rejected: not owned by user agent",
    "DATA": "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
}

_WORDS = {
    "421": "421 4.3.2 Closing down for maintenance",
    "450": "450 4.2.0 Greylisted; come back later",
    "550": "550 5.1.1 No such user",
    "552": "552 5.2.2 Mailbox full",
    # As Gmail and Microsoft 365 say it.
    "a day's mails": "550 5.4.5 Daily user sending limit exceeded. For more information on Gmail",
    "a tenant's mails": "550 5.7.705 Access denied, tenant has exceeded threshold",
}


@dataclass
class RelayServer:
    """Listens on loopback while the context is open; `taken` holds every mail it has, also where its answer was lost.

    `envelopes` are their senders and recipients. With `owned` it refuses other senders, at the `refuses_at` command.
    `asked` counts mails that were begun.
    `faults` are for the next mails, one each. With `passwords` or `token` people must log in. `certificate` turns TLS
    on: from the first byte, or by STARTTLS.
    """

    certificate: ssl.SSLContext | None = None
    tls: Literal["implicit", "starttls", "none"] = "none"
    passwords: dict[str, str] | None = None
    token: Callable[[], str] | None = None
    faults: list[Fault] = field(default_factory=list[Fault])
    taken: list[bytes] = field(default_factory=list[bytes])
    envelopes: list[tuple[str, tuple[str, ...]]] = field(default_factory=list[tuple[str, tuple[str, ...]]])
    owned: str = ""
    refuses_at: Stage = ""
    asked: int = 0
    log_ins: list[str] = field(default_factory=list[str])

    async def __aenter__(self) -> Self:
        """Listen."""
        self._released = asyncio.Event()
        implicit = self.certificate if self.tls == "implicit" else None
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, "127.0.0.1", 0, ssl=implicit)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Let go of who still waits, and listen no more."""
        self._released.set()
        self._server.close()
        await self._server.wait_closed()

    def let_go(self) -> None:
        """Go on where it is slow."""
        self._released.set()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.sockets[0].getsockname()[1])

    def _connection(self) -> SMTP:
        starttls = self.certificate if self.tls == "starttls" else None
        return SMTP(
            self,
            hostname="localhost",
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=self._authenticate,
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )

    def _authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _way: str, data: Any) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        self.log_ins.append(data.login.decode())
        wanted = (self.passwords or {}).get(data.login.decode())
        return AuthResult(success=wanted == data.password.decode(), handled=False)

    async def auth_XOAUTH2(self, server: SMTP, words: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name
        """A log-in with an access token; what is refused gets an error as a challenge first, as Google does it."""
        fields = base64.b64decode(words[1]).decode().split("\x01")
        self.log_ins.append(fields[0].removeprefix("user="))
        if self.token and fields[1] == f"auth=Bearer {self.token()}":
            return AuthResult(success=True)
        await server.challenge_auth(b'{"status":"400"}')
        return AuthResult(success=False, handled=False)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Refuse whoever is not logged in, where anybody can log in."""
        if (self.passwords is not None or self.token is not None) and not session.authenticated:
            return "530 5.7.0 Authentication required"
        self.asked += 1
        # aiosmtpd takes an empty sender for no MAIL command at all.
        envelope.mail_from = address or "<>"
        return self._not_owned("MAIL", envelope) or "250 2.1.0 OK"

    def _not_owned(self, stage: Stage, envelope: Envelope) -> str:
        if stage != self.refuses_at or envelope.mail_from == self.owned:
            return ""
        return _NOT_OWNED[stage].format(envelope.mail_from)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """The first two faults are told here."""
        if self.faults and self.faults[0] in ("450", "550"):
            return _WORDS[self.faults.pop(0)]
        if words := self._not_owned("RCPT", envelope):
            return words
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - see above
        """The others after the mail was given; a mail whose answer is lost was taken all the same."""
        if words := self._not_owned("DATA", envelope):
            return words
        fault = self.faults.pop(0) if self.faults else ""
        if fault in _WORDS:
            return _WORDS[fault]
        if fault == "slow":
            await self._released.wait()
        self.taken.append(envelope.original_content or b"")
        self.envelopes.append(((envelope.mail_from or "").strip("<>"), tuple(envelope.rcpt_tos)))
        if fault == "lost answer" and server.transport:
            server.transport.close()
        return "250 2.0.0 OK"
