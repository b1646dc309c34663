"""Ask people through sayso, and act once on what they say: `Humans`, or `AsyncHumans` under asyncio.

`results` has what may come of it, `answers` turns Python types into questions and back, `calls` speaks the HTTP API.
"""

from sayso_client.calls import Refused, Unreachable
from sayso_client.humans import (
    Approved,
    AsyncApproved,
    AsyncHumans,
    AsyncStarted,
    Humans,
    Started,
)
from sayso_client.results import (
    Answered,
    CameOf,
    Denied,
    Expired,
    File,
    Pending,
    Revoked,
    Superseded,
    Withdrawn,
)

__all__ = [
    "Answered",
    "Approved",
    "AsyncApproved",
    "AsyncHumans",
    "AsyncStarted",
    "CameOf",
    "Denied",
    "Expired",
    "File",
    "Humans",
    "Pending",
    "Refused",
    "Revoked",
    "Started",
    "Superseded",
    "Unreachable",
    "Withdrawn",
]
