"""When something is due for an open request, and what: a reminder, the escalation, its expiry. Pure."""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from agents.requests import PersonId
from agents.requests.record import RequestRecord
from bot.policy.approvers.who import who_of
from bot.policy.judge import needed_later


class Due(NamedTuple):
    """The next that is due for a request. Of a reminder: its `number`, from 1, and the `people` who get it then."""

    moment: datetime
    kind: Literal["reminder", "escalation", "expiry"]
    number: int = 0
    people: tuple[PersonId, ...] = ()


def next_due(record: RequestRecord, zones: Mapping[PersonId, str], now: datetime | None = None) -> Due | None:
    """Return what is due next for `record`; None when it is decided.

    `zones` are the time zones of everybody in the directory. What should have been done before `now` is due now, but
    for a reminder to somebody whose quiet hours it is. Escalation and expiry know no quiet hours.
    """
    if record.state != "open":
        return None
    request, now = record.request, now or record.request.opened_at
    expiry = Due(max(now, request.expires_at), "expiry")
    found = [expiry, *_escalation(record, now), *_reminders(record, zones, now)]
    # Nothing comes at the expiry or after it; whoever is due to be asked as well is asked before anybody is reminded.
    order = {"expiry": 0, "escalation": 1, "reminder": 2}
    return min(found, key=lambda due: (due.moment, order[due.kind], due.number))


def _since(record: RequestRecord) -> datetime:
    return record.asked.began_at or record.request.opened_at


def _escalation(record: RequestRecord, now: datetime) -> Iterator[Due]:
    asked = record.asked
    if asked.escalate_after_s is not None and asked.escalated_at is None:
        yield Due(max(now, _since(record) + timedelta(seconds=asked.escalate_after_s)), "escalation")


def _reminders(record: RequestRecord, zones: Mapping[PersonId, str], now: datetime) -> Iterator[Due]:
    """Yield the next reminders; those for several people at the same moment are one."""
    together: dict[tuple[datetime, int], list[PersonId]] = {}
    for person in waited_for(record, zones):
        if person in zones and (due := _reminder(record, person, zones[person], now)):
            together.setdefault(due, []).append(person)
    for (moment, number), people in together.items():
        yield Due(moment, "reminder", number, tuple(people))


def waited_for(record: RequestRecord, here: Collection[PersonId] | None = None) -> tuple[PersonId, ...]:
    """Return the people whose decision is waited for: they may decide, have not voted, and an approval would count.

    `here` is everyone in the directory; None: all whom the record names.
    """
    out = {vote.person for vote in record.votes} | needed_later(record, here)
    return tuple(one for one in who_of(record).approve if one not in out)


def _reminder(record: RequestRecord, person: PersonId, zone: str, now: datetime) -> tuple[datetime, int] | None:
    """Return when `person` gets the next reminder, and its number; several that came due meanwhile are one."""
    policy, had = record.request.policy, record.reminders.get(person, 0)
    asked_at = record.asked_at.get(person, record.request.opened_at)
    moments = {
        number: moment
        for number, after_s in enumerate(policy.remind_after_s, 1)
        if number > had and (moment := _since(record) + timedelta(seconds=after_s)) > asked_at
    }
    if not moments:
        return None
    moment = max(now, min(moments.values()))
    if policy.quiet_hours and policy.urgency != "high":
        moment = after_quiet_hours(moment, ZoneInfo(zone), policy.quiet_hours)
    return moment, max(number for number, planned in moments.items() if planned <= moment)


def parse_quiet_hours(text: str) -> tuple[time, time]:
    """The two times in `22:00-07:00`. Raises ValueError."""
    begin, _, end = text.partition("-")
    return time.fromisoformat(begin), time.fromisoformat(end)


def is_quiet(moment: datetime, zone: ZoneInfo, hours: str) -> bool:
    """Return whether the clocks in `zone` show a time within `hours`, which may go past midnight; the end is not."""
    begin, end = parse_quiet_hours(hours)
    shown = moment.astimezone(zone).time().replace(tzinfo=None, fold=0)
    return begin <= shown < end if begin < end else shown >= begin or shown < end


def after_quiet_hours(moment: datetime, zone: ZoneInfo, hours: str) -> datetime:
    """Return `moment`, or the end of the quiet hours that it is in.

    When clocks are put back the end may come twice, and when they are put forward be skipped: the first moment from
    which it is no longer quiet counts.
    """
    if not is_quiet(moment, zone, hours):
        return moment
    _, end = parse_quiet_hours(hours)
    today = moment.astimezone(zone).date()
    ends = (
        datetime.combine(today + timedelta(days=days), end, tzinfo=zone).replace(fold=fold).astimezone(UTC)
        for days in range(3)
        for fold in (0, 1)
    )
    return min(one for one in ends if one > moment and not is_quiet(one, zone, hours))
