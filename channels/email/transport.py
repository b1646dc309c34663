"""Sending mail: one message over one SMTP connection. The only file that knows aiosmtplib."""

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import aiosmtplib

from channels import ChannelError, ChannelRefused, ChannelUnavailable
from channels.email import addresses

TIMEOUT_S = 20.0
"""How long one SMTP command may take; slow servers answer DATA within a few seconds."""


@dataclass(frozen=True)
class Relay:
    """An SMTP server that takes our mail, and how to log in to it. Without `user` nobody logs in.

    Raises ValueError for `tls="none"` beyond this machine: it would show the password and the mail to the network.
    """

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Literal["implicit", "starttls", "none"] = "starttls"

    def __post_init__(self) -> None:
        """Check what the types can't."""
        if self.tls == "none" and not _is_loopback(self.host):
            raise ValueError(f"tls is 'none' for the SMTP server {self.host}; only a loopback address may do without")


class Transport:
    """Sends finished mails. `relay` is asked each time: the embedded server may have come back on another port."""

    def __init__(self, relay: Callable[[], Relay], timeout_s: float = TIMEOUT_S) -> None:
        self._relay = relay
        self._timeout_s = timeout_s

    async def send(self, raw: bytes, *, sender: str, recipients: Sequence[str]) -> None:
        """Hand `raw` to the relay; on return it has answered for every recipient that it took the mail.

        Raises ChannelRefused for an answer that stays (5xx, a bad log-in) and ChannelUnavailable for one that may
        change (4xx, no connection). After ChannelUnavailable the mail may have been taken all the same: send exactly
        the same bytes again, and receivers will see one Message-ID.
        """
        relay = self._relay()
        if bad := [each for each in (sender, *recipients) if not addresses.is_address(each)]:
            raise ChannelRefused(what=f"{bad[0]!r} is not a plain mail address", do="Correct it in the directory")
        try:
            refused, _ = await aiosmtplib.send(
                raw,
                sender=sender,
                recipients=list(recipients),
                hostname=relay.host,
                port=relay.port,
                username=relay.user,
                password=relay.password,
                use_tls=relay.tls == "implicit",
                start_tls=relay.tls == "starttls",
                timeout=self._timeout_s,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise _told(error, relay) from error
        if refused:
            answers = [aiosmtplib.SMTPRecipientRefused(each.code, each.message, to) for to, each in refused.items()]
            raise _told(aiosmtplib.SMTPRecipientsRefused(answers), relay)


def _told(error: Exception, relay: Relay) -> ChannelError:
    """`error` in the two words that callers act on."""
    server = f"the SMTP server {relay.host}:{relay.port}"
    code = _code(error)
    if isinstance(error, aiosmtplib.SMTPAuthenticationError) and code >= 500:
        return ChannelRefused(what=f"{server} did not accept the log-in of {relay.user}", do="Check SAYSO_SMTP_USER")
    if code >= 500:
        return ChannelRefused(what=f"{server} refused a mail: {code} {_words(error)}", do="Mend it and send again")
    if code or isinstance(error, (OSError, aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError)):
        reason = f"{code} {_words(error)}" if code else type(error).__name__
        return ChannelUnavailable(what=f"{server} did not take a mail: {reason}", do="It is sent again later")
    return ChannelRefused(what=f"{server} can't take a mail: {_words(error)}", do="Check the SAYSO_SMTP_ settings")


def _code(error: Exception) -> int:
    """The answer's SMTP code; the smallest of several, so that a retry is not lost to another one's refusal."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return min(each.code for each in error.recipients)
    return error.code if isinstance(error, aiosmtplib.SMTPResponseException) else 0


def _words(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return "; ".join(f"{each.recipient}: {each.message}" for each in error.recipients)
    return error.message if isinstance(error, aiosmtplib.SMTPException) else str(error)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
