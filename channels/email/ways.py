"""The words by which settings choose how a mail proves who wrote it, and how a reply token travels.

They stand apart from what they choose: reading settings needs nothing that reads mails.
"""

from typing import Literal

Identity = Literal["dmarc", "m365", "submission"]
"""The ways to prove a sender; each has its proof in `identity.proof.PROOFS`."""

Way = Literal["plus", "reference"]
"""The ways of a reply token; `tokens` says what each looks like."""
