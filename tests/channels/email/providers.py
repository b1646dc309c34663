"""Headers as providers write them, of a mail from Bo to the bot. Names are made up, forms and order are not."""

from tests.kit.rows import rows

HEADS: dict[str, str] = rows("providers.toml", beside=__file__)
OWN = "agent@sayso.example"
FROM_BO = f"""\
From: Bo Berg <bo@corp.example>
To: {OWN}
Subject: sayso-1a2b3c4d
Date: Tue, 3 Mar 2026 12:00:00 +0000
Message-ID: <b1@corp.example>
"""

GMAIL = HEADS["gmail"]
MICROSOFT_OUTSIDE = HEADS["microsoft_outside"]
MICROSOFT_INSIDE = HEADS["microsoft_inside"]
FASTMAIL = HEADS["fastmail"]
OPENDMARC = HEADS["opendmarc"]
SUBMISSION = HEADS["submission"]
GATEWAY = HEADS["gateway"]
PLAIN = HEADS["plain"]
PROOFPOINT = HEADS["proofpoint"]
PROOFPOINT_SKIPPED = HEADS["proofpoint_skipped"]
MIMECAST_AS_INTERNAL = HEADS["mimecast_as_internal"]
HYBRID_IN_FRONT = HEADS["hybrid_in_front"]
HYBRID_COLLEAGUE = HEADS["hybrid_colleague"]
HYBRID_BEHIND = HEADS["hybrid_behind"]


def sent_by_bo(above: str = "", below: str = "", head: str = FROM_BO) -> bytes:
    """The mail with what servers wrote `above` it, and fields that its sender wrote `below` theirs."""
    return f"{above}{below}{head}\nhello\n".replace("\n", "\r\n").encode()
