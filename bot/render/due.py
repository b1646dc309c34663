"""Words for when a request reminds, escalates and expires, and how urgent it is. Pure."""

from datetime import datetime, timedelta

from agents.requests import PersonId, PolicySnapshot, Request
from bot.people.directory import People
from bot.policy.due import Due
from bot.policy.record import RequestRecord
from channels import Line
from language import say
from language.dates import in_words


def timing_lines(request: Request, people: People) -> list[Line]:
    """Return the lines of a card on its urgency, and on when it escalates or has escalated."""
    policy = request.policy
    lines = [Line(label=say("timing.urgency"), text=_urgency(policy))] if policy.urgency != "medium" else []
    if policy.escalated_at:
        text = say("timing.escalated-at", when=in_words(policy.escalated_at))
        return [*lines, Line(label=say("timing.escalated"), text=text)]
    if policy.escalate_after_s is None:
        return lines
    at = (policy.began_at or request.opened_at) + timedelta(seconds=policy.escalate_after_s)
    to = _escalates_to(request, people, at)
    if not to:
        return lines
    text = say("timing.escalates", when=in_words(at), names=people.names_of(to))
    return [*lines, Line(label=say("timing.if-undecided"), text=text)]


def _urgency(policy: PolicySnapshot) -> str:
    return say("timing.urgency-high") if policy.urgency == "high" else say("timing.urgency-low")


def _escalates_to(request: Request, people: People, at: datetime) -> tuple[PersonId, ...]:
    """Return who would decide as well if it escalated then: no requester, and nobody who filled another step."""
    out = () if request.policy.requester_may_approve else request.requesters
    taken = {one for step in request.policy.other_steps for one in step.by}
    return tuple(one for one in people.on_duty(request.policy.escalate_to, at) if one not in {*out, *taken})


def reminded_lines(record: RequestRecord, people: People) -> list[Line]:
    """Return the line of a card that says who was reminded, and when last; nothing once it is decided."""
    if record.state != "open" or record.reminded_at is None:
        return []
    names, when = people.names_of(record.reminders), in_words(record.reminded_at)
    return [Line(label=say("timing.reminded-label"), text=say("timing.reminded-at", names=names, when=when))]


def next_in_words(due: Due, people: People) -> str:
    """Return what is due next, as a part of a sentence."""
    when = in_words(due.moment)
    match due.kind:
        case "reminder":
            return say("timing.next-reminder", names=people.names_of(due.people), when=when)
        case "escalation":
            return say("timing.next-escalation", when=when)
        case "expiry":
            return say("timing.next-expiry", when=when)
