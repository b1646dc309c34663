"""The last look before a gated tool executes. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from agents.requests import PersonId
from bot.quorum import is_met
from bot.records import RequestRecord


def good_until(record: RequestRecord) -> datetime | None:
    """The moment from which the approval is too old to act on; None when there is no approval."""
    if record.state != "approved" or record.decision is None:
        return None
    return record.decision.at + timedelta(seconds=record.request.policy.execute_within_s)


def why_not(record: RequestRecord, digest: str, present: Iterable[PersonId], now: datetime) -> str | None:
    """Why the approval does not cover what is about to be executed; None when it does.

    `digest` is that of the effect as it would be executed now, `present` everyone in the directory.
    """
    until = good_until(record)
    if until is None or record.decision is None:
        return "it is not approved"
    if record.request.digest != digest:
        return "what would be executed is no longer what was approved"
    if now >= until:
        return f"the approval is older than {record.request.policy.execute_within_s:.0f} s"
    voters, here = record.decision.by, set(present)
    if not is_met(record.request.policy, (person for person in voters if person in here)):
        return "somebody whose approval counted has left the directory"
    return None
