"""Times as their reader has them: in their own zone (None is this machine's), and how long until or since. Pure."""

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.errors import Invalid
from language import dates, say

_HOURS_UNTIL_D = 7
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def clock(zone: ZoneInfo | None, at: datetime) -> str:
    """`19:26:05`, for rows of the same day."""
    return f"{at.astimezone(zone):%H:%M:%S}"


def moment(zone: ZoneInfo | None, at: datetime) -> str:
    """`Sat 21 Nov, 19:26 CET`."""
    there = at.astimezone(zone)
    return f"{dates.date(there, 'words.moment')} {there:%Z}"


def second(zone: ZoneInfo | None, at: datetime) -> str:
    """`Sat 21 Nov, 19:26:05 CET`, for rows of several in a minute."""
    there = at.astimezone(zone)
    return f"{dates.date(there, 'words.second')} {there:%Z}"


def left(now: datetime, at: datetime) -> str:
    """`in 3 h 40 min`; `over` once it is."""
    return say("words.left", length=length(at - now)) if at > now else say("words.over")


def ago(now: datetime, at: datetime) -> str:
    """`12 min ago`."""
    return say("words.ago", length=length(now - at)) if now - at >= _MINUTE else say("words.now")


def local(zone: ZoneInfo | None, text: str) -> str:
    """`text`, which is ours, with each moment in it as its reader's own clock shows it."""
    return dates.local(text, lambda at: moment(zone, at))


def local_whole(zone: ZoneInfo | None, text: str) -> str:
    """The text of a fact; where it is a moment and nothing else, as its reader's own clock shows it."""
    return dates.local_whole(text, lambda at: moment(zone, at))


def length(span: timedelta) -> str:
    """The two largest units: nobody plans by the minutes of the day after tomorrow."""
    days, hours, minutes = span // _DAY, span % _DAY // _HOUR, span % _HOUR // _MINUTE
    units = {
        "words.days": days,
        "words.hours": hours if days < _HOURS_UNTIL_D else 0,
        "words.minutes": 0 if days else minutes,
    }
    return " ".join(say(unit, count=count) for unit, count in units.items() if count) or say("words.no-minute")


_NOW = {"", "now", "jetzt"}
_ON_A_DAY = re.compile(r"(?:(?P<day>[^\W\d_]+)\.?,?\s+)?(?P<hour>\d{1,2}):(?P<minute>\d\d)")
# Zones hold no more, and nobody plans beyond.
_YEARS = range(2000, 2100)
_SHOWN_CHARS = 40


def read_moment(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the moment that somebody in `zone` means: `now`, `23:10`, `Sunday 23:10`, `2026-11-22T23:10`.

    A time of day is the next one. Where clocks are put back it is the first of two, where they skip it the moment after
    the jump; a day alone is its first minute. Raises Invalid.
    """
    said = text.strip().casefold()
    if said in _NOW:
        return now
    try:
        if found := _ON_A_DAY.fullmatch(said):
            return _next(found, zone, now)
        at = _dated(text)
    except ValueError:
        raise Invalid(say("words.no-time", text=text[:_SHOWN_CHARS]), say("words.no-time-do")) from None
    return _on_clocks(at, zone) if at.tzinfo is None else at.astimezone(UTC)


def _dated(text: str) -> datetime:
    at = datetime.fromisoformat(text.strip())
    if at.year not in _YEARS:
        raise ValueError(at.year)
    return at


def _next(found: re.Match[str], zone: ZoneInfo, now: datetime) -> datetime:
    today, at = now.astimezone(zone).date(), time(int(found["hour"]), int(found["minute"]))
    weekday = dates.weekdays().get(found["day"]) if found["day"] else None
    if found["day"] and weekday is None:
        raise ValueError(found["day"])
    days = (today + timedelta(days=ahead) for ahead in range(9))
    moments = (_on_clocks(datetime.combine(day, at), zone) for day in days if weekday in {None, day.weekday()})
    return next(moment for moment in moments if moment > now)


def _on_clocks(wall: datetime, zone: ZoneInfo) -> datetime:
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
