"""What an approval still covers, as the last look before a gated tool executes. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from agents.requests import PersonId
from agents.requests.asked import Asked
from agents.requests.record import RequestRecord
from bot.policy.approvers.quorum import is_met
from bot.policy.approvers.who import who_of
from language import say


def good_until(record: RequestRecord) -> datetime | None:
    """The moment from which the approval is too old to act on; None when there is no approval."""
    if record.state != "approved" or record.decision is None:
        return None
    return record.decision.at + timedelta(seconds=record.request.policy.execute_within_s)


def too_old(record: RequestRecord, now: datetime) -> str | None:
    """Return in words that an approval is too old to act on, whatever else holds it back; None if it is not."""
    until = good_until(record)
    if until is None or now < until:
        return None
    return say("run.too-old", seconds=f"{record.request.policy.execute_within_s:.0f}")


def why_not(record: RequestRecord, digest: str, present: Iterable[PersonId], now: datetime) -> str | None:
    """Return why the approval does not cover what is about to be executed, in words; None if it does.

    `digest` is that of the effect as it would be executed now, `present` those whose votes still count. Whether those
    who granted a standing approval still may is no matter of the policy as it stood for this request.
    """
    if record.state != "approved" or record.decision is None:
        return say("run.not-approved")
    if record.stopped:
        return say("run.stopped-late")
    if record.request.digest != digest:
        return say("run.not-the-same")
    if why := too_old(record, now):
        return why
    here, broke = [*filter(set(present).__contains__, record.decision.by)], record.decision.broke_glass
    if broke and (not here or {*record.decision.by} - {*here}.intersection(who_of(record).seated_for_glass)):
        return say("run.breaker-left")
    if not (broke or record.decision.standing or _is_still_met(record.asked, here)):
        return say("run.voter-left")
    return None


def _is_still_met(asked: Asked, voters: list[PersonId]) -> bool:
    """Return whether these people are still enough, in each step those who approved there."""
    before = asked.other_steps
    return is_met(asked, voters) and all(is_met(step, filter(voters.__contains__, step.by)) for step in before)
