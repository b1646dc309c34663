"""Read a deadline in the one form in which it is written, such as `until Thursday 12:00`. Pure.

until DAY [HH:MM]    DAY is today, tomorrow, a weekday, or a date as 2026-12-24; without a time, until it is over
until HH:MM          today
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# A question stays open for as long as any other request may.
MOST_S = 30 * 86_400.0
_LEAST_S = 60.0
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNTIL = re.compile(
    rf"(?:until\s+)?(?:(?P<day>today|tomorrow|{'|'.join(_DAYS)}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}))?"
    r"(?:(?:^|(?<=\s)|,?\s+)(?P<hour>[01]?[0-9]|2[0-3]):(?P<minute>[0-5][0-9]))?",
    re.IGNORECASE,
)


def deadline_of(words: str, now: datetime, zone: str) -> datetime | None:
    """The moment, in UTC, that `words` name to somebody in `zone` at `now`; a day alone lasts until it is over.

    None where they name none, or more than one, or one that is past or more than 30 days away.
    """
    found = _named(" ".join(words.split()).rstrip(".!"), now.astimezone(ZoneInfo(zone)))
    if found is None:
        return None
    ahead_s = (found - now).total_seconds()
    return found if _LEAST_S <= ahead_s <= MOST_S else None


def _named(words: str, now: datetime) -> datetime | None:
    found = _UNTIL.fullmatch(words)
    if found is None or (found["day"] is None and found["hour"] is None):
        return None
    day = _day(found["day"].lower(), now.date()) if found["day"] else now.date()
    if day is None:
        return None
    if found["hour"] is None:
        return _local(day + timedelta(days=1), time(0), now) if day < date.max else None
    return _local(day, time(int(found["hour"]), int(found["minute"])), now)


def _day(word: str, today: date) -> date | None:
    """The day that `word` names; a weekday is the next one, and today's own name may mean today or in a week."""
    if word == "today":
        return today
    if word == "tomorrow":
        return today + timedelta(days=1)
    if word in _DAYS:
        ahead = (_DAYS.index(word) - today.weekday()) % 7
        return today + timedelta(days=ahead) if ahead else None
    try:
        day = date.fromisoformat(word)
    except ValueError:
        return None
    return day if abs((day - today).days) <= MOST_S / 86_400 + 1 else None


def _local(day: date, clock: time, now: datetime) -> datetime | None:
    """That time on the clocks of `now`'s zone; None where they skip it or show it twice."""
    first = datetime.combine(day, clock, tzinfo=now.tzinfo)
    second = first.replace(fold=1)
    is_one = first.astimezone(UTC) == second.astimezone(UTC)
    return first.astimezone(UTC) if is_one else None
