"""Times as their reader has them: in their own zone (None is this machine's), and how long until or since. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

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


def left(now: datetime, at: datetime) -> str:
    """`in 3 h 40 min`; `over` once it is."""
    return say("words.left", length=length(at - now)) if at > now else say("words.over")


def ago(now: datetime, at: datetime) -> str:
    """`12 min ago`."""
    return say("words.ago", length=length(now - at)) if now - at >= _MINUTE else say("words.now")


def local(zone: ZoneInfo | None, text: str) -> str:
    """`text`, which is ours, with each moment in it as its reader's own clock shows it."""
    return dates.local(text, lambda at: moment(zone, at))


def length(span: timedelta) -> str:
    """The two largest units: nobody plans by the minutes of the day after tomorrow."""
    days, hours, minutes = span // _DAY, span % _DAY // _HOUR, span % _HOUR // _MINUTE
    units = {
        "words.days": days,
        "words.hours": hours if days < _HOURS_UNTIL_D else 0,
        "words.minutes": 0 if days else minutes,
    }
    return " ".join(say(unit, count=count) for unit, count in units.items() if count) or say("words.no-minute")
