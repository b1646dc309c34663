"""The block that the embedded mail server puts above every mail, written and read in one place.

    Return-Path: <anna@corp.example>
    Delivered-To: agent+k7@sayso.example
    Authentication-Results: sayso-dev.invalid; auth=pass smtp.auth=anna@corp.example

It is only ever trusted as the very first bytes of a mail: whatever the sender wrote stands below it. It holds
nothing that differs between two deliveries of one mail.
"""

import re
from dataclasses import dataclass

AUTHSERV_ID = "sayso-dev.invalid"
"""Names the embedded server (RFC 8601, 2.5); `.invalid` can belong to nobody (RFC 2606)."""

_BLOCK = re.compile(
    rb"\AReturn-Path: <([!-;=?-~]*)>\r\n"
    rb"Delivered-To: ([!-~]+)\r\n"
    rb"Authentication-Results: " + re.escape(AUTHSERV_ID).encode() + rb"; auth=(?:none|pass smtp\.auth=([!-~]+))\r\n"
)


@dataclass(frozen=True)
class Trace:
    """The server's own record: envelope sender (empty for a bounce), this copy's recipient, and who had logged in."""

    sender: str
    recipient: str
    login: str | None


def write(trace: Trace) -> bytes:
    """The block for `trace`. Its addresses must be plain (`addresses.is_address`), or nobody will read it again."""
    auth = f"pass smtp.auth={trace.login}" if trace.login else "none"
    lines = (
        f"Return-Path: <{trace.sender}>",
        f"Delivered-To: {trace.recipient}",
        f"Authentication-Results: {AUTHSERV_ID}; auth={auth}",
    )
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def read(raw: bytes) -> tuple[Trace | None, bytes]:
    """The block at the top of `raw` and the mail below it; None and all of `raw` when there is no such block."""
    match = _BLOCK.match(raw)
    if match is None:
        return None, raw
    sender, recipient, login = (group.decode("ascii") if group is not None else None for group in match.groups())
    return Trace(sender or "", recipient or "", login), raw[match.end() :]
