"""Sending mail: one message over one SMTP connection. The only file that knows aiosmtplib."""

import re
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypedDict

import aiosmtplib

from channels import ChannelError, ChannelRefused, ChannelUnauthorized, ChannelUnavailable
from channels.email.format import addresses
from channels.email.servers.endpoint import Endpoint, certificate_trouble, connection_trouble
from channels.email.tokens import without_tokens

TIMEOUT_S = 20.0
"""Longest time one SMTP command may take, in seconds."""

DATA_S = 600.0
"""Longest time the answer to a mail may take: it is looked through first (RFC 5321, 4.5.3.2.6). To give up earlier is
to send a mail again that was taken."""

# A server that has stopped answering must not hold so much of a worker that it does nothing else.
_PATIENT_AT_ONCE = 50

RESTS_S = 60.0
"""Seconds without another log-in after one was refused: servers lock out who tries too often."""

_NAME = "email"

# Servers say it at MAIL (RFC 5321, 4.1.1.2), at RCPT (Postfix: `553 5.7.1 <x>: Sender address rejected: not owned by
# user y`) or after the mail (Microsoft 365: `550 5.7.60 … does not have permissions to send as this sender`,
# `554 5.2.252 SendAsDenied`).
_ABOUT_SENDER = re.compile(
    r"\bsender\b|send[\s_-]?as|\b5\.7\.60\b|\b5\.2\.252\b|\b5\.1\.[78]\b|not owned"
    r"|(?:from|return)[\s-](?:address|path)",
    re.IGNORECASE,
)

# All that an account may send, as if it were about one mail. Gmail: `550 5.4.5 Daily user sending limit exceeded`.
# Microsoft 365: `550 5.1.90` (recipients of a day), `550 5.7.705` and `.708` (those of the tenant), `554 5.2.0 …
# SubmissionQuotaExceededException`.
_ABOUT_LIMIT = re.compile(
    r"\b5\.4\.5\b|\b5\.1\.90\b|\b5\.7\.70[58]\b|SubmissionQuota|sending (?:limit|quota)", re.IGNORECASE
)


class SenderRefused(ChannelRefused):
    """The other side would not take a mail from this envelope sender; it may from the address it knows us by."""


class Relay(Endpoint):
    """An SMTP server that takes our mail, and how to log in to it."""


class Transport:
    """Sends finished mails. `relay` is asked each time: the embedded server may have come back on another port.

    `clock` gives seconds that only grow. The first few mails that are on their way at once wait `data_s` for their
    answer, all others `timeout_s`.
    """

    def __init__(
        self,
        relay: Callable[[], Relay],
        timeout_s: float = TIMEOUT_S,
        rests_s: float = RESTS_S,
        clock: Callable[[], float] = time.monotonic,
        data_s: float = DATA_S,
    ) -> None:
        self._relay, self._data_s, self._under_way = relay, data_s, 0
        self._timeout_s, self._rests_s, self._clock = timeout_s, rests_s, clock
        self._refused: tuple[float, ChannelUnauthorized] | None = None

    async def send(self, raw: bytes, *, sender: str, recipients: Sequence[str]) -> None:
        """Hand `raw` to the relay; on return it has answered for every recipient that it took the mail.

        `sender` is where word goes that it did not arrive. It is empty for mail that must not cause any: notices to
        strangers and automatic answers (RFC 5321, 4.5.5; RFC 3834, 3.3).

        Raises ChannelRefused for an answer that stays (5xx), SenderRefused when that may be about `sender` alone,
        ChannelUnauthorized when the server refuses us and not this mail (a bad log-in, a limit that is reached; then it
        is left alone for a while), and ChannelUnavailable for one that may change (4xx, no connection). After
        ChannelUnavailable the mail may have been taken all the same: send exactly the same bytes again, and receivers
        will see one Message-ID.
        """
        relay = self._relay()
        if bad := [each for each in (*filter(None, [sender]), *recipients) if not addresses.is_address(each)]:
            raise ChannelRefused(what=f"{bad[0]!r} is not a plain mail address", do="Correct it in the directory")
        if self._refused and self._clock() < self._refused[0]:
            raise ChannelUnauthorized(_NAME, self._refused[1].what, self._refused[1].do)
        try:
            await self._log_in_and(raw, relay, sender=sender, recipients=recipients)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            told = _channel_error(error, relay)
            if isinstance(told, ChannelUnauthorized) and not _is_about_whom(error):
                self._refused = (self._clock() + self._rests_s, told)
            raise told from error

    async def check(self) -> None:
        """Log in and leave again; raises as `send` does."""
        relay = self._relay()
        try:
            async with aiosmtplib.SMTP(**self._way_to(relay, await _access(relay))):
                return
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise _channel_error(error, relay) from error

    async def refusals(self, *, sender: str, recipients: Sequence[str]) -> dict[str, tuple[int, str]]:
        """Return whom the relay takes no mail for, with its code and words; no mail is sent. Raises as `send` does.

        It knows its own mailboxes, and domains that are not there; of others it finds out once a mail is on its way.
        """
        relay = self._relay()
        try:
            async with aiosmtplib.SMTP(**self._way_to(relay, await _access(relay))) as client:
                await client.mail(sender)
                refused = {to: error for to in recipients if (error := await _refusal(client, to))}
                await client.rset()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise _channel_error(error, relay) from error
        return {to: (error.code, _words(error)) for to, error in refused.items()}

    async def _log_in_and(self, raw: bytes, relay: Relay, *, sender: str, recipients: Sequence[str]) -> None:
        """Send `raw` over a connection of its own; with a fresh access token when the server no longer takes ours."""
        token = await _access(relay)
        try:
            await self._send(raw, self._way_to(relay, token), sender, recipients)
        except aiosmtplib.SMTPAuthenticationError:
            if relay.access is None or token is None:
                raise
            relay.access.forget(token)
            await self._send(raw, self._way_to(relay, await _access(relay)), sender, recipients)

    async def _send(self, raw: bytes, way: "_Way", sender: str, recipients: Sequence[str]) -> None:
        self._under_way += 1
        try:
            data_s = self._data_s if self._under_way <= _PATIENT_AT_ONCE else self._timeout_s
            async with _Patient(data_s, way) as client:
                refused, _ = await client.sendmail(sender, list(recipients), raw)
        finally:
            self._under_way -= 1
        if refused:
            answers = [aiosmtplib.SMTPRecipientRefused(each.code, each.message, to) for to, each in refused.items()]
            raise aiosmtplib.SMTPRecipientsRefused(answers)

    def _way_to(self, relay: Relay, token: str | None) -> "_Way":
        """The relay in aiosmtplib's words, to be logged in to with `token` if there is one."""

        async def access() -> str:
            return token or ""

        return _Way(
            hostname=relay.host,
            port=relay.port,
            username=relay.user,
            password=relay.password if token is None else None,
            oauth_token_generator=access if token is not None else None,
            use_tls=relay.tls == "implicit",
            start_tls=relay.tls == "starttls",
            tls_context=None if relay.tls == "none" else relay.trusted,
            timeout=self._timeout_s,
        )


class _Way(TypedDict):
    hostname: str
    port: int
    username: str | None
    password: str | None
    oauth_token_generator: Callable[[], Awaitable[str]] | None
    use_tls: bool
    start_tls: bool
    tls_context: ssl.SSLContext | None
    timeout: float


class _Patient(aiosmtplib.SMTP):
    """Waits longer for the answer to DATA than to any other command."""

    def __init__(self, data_s: float, way: _Way) -> None:
        super().__init__(**way)
        self._data_s = data_s

    async def data(self, message: str | bytes, /, **how: Any) -> aiosmtplib.SMTPResponse:
        """See `SMTP`."""
        return await super().data(message, **how | {"timeout": self._data_s})


async def _access(relay: Relay) -> str | None:
    """The token for a log-in without password. Raises ChannelUnauthorized when there is none to be had."""
    try:
        return await relay.access.current() if relay.access and relay.user else None
    except ChannelRefused as error:
        raise ChannelUnauthorized(_NAME, error.what, error.do) from error


async def _refusal(client: aiosmtplib.SMTP, to: str) -> aiosmtplib.SMTPRecipientRefused | None:
    try:
        await client.rcpt(to)
    except aiosmtplib.SMTPRecipientRefused as error:
        return error
    return None


_LATER = "It is sent again later. If that does not help, check SAYSO_SMTP_HOST, SAYSO_SMTP_PORT and SAYSO_SMTP_TLS"


def _channel_error(error: Exception, relay: Relay) -> ChannelError:
    """`error` in the two words that callers act on."""
    server = f"the SMTP server {relay.host}:{relay.port}"
    code = _code(error)
    if trouble := certificate_trouble(error):
        what = f"the certificate of {server} can't be trusted: {trouble}"
        return ChannelUnavailable(what, "Fix it, or let SSL_CERT_FILE name its authority; the mail is sent again later")
    if isinstance(error, aiosmtplib.SMTPAuthenticationError) and (code >= 500 or not code):
        how = "SAYSO_MAIL_OAUTH_REFRESH_TOKEN and SAYSO_MAIL_OAUTH_SCOPE" if relay.access else "SAYSO_SMTP_PASSWORD"
        what = f"{server} did not accept the log-in of {relay.user}"
        return ChannelUnauthorized(_NAME, what, f"Check SAYSO_SMTP_USER and {how}")
    is_at_limit = code >= 500 and _ABOUT_LIMIT.search(_words(error))
    if is_at_limit or _is_about_us(error, code):
        do = _fix(code) if code in _LOG_IN else "Check the SAYSO_SMTP_ settings, or have the server let us in"
        do = "Have the limit raised, or wait until it is over: what waits is sent then" if is_at_limit else do
        return ChannelUnauthorized(_NAME, f"{server} does not let us send: {code or ''} {_words(error)}", do)
    if code >= 500:
        kind = SenderRefused if _is_about_sender(error) else ChannelRefused
        return kind(what=f"{server} refused a mail: {code} {_words(error)}", do=_fix(code))
    if code or isinstance(error, (OSError, aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError)):
        reason = f"{code} {_words(error)}" if code else connection_trouble(error)
        return ChannelUnavailable(what=f"{server} did not take a mail: {reason}", do=_LATER)
    return ChannelRefused(what=f"{server} can't take a mail: {_words(error)}", do="Check the SAYSO_SMTP_ settings")


# The server wants a log-in, another one, or an encrypted line (RFC 4954, 6; RFC 3207, 4).
_LOG_IN = (530, 534, 535, 538)
# What the library says of a server that has no such extension.
_WAY_IN = re.compile(r"STARTTLS|\bAUTH\b|authentication", re.IGNORECASE)


def _is_about_us(error: Exception, code: int) -> bool:
    """Return whether the server refuses us before any mail: at the greeting, or for want of a log-in or of TLS."""
    if code in _LOG_IN:
        return True
    if isinstance(error, aiosmtplib.SMTPConnectResponseError | aiosmtplib.SMTPHeloError):
        return code >= 500
    return not code and isinstance(error, aiosmtplib.SMTPException) and _WAY_IN.search(_words(error)) is not None


def _is_about_whom(error: Exception) -> bool:
    """Return whether a log-in is wanted for this recipient, who need not be anybody we know; others' mail may pass."""
    return isinstance(error, aiosmtplib.SMTPRecipientsRefused) and _code(error) in _LOG_IN


def _is_about_sender(error: Exception) -> bool:
    """Return whether a refusal may be about the envelope sender; it costs one more try where it was not."""
    return isinstance(error, aiosmtplib.SMTPSenderRefused) or _ABOUT_SENDER.search(_words(error)) is not None


def _fix(code: int) -> str:
    """Return what to do about an answer that stays (RFC 5321, 4.2.3)."""
    match code:
        case 530 | 535:
            return "Set SAYSO_SMTP_USER and SAYSO_SMTP_PASSWORD"
        case 550 | 551 | 553:
            return "Check the address in the directory, and that the server lets us write from SAYSO_MAIL_ADDRESS"
        case 552:
            return "Make room in that mailbox, or let the server take larger mails"
        case _:
            return "Fix what the server says and send again"


def _code(error: Exception) -> int:
    """The answer's SMTP code; the smallest of several, so that a retry is not lost to another one's refusal."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return min(each.code for each in error.recipients)
    return error.code if isinstance(error, aiosmtplib.SMTPResponseException) else 0


def _words(error: Exception) -> str:
    """Return what the server said; some repeat the envelope sender, and what is told here is written down."""
    return without_tokens(_said(error))


def _said(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return "; ".join(f"{each.recipient}: {each.message}" for each in error.recipients)
    return error.message if isinstance(error, aiosmtplib.SMTPException) else str(error)
