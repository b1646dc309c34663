"""Identify who wrote a mail: one plain From, a person in the directory, and proof that the mail came from them.

Others use `who` with its `Accepted` and `Refused`, `proof` (the ways to prove), `machine` (mail that no person wrote)
and `identify` for set-up. Reads headers and bytes only: it never asks a server, and never reads what a mail says.
"""

import re
from dataclasses import dataclass

from channels import ByServer, Contact, Directory
from channels.email.format import addresses
from channels.email.format.headers import Headers, Unreadable, read_headers
from channels.email.identity.author import author_of, claimed
from channels.email.identity.machine import list_words, machine_words
from channels.email.identity.proof import Prove, Proven, Unproven
from channels.email.tokens import recipients_of


@dataclass(frozen=True)
class Accepted:
    """The mail is this person's word. `weakness` and `wish_weakness` are as in `Proven`."""

    contact: Contact
    known: ByServer
    weakness: str = ""
    wish_weakness: str = ""


@dataclass(frozen=True)
class Refused:
    """The mail is nobody's word. `claims` is the address it names, or the From field that could not be read.

    `stranger` is that address where it is certain that it sent the mail, and nobody's in the directory.
    """

    reasons: tuple[str, ...]
    claims: str
    stranger: str = ""


UNPROVEN = "nothing proves who sent it, so it may be forged: "
"""Stands before what a way of proof says, for people who have never heard of one."""

_ONCE = ("sender", "to", "cc", "subject", "date", "message-id", "reply-to", "mime-version")
"""Header fields that a mail has once at most (RFC 5322, 3.6); with two, two readers may see two mails."""

_PARTLY_SIGNED = re.compile(r"(?:^|;)\s*l\s*=")


def who(raw: bytes, directory: Directory, prove: Prove, recipient: str | None = None) -> Accepted | Refused:
    """The person whose word `raw` is. Pure, as far as `directory` and `prove` are.

    With `recipient`, the mail must also name exactly this address in its To or Cc.
    """
    try:
        headers = read_headers(raw)
    except Unreadable as error:
        return Refused((str(error),), "")
    author, claims = author_of(headers), claimed(headers)
    if author is None:
        return Refused(("its From is not exactly one plain address",), claims)
    contact = directory.by_email(author)
    if contact is None:
        is_certain = not _doubts(headers, recipient) and isinstance(prove(raw, author), Proven)
        return Refused((f"{author} is not in the directory of people",), claims, author if is_certain else "")
    if doubts := _doubts(headers, recipient):
        return Refused(doubts, claims)
    proof = prove(raw, author)
    if isinstance(proof, Unproven):
        return Refused((f"{UNPROVEN}{proof.reason}",), claims)
    return Accepted(contact, proof.known, proof.weakness, proof.wish_weakness)


def _doubts(headers: Headers, recipient: str | None) -> tuple[str, ...]:
    """Return what is wrong with a mail whose sender may still be right."""
    found = list[str]()
    if any(_PARTLY_SIGNED.search(value) for value in headers.all("dkim-signature")):
        found.append("its DKIM signature covers only a part of it")
    if any(name.startswith("resent-") for name, _ in headers.fields):
        found.append("it was sent on by somebody else")
    if several := next((name for name in _ONCE if len(headers.all(name)) > 1), None):
        found.append(f"it has more than one {several.title()}")
    if any(addresses.author(value) != author_of(headers) for value in headers.all("sender")):
        found.append("somebody else sent it in this person's name: Sender")
    if words := machine_words(headers) or list_words(headers):
        found.append(words)
    if recipient is not None and recipient.lower() not in recipients_of(headers):
        found.append(f"it is not addressed to {recipient}")
    return tuple(found)
