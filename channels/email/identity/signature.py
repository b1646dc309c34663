"""DKIM-Signature fields (RFC 6376), read strictly, and what a DMARC result that rests on one of them leaves open."""

import re
from dataclasses import dataclass

from channels.email.format.headers import Headers
from channels.email.identity.hops import is_within
from channels.email.identity.verdict import Found, Verdict

SIGNATURE_CHARS = 8000
"""Longest field that is read; real ones have a few hundred characters."""

NEEDED = ("from", "date", "subject")
"""Fields that a signature must cover for a mail proven by it alone to approve: whose word it is, when, about what."""

WISH_NEEDED = (*NEEDED, "to")
"""The same for what answers no card: nothing in it but To says that it was written to us."""

_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_VALUE = re.compile(r"[\t !-:<-~]*")
_HEADER = re.compile(r"[!-9;-~]+")
_DOMAIN = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+")
_REQUIRED = ("v", "a", "b", "bh", "d", "h", "s")
_BLANKS = re.compile(r"[\t ]+")


@dataclass(frozen=True)
class Signature:
    """One signature: who signed, with which key, and the names of the fields it covers, all in lower case."""

    domain: str
    selector: str
    value: str
    covers: frozenset[str]


def read_signature(field: str) -> Signature | None:
    """The signature in `field`; None when it is not exactly one list of tags (3.2) with what each needs (3.5)."""
    tags = read_tags(field)
    if tags is None or tags.get("v") != "1" or any(not tags.get(name) for name in _REQUIRED):
        return None
    covers = [name.strip("\t ").lower() for name in tags["h"].split(":")]
    if not all(map(_HEADER.fullmatch, covers)) or not _DOMAIN.fullmatch(tags["d"]):
        return None
    value = _BLANKS.sub("", tags["b"])
    return Signature(tags["d"].lower(), tags["s"].lower(), value.lower(), frozenset(covers))


def read_tags(field: str) -> dict[str, str] | None:
    """Tag -> value; None when one stands twice, or any piece is not a tag with a value."""
    if len(field) > SIGNATURE_CHARS:
        return None
    pieces = field.split(";")
    if len(pieces) > 1 and not pieces[-1].strip("\t "):
        pieces.pop()
    tags = dict[str, str]()
    for piece in pieces:
        name, is_tag, value = (part.strip("\t ") for part in piece.partition("="))
        if not is_tag or not _TAG.fullmatch(name) or not _VALUE.fullmatch(value) or name in tags:
            return None
        tags[name] = value
    return tags


def weakness(verdict: Verdict, headers: Headers, domain: str, needed: tuple[str, ...] = NEEDED) -> str:
    """Return why a mail with `dmarc=pass` for `domain` may not approve; empty where it may.

    DMARC passes by SPF or by DKIM. Anybody who has a signed mail can send it again, with another of each field that
    the signature leaves out; so where SPF is not certain to have passed, every signature that DMARC may have passed by
    must cover `needed`. A second one that covers more clears none: it may be a neighbour's.
    """
    if _is_by_spf(verdict, domain):
        return ""
    signed = [read_signature(value) for value in headers.all("dkim-signature")]
    passed = [each for each in _of(verdict, "dkim") if each.result == "pass" and _may_be_of(_signer(each), domain)]
    if passed:
        suspects = [[each for each in signed if each is None or _names(result, each)] for result in passed]
    else:
        suspects = [[each for each in signed if each is None or _may_be_of(each.domain, domain)]]
        if not suspects[0] and _may_be_by_spf(verdict, domain):
            return ""
    if not all(suspects):
        return "its sender is proven by a DKIM signature alone, and the mail holds no such signature"
    lacks = [name for name in needed if not all(_covers(each, name) for these in suspects for each in these)]
    if not lacks:
        return ""
    return (
        f"its sender is proven by a DKIM signature alone, which does not cover {' and '.join(map(str.title, lacks))}: "
        "it may be an older mail, changed and sent again"
    )


def _covers(signature: Signature | None, name: str) -> bool:
    """Return whether the signature is certain to cover the field `name`; one that can't be read covers nothing."""
    return signature is not None and name in signature.covers


def _is_by_spf(verdict: Verdict, domain: str) -> bool:
    """Return whether SPF is certain to have passed for `domain`, by its envelope sender."""
    # Whether a host of `domain` would do is for it to say (RFC 7489, 6.3), and no verdict repeats it.
    found = [each for each in _of(verdict, "spf") if _envelope(each)]
    return len(found) == 1 and found[0].result == "pass" and _envelope(found[0]) == domain


def _may_be_by_spf(verdict: Verdict, domain: str) -> bool:
    """Return whether nothing in `verdict` is against SPF: it says nothing of it, or not for which domain it passed."""
    return all(each.result == "pass" and _may_be_of(_envelope(each), domain) for each in _of(verdict, "spf"))


def _of(verdict: Verdict, method: str) -> list[Found]:
    return [each for each in verdict.found if each.method == method]


def _envelope(found: Found) -> str:
    return (found.one("smtp.mailfrom") or "").rpartition("@")[2].strip("<>.")


def _signer(found: Found) -> str:
    return found.one("header.d") or (found.one("header.i") or "").rpartition("@")[2]


def _may_be_of(host: str, domain: str) -> bool:
    """Return whether `host` may be aligned with `domain` (RFC 7489, 3.1) or is unknown. Generous: it adds suspects."""
    return not host or host.strip(".").split(".")[-2:] == domain.split(".")[-2:]


def _names(found: Found, signature: Signature) -> bool:
    """Return whether the result `found` may be about `signature`."""
    signer, selector, value = _signer(found), found.one("header.s"), found.one("header.b")
    if signer and not is_within(signer, signature.domain):
        return False
    return selector in (None, signature.selector) and (value is None or signature.value.startswith(value))
