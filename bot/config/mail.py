"""Settings of one's own mail servers: where mail comes in and goes out, who it is, and what contradicts itself."""

import re
from collections.abc import Iterator
from typing import Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from bot.config.tables import MailAddress
from channels.email.servers.endpoint import Tls, is_loopback
from channels.email.ways import Identity as Proven
from channels.email.ways import Way

Identity = Literal[Proven, "none"]

LONGEST_LOCAL_PART = 16
"""RFC 5321, 4.5.3.1.1: 64 characters before the @, of which a plus and a reply token take 48."""

SMTP_PORTS: dict[Tls, int] = {"implicit": 465, "starttls": 587, "none": 25}
IMAP_PORTS: dict[Tls, int] = {"implicit": 993, "starttls": 143, "none": 143}

_TLS = "Encryption. `none` works on loopback only."
_PORT = Field(default=None, ge=1, le=65535, description="The port. Unset: the usual one of its TLS.")

Contradiction = tuple[str, str]
"""The setting that is wrong, and why."""


class MailSettings(BaseSettings):
    """Everything that can be set about mail. Without hosts there is the local mail of `sayso dev`."""

    mail_address: MailAddress | None = Field(default=None, description="The address that people write to.")
    mail_identity: Identity | None = Field(
        default=None, description="How a mail proves its sender. Required with mail servers."
    )
    mail_authserv_id: str | None = Field(default=None, description="The server whose Authentication-Results count.")
    mail_reply: Way = Field(default="plus", description="Where a reply token travels.")
    smtp_host: str | None = Field(
        default=None, description="The server that sends mail. Unset: the local mail of `sayso dev`."
    )
    smtp_port: int | None = _PORT
    smtp_tls: Tls = Field(default="starttls", description=_TLS)
    smtp_user: str | None = Field(default=None, description="The user for SMTP. Unset: no log-in.")
    smtp_password: SecretStr | None = Field(
        default=None, description="The password for SMTP, or set SAYSO_MAIL_OAUTH_*."
    )
    imap_host: str | None = Field(default=None, description="The server of the mailbox. Unset: no mail.")
    mail_local: bool = Field(
        default=False, description="Keeps mail in a folder of the data directory, to try things out."
    )
    imap_port: int | None = _PORT
    imap_tls: Tls = Field(default="implicit", description=_TLS)
    imap_user: str | None = Field(default=None, description="The user of the mailbox.")
    imap_password: SecretStr | None = Field(
        default=None, description="The password for IMAP, or set SAYSO_MAIL_OAUTH_*."
    )
    mail_oauth_token_url: str | None = Field(default=None, description="The address that issues access tokens.")
    mail_oauth_client_id: str | None = Field(default=None, description="The application that asks for them.")
    mail_oauth_client_secret: SecretStr | None = Field(default=None, description="Its secret, if it has one.")
    mail_oauth_refresh_token: SecretStr | None = Field(default=None, description="The refresh token for them.")
    mail_oauth_scope: str | None = Field(default=None, description="The scope, if the server wants one.")

    @field_validator("mail_oauth_token_url")
    @classmethod
    def _is_safe(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
            return url
        raise ValueError('an address that begins with "https://"; "http://" only on this machine')

    @field_validator("smtp_host", "imap_host")
    @classmethod
    def _is_a_host(cls, host: str | None) -> str | None:
        if host is not None and not re.fullmatch(r"[A-Za-z0-9._:-]{1,253}", host):
            raise ValueError('the name of a server, such as "mail.corp.example", without a port')
        return host

    @property
    def has_oauth(self) -> bool:
        """True if log-ins without a password of their own have access tokens."""
        return self.mail_oauth_token_url is not None

    @property
    def has_servers(self) -> bool:
        """True if mail goes over servers of one's own."""
        return self.smtp_host is not None and self.imap_host is not None

    def stays_local(self, redis_url: str | None) -> bool:
        """Return whether mail goes to a folder only: beside `sayso dev`, whose Redis is its own, or where set."""
        return not self.has_servers and (redis_url is None or self.mail_local)

    @property
    def mailbox_name(self) -> str:
        """The name of the mailbox among processes."""
        return f"{self.imap_user}@{self.imap_host}"


def contradictions(mail: MailSettings) -> Iterator[Contradiction]:
    """Yield the contradictions between settings that are each well formed; connects to nothing."""
    yield from _incomplete(mail)
    yield from _server(mail, "smtp", mail.smtp_tls, mail.smtp_password)
    yield from _server(mail, "imap", mail.imap_tls, mail.imap_password)
    yield from _oauth(mail)
    if mail.has_servers:
        yield from _address(mail)
        yield from _identity(mail)


def _incomplete(mail: MailSettings) -> Iterator[Contradiction]:
    """Replies must come in where cards go out."""
    hosts = {"smtp_host": mail.smtp_host, "imap_host": mail.imap_host}
    for name, other in (("smtp_host", "imap_host"), ("imap_host", "smtp_host")):
        if hosts[name] and not hosts[other]:
            yield name, f"found {_quoted(hosts[name])} without {_variable(other)}; allowed: both, or neither"
    if not any(hosts.values()):
        for name in ("mail_identity", "mail_authserv_id"):
            if getattr(mail, name):
                yield name, f"found {_quoted(getattr(mail, name))} without SAYSO_IMAP_HOST; allowed: only with servers"


def _server(mail: MailSettings, kind: str, tls: Tls, password: SecretStr | None) -> Iterator[Contradiction]:
    host, user = getattr(mail, f"{kind}_host"), getattr(mail, f"{kind}_user")
    if host is None:
        for name in ("port", "tls", "user", "password"):
            if f"{kind}_{name}" in mail.model_fields_set and getattr(mail, f"{kind}_{name}") is not None:
                yield f"{kind}_{name}", f"is set without {_variable(f'{kind}_host')}; allowed: only with it"
        return
    if tls == "none" and not is_loopback(host):
        allowed = ", ".join(f'"{each}"' for each in get_args(Tls)[:-1])
        yield f"{kind}_tls", f'found "none" for {host}; allowed: {allowed}, or "none" for this machine itself'
    if password and not user:
        yield f"{kind}_password", f"is set without {_variable(f'{kind}_user')}; allowed: only with it"
    if user and not password and not mail.has_oauth:
        how = f"{_variable(f'{kind}_password')}, or SAYSO_MAIL_OAUTH_TOKEN_URL and what belongs to it"
        yield f"{kind}_user", f"found {_quoted(user)} without a password; allowed: with {how}"
    if kind == "imap" and not user:
        yield "imap_host", f"found {_quoted(host)} without SAYSO_IMAP_USER; allowed: with the log-in of its mailbox"


def _oauth(mail: MailSettings) -> Iterator[Contradiction]:
    needed = ("mail_oauth_token_url", "mail_oauth_client_id", "mail_oauth_refresh_token")
    given = [name for name in type(mail).model_fields if name.startswith("mail_oauth_") and getattr(mail, name)]
    if not given:
        return
    if missing := [_variable(name) for name in needed if name not in given]:
        yield given[0], f"is set without {' and '.join(missing)}; allowed: all of them, or none"
    elif all(not getattr(mail, f"{kind}_user") or getattr(mail, f"{kind}_password") for kind in ("smtp", "imap")):
        yield (
            given[0],
            "is set, and no log-in uses it; allowed: with a SAYSO_IMAP_USER or SAYSO_SMTP_USER without password",
        )


def _address(mail: MailSettings) -> Iterator[Contradiction]:
    if mail.mail_address is None:
        yield "imap_host", "is set without SAYSO_MAIL_ADDRESS; allowed: with the address of that mailbox"
        return
    local, found = mail.mail_address.partition("@")[0], _quoted(mail.mail_address)
    if mail.mail_reply == "plus" and (len(local) > LONGEST_LOCAL_PART or "+" in local):
        most = f"at most {LONGEST_LOCAL_PART} characters before the @, and no plus among them"
        yield "mail_address", f"found {found}, which leaves no room for reply tokens; allowed: {most}"


def _identity(mail: MailSettings) -> Iterator[Contradiction]:
    proves, named = mail.mail_identity not in (None, "none"), mail.mail_authserv_id
    if proves and not named:
        allowed = "allowed: with the name of the server whose word counts"
        yield "mail_identity", f"found {_quoted(mail.mail_identity)} without SAYSO_MAIL_AUTHSERV_ID; {allowed}"
    if named and not proves:
        allowed = 'allowed: with "dmarc", "m365" or "submission"'
        yield "mail_authserv_id", f"found {_quoted(named)} without SAYSO_MAIL_IDENTITY; {allowed}"


def _quoted(text: object) -> str:
    return f'"{text}"'


def _variable(name: str) -> str:
    return f"SAYSO_{name.upper()}"
