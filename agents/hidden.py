"""Secrets out of what somebody answered who was sent them. Pure."""

import base64
from urllib.parse import unquote, urlsplit

from agents.text import one_line

# Less of a secret than this tells nobody anything, and is found in many a harmless word.
_PART_CHARS = 8
# No answer is searched beyond what is ever shown of it, with room for what is hidden.
_SEARCHED_CHARS = 10_000
_INSTEAD = "[key]"


def secrets_of(api_key: str, base_url: str | None) -> tuple[str, ...]:
    """What nobody may read who is not sent it: the key, and a name and password in the address, as they travel too."""
    try:
        parts = urlsplit(base_url or "")
    except ValueError:  # an address that can't be read may hold a password anywhere
        return (api_key, base_url or "")
    userinfo = parts.netloc.rpartition("@")[0]
    if not userinfo:
        return (api_key,)
    plain = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    basic = base64.b64encode(plain.encode()).decode()
    password = parts.password or ""
    return tuple(dict.fromkeys(filter(None, (api_key, userinfo, plain, basic, password, unquote(password)))))


def hidden(text: str, secrets: tuple[str, ...], chars: int) -> str:
    """`text` as one visible line of at most `chars` characters, without the secrets and their longer parts."""
    line = one_line(text, _SEARCHED_CHARS)  # a character that nobody sees must not split a secret
    spots = bytearray(len(line))
    for secret in secrets:
        size = min(len(secret), _PART_CHARS)
        for part in {secret[start : start + size] for start in range(len(secret) - size + 1)}:
            _mark(spots, line, part)
    kept = list[str]()
    for place, char in enumerate(line):
        if not spots[place]:
            kept.append(char)
        elif not place or not spots[place - 1]:
            kept.append(_INSTEAD)
    return one_line("".join(kept), chars)


def _mark(spots: bytearray, line: str, part: str) -> None:
    start = line.find(part)
    while start >= 0:
        spots[start : start + len(part)] = b"\x01" * len(part)
        start = line.find(part, start + 1)
