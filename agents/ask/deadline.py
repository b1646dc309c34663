"""What "until Thursday 12:00", "by 5pm" and "in 2 hours" mean, where they mean one thing. Pure."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# A question stays open for as long as any other request may.
MOST_S = 30 * 86_400.0
_LEAST_S = 60.0
_MOST_DAYS = 31
_UNITS_S = {"minute": 60, "min": 60, "hour": 3600, "day": 86_400, "week": 7 * 86_400}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY_WORDS = {word[:length]: number for number, word in enumerate(_DAYS) for length in (3, len(word))}
_BEFORE = r"(?:(?:until|till|by|before)\s+)?"
_IN = re.compile(r"(?:in|within)\s+(?P<count>\d{1,3})\s*(?P<unit>minute|min|hour|day|week)s?", re.IGNORECASE)
_AT = re.compile(
    rf"{_BEFORE}(?P<day>today|tomorrow|\d{{4}}-\d{{2}}-\d{{2}}|[a-z]{{3,9}})?"
    r"(?:(?:^|(?<=\s)|\s+|\s*,\s*)(?:at\s+)?(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?\s*(?P<half>am|pm)?)?",
    re.IGNORECASE,
)


def deadline_of(words: str, now: datetime, zone: str) -> datetime | None:
    """The moment, in UTC, that `words` name to somebody in `zone` at `now`; a day alone lasts until it is over.

    None where they name none, or more than one, or one that is past or more than 30 days away.
    """
    plain = " ".join(words.split()).rstrip(".!")
    found = _later(plain, now) or _named(plain, now.astimezone(ZoneInfo(zone)))
    if found is None:
        return None
    ahead_s = (found - now).total_seconds()
    return found.astimezone(UTC) if _LEAST_S <= ahead_s <= MOST_S else None


def _later(words: str, now: datetime) -> datetime | None:
    found = _IN.fullmatch(words)
    return now + timedelta(seconds=int(found["count"]) * _UNITS_S[found["unit"].lower()]) if found else None


def _named(words: str, now: datetime) -> datetime | None:
    found = _AT.fullmatch(words)
    if found is None or (found["day"] is None and found["hour"] is None):
        return None
    day = _day(found["day"].lower(), now.date()) if found["day"] else now.date()
    if day is None:
        return None
    if found["hour"] is None:
        return _local(day + timedelta(days=1), time(0), now)
    clock = _clock(int(found["hour"]), found["minute"], (found["half"] or "").lower())
    return _local(day, clock, now) if clock else None


def _day(word: str, today: date) -> date | None:
    """The day that `word` names; a weekday is the next one, and today's own name may mean today or in a week."""
    if word == "today":
        return today
    if word == "tomorrow":
        return today + timedelta(days=1)
    if word in _DAY_WORDS:
        ahead = (_DAY_WORDS[word] - today.weekday()) % 7
        return today + timedelta(days=ahead) if ahead else None
    try:
        day = date.fromisoformat(word)
    except ValueError:
        return None
    return day if abs((day - today).days) <= _MOST_DAYS else None


def _clock(hour: int, minute: str | None, half: str) -> time | None:
    """`17:00`, `5pm`; a bare `5` may be either half of the day."""
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif minute is None:
        return None
    return time(hour, int(minute or 0)) if hour < 24 and int(minute or 0) < 60 else None


def _local(day: date, clock: time, now: datetime) -> datetime | None:
    """That time on the clocks of `now`'s zone; None where they skip it or show it twice."""
    first = datetime.combine(day, clock, tzinfo=now.tzinfo)
    second = first.replace(fold=1)
    is_one = first.astimezone(UTC) == second.astimezone(UTC)
    return first.astimezone(UTC) if is_one else None
