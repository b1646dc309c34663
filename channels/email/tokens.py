"""How a reply token travels: out in a mail of ours, and back in whatever answers it.

    plus       Reply-To: agent+TOKEN@sayso.example      where the provider delivers plus-addresses
    catchall   Reply-To: TOKEN@replies.example          where a whole domain is ours
    reference  Message-ID: <card.TOKEN.…@sayso.example> and one line of the body, where neither is to be had

A token names a question and proves nothing: who wrote the mail is found out elsewhere, and must be whom it was asked.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from channels import ChannelRefused
from channels.email.format import addresses
from channels.email.format.body import read_body
from channels.email.format.headers import HEADER_BYTES, Headers, Unreadable, read_headers
from channels.email.format.message_ids import MARK, marked
from channels.email.text import markup

Way = Literal["plus", "catchall", "reference"]

TokenOf = Callable[[bytes, str], str | None]
"""From a whole mail and our own address: the token it brings back. Raises Unreadable when it brings several."""

CODE = "Answer code:"
"""Begins the line of the body that brings a token back where mail programs lose the Message-ID."""

SEVERAL = "it answers several questions at once; answer each one in a mail of its own"

# Where servers write down to whom they delivered a copy: Postfix, Dovecot, Exim, qmail, Fastmail, Gmail's routing.
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "x-forwarded-to")
_NAMED = ("to", "cc")
_CODE_LINE = re.compile(rf"^[> \t]*(?:[*_]{{1,2}})?{CODE}\s{{1,8}}({MARK})\b", re.IGNORECASE | re.MULTILINE)


def reply_address(way: Way, own: str, token: str) -> str:
    """Where an answer to the card with `token` goes. Raises ChannelRefused for a token that does not fit there."""
    match way:
        case "plus":
            address = addresses.with_tag(own, token)
        case "catchall":
            address = f"{token}@{own.rpartition('@')[2]}"
        case "reference":
            address = own
    if not re.fullmatch(MARK, token) or not addresses.is_address(address):
        raise ChannelRefused(
            what="a reply token does not fit into a mail address",
            do="Use at most 64 characters for it and the name together, of a-z, 0-9, dot, underscore and hyphen",
        )
    return address


def returning(way: Way) -> TokenOf:
    """What reads the token back from mails that servers of one's own have received."""
    return {"plus": _addressed_plus, "catchall": _addressed_catchall, "reference": _referred}[way]


def hint(way: Way, own: str) -> Callable[[bytes], bool]:
    """A cheap guess, from the headers alone, whether a mail brings a token back."""
    local, _, domain = own.lower().encode().partition(b"@")
    starts = {
        "plus": re.escape(local) + rb"\+[a-z0-9]",
        "catchall": rb"[\s<,:](?!" + re.escape(local) + rb"@)[a-z0-9._-]{20,64}",
        "reference": rb"<card\.[a-z0-9]",
    }
    pattern = re.compile(starts[way] + rb"[a-z0-9._-]{0,120}@" + re.escape(domain), re.IGNORECASE)

    def is_likely(raw: bytes) -> bool:
        end = re.search(rb"\r?\n\r?\n", raw[:HEADER_BYTES])
        return pattern.search(raw, 0, end.start() if end else HEADER_BYTES) is not None

    return is_likely


def _addressed_plus(raw: bytes, own: str) -> str | None:
    local, _, domain = own.partition("@")
    return _one(_in_addresses(read_headers(raw), rf"{re.escape(local)}\+({MARK})", domain))


def _addressed_catchall(raw: bytes, own: str) -> str | None:
    local, _, domain = own.lower().partition("@")
    return _one(found for found in _in_addresses(read_headers(raw), rf"({MARK})", domain) if found != local)


def _in_addresses(headers: Headers, local: str, domain: str) -> Iterator[str]:
    """Every token in the addresses a copy was delivered to, and in those the mail names as its recipients."""
    pattern = re.compile(rf"(?<![\w.+-]){local}@{re.escape(domain)}(?![\w.-])", re.IGNORECASE)
    for name in (*_DELIVERED, *_NAMED):
        for value in headers.all(name):
            yield from (token.lower() for token in pattern.findall(value))


def _referred(raw: bytes, own: str) -> str | None:
    """The token of the mail that is answered: as its headers say, and as the body says where it quotes the card."""
    headers = read_headers(raw)
    pattern = re.compile(marked("card", own), re.IGNORECASE)
    answered = [token for value in headers.all("in-reply-to") for token in pattern.findall(value)]
    # A mail program that replaced our Message-ID leaves those of earlier cards in References: only the body knows then.
    earlier = [token for value in headers.all("references") for token in pattern.findall(value)]
    said = [found[1] for found in map(_CODE_LINE.search, _texts(raw)) if found]
    if answered or said:
        return _one(token.lower() for token in (*answered, *said))
    return earlier[-1].lower() if earlier and not headers.all("in-reply-to") else None


def _texts(raw: bytes) -> tuple[str, ...]:
    """The texts that may quote the card, as a person sees them; whether they can be trusted is for others to tell.

    Of HTML no more than `markup` reads, so that this is no slower than reading the answer itself.
    """
    try:
        body = read_body(raw)
    except Unreadable:
        return ()
    return (body.plain or "", markup.as_text(body.html).text if body.html else "") if not body.unsure else ()


def _one(tokens: Iterable[str]) -> str | None:
    found = set(tokens)
    if len(found) > 1:
        raise Unreadable(SEVERAL)
    return next(iter(found), None)
