"""The moment that a Date header names (RFC 5322, 3.3), with the older forms that are still to be read (4.3).

Python's own reader takes `-0000` for no zone, and forms that no standard knows for a moment. Pure and bounded.
"""

import re
from datetime import datetime, timedelta, timezone

from channels.email.format.headers import without_comments

VALUE_CHARS = 200
"""Longest value that is read: one of a mail program has 31 characters, and a zone's name in a comment."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_HOURS_OF = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}
_UTC = frozenset(("ut", "gmt", "utc", "z"))
_DATE = re.compile(
    r"(?:(?:mon|tue|wed|thu|fri|sat|sun) ?, ?)?(\d{1,2}) (" + "|".join(_MONTHS) + r") (\d{2,4})"
    r" (\d{1,2}) ?: ?(\d{2})(?: ?: ?(\d{2}))? ([+-]\d{4}|[a-z]{1,3})",
    re.ASCII,
)


def written_at(value: str) -> datetime | None:
    """Return the moment that `value` names; None where it names none, or could mean another one.

    `-0000` is universal time, whose writer's own zone is not said (RFC 5322, 3.3). A zone by another name than those of
    4.3, `UTC` and `Z` could be any: letters of one zone each "are unpredictable in their meaning", and names like `CET`
    no standard lists.
    """
    value = " ".join(value.split())  # blanks count for nothing, however many there are
    plain = without_comments(value) if len(value) <= VALUE_CHARS else None
    found = _DATE.fullmatch(" ".join(plain.split()).lower()) if plain else None
    if found is None:
        return None
    day, month, year, hour, minute, second, zone = found.groups()
    offset = _offset(zone)
    if offset is None:
        return None
    # No clock here knows a leap second.
    clock = int(hour), int(minute), 59 if second == "60" else int(second or 0)
    try:
        return datetime(_year(year), _MONTHS.index(month) + 1, int(day), *clock, tzinfo=timezone(offset))
    except (ValueError, OverflowError):
        return None


def _year(text: str) -> int:
    """Return the year; two or three digits as RFC 5322, 4.3 reads them."""
    year = int(text)
    if len(text) == 2:
        return year + (2000 if year < 50 else 1900)
    return year + 1900 if len(text) == 3 else year


def _offset(zone: str) -> timedelta | None:
    if zone[0] in "+-":
        hours, minutes = int(zone[1:3]), int(zone[3:])
        size = timedelta(hours=hours, minutes=minutes)
        return (size if zone[0] == "+" else -size) if hours < 24 and minutes < 60 else None
    if zone in _UTC:
        return timedelta()
    return timedelta(hours=_HOURS_OF[zone]) if zone in _HOURS_OF else None
