"""Times as their reader has them: in their own zone (None is this machine's), and how long until or since. Pure."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.render.words import TIME

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# As `TIME` writes it, in sentences that all channels have in common.
_IN_WORDS = re.compile(r"\d\d:\d\d UTC on \d\d [A-Z][a-z]+ \d{4}")


def clock(zone: ZoneInfo | None, at: datetime) -> str:
    """`19:26:05`, for rows of the same day."""
    return f"{at.astimezone(zone):%H:%M:%S}"


def moment(zone: ZoneInfo | None, at: datetime) -> str:
    """`Sat 21 Nov, 19:26 CET`."""
    there = at.astimezone(zone)
    return f"{there:%a} {there.day} {there:%b}, {there:%H:%M} {there:%Z}"


def left(now: datetime, at: datetime) -> str:
    """`in 3 h 40 min`; `over` once it is."""
    return f"in {length(at - now)}" if at > now else "over"


def ago(now: datetime, at: datetime) -> str:
    """`12 min ago`."""
    return f"{length(now - at)} ago" if now - at >= _MINUTE else "just now"


def local(zone: ZoneInfo | None, text: str) -> str:
    """`text`, which is ours, with each moment in it as its reader's own clock shows it."""
    return _IN_WORDS.sub(lambda found: moment(zone, datetime.strptime(found[0], TIME).replace(tzinfo=UTC)), text)


def length(span: timedelta) -> str:
    """The two largest units: nobody plans by the minutes of the day after tomorrow."""
    days, hours, minutes = span // _DAY, span % _DAY // _HOUR, span % _HOUR // _MINUTE
    if days:
        return f"{days} d {hours} h" if hours and days < 7 else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else "less than a minute"
