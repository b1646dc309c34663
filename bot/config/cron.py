"""The due times of a cron line, by cronsim."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_FIELDS = 5
_ALLOWED = 'five fields in quotes, such as "0 7 * * 1-5": minute, hour, day, month, weekday'
_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)


def check_cron(line: str) -> str:
    """`line` itself. Raises ValueError, which says what is allowed, for one that never comes."""
    if len(line.split()) != _FIELDS:
        raise ValueError(_ALLOWED)
    try:
        next(CronSim(line, _SOME_DAY))
    except (CronSimError, ValueError) as error:
        said = str(error)
        raise ValueError(f"{_ALLOWED}. Here: {said[:1].lower()}{said[1:60]}, or no such date") from None
    except StopIteration:
        raise ValueError(f"{_ALLOWED}, of a date that comes; this one does not within 50 years") from None
    return line


def next_tick(line: str, zone: str, after: datetime) -> datetime:
    """The first moment after `after`, in UTC, that `line` names in `zone`.

    Where clocks jump, Debian's rule holds: a skipped time is due right after the jump, a doubled one once.
    """
    ticks = CronSim(line, after.astimezone(ZoneInfo(zone)))
    while True:
        tick = next(ticks).astimezone(UTC)
        if tick > after:
            return tick


def ticks_until(line: str, zone: str, first: datetime, now: datetime, at_most: int) -> int:
    """Count the ticks from `first`, which is one, to `now`; stop at `at_most`."""
    count, tick = 0, first
    while tick <= now and count < at_most:
        count, tick = count + 1, next_tick(line, zone, tick)
    return count


def recent_tick(line: str, zone: str, now: datetime, within_s: float) -> datetime | None:
    """The first moment of the last `within_s`, up to `now`; None when there was none."""
    tick = next_tick(line, zone, now - timedelta(seconds=within_s))
    return tick if tick <= now else None
