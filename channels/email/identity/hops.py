"""The path a mail took, as its Received fields tell it (RFC 5321, 4.4): which servers are ours, and where it came in.

Only the fields that our own provider wrote can be believed. They are the topmost ones, down to the one that took the
mail from outside: whatever stands below that, anybody may have written.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from channels.email.format.headers import Headers

RECEIVED_CHARS = 2000
"""Characters of one Received field that are looked at; real ones have a few hundred."""

_FROM = re.compile(r"\s*from\s+([^\s;()]+)\s*(?:\(([^()]*)\))?", re.IGNORECASE)
_GREETING = re.compile(r"\A\s*from\s+\S+", re.IGNORECASE)
_BY = re.compile(r"(?:^|\s)by\s+([^\s;()]+)", re.IGNORECASE)
_WITH = re.compile(r"\swith\s+([A-Za-z0-9]+)", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w.:])")

# Exchange Online's servers have three domains, and mail goes back and forth between them.
_ALSO = {"office365.com": "outlook.com", "exchangelabs.com": "outlook.com"}
# Protocols of servers among themselves: delivery into a mailbox (RFC 2033), and Exchange's inner ones.
_INNER = ("lmtp", "lmtpa", "lmtps", "lmtpsa", "http", "https", "mapi")
# A log-in (RFC 3848): here a person's program handed the mail in.
_LOGGED_IN = ("esmtpa", "esmtpsa", "utf8smtpa", "utf8smtpsa")

# Not `is_private`, which holds the addresses of examples as well.
_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1/128", "fc00::/7", "fe80::/10"),
    )
)


@dataclass(frozen=True)
class Hop:
    """One Received field: host names in lower case, empty where it names none; `at` is its place among all fields.

    `peer` is the name under which the server `by` found whoever `sent` it, where it says so.
    """

    at: int
    by: str
    sent: str
    peer: str
    protocol: str
    addresses: tuple[str, ...]

    @property
    def sender(self) -> str:
        """The host that gave the mail, by the better of its two names."""
        return self.peer or self.sent

    def __str__(self) -> str:
        """As people read it."""
        parts = (self.sender and f"from {self.sender}", self.by and f"by {self.by}")
        return " ".join(part for part in parts if part) or "unclear"


def hops(headers: Headers) -> tuple[Hop, ...]:
    """Every Received field, topmost first: the last server that had the mail comes first."""
    return tuple(_hop(at, value) for at, (name, value) in enumerate(headers.fields) if name == "received")


def ours(path: Sequence[Hop], gateway: str = "") -> tuple[Hop, ...]:
    """The hops that our own provider wrote; the last of them took the mail from outside. Empty when there are none.

    `gateway` names servers that are ours as well, by the end of their host names.
    """
    found = list[Hop]()
    for hop in path:
        found.append(hop)
        if not _is_inner(hop, gateway):
            break
    return tuple(found)


def organisation(host: str) -> str:
    """Return what hosts of one owner share: `corp.example`, or `corp.co.uk`; empty for addresses and bare names.

    A guess without the list of public suffixes. Where it errs, two hosts of one owner count as strangers.
    """
    labels = host.lower().strip(".").split(".")
    if len(labels) < 2 or labels[-1].isdigit() or ":" in host:
        return ""
    is_country = len(labels[-1]) == 2 and len(labels[-2]) <= 3
    found = ".".join(labels[-3:]) if is_country else ".".join(labels[-2:])
    return _ALSO.get(found, found)


def are_one(host: str, other: str) -> bool:
    """Return whether both hosts are one owner's, as far as their names tell."""
    return host == other or (organisation(host) != "" and organisation(host) == organisation(other))


def is_within(host: str, domain: str) -> bool:
    """Return whether `host` is `domain` or one of its hosts."""
    wanted = domain.lower().strip(".")
    return bool(wanted) and (host == wanted or host.endswith(f".{wanted}"))


def _hop(at: int, value: str) -> Hop:
    short = value[:RECEIVED_CHARS]
    # What the sender called itself may be `by`, or `with`.
    rest = _GREETING.sub("", _without_comments(short), count=1)
    sender, receiver, protocol = _FROM.match(short), _BY.search(rest), _WITH.search(rest)
    comment = (sender[2] or "") if sender else ""
    first = "".join(comment.partition("[")[0].split()[:1])
    peer = "" if _addresses(first) or "=" in first else first
    return Hop(
        at=at,
        by=_name(receiver[1] if receiver else ""),
        sent=_name(sender[1] if sender else ""),
        peer=_name(peer),
        protocol=protocol[1].lower() if protocol else "",
        addresses=_addresses(f"{sender[1]} {comment}" if sender else ""),
    )


def _without_comments(field: str) -> str:
    """`field` without what stands in brackets, which may nest; one that does not end holds nothing to leave out."""
    pieces, opened = [""], list[int]()
    for piece in re.findall(r"[()]|[^()]+", field):
        if piece == ")" and opened:
            del pieces[opened.pop() :]
            pieces.append(" ")
            continue
        if piece == "(":
            opened.append(len(pieces))
        pieces.append(piece)
    return "".join(pieces)


def _name(host: str) -> str:
    return host.lower().strip("[].")


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(found for each in _ADDRESS.findall(text) if (found := _address(each)))


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def _is_inner(hop: Hop, gateway: str) -> bool:
    """Return whether a server of ours gave the mail to another one."""
    if hop.protocol in _LOGGED_IN:
        return False
    if not hop.sent or hop.protocol in _INNER or is_within(hop.sender, gateway):
        return True
    if organisation(hop.sender) and are_one(hop.sender, hop.by):
        return True
    return bool(hop.addresses) and all(_is_private(each) for each in hop.addresses)


def _is_private(address: str) -> bool:
    found = ipaddress.ip_address(address)
    return any(found in network for network in _PRIVATE)
