"""Carry a reply token: out in a mail of ours, and back in whatever answers it.

    plus       Reply-To: agent+TOKEN@sayso.example      where the provider delivers plus-addresses
    reference  one line of the body                     where it does not

A token names a question and proves nothing: who wrote the mail is found out elsewhere, and whether it is about the
card as well (`binding`). It counts from a plain address in To or Cc alone: what stands in other headers, in display
names or in comments was not put there by whoever answered.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache

from channels import ChannelRefused
from channels.email.format import addresses
from channels.email.format.body import read_body
from channels.email.format.headers import HEADER_BYTES, Headers, Unreadable, read_headers
from channels.email.format.message_ids import MARK, ours
from channels.email.reply import marks, markup
from channels.email.ways import Way

TokenOf = Callable[[bytes, str], str | None]
"""From a whole mail and our own address: the token it brings back. Raises Unreadable when it brings several."""

SEVERAL = "it answers several questions at once; answer each one in a mail of its own"


def reply_address(way: Way, own: str, token: str) -> str:
    """Return where an answer to the card with `token` goes. Raises ChannelRefused for a token that does not fit."""
    match way:
        case "plus":
            address = addresses.with_tag(own, token)
        case "reference":
            address = own
    if not re.fullmatch(MARK, token) or not addresses.is_address(address):
        raise ChannelRefused(
            what="a reply token does not fit into a mail address",
            do="Use at most 64 characters for it and the name together, of a-z, 0-9, dot, underscore and hyphen",
        )
    return address


def returning(way: Way) -> TokenOf:
    """Return the function that reads the token back from mails that servers of one's own have received."""
    return {"plus": _addressed_plus, "reference": _referred}[way]


def hint(way: Way, own: str) -> Callable[[bytes], bool]:
    """A cheap guess, from the headers alone, whether a mail brings a token back."""
    local, _, domain = own.lower().encode().partition(b"@")
    starts = {
        "plus": re.escape(local) + rb"\+[a-z0-9]",
        "reference": rb"<card\.[a-f0-9]",
    }
    pattern = re.compile(starts[way] + rb"[a-z0-9._-]{0,120}@" + re.escape(domain), re.IGNORECASE)

    def is_likely(raw: bytes) -> bool:
        end = re.search(rb"\r?\n\r?\n", raw[:HEADER_BYTES])
        return pattern.search(raw, 0, end.start() if end else HEADER_BYTES) is not None

    return is_likely


def recipients_of(headers: Headers) -> frozenset[str]:
    """Every address that To and Cc name plainly, in lower case; what is not plain is left out."""
    fields = (*headers.all("to"), *headers.all("cc"))
    return frozenset(address for field in fields for address in addresses.recipients(field))


def masked(text: str, own: str) -> str:
    """`text` without reply tokens and ids of cards: whoever may read what somebody wrote need not learn how to answer
    for them.
    """
    local, _, domain = own.partition("@")
    tagged = rf"(?<![\w.+-])({re.escape(local)})\+{MARK}(@{re.escape(domain)})(?![\w-])"
    text = re.sub(tagged, r"\1\2", text, flags=re.IGNORECASE)
    return without_tokens(re.sub(ours("card|note", own), "…", text, flags=re.IGNORECASE))


def without_tokens(text: str) -> str:
    """`text` without what has the form of our tokens and receipts, whatever address they stand in."""
    return re.sub(r"(?<![\w.-])\+?[a-z0-9]{2,4}-[a-z2-7]{13}-[a-z2-7]{28}(?![\w-])", "…", text, flags=re.IGNORECASE)


def _addressed_plus(raw: bytes, own: str) -> str | None:
    found = map(addresses.split_tag, recipients_of(read_headers(raw)))
    return _one(tag for name, tag in found if name == own.lower() and tag is not None and re.fullmatch(MARK, tag))


def _referred(raw: bytes, _own: str) -> str | None:
    """The token that the body brings back, where it quotes the card."""
    return _one(found[1].lower() for found in map(_code_line().search, _texts(raw)) if found)


@cache
def _code_line() -> re.Pattern[str]:
    labels = "|".join(map(re.escape, marks.code_labels()))
    return re.compile(rf"^[> \t]*(?:[*_]{{1,2}})?(?:{labels})\s{{1,8}}({MARK})\b", re.IGNORECASE | re.MULTILINE)


def _texts(raw: bytes) -> tuple[str, ...]:
    """The texts that may quote the card, as a person sees them; whether they can be trusted is for others to tell.

    Of HTML no more than `markup` reads, so that this is no slower than reading the answer itself.
    """
    try:
        body = read_body(raw, adds=lambda _: False)
    except Unreadable:
        return ()
    return (body.plain or "", markup.as_text(body.html).text if body.html else "") if not body.unsure else ()


def _one(tokens: Iterable[str]) -> str | None:
    found = set(tokens)
    if len(found) > 1:
        raise Unreadable(SEVERAL)
    return next(iter(found), None)
