"""Read the author that a mail claims: its one From field, strictly."""

from channels.email.format import addresses
from channels.email.format.headers import Headers

CLAIM_CHARS = 200
"""Characters of a From field that lies which are repeated to people."""


def author_of(headers: Headers) -> str | None:
    """The address in the one From field, in lower case; None when there is not exactly one of either."""
    values = headers.all("from")
    return addresses.author(values[0]) if len(values) == 1 else None


def claimed(headers: Headers) -> str:
    """Return the author that the mail claims, for people to read."""
    return (author_of(headers) or ", ".join(value.strip() for value in headers.all("from")))[:CLAIM_CHARS]
