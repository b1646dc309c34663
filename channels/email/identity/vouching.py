"""The fields of a mail that say something of its sender: whose word each is, and whether it may be believed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from channels.email.format.headers import Headers
from channels.email.format.shown import clean
from channels.email.identity import hops
from channels.email.identity.hops import Hop
from channels.email.identity.verdict import RESULTS, Found, Verdict, read_verdict

Place = Literal["above", "beside", "below"]
"""The place of a field: above the Received with which our own provider took the mail in, just below it, or deeper."""

RESULTS_TOLD = 20
"""Most results of one field that are told."""

_NAMES = {
    RESULTS.lower(): RESULTS,
    "arc-authentication-results": "ARC-Authentication-Results",
    "x-ms-exchange-organization-authas": "X-MS-Exchange-Organization-AuthAs",
}
_AUTH_SOURCE = "x-ms-exchange-organization-authsource"
# Method -> the property that says of whom it speaks.
_TOLD = {"dmarc": "header.from", "spf": "smtp.mailfrom", "dkim": "header.d", "auth": "smtp.auth"}
# Of ARC (RFC 8617, 4.1.1): which set a field belongs to, before what is otherwise the same.
_INSTANCE = re.compile(r"\s*i\s*=\s*\d+\s*;")


@dataclass(frozen=True)
class Word:
    """One field that says something of the sender: whose word it is, where it stands, and `why_not` to pin it."""

    header: str
    server: str
    place: Place
    says: tuple[str, ...]
    why_not: str = ""

    @property
    def is_verdict(self) -> bool:
        """True if a server says in the field, under its own name, what is believed when it is pinned."""
        return self.header == RESULTS and self.server != ""


def words(headers: Headers, path: Sequence[Hop], ours: Sequence[Hop]) -> Iterator[Word]:
    """Every such field, topmost first. `ours` is the beginning of `path` that our own provider wrote."""
    door = ours[-1] if ours else None
    beyond = path[len(ours)].at if len(path) > len(ours) else len(headers.fields)
    for at, (name, value) in enumerate(headers.fields):
        if name not in _NAMES:
            continue
        place: Place = "below"
        if door and at < beyond:
            place = "above" if at < door.at else "beside"
        yield _auth_as(value, headers, place) if name.endswith("authas") else _verdict(name, value, place, door)


def _auth_as(value: str, headers: Headers, place: Place) -> Word:
    source = clean(headers.first(_AUTH_SOURCE)).lower()
    why_not = "it counts from Microsoft 365 alone, by the way m365"
    return Word(_NAMES["x-ms-exchange-organization-authas"], source, place, (f"AuthAs {clean(value)}",), why_not)


def _verdict(name: str, value: str, place: Place, door: Hop | None) -> Word:
    header = _NAMES[name]
    verdict = read_verdict(value if header == RESULTS else _INSTANCE.sub("", value, count=1))
    if verdict is None:
        return Word(header, "", place, (), "it can't be read")
    return Word(header, clean(verdict.server), place, _says(verdict), _why_not(header, verdict.server, place, door))


def _says(verdict: Verdict) -> tuple[str, ...]:
    return tuple(clean(_said(found)) for found in verdict.found if found.method in _TOLD)[:RESULTS_TOLD]


def _said(found: Found) -> str:
    about = _TOLD[found.method]
    value = found.one(about)
    return f"{found.method}={found.result}" + (f" {about}={value}" if value else "")


def _why_not(header: str, server: str, place: Place, door: Hop | None) -> str:
    if header != RESULTS:
        return "it tells what servers on the way saw, and is not used here"
    if not server:
        return "it names no server; that counts from Microsoft 365 alone, by the way m365"
    if door is None:
        return "no server says that it received this mail"
    if place == "below":
        return "it stands below what your own provider wrote: whoever sent the mail may have written it"
    if place == "beside" and not hops.are_one(server, door.by):
        where = clean(door.by) or "your own provider"
        return f"it stands below the Received of {where} under another name: whoever sent the mail may have written it"
    return ""
