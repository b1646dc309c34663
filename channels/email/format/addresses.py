"""Strict reading of mail addresses: what a lenient reader guesses at, this one refuses."""

import re

ADDRESS_CHARS = 254
"""Longest address that fits a path of 256 octets with its angle brackets (RFC 5321, 4.5.3.1.3)."""

LOCAL_CHARS = 64
"""Longest part before the @ (RFC 5321, 4.5.3.1.1)."""

AUTHOR_CHARS = 1000
"""Longest From field that is looked at; real ones stay far below, and it bounds the time of the patterns."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_ADDRESS = rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*"
_QUOTED = r'"(?:[^"\\\x00-\x1f]|\\[ -~])*"'
# An unquoted display name holds none of the characters that could start or end an address (RFC 5322, 3.2.3).
# A quote that does not end holds all the rest.
_ENTRY = re.compile(r'"(?:[^"\\]|\\.?)*+"?+|,|[^",]+', re.DOTALL)
_AUTHOR = re.compile(rf"(?:(?:{_QUOTED}|[^\"<>@,;:()\[\]\\\x00-\x1f])*<(?P<angled>{_ADDRESS})>|(?P<bare>{_ADDRESS}))")


def is_address(text: str) -> bool:
    """Return whether `text` is one plain `local@domain`: ASCII, no quotes, no comments, no source route."""
    local = text.partition("@")[0]
    return len(text) <= ADDRESS_CHARS and len(local) <= LOCAL_CHARS and re.fullmatch(_ADDRESS, text) is not None


def author(field: str) -> str | None:
    """The one address in a From field, in lower case; None when a second reader could see another one.

    Refuses two mailboxes, groups, comments, routes, unquoted addresses as display names, and half-open brackets.
    """
    match = _AUTHOR.fullmatch(field.strip(" \t")) if len(field) <= AUTHOR_CHARS else None
    found = (match["angled"] or match["bare"]) if match else ""
    return found.lower() if is_address(found) else None


def recipients(field: str) -> tuple[str, ...]:
    """The plain addresses in a To or Cc field, in lower case; an entry that is not plain is left out."""
    entries, entry = list[str](), list[str]()
    for piece in _ENTRY.findall(field):
        if piece == ",":
            entries.append("".join(entry))
            entry = []
        else:
            entry.append(piece)
    return tuple(found for each in (*entries, "".join(entry)) if (found := author(each)) is not None)


def split_tag(address: str) -> tuple[str, str | None]:
    """`agent+k7@sayso.example` as (`agent@sayso.example`, `k7`), in lower case; no tag, or an empty one, is None."""
    local, _, domain = address.lower().rpartition("@")
    name, _, tag = local.partition("+")
    return f"{name}@{domain}", tag or None


def with_tag(address: str, tag: str) -> str:
    """`agent@sayso.example` with `k7` as `agent+k7@sayso.example`."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{tag}@{domain}"
