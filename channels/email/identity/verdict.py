"""Authentication-Results fields (RFC 8601), read strictly: what a mail server found out about who sent a mail."""

import re
from dataclasses import dataclass

from channels.email.format.headers import without_comments

RESULTS = "Authentication-Results"

RESULTS_CHARS = 8000
"""Longest field that is read; real ones have a few hundred characters."""

_RESULT = re.compile(r"([A-Za-z0-9-]+)\s*(?:/\s*\d+\s*)?=\s*([A-Za-z0-9-]+)\s*(.*)", re.DOTALL)
# An address may hold `=` (RFC 5322, 3.2.3), as those do that a server tagged: `prvs=0123=bo@corp.example`.
_PROPERTY = re.compile(
    r"([A-Za-z0-9._-]+)\s*=\s*([^\s=\"]+(?![^\s])|[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+(?![^\s])|\"[^\"\\]*\")\s*"
)
_ID = re.compile(r"([^\s;=\"]+)(?:\s+1)?")


@dataclass(frozen=True)
class Found:
    """One method's result, in lower case, with its properties such as `header.from`."""

    method: str
    result: str
    properties: tuple[tuple[str, str], ...]

    def one(self, name: str) -> str | None:
        """The value of the property `name`; None when there is not exactly one."""
        values = [value for key, value in self.properties if key == name]
        return values[0] if len(values) == 1 else None


@dataclass(frozen=True)
class Verdict:
    """One server's verdict. `server` is its authserv-id in lower case, empty where the field has none."""

    server: str
    found: tuple[Found, ...]

    def one(self, method: str) -> Found | None:
        """The result of `method`; None when there is not exactly one."""
        values = [each for each in self.found if each.method == method]
        return values[0] if len(values) == 1 else None


def read_verdict(field: str) -> Verdict | None:
    """Read a verdict from the field; None when any of it could be read in another way."""
    if len(field) > RESULTS_CHARS or "\0" in field:
        return None
    plain = without_comments(field)
    if plain is None:
        return None
    first, *rest = _split(plain)
    server = ""
    if _RESULT.fullmatch(first):
        rest = [first, *rest]
    else:
        name = _ID.fullmatch(first)
        if name is None:
            return None
        server = name[1].lower()
    found = [_found(each) for each in rest if each and each.lower() != "none"]
    return None if None in found else Verdict(server, tuple(each for each in found if each is not None))


def _split(plain: str) -> list[str]:
    """The pieces between semicolons that are not inside quotes."""
    pieces, piece = list[str](), list[str]()
    for part in re.findall(r'"(?:[^"\\]|\\.?)*+"?+|;|[^";]+', plain, re.DOTALL):
        if part == ";":
            pieces.append("".join(piece).strip())
            piece = []
        else:
            piece.append(part)
    return [*pieces, "".join(piece).strip()]


def _found(text: str) -> Found | None:
    match = _RESULT.fullmatch(text)
    if match is None:
        return None
    rest, properties = match[3], list[tuple[str, str]]()
    while each := _PROPERTY.match(rest):
        properties.append((each[1].lower(), each[2].strip('"').lower()))
        rest = rest[each.end() :]
    return None if rest.strip() else Found(match[1].lower(), match[2].lower(), tuple(properties))
