"""Who really wrote a mail: one plain From, a person in the directory, and proof that the mail came from them."""

from collections.abc import Callable
from dataclasses import dataclass

from channels import Contact, Directory
from channels.email import addresses, trace
from channels.email.parse import Headers, Unreadable, read_headers


@dataclass(frozen=True)
class Proven:
    """The mail comes from the address in its From. `evidence` is what is recorded with whatever follows from it."""

    evidence: str


@dataclass(frozen=True)
class Unproven:
    """Nothing shows that the mail comes from the address in its From; `reason` says what is missing."""

    reason: str


Prove = Callable[[bytes, str], Proven | Unproven]
"""One way to prove a sender: from the whole mail and the address in its From, in lower case."""


@dataclass(frozen=True)
class Accepted:
    """The mail is this person's word."""

    contact: Contact
    evidence: str


@dataclass(frozen=True)
class Refused:
    """The mail is nobody's word. `claims` is the address it names, or the From field that could not be read."""

    reasons: tuple[str, ...]
    claims: str


CLAIM_CHARS = 200
"""How much of a From field that lies is repeated to people."""


def who(raw: bytes, directory: Directory, prove: Prove) -> Accepted | Refused:
    """The person whose word `raw` is. Pure, as far as `directory` and `prove` are."""
    try:
        headers = read_headers(raw)
    except Unreadable as error:
        return Refused((str(error),), "")
    author, claims = author_of(headers), claimed(headers)
    if author is None:
        return Refused(("its From is not exactly one plain address",), claims)
    contact = directory.by_email(author)
    if contact is None:
        return Refused((f"{author} is not in the directory of people",), claims)
    proof = prove(raw, author)
    if isinstance(proof, Unproven):
        return Refused((proof.reason,), claims)
    return Accepted(contact, proof.evidence)


def author_of(headers: Headers) -> str | None:
    """The address in the one From field, in lower case; None when there is not exactly one of either."""
    values = headers.all("from")
    return addresses.author(values[0]) if len(values) == 1 else None


def claimed(headers: Headers) -> str:
    """Whose word the mail claims to be, for people to read."""
    return (author_of(headers) or ", ".join(value.strip() for value in headers.all("from")))[:CLAIM_CHARS]


def local(raw: bytes, author: str) -> Proven | Unproven:
    """Proof through the embedded server: the person was logged in to it while sending.

    Trusts only the block that this server writes as the first bytes of every mail (see `trace`).
    """
    block, _ = trace.read(raw)
    if block is None:
        return Unproven("it did not come through sayso's own mail server")
    if block.login is None:
        return Unproven(f"it was sent without logging in as {author}")
    if block.login.lower() != author.lower():
        return Unproven(f"it was sent by {block.login}, who was logged in, and not by {author}")
    return Proven(f"{trace.AUTHSERV_ID}: auth=pass smtp.auth={block.login}")
