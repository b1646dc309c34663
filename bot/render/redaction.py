"""Mask the secrets of an installation in whatever is printed, logged or kept. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import cast
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr
from structlog.typing import EventDict, WrappedLogger

from bot.config.settings import SECRETS, Settings

REDACTED = "[redacted]"
_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|api_?key|private_?key|authorization|cookie|credential", re.IGNORECASE
)
# Possessive, as what a program printed is searched as well: a long run of colons costs no more than its length.
_URL_PASSWORD = re.compile(r"(?<=://)[^/@\s:]*+:[^/@\s]++(?=@)")
# A shorter secret is part of innocent words: only a value that is all of it is masked.
_SHORTEST_PART = 6


def secrets_in(settings: Settings) -> tuple[str, ...]:
    """Return the values that nobody may read: keys, tokens, and the password of the Redis address."""
    values = [getattr(settings, name) for name in SECRETS]
    secrets = (value.get_secret_value() for value in values if isinstance(value, SecretStr))
    return (*secrets, *_passwords_in(settings.redis_url or ""))


def _passwords_in(url: str) -> list[str]:
    """Passwords that an address holds, before the host or as an option."""
    parts = urlsplit(url)
    return [word for word in (parts.password, *parse_qs(parts.query).get("password", [])) if word]


class Redactor:
    """Masks what stands under a secret-looking key, the given secrets wherever they are, and passwords in URLs."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def __call__(self, logger: WrappedLogger, method_name: str, event_dict: EventDict) -> EventDict:
        """`event_dict` with everything masked; has the form of a structlog processor."""
        return {self.text(str(key)): self.masked(value, str(key)) for key, value in event_dict.items()}

    def masked(self, value: object, key: str = "") -> object:
        """`value` as plain data without secrets. Numbers stay: a count of tokens is no token."""
        match value:
            case None | bool() | int() | float():
                return value
            case _ if _SECRET_KEY.search(key):
                return REDACTED
            case str():
                return self.text(value)
            case Mapping():
                items = cast("Mapping[object, object]", value).items()
                return {self.text(str(name)): self.masked(inner, str(name)) for name, inner in items}
            case list() | tuple() | set() | frozenset():
                return [self.masked(inner) for inner in cast("Iterable[object]", value)]
            case _:
                return self.text(repr(value))

    def text(self, text: str) -> str:
        """`text` with the secrets and the passwords in addresses masked."""
        if text in self._secrets:
            return REDACTED
        for secret in self._secrets:
            if len(secret) >= _SHORTEST_PART:
                text = text.replace(secret, REDACTED)
        return _URL_PASSWORD.sub(REDACTED, text)
