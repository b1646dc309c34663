"""The address of a mail server, how the line to it is kept private, and how to log in."""

import ipaddress
import socket
import ssl
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from channels.email.servers.oauth import AccessTokens

Tls = Literal["implicit", "starttls", "none"]
"""From the first byte on, after a command, or not at all."""


@dataclass(frozen=True)
class Endpoint:
    """A mail server and a log-in to it, by `password` or by `access` tokens. Without `user` nobody logs in.

    `trust` says which certificates are believed; the system's unless set. Raises ValueError for `tls="none"` beyond
    this machine: it would show the password and the mail to the network.
    """

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls = "starttls"
    access: AccessTokens | None = field(default=None, repr=False)
    trust: ssl.SSLContext | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check what the types can't."""
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError(f"tls is 'none' for the mail server {self.host}; only a loopback address may do without")

    @cached_property
    def trusted(self) -> ssl.SSLContext:
        """Which certificates are believed. The system's take 20 ms of the processor to read, so they are read once."""
        return self.trust or ssl.create_default_context()


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine, without asking anybody."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def connection_trouble(error: BaseException) -> str:
    """Return why there was no connection, in words; the kind of `error` where there are none for it."""
    seen: BaseException | None = error
    while seen is not None:
        match seen:
            case socket.gaierror():
                return "its name can't be looked up"
            case ConnectionRefusedError():
                return "nothing listens there"
            case TimeoutError():
                return "it does not answer"
            case _:
                seen = seen.__cause__ or seen.__context__
    return type(error).__name__


def certificate_trouble(error: BaseException) -> str | None:
    """Return what is wrong with a certificate, if that is why `error` was raised; None for every other error."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return seen.verify_message or str(seen)
        seen = seen.__cause__ or seen.__context__
    return None
