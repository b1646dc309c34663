"""Mask the secrets of an installation in whatever is printed, logged or kept. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import cast

from pydantic import SecretStr
from structlog.typing import EventDict, WrappedLogger

from agents.text import strip_invisible
from bot.config.redis_url import passwords_in
from bot.config.settings import SECRETS, Settings

REDACTED = "[redacted]"
_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|api_?key|private_?key|authorization|cookie|credential", re.IGNORECASE
)
# Possessive, as what a program printed is searched as well: a long run of colons costs no more than its length.
_URL_PASSWORD = re.compile(r"(?<=://)[^/@\s:]*+:[^/@\s]++(?=@)")
# What tells a terminal something (ECMA-48, 5.3 to 5.6): a colour, a title. Without its end it is only its first two
# characters, as all that follows would vanish with it.
_TERMINAL_CODE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]|\x1b[\]PX^_][^\x07\x1b\x9c\n]*+(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*+[0-~]"
)
# A shorter secret is part of innocent words: only a value that is all of it is masked.
_SHORTEST_PART = 6


def secrets_in(settings: Settings) -> tuple[str, ...]:
    """Return the values that nobody may read: keys, tokens, and the password of the Redis address."""
    values = [getattr(settings, name) for name in SECRETS]
    secrets = (value.get_secret_value() for value in values if isinstance(value, SecretStr))
    return (*secrets, *passwords_in(settings.redis_url or ""))


class Redactor:
    """Masks what stands under a secret-looking key, the given secrets wherever they are, and passwords in URLs."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {secret for secret in secrets if secret}
        # Some secrets hold what nobody sees (the end of a line, as another system writes it), and what is printed not.
        known |= {seen for secret in known if (seen := _seen(secret).strip())}
        self._secrets = sorted(known, key=len, reverse=True)

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

    def printed(self, text: str) -> str:
        """What a program printed, masked, and without the colours and invisible characters that can split a secret.

        Of a part of a text a secret at its edge would remain: cut afterwards.
        """
        return self.text(_seen(text))

    def text(self, text: str) -> str:
        """`text` with the secrets and the passwords in addresses masked."""
        if text in self._secrets:
            return REDACTED
        for secret in self._secrets:
            if len(secret) >= _SHORTEST_PART:
                text = text.replace(secret, REDACTED)
        return _URL_PASSWORD.sub(REDACTED, text)


def _seen(text: str) -> str:
    return strip_invisible(_TERMINAL_CODE.sub("", text))
