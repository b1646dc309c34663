"""Dates as each language writes them, by babel (https://cldr.unicode.org)."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from functools import cache

from language import LANGUAGES, Language, in_all, say, spoken

# What `words.in-words` writes in any language; a catalog's test holds them together.
_IN_WORDS = re.compile(
    r"(?P<at>\b(?:at|um) )?(?<![:\w])(\d\d):(\d\d) UTC (?:on|am) (\d\d)\.? ([^\W\d_]{3,9}) (\d{4})\b"
)


def date(at: datetime, pattern: str) -> str:
    """`at`, in its own zone, by the sentence `pattern`: letters of Unicode TR 35, `EEE d MMM, HH:mm`.

    Raises KeyError where no catalog has the pattern.
    """
    return _formatted(at, say(pattern), spoken())


def in_words(at: datetime) -> str:
    """`14:02 UTC on 03 March 2026`, which `local` finds again in a sentence."""
    return date(at.astimezone(UTC), "words.in-words")


def moments(text: str) -> Iterator[tuple[re.Match[str], datetime]]:
    """Each moment in `text` that `in_words` wrote, with the preposition before it as the group `at`."""
    for found in _IN_WORDS.finditer(text):
        hour, minute, day, month, year = found.groups()[1:]
        with suppress(KeyError, ValueError):
            at = datetime(int(year), months()[month], int(day), int(hour), int(minute), tzinfo=UTC)
            # At the ends of the calendar another zone has no such moment.
            if MINYEAR < at.year < MAXYEAR:
                yield found, at


def local(text: str, shown: Callable[[datetime], str]) -> str:
    """`text`, which is ours, with each moment in it that `in_words` wrote as `shown` shows it."""
    pieces, end = list[str](), 0
    for found, at in moments(text):
        pieces += [text[end : found.start()], say("words.on") if found["at"] else "", shown(at)]
        end = found.end()
    return "".join([*pieces, text[end:]])


def local_whole(text: str, shown: Callable[[datetime], str]) -> str:
    """`text` as `local` shows it where all of it is a moment; else as it is, for it may hold words of others."""
    return next((shown(at) for found, at in moments(text) if found[0] == text), text)


def unbroken(text: str) -> str:
    """`text` for a screen: no line of it ends within a length of time such as `3 h 35 min`, or before a zone."""
    return _in_one_piece().sub(lambda found: found[0].replace(" ", "\u00a0"), text)


@cache
def _in_one_piece() -> re.Pattern[str]:
    every = (unit.partition("}")[2].strip() for key in ("days", "hours", "minutes") for unit in in_all(f"words.{key}"))
    units = "|".join(map(re.escape, every))
    return re.compile(rf"(?<!\w)\d+ (?:{units})(?: \d+ (?:{units}))?(?!\w)|\d\d:\d\d [A-Z]{{3,5}}\b")


@cache
def months() -> dict[str, int]:
    """The number of each month by its name in any language."""
    days = [datetime(2000, number, 1, tzinfo=UTC) for number in range(1, 13)]
    return {_formatted(day, "MMMM", each): day.month for each in LANGUAGES for day in days}


@cache
def weekdays() -> dict[str, int]:
    """The number of each day of the week, from 0 for Monday, by its name and short name in any language."""
    days = [datetime(2001, 1, number, tzinfo=UTC) for number in range(1, 8)]
    names = ((_formatted(day, pattern, each), day) for each in LANGUAGES for pattern in ("EEEE", "EEE") for day in days)
    return {name.rstrip(".").casefold(): day.weekday() for name, day in names}


def _formatted(at: datetime, pattern: str, language: Language) -> str:
    # babel takes longer to load than most commands take that show no moment.
    from babel.dates import format_datetime

    return format_datetime(at, pattern, tzinfo=at.tzinfo, locale=language)
